/* `bulkhead db update`: configured feeds, and the security suite through apt. */
#include "advisory/apt.h"
#include "advisory/suite.h"
#include "base/mem.h"
#include "base/time.h"
#include "cmd/db.h"

struct options {
    int format;
    bool offline, no_suite, force;
    uint64_t max_age_ms;
    struct bh_strings feeds, suites;
};

struct update {
    const struct bh_call *call;
    const struct options *options;
    struct bh_import import;
    struct bh_import_result total;
};

/* Adds what one source left to the total. */
static void add_result(struct update *u, struct bh_import_result *r)
{
    size_t before = u->total.database_count, count = before + r->database_count;

    u->total.databases = bh_resize(u->total.databases, count, sizeof *u->total.databases);
    for (size_t i = 0; i < r->database_count; i++)
        u->total.databases[before + i] = r->databases[i];
    u->total.database_count = count;
    u->total.feed.records += r->feed.records;
    u->total.feed.passed_over += r->feed.passed_over;
    u->total.feed.no_security += r->feed.no_security;
    u->total.withdrawn += r->withdrawn;
    free(r->databases);
}

static int update_feeds(struct update *u, struct bh_error *err)
{
    struct bh_import import = u->import;
    struct bh_import_result result = {0};
    int r;

    if (!u->options->feeds.count)
        return 0;
    import.inputs = u->options->feeds.items;
    import.input_count = u->options->feeds.count;
    r = bh_import_run(&import, &result, err);
    if (r == 0)
        add_result(u, &result);
    return r;
}

static int import_lists(struct update *u, const char *lists, const char *note, struct bh_error *err)
{
    struct bh_import_result result = {0};
    int r = bh_suite_import(&u->import, lists, note, &result, err);

    if (r == 0)
        add_result(u, &result);
    return r;
}

static int fetch_suite(struct update *u, struct bh_error *err)
{
    BH_AUTO(bh_apt_removep) char *fetched = NULL;
    BH_AUTO(bh_freep) char *lists = NULL;
    int r = bh_apt_fetch(u->options->suites.items, &fetched, err);

    if (r < 0)
        return r;
    lists = bh_format("%s/lists", fetched);
    return import_lists(u, lists, NULL, err);
}

/* apt's own lists when they are fresh, else lists that apt fetches now, else apt's old ones. */
static int update_suite(struct update *u, struct bh_error *err)
{
    const struct options *o = u->options;
    int64_t age = bh_suite_age(BH_APT_LISTS, bh_time_now());
    bool fresh = age >= 0 && (uint64_t)age * 1000 <= o->max_age_ms && !o->suites.count;
    int r;

    if (o->offline)
        return import_lists(u, BH_APT_LISTS, NULL, err);
    if (fresh && import_lists(u, BH_APT_LISTS, NULL, err) == 0)
        return 0;
    r = fetch_suite(u, err);
    if (r == 0 || age < 0 || o->suites.count)
        return r;
    bh_term_printf(u->call->err, BH_YELLOW, "warning: %s; using the lists of apt's last update\n",
                   err->message);
    return import_lists(u, BH_APT_LISTS,
                        "could not be refreshed; from the lists of apt's last update", err);
}

/* Each source is tried whatever became of the others; the first failure is the result. */
static int run_all(struct update *u, struct bh_error *err)
{
    struct bh_error suite = BH_ERROR_INIT;
    int r = update_feeds(u, err), s;

    if (u->options->no_suite)
        return r;
    s = update_suite(u, &suite);
    if (s == 0 || (s == -BH_NOT_FOUND && u->options->feeds.count))
        return r; /* not found: this is no Debian, the feeds are all there is */
    if (r < 0) {
        bh_term_printf(u->call->err, BH_YELLOW, "warning: security suite: %s\n", suite.message);
        return r;
    }
    *err = suite;
    return bh_wrap(err, "security suite");
}

static int run(const struct bh_call *call, struct bh_error *err)
{
    const struct options *o = call->options;
    struct bh_db_progress progress = {.term = call->err};
    struct update u = {.call = call,
                       .options = o,
                       .import = {.root = call->root,
                                  .force = o->force,
                                  .progress = bh_db_progress_step,
                                  .context = &progress}};
    int r;

    if (o->no_suite && !o->feeds.count)
        return bh_fail(err, BH_USAGE,
                       "nothing to update: no feed is configured; next: --feed URL, or \"feed\" in "
                       "the section \"db-update\" of the configuration");
    r = run_all(&u, err);
    bh_db_progress_end(&progress, r == 0);
    if (u.total.database_count) {
        bh_db_print_result(call->out, o->format == BH_FORMAT_JSON, &u.total);
        bh_db_warn(call->err, &u.total.feed);
    }
    bh_import_result_done(&u.total);
    return r < 0 ? bh_wrap(err, "update") : 0;
}

static const struct bh_option options[] = {
    {.name = "feed",
     .kind = BH_OPTION_STRINGS,
     .offset = offsetof(struct options, feeds),
     .value = "URL",
     .text = "an OSV feed to import as `db import` does: URL, file or directory",
     .completion = BH_COMPLETE_FILE},
    {.name = "suite",
     .kind = BH_OPTION_STRINGS,
     .offset = offsetof(struct options, suites),
     .value = "NAME",
     .text = "a further security suite of apt's mirrors, for images of other releases: "
             "trixie-security"},
    {.name = "max-age",
     .kind = BH_OPTION_DURATION,
     .offset = offsetof(struct options, max_age_ms),
     .value = "TIME",
     .text = "take apt's own lists as they are when they are younger than this",
     .fallback = "6h"},
    {.name = "offline",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct options, offline),
     .text = "fetch no security suite: take apt's own lists whatever their age"},
    {.name = "no-suite",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct options, no_suite),
     .text = "leave the security suite out"},
    {.name = "force",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct options, force),
     .text = "replace a database even when fewer than half of its advisories are left",
     .no_config = true},
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct options, format),
     .value = "FORMAT",
     .text = "how the result is printed",
     .choices = bh_format_names,
     .fallback = "table"},
    BH_OPTION_END,
};

static const struct bh_example examples[] = {
    {"bulkhead db update", "ask the mirror that apt uses which packages have security updates"},
    {"bulkhead db update --suite trixie-security", "the same for images of another release"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_db_update = {
    .name = "db update",
    .group = BH_GROUP_ADVISORIES,
    .summary = "Fetch the configured feeds and the security suite of apt's mirror",
    .text =
        "The package index of a security suite names the newest version of each source package "
        "that "
        "was mended. It needs nothing but the mirror that apt is configured with; apt fetches it "
        "into a directory of our own and verifies its signature. Scans then report every installed "
        "package that is older, without saying which vulnerabilities it has.\n"
        "Feeds are OSV exports; name them with --feed or in the configuration.",
    .options = options,
    .options_size = sizeof(struct options),
    .examples = examples,
    .run = run,
};
