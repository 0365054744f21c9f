#include "base/time.h"
#include "cmd/examine.h"
#include "cmd/fail_on.h"
#include "cmd/scan_table.h"
#include "fact/report.h"

struct scan_options {
    int format;
    const char *fail_on;
    bool all;
    struct bh_target_options target;
    struct bh_examine_options examine;
};

static int report(const struct bh_call *call, const struct scan_options *o,
                  const struct bh_facts *f)
{
    if (o->format == BH_FORMAT_JSON) {
        struct bh_json_writer w = BH_JSON_TO_STREAM(call->out->stream, 2);

        bh_report_json(&w, f);
        fputc('\n', call->out->stream);
    } else {
        bh_scan_table(call->out, f, o->all);
    }
    return BH_EXIT_DONE;
}

static int judge(const struct bh_call *call, const struct bh_fail_on *condition, const char *text,
                 const struct bh_facts *f)
{
    struct bh_fail_on_answer answer;

    bh_fail_on_ask(condition, f, bh_time_now(), &answer);
    if (!answer.failed)
        return BH_EXIT_DONE;
    (void)fflush(call->out->stream); /* bh_invocation_run reports a failed one */
    bh_term_printf(call->err, BH_BOLD_RED, "bulkhead scan:");
    fprintf(call->err->stream, " --fail-on \"%s\": ", text);
    if (answer.matches)
        fprintf(call->err->stream, "holds for %zu", answer.matches);
    if (answer.undecided)
        fprintf(call->err->stream, "%scannot be decided for %zu", answer.matches ? ", " : "",
                answer.undecided);
    if (answer.blind)
        fprintf(call->err->stream, "%snot everything was looked at",
                answer.matches || answer.undecided ? ", " : "");
    fputc('\n', call->err->stream);
    return BH_EXIT_POLICY;
}

static int run(const struct bh_call *call, struct bh_error *err)
{
    const struct scan_options *o = call->options;
    BH_AUTO(bh_fail_on_freep) struct bh_fail_on *condition = NULL;
    BH_AUTO(bh_facts_freep) struct bh_facts *f = NULL;
    int r = 0;

    if (o->fail_on)
        r = bh_fail_on_parse(o->fail_on, &condition, err);
    if (r == 0)
        r = bh_examine(call, call->operands.items[0], &o->target, &o->examine, &f, err);
    if (r == 0)
        r = report(call, o, f);
    if (r == BH_EXIT_DONE && condition)
        r = judge(call, condition, o->fail_on, f);
    return r;
}

#define AT(member) offsetof(struct scan_options, member)

static const struct bh_option options[] = {
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = AT(format),
     .value = "FORMAT",
     .choices = bh_format_names,
     .fallback = "table",
     .text = "Print a table for people, or JSON (docs/schema/scan.schema.json)"},
    {.name = "fail-on",
     .kind = BH_OPTION_STRING,
     .offset = AT(fail_on),
     .value = "EXPR",
     .text = "Exit with status 3 when a vulnerability or finding is at least this severe, or when "
             "this condition holds or cannot be decided"},
    {.name = "all",
     .kind = BH_OPTION_FLAG,
     .offset = AT(all),
     .text = "Show every vulnerability and file on a line of its own"},
    BH_TARGET_ROWS(struct scan_options, target),
    BH_EXAMINE_ROWS(struct scan_options, examine),
    BH_OPTION_END,
};

static const struct bh_example examples[] = {
    {"bulkhead scan docker://debian:12", "judge an image of a registry"},
    {"bulkhead scan dir:/srv/rootfs --format json", "judge a plain root file system, for a script"},
    {"bulkhead scan nginx:latest --fail-on 'vuln.severity >= high and vuln.fixed'",
     "fail when something serious could be fixed by an upgrade"},
    {.command = NULL},
};

const struct bh_command bh_cmd_scan = {
    .name = "scan",
    .group = BH_GROUP_JUDGE,
    .summary = "Find out what is in an image and what is wrong with it",
    .operands = "TARGET",
    .operands_min = 1,
    .operands_max = 1,
    .completion = BH_COMPLETE_TARGET,
    .text =
        "Reads every layer of TARGET in confined workers, lists the packages of its dpkg, apk and "
        "rpm databases with the layer that brought each, matches them with the imported "
        "advisories, "
        "and judges its configuration and files.\n"
        "TARGET is oci:DIR, oci-archive:FILE, docker-archive:FILE, dir:PATH, "
        "docker://REGISTRY/NAME, docker-daemon:NAME, a name in the store, or a path whose kind is "
        "recognised.\n"
        "What could not be looked at is listed too: a report without entries says what was looked "
        "at, never more. Without advisories vulnerabilities are \"not checked\".\n"
        "What a layer holds is kept under its digest, so that the next image with the same layer "
        "costs nothing.",
    .options = options,
    .options_size = sizeof(struct scan_options),
    .examples = examples,
    .run = run,
};
