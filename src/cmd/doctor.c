/* `bulkhead doctor`: what this kernel offers, what is missing, and what protection that costs. */
#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "cmd/command.h"
#include "sys/probe.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SCHEMA "bulkhead/doctor/1"

struct options {
    int format;
    struct bh_strings required;
};

static const struct bh_option options[] = {
    {.name = "format",
     .letter = 'f',
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct options, format),
     .value = "FORMAT",
     .choices = bh_format_names,
     .fallback = "table",
     .text = "Print in this form"},
    {.name = "require",
     .kind = BH_OPTION_STRINGS,
     .offset = offsetof(struct options, required),
     .value = "NAME",
     .text = "Fail unless this feature is there (for exposures: unless it is closed)"},
    BH_OPTION_END,
};

static const char *const group_titles[BH_PROBE_GROUP_COUNT] = {
    [BH_PROBE_NAMESPACES] = "Namespaces and processes",
    [BH_PROBE_CGROUPS] = "Control groups",
    [BH_PROBE_FILTERS] = "Filters",
    [BH_PROBE_MODULES] = "Kernel hardening",
    [BH_PROBE_FILES] = "Files and mounts",
    [BH_PROBE_BPF] = "BPF",
};

/* Nothing to wish for: there, or for an exposure closed. */
static bool is_good(const struct bh_probe *p, const struct bh_probe_result *r)
{
    if (p->exposure)
        return r->state == BH_PROBE_NO || r->state == BH_PROBE_DENIED;
    return r->state == BH_PROBE_YES;
}

static const char *state_word(const struct bh_probe *p, const struct bh_probe_result *r)
{
    if (p->exposure && is_good(p, r))
        return "closed";
    if (p->exposure && r->state == BH_PROBE_YES)
        return "open";
    return bh_probe_state_name(r->state);
}

static enum bh_style state_style(const struct bh_probe *p, const struct bh_probe_result *r)
{
    if (is_good(p, r))
        return BH_GREEN;
    return p->essential && r->state != BH_PROBE_PARTLY ? BH_BOLD_RED : BH_YELLOW;
}

