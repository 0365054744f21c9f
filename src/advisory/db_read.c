#include "advisory/db.h"
#include "advisory/db_impl.h"
#include "advisory/version.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct bh_db {
    struct bh_sqlite *sqlite;
    struct bh_query *ranges, *advisory;
    enum bh_version_scheme scheme;
    struct bh_db_info info;
};

/* ---- names ---- */

static const char *skip_redhat(const char *ecosystem)
{
    static const char prefix[] = "Red Hat:enterprise_linux:";

    return strncasecmp(ecosystem, prefix, sizeof prefix - 1) == 0 ? ecosystem + sizeof prefix - 1
                                                                  : NULL;
}

/* An ecosystem without what does not belong into a file name. */
static const char *shorten(const char *ecosystem, struct bh_arena *arena)
{
    const char *redhat = skip_redhat(ecosystem);
    size_t len = strlen(ecosystem);

    if (redhat)
        return bh_arena_format(arena, "Red Hat:%.*s", (int)strspn(redhat, "0123456789"), redhat);
    if (len > 4 && strcasecmp(ecosystem + len - 4, ":LTS") == 0)
        return bh_arena_strndup(arena, ecosystem, len - 4);
    return ecosystem;
}

char *bh_db_key(const char *ecosystem, struct bh_arena *arena)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789._";
    char *key, *to;

    ecosystem = shorten(ecosystem, arena);
    key = to = bh_arena_strdup(arena, ecosystem);
    for (const char *c = ecosystem; *c; c++) {
        char lower = (*c >= 'A' && *c <= 'Z') ? (char)(*c - 'A' + 'a') : *c;

        if (strchr(plain, lower))
            *to++ = lower;
        else if (to > key && to[-1] != '-')
            *to++ = '-';
    }
    while (to > key && (to[-1] == '-' || to[-1] == '.'))
        to--;
    *to = '\0';
    return *key && *key != '.' && strlen(key) <= 200 ? key : NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);

    return n > m && strcmp(text + n - m, suffix) == 0;
}

int bh_db_names_read(const char *directory, const char *suffix, struct bh_db_names *ret,
                     struct bh_error *err)
{
    DIR *d = opendir(directory);
    struct dirent *e;

    if (!d)
        return errno == ENOENT ? 0 : bh_fail_errno(err, "list %s", directory);
    while ((e = readdir(d))) {
        if (*e->d_name == '.' || !ends_with(e->d_name, suffix))
            continue;
        bh_grow(ret->items, ret->count, ret->cap);
        ret->items[ret->count++] = bh_strdup(e->d_name);
    }
    (void)closedir(d);
    if (ret->count)
        qsort(ret->items, ret->count, sizeof *ret->items, compare_names);
    return 0;
}

void bh_db_names_done(struct bh_db_names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
}

/* ---- metadata ---- */

void bh_db_info_done(struct bh_db_info *i)
{
    free(i->key);
    free(i->ecosystem);
    free(i->source);
    free(i->date);
    free(i->imported);
    free(i->note);
    *i = (struct bh_db_info){0};
}

void bh_db_info_copy(const struct bh_db_info *from, struct bh_db_info *to)
{
    *to = *from;
    to->key = bh_strdup(from->key);
    to->ecosystem = bh_strdup(from->ecosystem);
    to->source = bh_strdup(from->source);
    to->date = bh_strdup(from->date);
    to->imported = bh_strdup(from->imported);
    to->note = bh_strdup(from->note);
}

int bh_sqlite_count(struct bh_sqlite *db, const char *sql, int64_t *ret, struct bh_error *err)
{
    BH_AUTO(bh_query_freep) struct bh_query *q = NULL;
    bool row = false;
    int r = bh_query_new(db, sql, &q, err);

    if (r == 0)
        r = bh_query_step(q, &row, err);
    if (r == 0)
        *ret = row ? bh_query_int(q, 0) : 0;
    return r;
}

static void set_text(char **place, const char *value)
{
    free(*place);
    *place = bh_strdup(value);
}

static uint64_t number_of(const char *text)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);

    return *end ? 0 : n;
}

