#include "cmd/scan_table.h"

#include "advisory/version.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const enum bh_style severity_styles[BH_SEVERITY_COUNT] = {
    [BH_SEVERITY_UNKNOWN] = BH_PLAIN, [BH_SEVERITY_NEGLIGIBLE] = BH_DIM,
    [BH_SEVERITY_LOW] = BH_DIM,       [BH_SEVERITY_MEDIUM] = BH_YELLOW,
    [BH_SEVERITY_HIGH] = BH_RED,      [BH_SEVERITY_CRITICAL] = BH_BOLD_RED,
};

static void put_severity(struct bh_table *t, enum bh_severity s)
{
    bh_table_cell(t, severity_styles[s],
                  s == BH_SEVERITY_UNKNOWN ? "unrated" : bh_severity_name(s));
}

static void put_layer(struct bh_table *t, uint32_t layer)
{
    if (layer == BH_LAYER_NONE)
        bh_table_cell(t, BH_PLAIN, "");
    else
        bh_table_cellf(t, BH_DIM, "%u", layer + 1);
}

static void heading(const struct bh_term *t, const char *text)
{
    fputc('\n', t->stream);
    bh_term_printf(t, BH_BOLD, "%s", text);
    fputc('\n', t->stream);
}

/* ---- vulnerabilities ---- */

/* Everything one upgrade of one source package would remove. */
struct group {
    const struct bh_package *package;
    const struct bh_vulnerability **members;
    size_t count, cap;
    size_t unfixed;
    enum bh_severity worst;
    const char *fixed; /* the version that fixes all that can be fixed; NULL: nothing can */
};

static int by_group(const void *a_at, const void *b_at)
{
    const struct group *a = a_at, *b = b_at;

    if (a->worst != b->worst)
        return a->worst > b->worst ? -1 : 1;
    if (!a->fixed != !b->fixed)
        return a->fixed ? -1 : 1;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return strcmp(a->package->source_name, b->package->source_name);
}

static int by_severity(const void *a_at, const void *b_at)
{
    const struct bh_vulnerability *const *a = a_at, *const *b = b_at;

    if ((*a)->severity != (*b)->severity)
        return (*a)->severity > (*b)->severity ? -1 : 1;
    return -strverscmp((*a)->id, (*b)->id); /* the newest first */
}

static struct group *group_of(struct group *groups, size_t *count, const struct bh_package *p)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(groups[i].package->source_name, p->source_name) == 0 &&
            strcmp(groups[i].package->source_version, p->source_version) == 0)
            return &groups[i];
    groups[*count] = (struct group){.package = p};
    return &groups[(*count)++];
}

static bool has_member(const struct group *g, const char *id)
{
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->members[i]->id, id) == 0)
            return true;
    return false;
}

/* Binary packages of one source share its vulnerabilities: each is counted once. */
static void add_member(struct group *g, const struct bh_vulnerability *v)
{
    enum bh_version_scheme scheme = bh_version_scheme_of(g->package->type);

    if (has_member(g, v->id))
        return;
    bh_grow(g->members, g->count, g->cap);
    g->members[g->count++] = v;
    g->worst = BH_MAX(g->worst, v->severity);
    if (!v->fixed)
        g->unfixed++;
    else if (!g->fixed || bh_version_compare(scheme, v->fixed, g->fixed) > 0)
        g->fixed = v->fixed;
}

#define IDS_SHOWN 3u

static void put_group(struct bh_table *table, const struct group *g)
{
    BH_AUTO(bh_buf_done) struct bh_buf ids = BH_BUF_INIT(0);

    for (size_t i = 0; i < g->count && i < IDS_SHOWN; i++)
        bh_buf_printf(&ids, "%s%s", i ? " " : "", g->members[i]->id);
    if (g->count > IDS_SHOWN)
        bh_buf_printf(&ids, " and %zu more", g->count - IDS_SHOWN);
    put_severity(table, g->worst);
    bh_table_cell(table, BH_BOLD, g->package->source_name);
    bh_table_cell(table, BH_PLAIN, g->package->source_version);
    bh_table_cell(table, g->fixed ? BH_GREEN : BH_DIM, g->fixed ? g->fixed : "no fix yet");
    put_layer(table, g->package->layer);
    bh_table_cellf(table, BH_PLAIN, "%zu", g->count);
    bh_table_cell(table, BH_PLAIN, bh_buf_text(&ids));
}

