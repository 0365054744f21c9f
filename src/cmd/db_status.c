#include "base/mem.h"
#include "cmd/db.h"

struct options {
    int format;
};

static int run(const struct bh_call *call, struct bh_error *err)
{
    const struct options *o = call->options;
    struct bh_db_info *infos = NULL;
    size_t count = 0;
    int r = bh_db_list(call->root, &infos, &count, err);

    if (r < 0)
        return r;
    if (o->format == BH_FORMAT_JSON)
        bh_db_print_json(call->out->stream, "bulkhead/db-status/1", NULL, infos, count);
    else if (count)
        bh_db_print_table(call->out, infos, count);
    else
        bh_term_printf(
            call->err, BH_PLAIN,
            "no advisories yet: scans cannot look for vulnerabilities; next: bulkhead db "
            "update, or bulkhead db import FILE\n");
    for (size_t i = 0; i < count; i++)
        bh_db_info_done(&infos[i]);
    free(infos);
    return 0;
}

static const struct bh_option options[] = {
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct options, format),
     .value = "FORMAT",
     .text = "how it is printed",
     .choices = bh_format_names,
     .fallback = "table"},
    BH_OPTION_END,
};

static const struct bh_example examples[] = {
    {"bulkhead db status", "show what is known, from whom and how old it is"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_db_status = {
    .name = "db status",
    .group = BH_GROUP_ADVISORIES,
    .summary = "Show the advisory databases, their sources, dates and sizes",
    .text = "PUBLISHED is the newest change its publisher made, IMPORTED when it was taken over "
            "here. A database that cannot be read is shown with the reason.",
    .options = options,
    .options_size = sizeof(struct options),
    .examples = examples,
    .run = run,
};
