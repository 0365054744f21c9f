#include "base/json.h"
#include "cmd/command.h"
#include "fact/field.h"
#include "policy/declared.h"

#include <string.h>

struct options {
    int format;
    bool all;
};

/* "image", "vuln": the operand chooses a class. */
static bool is_wanted(const struct bh_call *call, const char *name)
{
    for (size_t i = 0; i < call->operands.count; i++) {
        size_t len = strlen(call->operands.items[i]);

        if (strncmp(name, call->operands.items[i], len) == 0 && (name[len] == '.' || !name[len]))
            return true;
    }
    return call->operands.count == 0;
}

static size_t show_table(const struct bh_call *call, bool all)
{
    static const struct bh_column columns[] = {{"FIELD", BH_COLUMN_LEFT},
                                               {"TYPE", BH_COLUMN_LEFT},
                                               {"MEANING", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *t = bh_table_new(columns, BH_COUNT_OF(columns));
    size_t count, shown = 0;
    const struct bh_field *fields = bh_fields(&count);
    const char *const *declared;

    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(call, fields[i].name))
            continue;
        bh_table_cell(t, BH_BOLD, fields[i].name);
        bh_table_cell(t, BH_PLAIN, bh_value_kind_name(fields[i].kind));
        bh_table_cell(t, BH_PLAIN, fields[i].text);
        shown++;
    }
    declared = bh_declared_fields(&count);
    for (size_t i = 0; all && i < count; i++) {
        if (!is_wanted(call, declared[i]))
            continue;
        bh_table_cell(t, BH_DIM, declared[i]);
        bh_table_cell(t, BH_DIM, "-");
        bh_table_cell(t, BH_DIM, "of Falco's events; nothing provides it yet");
        shown++;
    }
    bh_table_print(t, call->out);
    return shown;
}

static size_t show_json(const struct bh_call *call, bool all)
{
    struct bh_json_writer w = BH_JSON_TO_STREAM(call->out->stream, 2);
    size_t count, shown = 0;
    const struct bh_field *fields = bh_fields(&count);
    const char *const *declared;

    bh_json_object(&w, NULL);
    bh_json_string(&w, "schema", "bulkhead/policy-fields/1");
    bh_json_array(&w, "fields");
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(call, fields[i].name))
            continue;
        bh_json_object(&w, NULL);
        bh_json_string(&w, "name", fields[i].name);
        bh_json_string(&w, "record", bh_record_class_name(fields[i].record));
        bh_json_string(&w, "type", bh_value_kind_name(fields[i].kind));
        bh_json_string(&w, "text", fields[i].text);
        bh_json_end_object(&w);
        shown++;
    }
    bh_json_end_array(&w);
    bh_json_array(&w, "declared");
    declared = bh_declared_fields(&count);
    for (size_t i = 0; all && i < count; i++)
        if (is_wanted(call, declared[i]))
            bh_json_string(&w, NULL, declared[i]);
    bh_json_end_array(&w);
    bh_json_end_object(&w);
    (void)fputc('\n', call->out->stream);
    return shown;
}

static int run(const struct bh_call *call, struct bh_error *err)
{
    const struct options *o = call->options;
    size_t shown = o->format == BH_FORMAT_JSON ? show_json(call, o->all) : show_table(call, o->all);

    if (shown == 0 && o->format != BH_FORMAT_JSON)
        return bh_fail(err, BH_USAGE,
                       "no field of the class \"%.40s\"; classes are image, config, package, vuln, "
                       "finding; --all adds those of Falco's events",
                       call->operands.items[0]);
    return BH_EXIT_DONE;
}

static const struct bh_option options[] = {
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct options, format),
     .value = "FORMAT",
     .text = "Print a table, or JSON",
     .choices = bh_format_names,
     .fallback = "table"},
    {.name = "all",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct options, all),
     .text = "Also those of Falco's rules that nothing provides yet"},
    BH_OPTION_END,
};

static const char *const classes[] = {"image", "config", "package", "vuln", "finding", NULL};

static const struct bh_example examples[] = {
    {"bulkhead policy fields vuln", "what a rule can ask about a vulnerability"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_policy_fields = {
    .name = "policy fields",
    .group = BH_GROUP_JUDGE,
    .summary = "List what conditions can ask for",
    .operands = "[CLASS...]",
    .operands_max = SIZE_MAX,
    .operand_words = classes,
    .text =
        "Prints the fields that conditions may name, with their types. A rule about package.*, "
        "vuln.* or finding.* is asked once for each such record, with the fields of the image as "
        "context.",
    .options = options,
    .options_size = sizeof(struct options),
    .examples = examples,
    .run = run,
};
