#include "advisory/match.h"

#include "advisory/db.h"
#include "advisory/version.h"
#include "base/time.h"

#include <string.h>
#include <strings.h>

#define DATABASES_MAX 32u
#define STALE_DAYS 7

struct matcher {
    struct bh_facts *facts;
    const char *root;
    struct bh_db *open[DATABASES_MAX];
    const char *type[DATABASES_MAX]; /* of packages it speaks for */
    size_t count;
    /* While one package is looked at: */
    uint32_t package;
    size_t first; /* its first vulnerability */
    const char *source;
};

/* ---- which databases ---- */

/* How a distribution's os-release becomes an ecosystem; %s is the release. */
static const struct {
    const char *id, *type, *format;
    enum { WHOLE, MAJOR, MAJOR_MINOR, NO_RELEASE } release;
} distributions[] = {
    {"debian", "deb", "Debian:%s", MAJOR},
    {"ubuntu", "deb", "Ubuntu:%s", WHOLE},
    {"alpine", "apk", "Alpine:v%s", MAJOR_MINOR},
    {"wolfi", "apk", "Wolfi", NO_RELEASE},
    {"chainguard", "apk", "Chainguard", NO_RELEASE},
    {"almalinux", "rpm", "AlmaLinux:%s", MAJOR},
    {"rocky", "rpm", "Rocky Linux:%s", MAJOR},
    {"rhel", "rpm", "Red Hat:%s", MAJOR},
    {"opensuse-leap", "rpm", "openSUSE:Leap %s", WHOLE},
    {"mageia", "rpm", "Mageia:%s", WHOLE},
    {"openEuler", "rpm", "openEuler:%s", WHOLE},
    {"azurelinux", "rpm", "Azure Linux:%s", MAJOR},
};

static const struct {
    const char *type, *ecosystem;
} languages[] = {
    {"npm", "npm"},      {"pypi", "PyPI"},   {"golang", "Go"},       {"cargo", "crates.io"},
    {"gem", "RubyGems"}, {"maven", "Maven"}, {"nuget", "NuGet"},     {"composer", "Packagist"},
    {"hex", "Hex"},      {"pub", "Pub"},     {"hackage", "Hackage"}, {"cran", "CRAN"},
};

/* The part of VERSION_ID that names a release: up to its first or second dot. */
static int release_length(const char *version_id, int kind)
{
    size_t len = strcspn(version_id, ".");

    if (kind == WHOLE)
        return (int)strlen(version_id);
    if (kind == MAJOR_MINOR && version_id[len])
        len += 1 + strcspn(version_id + len + 1, "._");
    return (int)len;
}

/* The ecosystem of the image's distribution, NULL when none is known; *ret_type of its packages. */
static const char *find_ecosystem(struct bh_facts *f, const char **ret_type)
{
    const struct bh_distribution *d = &f->distribution;

    for (size_t i = 0; d->id && i < BH_COUNT_OF(distributions); i++) {
        const char *version = d->version_id ? d->version_id : "";
        const char *format = distributions[i].format;
        size_t prefix = strcspn(format, "%");
        int len;

        if (strcmp(distributions[i].id, d->id) != 0)
            continue;
        *ret_type = distributions[i].type;
        len = release_length(version, distributions[i].release);
        if (!format[prefix])
            return format;
        if (len == 0) /* testing and unstable have no VERSION_ID */
            return bh_arena_format(f->arena, "%.*s", (int)strcspn(format, ":"), format);
        return bh_arena_format(f->arena, "%.*s%.*s", (int)prefix, format, len, version);
    }
    return NULL;
}

/* Distroless images leave VERSION_CODENAME out. */
static const char *codename_of(const struct bh_distribution *d)
{
    static const char *const debian[][2] = {
        {"11", "bullseye"}, {"12", "bookworm"}, {"13", "trixie"}, {"14", "forky"}};

    if (d->codename || !d->version_id || strcmp(d->id, "debian") != 0)
        return d->codename;
    for (size_t i = 0; i < BH_COUNT_OF(debian); i++)
        if (strcmp(debian[i][0], d->version_id) == 0)
            return debian[i][1];
    return NULL;
}

const char *const *bh_advisory_keys(struct bh_facts *f)
{
    const char *type, *ecosystem = find_ecosystem(f, &type);
    const char *codename = ecosystem ? codename_of(&f->distribution) : NULL;
    const char *keys[3] = {NULL};

    if (ecosystem)
        keys[0] = bh_db_key(ecosystem, f->arena);
    if (keys[0] && codename && strcmp(type, "deb") == 0)
        keys[1] =
            bh_db_key(bh_arena_format(f->arena, "%s-security:%s", f->distribution.id, codename),
                      f->arena);
    return bh_facts_list(f, keys);
}

