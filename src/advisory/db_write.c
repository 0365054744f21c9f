#include "advisory/db.h"
#include "advisory/db_impl.h"
#include "base/time.h"
#include "sys/fd.h"
#include "sys/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct builder {
    char *key, *ecosystem, *path, *new_path;
    struct bh_sqlite *db;
    struct bh_query *add_advisory, *add_affected;
    int64_t advisories, ranges;
    char newest[BH_TIME_TEXT_SIZE];
    uint64_t record; /* the record that was added last */
    bool repeated;   /* its id was there already */
    bool placed;
};

struct bh_db_set {
    char *directory;
    int directory_fd, lock_fd;
    struct builder *builders;
    size_t count, cap;
    uint64_t records, withdrawn;
};

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE advisory(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, aliases TEXT NOT NULL,"
    " related TEXT NOT NULL, summary TEXT NOT NULL, published TEXT NOT NULL);"
    "CREATE TABLE affected(package TEXT NOT NULL, advisory INTEGER NOT NULL,"
    " place INTEGER NOT NULL, introduced TEXT NOT NULL, fixed TEXT NOT NULL, last TEXT NOT NULL,"
    " severity INTEGER NOT NULL, PRIMARY KEY(package, advisory, place)) WITHOUT ROWID;"
    "BEGIN";

static void builder_close(struct builder *b)
{
    bh_query_free(BH_TAKE(b->add_advisory));
    bh_query_free(BH_TAKE(b->add_affected));
    bh_sqlite_close(BH_TAKE(b->db));
}

static void builder_done(struct builder *b)
{
    builder_close(b);
    if (b->new_path && !b->placed)
        (void)unlink(b->new_path); /* the next import clears what stays */
    free(b->key);
    free(b->ecosystem);
    free(b->path);
    free(b->new_path);
}

static int builder_open(struct bh_db_set *s, const char *key, const char *ecosystem,
                        struct builder **ret, struct bh_error *err)
{
    struct builder *b;
    int r;

    if (s->count == BH_DB_SETS_MAX)
        return bh_fail(err, BH_LIMIT, "more than %u ecosystems in one import", BH_DB_SETS_MAX);
    bh_grow(s->builders, s->count, s->cap);
    b = &s->builders[s->count++];
    *b = (struct builder){.key = bh_strdup(key), .ecosystem = bh_strdup(ecosystem)};
    b->path = bh_format("%s/%s.sqlite", s->directory, key);
    b->new_path = bh_format("%s.new", b->path);
    r = bh_sqlite_open(b->new_path, BH_SQLITE_BUILD, &b->db, err);
    if (r == 0)
        r = bh_sqlite_exec(b->db, schema, err);
    if (r == 0)
        r = bh_query_new(b->db,
                         "INSERT OR IGNORE INTO advisory VALUES(?, ?, ?, ?, ?, ?) RETURNING n",
                         &b->add_advisory, err);
    if (r == 0)
        r = bh_query_new(b->db, "INSERT INTO affected VALUES(?, ?, ?, ?, ?, ?, ?)",
                         &b->add_affected, err);
    if (r < 0)
        return bh_wrap(err, "%s", b->new_path);
    *ret = b;
    return 0;
}

static int find_builder(struct bh_db_set *s, const char *ecosystem, struct builder **ret,
                        struct bh_error *err)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = NULL;
    char *key;

    for (size_t i = s->count; i-- > 0;) {
        if (strcmp(s->builders[i].ecosystem, ecosystem) == 0) {
            *ret = &s->builders[i];
            return 0;
        }
    }
    arena = bh_arena_new();
    key = bh_db_key(ecosystem, arena);
    if (!key)
        return bh_fail(err, BH_INVALID, "ecosystem \"%.80s\" has no usable name", ecosystem);
    for (size_t i = 0; i < s->count; i++) { /* Red Hat's repositories of one release */
        if (strcmp(s->builders[i].key, key) == 0) {
            *ret = &s->builders[i];
            return 0;
        }
    }
    return builder_open(s, key, ecosystem, ret, err);
}

/* ---- the set ---- */

static void remove_leftovers(const struct bh_db_set *s)
{
    BH_AUTO(bh_db_names_done) struct bh_db_names names = {0};

    if (bh_db_names_read(s->directory, ".sqlite.new", &names, NULL) < 0)
        return; /* opening the new file will say why */
    for (size_t i = 0; i < names.count; i++)
        (void)unlinkat(s->directory_fd, names.items[i], 0);
}