static void take_meta(struct bh_db *db, const char *key, const char *value, uint64_t *format)
{
    struct {
        const char *key;
        char **text;
        uint64_t *number;
    } rows[] = {
        {"format", NULL, format},
        {"ecosystem", &db->info.ecosystem, NULL},
        {"source", &db->info.source, NULL},
        {"date", &db->info.date, NULL},
        {"imported", &db->info.imported, NULL},
        {"note", &db->info.note, NULL},
        {"advisories", NULL, &db->info.advisories},
        {"ranges", NULL, &db->info.ranges},
    };

    for (size_t i = 0; i < BH_COUNT_OF(rows); i++) {
        if (strcmp(rows[i].key, key) != 0)
            continue;
        if (rows[i].text)
            set_text(rows[i].text, value);
        else
            *rows[i].number = number_of(value);
    }
}

static int read_meta(struct bh_db *db, struct bh_error *err)
{
    BH_AUTO(bh_query_freep) struct bh_query *q = NULL;
    uint64_t format = 0;
    bool row;
    int r = bh_query_new(db->sqlite, "SELECT key, value FROM meta", &q, err);

    while (r == 0 && (r = bh_query_step(q, &row, err)) == 0 && row) {
        const char *key = bh_query_text(q, 0), *value = bh_query_text(q, 1);

        if (key && value)
            take_meta(db, key, value, &format);
    }
    if (r == 0 && format != BH_DB_FORMAT)
        return bh_fail(
            err, BH_UNSUPPORTED,
            "format %ju, this version reads %d; next: bulkhead db update, or import again",
            (uintmax_t)format, BH_DB_FORMAT);
    return r;
}

static int prepare(struct bh_db *db, struct bh_error *err)
{
    int r = bh_query_new(db->sqlite,
                         "SELECT advisory, introduced, fixed, last, severity FROM affected"
                         " WHERE package = ?",
                         &db->ranges, err);

    if (r == 0)
        r = bh_query_new(
            db->sqlite, "SELECT id, aliases, related, summary, published FROM advisory WHERE n = ?",
            &db->advisory, err);
    return r;
}

int bh_db_open(const char *root, const char *key, struct bh_db **ret, struct bh_error *err)
{
    BH_AUTO(bh_db_closep) struct bh_db *db = bh_new0(sizeof *db);
    BH_AUTO(bh_freep) char *path = bh_format("%s/db/%s.sqlite", root, key);
    struct stat st;
    int r;

    if (stat(path, &st) < 0)
        return bh_fail_errno(err, "%s", path);
    db->info = (struct bh_db_info){.key = bh_strdup(key),
                                   .ecosystem = bh_strdup(""),
                                   .source = bh_strdup(""),
                                   .date = bh_strdup(""),
                                   .imported = bh_strdup(""),
                                   .note = bh_strdup(""),
                                   .size_bytes = (uint64_t)st.st_size};
    r = bh_sqlite_open(path, BH_SQLITE_READ, &db->sqlite, err);
    if (r < 0)
        return r;
    r = read_meta(db, err);
    if (r == 0)
        r = prepare(db, err);
    if (r < 0)
        return bh_wrap(err, "%s", path);
    db->scheme = bh_version_scheme_of(db->info.ecosystem);
    *ret = BH_TAKE(db);
    return 0;
}

void bh_db_close(struct bh_db *db)
{
    if (!db)
        return;
    bh_query_free(db->ranges);
    bh_query_free(db->advisory);
    bh_sqlite_close(db->sqlite);
    bh_db_info_done(&db->info);
    free(db);
}

const struct bh_db_info *bh_db_info(const struct bh_db *db)
{
    return &db->info;
}

/* ---- matching ---- */

/* What the ranges of one advisory say about the version asked for. */
struct judgement {
    int64_t advisory; /* 0: none yet */
    bool affected;
    bool is_a_fix; /* the version is itself named as a fixed one */
    char *fixed;
    enum bh_severity severity;
};

struct match {
    struct bh_db *db;
    const char *version;
    bh_db_found *found;
    void *context;
    struct judgement j;
};

static bool is_modular(const char *version)
{
    return strstr(version, ".module") != NULL;
}

/* Before the beginning or behind the end of a range; "" is open. */
static bool is_outside(const struct match *m, const char *introduced, const char *last)
{
    enum bh_version_scheme scheme = m->db->scheme;

    return (*introduced && bh_version_compare(scheme, m->version, introduced) < 0) ||
           (*last && bh_version_compare(scheme, m->version, last) > 0);
}