/* ---- reporting ---- */

static void add_coverage(struct bh_facts *f, bool blind, const char *reason)
{
    struct bh_coverage *c = bh_facts_add_coverage(f);

    c->subject = BH_SUBJECT_VULNERABILITIES;
    c->layer = BH_LAYER_NONE;
    c->reason = reason;
    c->blind = blind;
}

/* A database that nobody refreshed says nothing about what was found since. */
static void report_age(struct bh_facts *f, const struct bh_db_info *i)
{
    int64_t imported, days;

    if (bh_time_parse(i->imported, &imported, NULL) < 0)
        return;
    days = bh_days_between(imported, bh_time_now());
    if (days > STALE_DAYS)
        add_coverage(
            f, false,
            bh_arena_format(f->arena,
                            "%s was imported %jd days ago: what was published since is not "
                            "known; next: bulkhead db update, or bulkhead db import FILE",
                            i->source, (intmax_t)days));
}

static void add_source(struct bh_facts *f, const struct bh_db_info *i)
{
    struct bh_advisory_source *s = bh_facts_add_source(f);

    s->name = bh_arena_strdup(f->arena, i->source);
    s->date = bh_arena_strdup(f->arena, i->date);
    s->imported = bh_arena_strdup(f->arena, i->imported);
    s->count = i->advisories;
    if (*i->note)
        add_coverage(f, false, bh_arena_format(f->arena, "%s: %s", i->source, i->note));
    report_age(f, i);
}

/* Opens and records a database; *ret_missing when there is none of that key. */
static void open_database(struct matcher *m, const char *key, const char *type, bool *ret_missing)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_db *db;
    int r;

    *ret_missing = false;
    if (m->count == DATABASES_MAX)
        return;
    r = bh_db_open(m->root, key, &db, &err);
    if (r == -BH_NOT_FOUND) {
        *ret_missing = true;
    } else if (r < 0) {
        add_coverage(m->facts, true,
                     bh_arena_format(m->facts->arena, "vulnerabilities were not checked: %s",
                                     err.message));
    } else {
        m->open[m->count] = db;
        m->type[m->count++] = type;
        add_source(m->facts, bh_db_info(db));
    }
}

static size_t count_type(const struct bh_facts *f, const char *type)
{
    size_t n = 0;

    for (size_t i = 0; i < f->package_count; i++)
        n += f->packages[i].type && strcmp(f->packages[i].type, type) == 0;
    return n;
}

static bool is_distribution_type(const char *type)
{
    return strcmp(type, "deb") == 0 || strcmp(type, "apk") == 0 || strcmp(type, "rpm") == 0;
}

static const char *distribution_name(const struct bh_facts *f)
{
    if (f->distribution.pretty_name)
        return f->distribution.pretty_name;
    return f->distribution.id ? f->distribution.id : "an image without os-release";
}

static void open_for_distribution(struct matcher *m)
{
    struct bh_facts *f = m->facts;
    const char *type = NULL, *ecosystem = find_ecosystem(f, &type);
    const char *const *keys = bh_advisory_keys(f);
    bool missing, found = false, named = false;

    for (size_t i = 0; keys[i]; i++) {
        open_database(m, keys[i], type, &missing);
        found |= !missing;
        named |= !missing && i == 0;
    }
    if (found && !named)
        add_coverage(
            f, false,
            bh_arena_format(f->arena,
                            "the security suite alone was asked: it names neither severities "
                            "nor vulnerabilities without an update; next: bulkhead db import "
                            "FILE (OSV %s)",
                            ecosystem));
    if (found)
        return;
    if (!ecosystem)
        add_coverage(f, true,
                     bh_arena_format(f->arena,
                                     "vulnerabilities were not checked: no source of advisories is "
                                     "known for %s",
                                     distribution_name(f)));
    else
        add_coverage(f, true,
                     bh_arena_format(f->arena,
                                     "vulnerabilities were not checked: no database speaks for %s "
                                     "(%s); next: bulkhead db update, or bulkhead db import FILE",
                                     distribution_name(f), ecosystem));
}