static void print_groups(const struct bh_term *t, struct group *groups, size_t count)
{
    static const struct bh_column columns[] = {
        {"SEVERITY", BH_COLUMN_LEFT},       {"SOURCE", BH_COLUMN_LEFT},
        {"INSTALLED", BH_COLUMN_LEFT},      {"FIXED IN", BH_COLUMN_LEFT},
        {"LAYER", BH_COLUMN_RIGHT},         {"COUNT", BH_COLUMN_RIGHT},
        {"VULNERABILITIES", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *table = bh_table_new(columns, BH_COUNT_OF(columns));

    for (size_t i = 0; i < count; i++)
        put_group(table, &groups[i]);
    bh_table_print(table, t);
}

static void print_each(const struct bh_term *t, const struct group *groups, size_t count)
{
    static const struct bh_column columns[] = {
        {"SEVERITY", BH_COLUMN_LEFT}, {"VULNERABILITY", BH_COLUMN_LEFT},
        {"SOURCE", BH_COLUMN_LEFT},   {"INSTALLED", BH_COLUMN_LEFT},
        {"FIXED IN", BH_COLUMN_LEFT}, {"SUMMARY", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *table = bh_table_new(columns, BH_COUNT_OF(columns));

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < groups[i].count; k++) {
            const struct bh_vulnerability *v = groups[i].members[k];

            put_severity(table, v->severity);
            bh_table_cell(table, BH_BOLD, v->id);
            bh_table_cell(table, BH_PLAIN, groups[i].package->source_name);
            bh_table_cell(table, BH_PLAIN, v->installed);
            bh_table_cell(table, v->fixed ? BH_GREEN : BH_DIM, v->fixed ? v->fixed : "no fix yet");
            bh_table_cell(table, BH_DIM, v->summary);
        }
    bh_table_print(table, t);
}

/* The one upgrade that removes most. */
static void print_advice(const struct bh_term *t, const struct group *groups, size_t count)
{
    const struct group *best = NULL;

    for (size_t i = 0; i < count; i++)
        if (groups[i].fixed &&
            (!best || groups[i].count - groups[i].unfixed > best->count - best->unfixed))
            best = &groups[i];
    if (!best || count < 2)
        return;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);

    bh_text_safe(&text, best->package->source_name);
    bh_buf_puts(&text, " to ");
    bh_text_safe(&text, best->fixed);
    fprintf(t->stream, "Upgrading %s removes most: %zu.\n", bh_buf_text(&text),
            best->count - best->unfixed);
}

static void print_counts(const struct bh_term *t, const struct group *groups, size_t count)
{
    size_t per[BH_SEVERITY_COUNT] = {0}, total = 0, fixable = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < groups[i].count; k++) {
            per[groups[i].members[k]->severity]++;
            fixable += groups[i].members[k]->fixed != NULL;
            total++;
        }
    fprintf(t->stream, "%zu in %zu source packages, %zu with a fix:", total, count, fixable);
    for (int s = BH_SEVERITY_CRITICAL; s >= 0; s--)
        if (per[s]) {
            fputc(' ', t->stream);
            bh_term_printf(t, severity_styles[s], "%zu %s", per[s],
                           s ? bh_severity_name((enum bh_severity)s) : "unrated");
        }
    fputc('\n', t->stream);
}

static void print_vulnerabilities(const struct bh_term *t, const struct bh_facts *f, bool all)
{
    struct group *groups = bh_new_array(f->vulnerability_count, sizeof *groups);
    size_t count = 0;

    for (size_t i = 0; i < f->vulnerability_count; i++) {
        const struct bh_vulnerability *v = &f->vulnerabilities[i];

        add_member(group_of(groups, &count, &f->packages[v->package]), v);
    }
    qsort(groups, count, sizeof *groups, by_group);
    for (size_t i = 0; i < count; i++)
        qsort(groups[i].members, groups[i].count, sizeof(const struct bh_vulnerability *),
              by_severity);
    heading(t, "Vulnerabilities");
    if (f->vulnerability_count > 0) {
        print_counts(t, groups, count);
        if (all)
            print_each(t, groups, count);
        else
            print_groups(t, groups, count);
        print_advice(t, groups, count);
    } else if (!bh_facts_is_blind(f, BH_SUBJECT_VULNERABILITIES)) {
        bh_term_printf(t, BH_GREEN,
                       "None of the advisories below applies to the packages found.\n");
    }
    if (bh_facts_is_blind(f, BH_SUBJECT_VULNERABILITIES)) {
        bh_term_printf(
            t, BH_BOLD_YELLOW, "%s",
            f->vulnerability_count || f->source_count
                ? "Not all was checked: see below what was not looked at."
                : "Not checked: see below why. This is no statement that there are none.");
        fputc('\n', t->stream);
    }
    for (size_t i = 0; i < count; i++)
        free(groups[i].members);
    free(groups);
}

/* ---- findings ---- */

static int by_finding(const void *a_at, const void *b_at)
{
    const struct bh_finding *const *a = a_at, *const *b = b_at;
    int order;

    if ((*a)->severity != (*b)->severity)
        return (*a)->severity > (*b)->severity ? -1 : 1;
    order = strcmp((*a)->rule, (*b)->rule);
    return order ? order : strcmp((*a)->path ? (*a)->path : "", (*b)->path ? (*b)->path : "");
}

#define FILES_SHOWN 4u

/* Findings of one rule and severity about files: one row. */
static size_t put_files(struct bh_table *table, const struct bh_finding *const *list, size_t count)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    size_t n = 0;

    while (n < count && list[n]->path && strcmp(list[n]->rule, list[0]->rule) == 0 &&
           list[n]->severity == list[0]->severity) {
        if (n < FILES_SHOWN)
            bh_buf_printf(&text, "%s%s", n ? " " : "", list[n]->path);
        n++;
    }
    if (n > FILES_SHOWN)
        bh_buf_printf(&text, " and %zu more", n - FILES_SHOWN);
    put_severity(table, list[0]->severity);
    bh_table_cell(table, BH_BOLD, list[0]->rule);
    bh_table_cellf(table, BH_PLAIN, "%zu", n);
    bh_table_cell(table, BH_PLAIN, bh_buf_text(&text));
    return n;
}

