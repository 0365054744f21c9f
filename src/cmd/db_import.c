#include "cmd/db.h"

struct options {
    int format;
    bool force, merge;
};

static int run(const struct bh_call *call, struct bh_error *err)
{
    const struct options *o = call->options;
    struct bh_db_progress progress = {.term = call->err};
    struct bh_import import = {.root = call->root,
                               .inputs = call->operands.items,
                               .input_count = call->operands.count,
                               .force = o->force,
                               .merge = o->merge,
                               .progress = bh_db_progress_step,
                               .context = &progress};
    struct bh_import_result result = {0};
    int r = bh_import_run(&import, &result, err);

    bh_db_progress_end(&progress, r == 0);
    if (r < 0)
        return bh_wrap(err, "import");
    bh_db_print_result(call->out, o->format == BH_FORMAT_JSON, &result);
    bh_db_warn(call->err, &result.feed);
    bh_import_result_done(&result);
    return 0;
}

static const struct bh_option options[] = {
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct options, format),
     .value = "FORMAT",
     .text = "how the result is printed",
     .choices = bh_format_names,
     .fallback = "table"},
    {.name = "merge",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct options, merge),
     .text = "keep the advisories that are there already and are not imported again",
     .no_config = true},
    {.name = "force",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct options, force),
     .text = "replace a database even when fewer than half of its advisories are left",
     .no_config = true},
    BH_OPTION_END,
};

static const struct bh_example examples[] = {
    {"bulkhead db import Debian.zip", "take over what osv.dev exports for Debian"},
    {"bulkhead db import --merge ./our-advisories/", "add records of one's own"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_db_import = {
    .name = "db import",
    .group = BH_GROUP_ADVISORIES,
    .summary = "Take advisories in OSV form into the databases",
    .operands = "FILE|DIRECTORY|URL...",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .completion = BH_COMPLETE_FILE,
    .text =
        "Reads OSV records from JSON files (one record, an array, or one a line), directories of "
        "them, zip and tar archives, and URLs of any of these, and writes one database per "
        "ecosystem and release. All inputs of one call together replace the databases they speak "
        "of; nothing is changed when one of them is damaged, or when a database would shrink to "
        "less than half.\n"
        "The files are parsed in a confined process. Withdrawn records are left out, and so are "
        "errata that mend no vulnerability.",
    .options = options,
    .options_size = sizeof(struct options),
    .examples = examples,
    .run = run,
};