static void open_for_languages(struct matcher *m)
{
    for (size_t i = 0; i < BH_COUNT_OF(languages); i++) {
        size_t n = count_type(m->facts, languages[i].type);
        bool missing = false;

        if (n == 0)
            continue;
        open_database(m, bh_db_key(languages[i].ecosystem, m->facts->arena), languages[i].type,
                      &missing);
        if (missing)
            add_coverage(m->facts, true,
                         bh_arena_format(m->facts->arena,
                                         "vulnerabilities of %zu %s packages were not checked: no "
                                         "database; next: bulkhead db import FILE (OSV %s)",
                                         n, languages[i].type, languages[i].ecosystem));
    }
}

/* Distribution packages of another kind than the distribution's own. */
static void report_strangers(struct matcher *m)
{
    static const char *const types[] = {"deb", "apk", "rpm"};
    const char *own = NULL;

    (void)find_ecosystem(m->facts, &own);
    for (size_t i = 0; i < BH_COUNT_OF(types); i++) {
        size_t n = own && strcmp(own, types[i]) != 0 ? count_type(m->facts, types[i]) : 0;

        if (n)
            add_coverage(m->facts, true,
                         bh_arena_format(m->facts->arena,
                                         "vulnerabilities of %zu %s packages were not checked: %s "
                                         "has %s packages",
                                         n, types[i], distribution_name(m->facts), own));
    }
}

/* ---- one package ---- */

/* "CVE-2024-1" of "DEBIAN-CVE-2024-1"; NULL when the id is not of that form. */
static const char *cve_of(const char *id)
{
    const char *cve = strstr(id, "-CVE-");

    if (!cve)
        return NULL;
    for (const char *c = id; c < cve; c++)
        if (*c < 'A' || *c > 'Z')
            return NULL;
    return cve + 1;
}

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; *at;) {
        size_t n = strcspn(at, " ");

        if (n == len && strncmp(at, word, n) == 0)
            return true;
        at += n;
        at += strspn(at, " ");
    }
    return false;
}