/* The current row of db->ranges. */
static void judge_range(struct match *m)
{
    struct bh_query *q = m->db->ranges;
    const char *introduced = bh_query_text(q, 1), *fixed = bh_query_text(q, 2);
    const char *last = bh_query_text(q, 3);
    int64_t severity = bh_query_int(q, 4);
    enum bh_version_scheme scheme = m->db->scheme;

    if (!introduced || !fixed || !last)
        return;
    /* A modular RPM and an ordinary one have versions that cannot be compared. */
    if (scheme == BH_VERSION_RPM && *fixed && is_modular(fixed) != is_modular(m->version))
        return;
    if (*fixed) {
        int r = bh_version_compare(scheme, m->version, fixed);

        m->j.is_a_fix |= r == 0;
        if (r >= 0)
            return;
    }
    if (is_outside(m, introduced, last))
        return;
    m->j.affected = true;
    if (severity > (int64_t)m->j.severity && severity < BH_SEVERITY_COUNT)
        m->j.severity = (enum bh_severity)severity;
    if (*fixed && (!m->j.fixed || bh_version_compare(scheme, fixed, m->j.fixed) < 0))
        set_text(&m->j.fixed, fixed);
}

static int report(struct match *m, struct bh_error *err)
{
    struct bh_query *q = m->db->advisory;
    bool row = false;
    int r = 0;

    if (m->j.advisory && m->j.affected && !m->j.is_a_fix) {
        bh_query_bind_int(q, 1, m->j.advisory);
        r = bh_query_step(q, &row, err);
        if (r == 0 && row) {
            struct bh_db_hit hit = {.id = bh_query_text(q, 0),
                                    .aliases = bh_query_text(q, 1),
                                    .related = bh_query_text(q, 2),
                                    .summary = bh_query_text(q, 3),
                                    .published = bh_query_text(q, 4),
                                    .fixed = m->j.fixed,
                                    .severity = m->j.severity};

            if (hit.id && hit.aliases && hit.related && hit.summary && hit.published)
                m->found(m->context, &hit);
        }
        bh_query_reset(q);
    }
    free(m->j.fixed);
    m->j = (struct judgement){0};
    return r;
}

int bh_db_match(struct bh_db *db, const char *package, const char *version, bh_db_found *found,
                void *context, struct bh_error *err)
{
    struct match m = {.db = db, .version = version, .found = found, .context = context};
    bool row;
    int r;

    bh_query_bind_text(db->ranges, 1, package);
    while ((r = bh_query_step(db->ranges, &row, err)) == 0 && row) {
        int64_t advisory = bh_query_int(db->ranges, 0);

        if (advisory != m.j.advisory && (r = report(&m, err)) < 0)
            break;
        m.j.advisory = advisory;
        judge_range(&m);
    }
    if (r == 0)
        r = report(&m, err);
    free(m.j.fixed);
    bh_query_reset(db->ranges);
    return r < 0 ? bh_wrap(err, "database %s", db->info.key) : 0;
}

/* ---- all of them ---- */

int bh_db_list(const char *root, struct bh_db_info **ret, size_t *ret_count, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *directory = bh_format("%s/db", root);
    BH_AUTO(bh_db_names_done) struct bh_db_names names = {0};
    int r = bh_db_names_read(directory, ".sqlite", &names, err);

    if (r < 0)
        return r;
    *ret = bh_new_array(names.count, sizeof **ret);
    *ret_count = names.count;
    for (size_t i = 0; i < names.count; i++) {
        BH_AUTO(bh_db_closep) struct bh_db *db = NULL;
        BH_AUTO(bh_freep) char *key = bh_strndup(names.items[i], strlen(names.items[i]) - 7);
        struct bh_error reason = BH_ERROR_INIT;

        if (bh_db_open(root, key, &db, &reason) == 0)
            bh_db_info_copy(bh_db_info(db), &(*ret)[i]);
        else
            (*ret)[i] = (struct bh_db_info){.key = BH_TAKE(key), .note = bh_strdup(reason.message)};
    }
    return 0;
}
