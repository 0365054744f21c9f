#include "advisory/suite.h"

#include "advisory/db_impl.h"
#include "advisory/feed_impl.h"
#include "advisory/suite_index.h"
#include "advisory/version.h"
#include "base/time.h"
#include "image/store.h"
#include "sys/digest.h"
#include "sys/fd.h"
#include "sys/unarchive.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEXES_MAX 12
#define INDEX_BYTES_MAX (512u << 20)
#define RELEASE_BYTES_MAX (8u << 20)

/* One suite's files, open. */
struct suite {
    const char *prefix; /* of its files: "mirror_debian-security_dists_bookworm-security_" */
    int release_fd;
    int fds[INDEXES_MAX];
    char *members[INDEXES_MAX]; /* "main_binary-amd64_Packages" */
    size_t count;
};

/* ---- in the confined process ---- */

struct pair {
    const char *source, *version;
};

struct collector {
    struct bh_arena *arena;
    struct pair *pairs;
    size_t count, cap;
};

static void collect(void *context, const char *source, size_t source_len, const char *version,
                    size_t version_len)
{
    struct collector *c = context;

    if (c->count) { /* binaries of one source stand together */
        const struct pair *last = &c->pairs[c->count - 1];

        if (strlen(last->source) == source_len && memcmp(last->source, source, source_len) == 0 &&
            strlen(last->version) == version_len &&
            memcmp(last->version, version, version_len) == 0)
            return;
    }
    bh_grow(c->pairs, c->count, c->cap);
    c->pairs[c->count++] = (struct pair){bh_arena_strndup(c->arena, source, source_len),
                                         bh_arena_strndup(c->arena, version, version_len)};
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *pa = a, *pb = b;
    int r = strcmp(pa->source, pb->source);

    return r ? r : bh_version_compare(BH_VERSION_DEB, pa->version, pb->version);
}

static int read_file(int fd, bool compressed, size_t limit, struct bh_buf *out,
                     struct bh_error *err)
{
    BH_AUTO(bh_unarchive_closep) struct bh_unarchive *a = NULL;
    const char *name = NULL;
    int r;

    out->limit = limit;
    if (!compressed)
        return bh_read_all(fd, out, err);
    r = bh_unarchive_open_single(fd, &a, err);
    if (r == 0)
        r = bh_unarchive_next(a, &name, err);
    return r == 0 && name ? bh_unarchive_read(a, out, err) : r;
}

static int read_index(const struct suite *s, size_t i, const struct bh_buf *release,
                      struct collector *c, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    char expected[65], hex[BH_DIGEST_TEXT_SIZE];
    struct bh_digest digest;
    int r = read_file(s->fds[i], true, INDEX_BYTES_MAX, &text, err);

    if (r < 0)
        return bh_wrap(err, "%s", s->members[i]);
    bh_digest_of(BH_SHA256, bh_buf_text(&text), text.len, &digest);
    if (!bh_release_digest(release->data, release->len, s->members[i], text.len, expected) ||
        strcmp(bh_digest_hex(&digest, hex), expected) != 0)
        return bh_fail(err, BH_CORRUPT, "%s is not what its Release file describes", s->members[i]);
    (void)bh_packages_parse(bh_buf_text(&text), text.len, collect, c);
    return 0;
}

/* "debian-security:bookworm" */
static char *name_ecosystem(const struct bh_release *release, struct bh_arena *arena)
{
    char *name = bh_arena_format(arena, "%s-security:%s", release->origin, release->codename);
    char *end = strstr(name, ":") + 1 + strcspn(strstr(name, ":") + 1, "-/");

    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *end = '\0';
    return name;
}

static void put_advisories(const struct collector *c, const struct bh_release *release,
                           struct bh_feed_result *result, struct bh_buf *out)
{
    char date[BH_TIME_TEXT_SIZE];
    char *ecosystem = name_ecosystem(release, c->arena);
    int family = (int)strcspn(ecosystem, ":");

    bh_time_format(release->date, date);
    for (size_t i = 0; i < c->count; i++) {
        const struct pair *p = &c->pairs[i];
        struct bh_osv_interval interval = {.ecosystem = ecosystem,
                                           .package = p->source,
                                           .introduced = "",
                                           .fixed = p->version,
                                           .last = ""};
        struct bh_osv_record record = {.modified = date,
                                       .published = "",
                                       .aliases = "",
                                       .related = "",
                                       .intervals = &interval,
                                       .interval_count = 1};

        if (i + 1 < c->count && strcmp(c->pairs[i + 1].source, p->source) == 0)
            continue; /* the last of a source is its newest */
        record.id = bh_arena_format(c->arena, "%.*s:%s", family, ecosystem, p->source);
        record.summary = bh_arena_format(c->arena, "%s has %s %s with security updates",
                                         release->codename, p->source, p->version);
        bh_osv_pack(&record, out);
        result->records++;
    }
}

static int work(void *arg, struct bh_buf *out, struct bh_error *err)
{
    const struct suite *s = arg;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    struct collector c = {.arena = arena};
    struct bh_feed_result result = {0};
    struct bh_release release;
    int r = read_file(s->release_fd, false, RELEASE_BYTES_MAX, &text, err);

    if (r == 0)
        r = bh_release_parse(bh_buf_text(&text), text.len, &release, err);
    for (size_t i = 0; i < s->count && r == 0; i++)
        r = read_index(s, i, &text, &c, err);
    if (r == 0 && strcasecmp(release.origin, "Debian") != 0 &&
        strcasecmp(release.origin, "Ubuntu") != 0)
        r = bh_fail(err, BH_UNSUPPORTED, "a security suite of \"%s\"", release.origin);
    if (r == 0) {
        bh_buf_put(out, &result, sizeof result);
        if (c.count)
            qsort(c.pairs, c.count, sizeof *c.pairs, compare_pairs);
        put_advisories(&c, &release, &result, out);
        memcpy(out->data, &result, sizeof result);
    }
    free(c.pairs);
    return r;
}