static bool list_has(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

struct names {
    const char **items;
    size_t count, cap;
};

static void names_add(struct names *n, const char *word, size_t len, struct bh_arena *arena)
{
    for (size_t i = 0; i < n->count; i++)
        if (strlen(n->items[i]) == len && memcmp(n->items[i], word, len) == 0)
            return;
    if (n->count + 1 >= n->cap) {
        n->cap = n->cap ? n->cap * 2 : 8;
        n->items = bh_resize(n->items, n->cap, sizeof *n->items);
    }
    n->items[n->count++] = bh_arena_strndup(arena, word, len);
    n->items[n->count] = NULL;
}

/* related: other fields of a record name what is beside the point for a language's advisory, and
 * the CVEs that an erratum mends for a distribution's. */
static void names_add_all(struct names *n, const char *words, bool cves_only,
                          struct bh_arena *arena)
{
    while (*words) {
        size_t len = strcspn(words, " ");

        if (len && (!cves_only || strncmp(words, "CVE-", 4) == 0))
            names_add(n, words, len, arena);
        words += len;
        words += strspn(words, " ");
    }
}

static const char *const *join_aliases(struct matcher *m, const char *id,
                                       const struct bh_db_hit *hit, const char *const *before)
{
    struct bh_arena *arena = m->facts->arena;
    struct names n = {0};
    const char *const *list;
    size_t kept = 0;

    for (; before && *before; before++)
        names_add(&n, *before, strlen(*before), arena);
    names_add(&n, hit->id, strlen(hit->id), arena);
    names_add_all(&n, hit->aliases, false, arena);
    if (is_distribution_type(m->facts->packages[m->package].type))
        names_add_all(&n, hit->related, true, arena);
    for (size_t i = 0; i < n.count; i++)
        if (strcmp(n.items[i], id) != 0)
            n.items[kept++] = n.items[i];
    n.items[kept] = NULL;
    list = bh_facts_list(m->facts, n.items);
    free(n.items);
    return list;
}

/* The vulnerability of this package that the hit is about as well, or NULL. */
static struct bh_vulnerability *find_same(struct matcher *m, const char *id,
                                          const struct bh_db_hit *hit)
{
    for (size_t i = m->first; i < m->facts->vulnerability_count; i++) {
        struct bh_vulnerability *v = &m->facts->vulnerabilities[i];

        if (strcmp(v->id, id) == 0 || has_word(hit->aliases, v->id) || list_has(v->aliases, id))
            return v;
    }
    return NULL;
}

static const char *copy_or_null(struct matcher *m, const char *text)
{
    return text && *text ? bh_arena_strdup(m->facts->arena, text) : NULL;
}

static void merge(struct matcher *m, struct bh_vulnerability *v, const struct bh_db_hit *hit)
{
    enum bh_version_scheme scheme = bh_version_scheme_of(m->facts->packages[m->package].type);

    v->aliases = join_aliases(m, v->id, hit, v->aliases);
    if (hit->severity > v->severity)
        v->severity = hit->severity;
    /* Both must be mended: the later of the two versions does it. */
    if (!v->fixed)
        v->fixed = copy_or_null(m, hit->fixed);
    else if (hit->fixed && bh_version_compare(scheme, hit->fixed, v->fixed) > 0)
        v->fixed = copy_or_null(m, hit->fixed);
    if (!v->summary)
        v->summary = copy_or_null(m, hit->summary);
    if (!v->published)
        v->published = copy_or_null(m, hit->published);
}

/* The suite's index knows no CVE: where another source named one that the same update mends, it has
 * nothing to add. */
static bool is_told_already(const struct matcher *m, const struct bh_db_hit *hit)
{
    enum bh_version_scheme scheme = bh_version_scheme_of(m->facts->packages[m->package].type);

    if (!strstr(hit->id, "-security:") || !hit->fixed)
        return false;
    for (size_t i = m->first; i < m->facts->vulnerability_count; i++) {
        const char *fixed = m->facts->vulnerabilities[i].fixed;

        if (fixed && bh_version_compare(scheme, fixed, hit->fixed) >= 0)
            return true;
    }
    return false;
}

static void take_hit(void *context, const struct bh_db_hit *hit)
{
    struct matcher *m = context;
    const char *cve = cve_of(hit->id);
    const char *id = cve ? cve : hit->id;
    struct bh_vulnerability *v = find_same(m, id, hit);

    if (v) {
        merge(m, v, hit);
        return;
    }
    if (is_told_already(m, hit))
        return;
    v = bh_facts_add_vulnerability(m->facts);
    v->id = bh_arena_strdup(m->facts->arena, id);
    v->aliases = join_aliases(m, id, hit, NULL);
    v->package = m->package;
    v->installed = m->facts->packages[m->package].version;
    v->fixed = copy_or_null(m, hit->fixed);
    v->severity = hit->severity;
    v->source = m->source;
    v->summary = copy_or_null(m, hit->summary);
    v->published = copy_or_null(m, hit->published);
}

/* RPM advisories name binary packages (and some source packages), those of languages the package
 * itself, all others the source package. */
static int match_in(struct matcher *m, struct bh_db *db, const struct bh_package *p,
                    struct bh_error *err)
{
    bool rpm = strcmp(p->type, "rpm") == 0;
    const char *source = p->source_name ? p->source_name : p->name;
    const char *version = p->source_version ? p->source_version : p->version;
    int r;

    if (!is_distribution_type(p->type) || rpm) {
        r = bh_db_match(db, bh_osv_package_key(bh_db_info(db)->ecosystem, p->name, m->facts->arena),
                        p->version, take_hit, m, err);
        if (r < 0 || !rpm || strcmp(source, p->name) == 0)
            return r;
    }
    return bh_db_match(db, source, version, take_hit, m, err);
}

static int match_package(struct matcher *m, uint32_t index, struct bh_error *err)
{
    const struct bh_package *p = &m->facts->packages[index];
    int r = 0;

    if (!p->type || !p->version)
        return 0;
    m->package = index;
    m->first = m->facts->vulnerability_count;
    for (size_t i = 0; i < m->count && r == 0; i++) {
        if (strcmp(p->type, m->type[i]) != 0)
            continue;
        m->source = m->facts->sources[m->facts->source_count - m->count + i].name;
        r = match_in(m, m->open[i], p, err);
    }
    return r;
}

void bh_advisory_match(struct bh_facts *f, const char *root)
{
    struct matcher m = {.facts = f, .root = root};
    struct bh_error reason = BH_ERROR_INIT;
    int r = 0;

    open_for_distribution(&m);
    open_for_languages(&m);
    report_strangers(&m);
    for (uint32_t i = 0; i < f->package_count && r == 0; i++)
        r = match_package(&m, i, &reason);
    if (r < 0)
        add_coverage(f, true,
                     bh_arena_format(f->arena, "vulnerabilities were not all checked: %s",
                                     reason.message));
    for (size_t i = 0; i < m.count; i++)
        bh_db_close(m.open[i]);
}