int bh_db_set_new(const char *root, struct bh_db_set **ret, struct bh_error *err)
{
    BH_AUTO(bh_db_set_freep) struct bh_db_set *s = bh_new0(sizeof *s);
    int r;

    s->directory_fd = s->lock_fd = -1;
    s->directory = bh_format("%s/db", root);
    r = bh_mkdir_parents(AT_FDCWD, s->directory, 0755, err);
    if (r < 0)
        return r;
    s->directory_fd = open(s->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->directory_fd < 0)
        return bh_fail_errno(err, "open %s", s->directory);
    s->lock_fd = openat(s->directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return bh_fail_errno(err, "open %s/lock", s->directory);
    while (flock(s->lock_fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return bh_fail_errno(err, "lock %s/lock", s->directory);
    remove_leftovers(s);
    *ret = BH_TAKE(s);
    return 0;
}

void bh_db_set_free(struct bh_db_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        builder_done(&s->builders[i]);
    free(s->builders);
    free(s->directory);
    bh_closep(&s->directory_fd);
    bh_closep(&s->lock_fd);
    free(s);
}

uint64_t bh_db_set_withdrawn(const struct bh_db_set *s)
{
    return s->withdrawn;
}

static void note_date(struct builder *b, const char *date)
{
    char text[BH_TIME_TEXT_SIZE];
    int64_t moment;

    if (!*date || bh_time_parse(date, &moment, NULL) < 0)
        return;
    bh_time_format(moment, text);
    if (strcmp(text, b->newest) > 0)
        memcpy(b->newest, text, sizeof text);
}

static int add_advisory(struct builder *b, const struct bh_osv_record *record, struct bh_error *err)
{
    struct bh_query *q = b->add_advisory;
    bool row;
    int r;

    bh_query_bind_int(q, 1, b->advisories + 1);
    bh_query_bind_text(q, 2, record->id);
    bh_query_bind_text(q, 3, record->aliases);
    bh_query_bind_text(q, 4, record->related);
    bh_query_bind_text(q, 5, record->summary);
    bh_query_bind_text(q, 6, record->published);
    r = bh_query_step(q, &row, err);
    bh_query_reset(q);
    if (r < 0)
        return r;
    b->repeated = !row;
    b->advisories += row;
    note_date(b, record->modified);
    note_date(b, record->published); /* Go's database leaves modified at year 1 */
    return 0;
}

static int add_interval(struct builder *b, const struct bh_osv_interval *v, size_t place,
                        struct bh_error *err)
{
    struct bh_query *q = b->add_affected;

    bh_query_bind_text(q, 1, v->package);
    bh_query_bind_int(q, 2, b->advisories);
    bh_query_bind_int(q, 3, (int64_t)place);
    bh_query_bind_text(q, 4, v->introduced);
    bh_query_bind_text(q, 5, v->fixed);
    bh_query_bind_text(q, 6, v->last);
    bh_query_bind_int(q, 7, v->severity);
    b->ranges++;
    return bh_query_run(q, err);
}

int bh_db_set_add(struct bh_db_set *s, const struct bh_osv_record *record, struct bh_error *err)
{
    s->records++;
    if (record->withdrawn) {
        s->withdrawn++;
        return 0;
    }
    for (size_t i = 0; i < record->interval_count; i++) {
        struct builder *b;
        int r = find_builder(s, record->intervals[i].ecosystem, &b, err);

        if (r == 0 && b->record != s->records) {
            b->record = s->records;
            r = add_advisory(b, record, err);
        }
        if (r == 0 && !b->repeated)
            r = add_interval(b, &record->intervals[i], i, err);
        if (r < 0)
            return bh_wrap(err, "%s", record->id);
    }
    return 0;
}

/* ---- the end ---- */

/* For a string literal of SQL. */
static char *quote(const char *text)
{
    struct bh_buf b = BH_BUF_INIT(0);

    for (; *text; text++) {
        if (*text == '\'')
            bh_buf_putc(&b, '\'');
        bh_buf_putc(&b, *text);
    }
    return bh_buf_take(&b);
}

static int keep_old(struct builder *b, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *sql = NULL;
    BH_AUTO(bh_freep) char *path = NULL;
    int r;

    if (access(b->path, F_OK) < 0)
        return 0;
    path = quote(b->path);
    sql =
        bh_format("COMMIT; ATTACH '%s' AS old;"
                  "INSERT OR IGNORE INTO advisory SELECT n + %jd, id, aliases, related, summary,"
                  " published FROM old.advisory;"
                  "INSERT INTO affected SELECT package, advisory + %jd, place, introduced, fixed,"
                  " last, severity FROM old.affected WHERE advisory + %jd IN"
                  " (SELECT n FROM advisory);"
                  "DETACH old; BEGIN",
                  path, (intmax_t)b->advisories, (intmax_t)b->advisories, (intmax_t)b->advisories);
    r = bh_sqlite_exec(b->db, sql, err);
    if (r == 0)
        r = bh_sqlite_count(b->db, "SELECT count(*) FROM advisory", &b->advisories, err);
    if (r == 0)
        r = bh_sqlite_count(b->db, "SELECT count(*) FROM affected", &b->ranges, err);
    return r < 0 ? bh_wrap(err, "merge %s", b->path) : 0;
}

int bh_db_set_keep_old(struct bh_db_set *s, struct bh_error *err)
{
    int r = 0;

    for (size_t i = 0; i < s->count && r == 0; i++)
        r = keep_old(&s->builders[i], err);
    return r;
}

static int put_meta(struct builder *b, const char *key, const char *value, struct bh_error *err)
{
    BH_AUTO(bh_query_freep) struct bh_query *q = NULL;
    int r = bh_query_new(b->db, "INSERT INTO meta VALUES(?, ?)", &q, err);

    if (r < 0)
        return r;
    bh_query_bind_text(q, 1, key);
    bh_query_bind_text(q, 2, value);
    return bh_query_run(q, err);
}

static int put_meta_number(struct builder *b, const char *key, int64_t value, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *text = bh_format("%jd", (intmax_t)value);

    return put_meta(b, key, text, err);
}

static char *name_source(const struct bh_db_commit *c, const char *ecosystem)
{
    char *name = c->source ? bh_format("%s %s", c->source, ecosystem) : bh_strdup(ecosystem);

    if (!c->source && strchr(name, ':'))
        *strchr(name, ':') = ' ';
    return name;
}

static int finish(struct builder *b, const struct bh_db_commit *c, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *source = name_source(c, b->ecosystem);
    char now[BH_TIME_TEXT_SIZE];
    BH_AUTO(bh_closep) int fd = -1;
    int r = put_meta_number(b, "format", BH_DB_FORMAT, err);

    if (r == 0)
        r = put_meta(b, "ecosystem", b->ecosystem, err);
    if (r == 0)
        r = put_meta(b, "source", source, err);
    if (r == 0)
        r = put_meta(b, "date", c->date ? c->date : b->newest, err);
    if (r == 0)
        r = put_meta(b, "imported", bh_time_format(bh_time_now(), now), err);
    if (r == 0)
        r = put_meta(b, "note", c->note ? c->note : "", err);
    if (r == 0)
        r = put_meta_number(b, "advisories", b->advisories, err);
    if (r == 0)
        r = put_meta_number(b, "ranges", b->ranges, err);
    if (r == 0)
        r = bh_sqlite_exec(b->db, "COMMIT", err);
    builder_close(b);
    if (r < 0)
        return bh_wrap(err, "write %s", b->new_path);
    fd = open(b->new_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0644) < 0 || fsync(fd) < 0)
        return bh_fail_errno(err, "fsync %s", b->new_path);
    return 0;
}

static int check_shrink(const struct bh_db_set *s, const struct builder *b, struct bh_error *err)
{
    BH_AUTO(bh_db_closep) struct bh_db *old = NULL;
    BH_AUTO(bh_freep) char *root = bh_strndup(s->directory, strlen(s->directory) - 3);
    uint64_t before;

    if (bh_db_open(root, b->key, &old, NULL) < 0)
        return 0; /* none, or one that is of no use */
    before = bh_db_info(old)->advisories;
    if (before < 100 || (uint64_t)b->advisories >= before / 2)
        return 0;
    return bh_fail(err, BH_CORRUPT,
                   "%s would shrink from %ju to %jd advisories, which looks like a broken feed; "
                   "nothing was changed; next: --merge adds to what is there, --force replaces it",
                   b->ecosystem, (uintmax_t)before, (intmax_t)b->advisories);
}

static void describe(const struct builder *b, const struct bh_db_set *s, struct bh_db_info *ret)
{
    BH_AUTO(bh_db_closep) struct bh_db *db = NULL;
    BH_AUTO(bh_freep) char *root = bh_strndup(s->directory, strlen(s->directory) - 3);

    if (bh_db_open(root, b->key, &db, NULL) == 0)
        bh_db_info_copy(bh_db_info(db), ret);
}

int bh_db_set_commit(struct bh_db_set *s, const struct bh_db_commit *c,
                     struct bh_db_info **ret_infos, size_t *ret_count, struct bh_error *err)
{
    int r = 0;

    if (!s->count)
        return bh_fail(err, BH_NOT_FOUND, "no advisory about any package was found");
    for (size_t i = 0; i < s->count && r == 0 && !c->force; i++)
        r = check_shrink(s, &s->builders[i], err);
    for (size_t i = 0; i < s->count && r == 0; i++)
        r = finish(&s->builders[i], c, err);
    for (size_t i = 0; i < s->count && r == 0; i++) {
        struct builder *b = &s->builders[i];

        if (rename(b->new_path, b->path) < 0)
            r = bh_fail_errno(err, "rename %s", b->new_path);
        else
            b->placed = true;
    }
    if (r == 0 && fsync(s->directory_fd) < 0)
        r = bh_fail_errno(err, "fsync %s", s->directory);
    if (r < 0)
        return r;
    *ret_infos = bh_new_array(s->count, sizeof **ret_infos);
    *ret_count = s->count;
    for (size_t i = 0; i < s->count; i++)
        describe(&s->builders[i], s, &(*ret_infos)[i]);
    return 0;
}