/* ---- outside of it ---- */

static void suite_close(struct suite *s)
{
    bh_closep(&s->release_fd);
    for (size_t i = 0; i < s->count; i++) {
        bh_closep(&s->fds[i]);
        free(s->members[i]);
    }
}

static int open_list(const char *directory, const char *name, int *ret_fd, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *path = bh_format("%s/%s", directory, name);

    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    return *ret_fd < 0 ? bh_fail_errno(err, "open %s", path) : 0;
}

/* "..._Packages" or "..._Packages.lz4": the length without the suffix of a compression, 0 when it
 * is no index. */
static size_t index_length(const char *name)
{
    static const char *const endings[] = {"", ".lz4", ".gz", ".xz", ".zst", ".bz2"};
    const char *at = strstr(name, "_Packages");

    for (size_t i = 0; at && i < BH_COUNT_OF(endings); i++)
        if (strcmp(at + 9, endings[i]) == 0)
            return (size_t)(at - name) + 9;
    return 0;
}

static int suite_open(const char *directory, const struct bh_db_names *names, const char *release,
                      struct suite *ret, struct bh_error *err)
{
    size_t prefix = strlen(release) - strlen("InRelease");
    int r = open_list(directory, release, &ret->release_fd, err);

    for (size_t i = 0; i < names->count && r == 0; i++) {
        const char *name = names->items[i];
        size_t len = index_length(name);

        if (len <= prefix || strncmp(name, release, prefix) != 0)
            continue;
        if (ret->count == INDEXES_MAX)
            return bh_fail(err, BH_LIMIT, "%s: more than %d indexes", release, INDEXES_MAX);
        r = open_list(directory, name, &ret->fds[ret->count], err);
        if (r == 0)
            ret->members[ret->count++] = bh_strndup(name + prefix, len - prefix);
    }
    return r;
}

static bool is_security_release(const char *name)
{
    static const char *const endings[] = {"-security_InRelease", "_updates_InRelease"};
    size_t len = strlen(name);

    for (size_t i = 0; i < BH_COUNT_OF(endings); i++) {
        size_t n = strlen(endings[i]);

        if (len > n && strcmp(name + len - n, endings[i]) == 0 && strstr(name, "_dists_"))
            return true;
    }
    return false;
}

static int add_record(void *context, const struct bh_osv_record *record, struct bh_error *err)
{
    for (size_t i = 0; i < record->interval_count; i++)
        if (!strstr(record->intervals[i].ecosystem, "-security:"))
            return bh_fail(err, BH_INTERNAL, "the reader of package indexes sent something else");
    return bh_db_set_add(context, record, err);
}

static int read_suite(const char *directory, const struct bh_db_names *names, const char *release,
                      struct bh_db_set *set, struct bh_feed_result *result, struct bh_error *err)
{
    struct suite s = {.prefix = release, .release_fd = -1};
    int fds[INDEXES_MAX + 1];
    int r = suite_open(directory, names, release, &s, err);

    if (r == 0 && s.count) {
        memcpy(fds, s.fds, s.count * sizeof *fds);
        fds[s.count] = s.release_fd;
        r = bh_feed_run(fds, s.count + 1, work, &s, add_record, set, result, err);
    }
    suite_close(&s);
    return r < 0 ? bh_wrap(err, "%s/%s", directory, release) : 0;
}

int bh_suite_import(const struct bh_import *i, const char *directory, const char *note,
                    struct bh_import_result *ret, struct bh_error *err)
{
    BH_AUTO(bh_db_names_done) struct bh_db_names names = {0};
    BH_AUTO(bh_db_set_freep) struct bh_db_set *set = NULL;
    BH_AUTO(bh_closep) int root = -1;
    struct bh_db_commit commit = {.note = note, .force = i->force};
    struct bh_import_result result = {0};
    size_t found = 0;
    int r = bh_db_names_read(directory, "", &names, err);

    if (r == 0)
        r = bh_root_open(i->root, true, &root, err);
    if (r == 0)
        r = bh_db_set_new(i->root, &set, err);
    for (size_t n = 0; n < names.count && r == 0; n++) {
        if (!is_security_release(names.items[n]))
            continue;
        found++;
        r = read_suite(directory, &names, names.items[n], set, &result.feed, err);
    }
    if (r == 0 && !found)
        r = bh_fail(err, BH_NOT_FOUND, "%s holds no lists of a security suite", directory);
    if (r == 0)
        r = bh_db_set_commit(set, &commit, &result.databases, &result.database_count, err);
    if (r == 0)
        *ret = result;
    return r;
}

int64_t bh_suite_age(const char *directory, int64_t now)
{
    BH_AUTO(bh_db_names_done) struct bh_db_names names = {0};
    int64_t age = -1;

    if (bh_db_names_read(directory, "", &names, NULL) < 0)
        return -1;
    for (size_t n = 0; n < names.count; n++) {
        BH_AUTO(bh_freep) char *path = bh_format("%s/%s", directory, names.items[n]);
        struct stat st;

        if (is_security_release(names.items[n]) && stat(path, &st) == 0)
            age = BH_MAX(age, now - (int64_t)st.st_mtime);
    }
    return age;
}