static void print_features(const struct bh_term *out, const struct bh_probe_result *results)
{
    static const struct bh_column columns[] = {{"FEATURE", BH_COLUMN_LEFT},
                                               {"STATE", BH_COLUMN_LEFT},
                                               {"FOUND", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *t = bh_table_new(columns, BH_COUNT_OF(columns));
    int group = -1;

    for (size_t i = 0; i < bh_probe_count; i++) {
        const struct bh_probe *p = &bh_probes[i];

        if ((int)p->group != group)
            bh_table_heading(t, group_titles[p->group]);
        group = (int)p->group;
        bh_table_cell(t, BH_PLAIN, p->title);
        bh_table_cell(t, state_style(p, &results[i]), state_word(p, &results[i]));
        bh_table_cell(t, BH_DIM, results[i].detail);
    }
    bh_table_print(t, out);
}

static void print_costs(const struct bh_term *out, const struct bh_probe_result *results)
{
    static const struct bh_column columns[] = {{"MISSING", BH_COLUMN_LEFT},
                                               {"NAME", BH_COLUMN_LEFT},
                                               {"WHAT THAT COSTS", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *t = bh_table_new(columns, BH_COUNT_OF(columns));
    size_t count = 0;

    for (size_t i = 0; i < bh_probe_count; i++) {
        if (is_good(&bh_probes[i], &results[i]))
            continue;
        count++;
        bh_table_cell(t, state_style(&bh_probes[i], &results[i]), bh_probes[i].title);
        bh_table_cell(t, BH_DIM, bh_probes[i].name);
        bh_table_cell(t, BH_PLAIN, bh_probes[i].cost);
    }
    if (count == 0) {
        bh_term_printf(out, BH_GREEN, "\nNothing is missing.");
        fputc('\n', out->stream);
        return;
    }
    fputc('\n', out->stream);
    bh_table_print(t, out);
}

static bool blocks_run(const struct bh_probe *p, const struct bh_probe_result *r)
{
    return p->essential && r->state != BH_PROBE_YES && r->state != BH_PROBE_PARTLY;
}

static void print_verdict(const struct bh_term *out, const struct bh_probe_result *results)
{
    size_t good = 0, blocking = 0;

    for (size_t i = 0; i < bh_probe_count; i++) {
        good += is_good(&bh_probes[i], &results[i]);
        blocking += blocks_run(&bh_probes[i], &results[i]);
    }
    fprintf(out->stream, "\n%zu of %zu as wished. ", good, bh_probe_count);
    if (blocking)
        bh_term_printf(out, BH_BOLD_RED,
                       "%zu essential %s missing: bulkhead run refuses, or needs --allow-degraded.",
                       blocking, blocking == 1 ? "feature is" : "features are");
    else
        bh_term_printf(out, BH_BOLD_GREEN, "Everything bulkhead run cannot do without is here.");
    fputc('\n', out->stream);
}

static void print_table(const struct bh_term *out, const struct bh_probe_result *results)
{
    struct utsname host;

    if (uname(&host) == 0) {
        bh_term_printf(out, BH_BOLD, "%s %s on %s", host.sysname, host.release, host.machine);
        fprintf(out->stream, ", asked as %s\n\n", geteuid() == 0 ? "root" : "an ordinary user");
    }
    print_features(out, results);
    print_costs(out, results);
    print_verdict(out, results);
}

static void print_json(FILE *to, const struct bh_probe_result *results)
{
    struct bh_json_writer w = BH_JSON_TO_STREAM(to, 2);
    struct utsname host = {0};

    (void)uname(&host); /* fails for a bad address only */
    bh_json_object(&w, NULL);
    bh_json_string(&w, "schema", SCHEMA);
    bh_json_object(&w, "kernel");
    bh_json_string(&w, "name", host.sysname);
    bh_json_string(&w, "release", host.release);
    bh_json_string(&w, "machine", host.machine);
    bh_json_end_object(&w);
    bh_json_int(&w, "uid", (int64_t)geteuid());
    bh_json_array(&w, "features");
    for (size_t i = 0; i < bh_probe_count; i++) {
        const struct bh_probe *p = &bh_probes[i];

        bh_json_object(&w, NULL);
        bh_json_string(&w, "name", p->name);
        bh_json_string(&w, "group", bh_probe_group_name(p->group));
        bh_json_string(&w, "title", p->title);
        bh_json_string(&w, "state", bh_probe_state_name(results[i].state));
        bh_json_bool(&w, "good", is_good(p, &results[i]));
        bh_json_string(&w, "detail", results[i].detail);
        bh_json_bool(&w, "essential", p->essential);
        bh_json_bool(&w, "exposure", p->exposure);
        bh_json_string(&w, "cost", is_good(p, &results[i]) ? NULL : p->cost);
        bh_json_end_object(&w);
    }
    bh_json_end_array(&w);
    bh_json_array(&w, "missing_essential");
    for (size_t i = 0; i < bh_probe_count; i++)
        if (blocks_run(&bh_probes[i], &results[i]))
            bh_json_string(&w, NULL, bh_probes[i].name);
    bh_json_end_array(&w);
    bh_json_end_object(&w);
}

static int find_probe(const char *name, size_t *ret, struct bh_error *err)
{
    struct bh_nearest nearest;

    bh_nearest_init(&nearest, name, strlen(name));
    for (size_t i = 0; i < bh_probe_count; i++) {
        if (strcmp(bh_probes[i].name, name) == 0) {
            *ret = i;
            return 0;
        }
        bh_nearest_offer(&nearest, bh_probes[i].name);
    }
    if (nearest.best)
        return bh_fail(err, BH_USAGE, "no feature is named \"%.64s\"; did you mean %s?", name,
                       nearest.best);
    return bh_fail(err, BH_USAGE,
                   "no feature is named \"%.64s\"; the names are in bulkhead doctor --format json",
                   name);
}

static int check_required(const struct bh_strings *required, const struct bh_probe_result *results,
                          struct bh_error *err)
{
    for (size_t i = 0; i < required->count; i++) {
        size_t at;
        int result = find_probe(required->items[i], &at, err);

        if (result)
            return result;
        if (!is_good(&bh_probes[at], &results[at]))
            return bh_fail(err, BH_UNSUPPORTED, "%s is %s (%s): %s", bh_probes[at].name,
                           state_word(&bh_probes[at], &results[at]), results[at].detail,
                           bh_probes[at].cost);
    }
    return 0;
}

static int run_doctor(const struct bh_call *call, struct bh_error *err)
{
    const struct options *o = call->options;
    BH_AUTO(bh_freep)
    struct bh_probe_result *results = bh_new_array(bh_probe_count, sizeof *results);

    for (size_t i = 0; i < o->required.count; i++) {
        size_t at;
        int result = find_probe(o->required.items[i], &at, err);

        if (result)
            return result; /* before anything is tried */
    }
    for (size_t i = 0; i < bh_probe_count; i++)
        bh_probe_look(&bh_probes[i], &results[i]);
    if (o->format == BH_FORMAT_JSON)
        print_json(call->out->stream, results);
    else
        print_table(call->out, results);
    return check_required(&o->required, results, err);
}

static const struct bh_example examples[] = {
    {"bulkhead doctor", "Shows what this kernel offers and what is missing"},
    {"bulkhead doctor --require landlock --require cgroup-own",
     "Exit status 1 unless both are there, for scripts that prepare hosts"},
    {"bulkhead doctor --format json", "The same for programs"},
    {NULL, NULL},
};

extern const struct bh_command bh_cmd_doctor;
const struct bh_command bh_cmd_doctor = {
    .name = "doctor",
    .group = BH_GROUP_HOST,
    .summary = "Show what this kernel offers and what protection is missing",
    .text = "Every feature is tried, not guessed from a version: programs are loaded, namespaces "
            "made, file systems mounted, each in a process and namespaces of its own that end with "
            "it. Nothing of the host is changed.\n"
            "The answer is for the user who asks: \"denied\" means that another user may have it.\n"
            "\"open\" and \"closed\" speak of exposures, things that widen what an attacker can "
            "reach.",
    .options = options,
    .options_size = sizeof(struct options),
    .examples = examples,
    .run = run_doctor,
};