static void print_findings(const struct bh_term *t, const struct bh_facts *f, bool all)
{
    static const struct bh_column columns[] = {{"SEVERITY", BH_COLUMN_LEFT},
                                               {"RULE", BH_COLUMN_LEFT},
                                               {"COUNT", BH_COLUMN_RIGHT},
                                               {"WHAT", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *table = bh_table_new(columns, BH_COUNT_OF(columns));
    const struct bh_finding **list = bh_new_array(f->finding_count, sizeof *list);

    for (size_t i = 0; i < f->finding_count; i++)
        list[i] = &f->findings[i];
    qsort(list, f->finding_count, sizeof *list, by_finding);
    for (size_t i = 0; i < f->finding_count;) {
        if (list[i]->path && !all) {
            i += put_files(table, list + i, f->finding_count - i);
            continue;
        }
        put_severity(table, list[i]->severity);
        bh_table_cell(table, BH_BOLD, list[i]->rule);
        bh_table_cell(table, BH_PLAIN, "1");
        bh_table_cellf(table, BH_PLAIN, "%s%s%s", list[i]->path ? list[i]->path : "",
                       list[i]->path ? ": " : "", list[i]->message);
        i++;
    }
    heading(t, "Findings");
    if (f->finding_count == 0)
        fputs("None.\n", t->stream);
    bh_table_print(table, t);
    free(list);
}

/* ---- the rest ---- */

static void print_head(const struct bh_term *t, const struct bh_facts *f)
{
    BH_AUTO(bh_buf_done) struct bh_buf name = BH_BUF_INIT(0), os = BH_BUF_INIT(0);
    char size[16];

    bh_text_safe(&name, f->target.reference);
    bh_term_printf(t, BH_BOLD, "%s", bh_buf_text(&name));
    fputc('\n', t->stream);
    if (*f->target.digest) {
        bh_term_printf(t, BH_DIM, "%s", f->target.digest);
        fputc('\n', t->stream);
    }
    if (f->distribution.pretty_name || f->distribution.id)
        bh_text_safe(&os, f->distribution.pretty_name ? f->distribution.pretty_name
                                                      : f->distribution.id);
    else
        bh_buf_puts(&os, "unknown distribution");
    fprintf(t->stream, "%s, %zu packages, %llu files, %s", bh_buf_text(&os), f->package_count,
            (unsigned long long)f->file_count, bh_text_bytes(f->size_bytes, size));
    if (f->layer_count)
        fprintf(t->stream, " in %zu layer%s", f->layer_count, f->layer_count == 1 ? "" : "s");
    fputc('\n', t->stream);
}

#define GAPS_SHOWN 20u

static bool same_gap(const struct bh_coverage *a, const struct bh_coverage *b)
{
    return a->blind == b->blind && strcmp(a->subject, b->subject) == 0 &&
           strcmp(a->reason, b->reason) == 0;
}

/* One row for all records of one subject and reason, told by the first of them. */
static void put_gap(struct bh_table *table, const struct bh_facts *f, const struct bh_coverage *c)
{
    BH_AUTO(bh_buf_done) struct bh_buf where = BH_BUF_INIT(0);
    size_t count = 0;

    for (size_t i = 0; i < f->coverage_count; i++)
        if (same_gap(&f->coverage[i], c) && count++ < FILES_SHOWN && f->coverage[i].path)
            bh_buf_printf(&where, "%s%s", where.len ? " " : "", f->coverage[i].path);
    if (count > FILES_SHOWN)
        bh_buf_printf(&where, " and %zu more", count - FILES_SHOWN);
    bh_table_cell(table, c->blind ? BH_YELLOW : BH_DIM, c->subject);
    bh_table_cell(table, BH_PLAIN, bh_buf_text(&where));
    bh_table_cell(table, BH_PLAIN, c->reason);
}

static bool told_before(const struct bh_facts *f, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_gap(&f->coverage[i], &f->coverage[at]))
            return true;
    return false;
}

static void print_coverage(const struct bh_term *t, const struct bh_facts *f)
{
    static const struct bh_column columns[] = {{"WHAT", BH_COLUMN_LEFT},
                                               {"WHERE", BH_COLUMN_WRAP},
                                               {"WHY", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *table = bh_table_new(columns, BH_COUNT_OF(columns));
    size_t shown = 0;

    heading(t, "Not looked at");
    /* What may hide something first. Reasons are few: told_before looks at few records before it
     * finds one. */
    for (int blind = 1; blind >= 0; blind--)
        for (size_t i = 0; i < f->coverage_count && shown < GAPS_SHOWN; i++)
            if (f->coverage[i].blind == blind && !told_before(f, i)) {
                put_gap(table, f, &f->coverage[i]);
                shown++;
            }
    bh_table_print(table, t);
    if (shown == GAPS_SHOWN)
        fprintf(t->stream, "There may be more: see coverage in --format json.\n");
}

static void print_sources(const struct bh_term *t, const struct bh_facts *f)
{
    static const struct bh_column columns[] = {{"ADVISORIES", BH_COLUMN_LEFT},
                                               {"OF", BH_COLUMN_LEFT},
                                               {"IMPORTED", BH_COLUMN_LEFT},
                                               {"COUNT", BH_COLUMN_RIGHT}};
    BH_AUTO(bh_table_freep) struct bh_table *table = bh_table_new(columns, BH_COUNT_OF(columns));

    if (f->source_count == 0)
        return;
    fputc('\n', t->stream);
    for (size_t i = 0; i < f->source_count; i++) {
        bh_table_cell(table, BH_PLAIN, f->sources[i].name);
        bh_table_cell(table, BH_PLAIN, f->sources[i].date);
        bh_table_cell(table, BH_PLAIN, f->sources[i].imported);
        bh_table_cellf(table, BH_PLAIN, "%llu", (unsigned long long)f->sources[i].count);
    }
    bh_table_print(table, t);
}

void bh_scan_table(const struct bh_term *t, const struct bh_facts *f, bool all)
{
    print_head(t, f);
    print_vulnerabilities(t, f, all);
    print_findings(t, f, all);
    print_coverage(t, f);
    print_sources(t, f);
}
