#include "sys/sqlite.h"

#include "base/mem.h"

#include <sqlite3.h>
#include <string.h>

struct bh_sqlite {
    sqlite3 *handle;
};

struct bh_query {
    sqlite3_stmt *statement;
};

static int code_of(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return BH_CORRUPT;
    case SQLITE_CANTOPEN:
        return BH_NOT_FOUND;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return BH_DENIED;
    case SQLITE_TOOBIG:
    case SQLITE_FULL:
        return BH_LIMIT;
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
        return BH_INVALID;
    default:
        return BH_IO;
    }
}

static int fail(sqlite3 *handle, struct bh_error *err)
{
    return bh_fail(err, code_of(sqlite3_errcode(handle)), "database: %s", sqlite3_errmsg(handle));
}

static int set_up(struct bh_sqlite *db, bool defensive, const char *pragmas, struct bh_error *err)
{
    /* Defensive connections refuse to go without a journal, which a file being built needs not. */
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, (int)defensive, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return bh_sqlite_exec(db, pragmas, err);
}

/* A file name as a URI: all but plain characters escaped. */
static char *uri_of(const char *path)
{
    static const char hex[] = "0123456789ABCDEF";
    char *uri = bh_new(strlen(path) * 3 + 64), *to = uri;

    memcpy(to, "file:", 5);
    to += 5;
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if ((c | 32) >= 'a' && (c | 32) <= 'z' ? true : (c >= '-' && c <= '9') || c == '_') {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    memcpy(to, "?immutable=1", 13);
    return uri;
}

static int open_handle(const char *name, int flags, struct bh_sqlite **ret, struct bh_error *err)
{
    struct bh_sqlite *db = bh_new0(sizeof *db);
    int r = sqlite3_open_v2(name, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);

    if (r != SQLITE_OK) {
        r = db->handle ? fail(db->handle, err) : bh_fail(err, BH_IO, "database: cannot open");
        bh_sqlite_close(db);
        return r;
    }
    *ret = db;
    return 0;
}

int bh_sqlite_open(const char *path, enum bh_sqlite_mode mode, struct bh_sqlite **ret,
                   struct bh_error *err)
{
    BH_AUTO(bh_freep) char *uri = uri_of(path);
    BH_AUTO(bh_sqlite_closep) struct bh_sqlite *db = NULL;
    int r;

    if (mode == BH_SQLITE_READ)
        r = open_handle(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &db, err);
    else
        r = open_handle(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE,
                        &db, err);
    if (r == 0)
        r = set_up(db, mode == BH_SQLITE_READ,
                   mode == BH_SQLITE_READ
                       ? "PRAGMA cell_size_check=1; PRAGMA query_only=1; PRAGMA schema_version"
                       : "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=4096",
                   err);
    if (r < 0)
        return bh_wrap(err, "%s", path);
    *ret = BH_TAKE(db);
    return 0;
}

int bh_sqlite_open_memory(const void *data, size_t len, struct bh_sqlite **ret,
                          struct bh_error *err)
{
    BH_AUTO(bh_sqlite_closep) struct bh_sqlite *db = NULL;
    int r = open_handle(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, &db, err);
    unsigned char *bytes;

    if (r < 0)
        return r;
    memcpy(&bytes, &data, sizeof bytes); /* SQLite promises not to write with READONLY */
    r = sqlite3_deserialize(db->handle, "main", bytes, (sqlite3_int64)len, (sqlite3_int64)len,
                            SQLITE_DESERIALIZE_READONLY);
    if (r != SQLITE_OK)
        return fail(db->handle, err);
    r = set_up(db, true, "PRAGMA cell_size_check=1; PRAGMA query_only=1; PRAGMA schema_version",
               err);
    if (r < 0)
        return r;
    *ret = BH_TAKE(db);
    return 0;
}

void bh_sqlite_close(struct bh_sqlite *db)
{
    if (!db)
        return;
    (void)sqlite3_close_v2(db->handle);
    free(db);
}

int bh_sqlite_exec(struct bh_sqlite *db, const char *sql, struct bh_error *err)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(db->handle, err);
    return 0;
}

int bh_query_new(struct bh_sqlite *db, const char *sql, struct bh_query **ret, struct bh_error *err)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail(db->handle, err);
    *ret = bh_new0(sizeof **ret);
    (*ret)->statement = statement;
    return 0;
}

void bh_query_free(struct bh_query *q)
{
    if (!q)
        return;
    (void)sqlite3_finalize(q->statement); /* repeats the last step's error, already reported */
    free(q);
}

void bh_query_bind_text(struct bh_query *q, int parameter, const char *text)
{
    (void)sqlite3_bind_text(q->statement, parameter, text, -1, SQLITE_STATIC);
}

void bh_query_bind_int(struct bh_query *q, int parameter, int64_t value)
{
    (void)sqlite3_bind_int64(q->statement, parameter, value);
}

int bh_query_step(struct bh_query *q, bool *ret_row, struct bh_error *err)
{
    int r = sqlite3_step(q->statement);

    if (r != SQLITE_ROW && r != SQLITE_DONE)
        return fail(sqlite3_db_handle(q->statement), err);
    *ret_row = r == SQLITE_ROW;
    return 0;
}

void bh_query_reset(struct bh_query *q)
{
    (void)sqlite3_reset(q->statement); /* repeats the last step's error, already reported */
}

int bh_query_run(struct bh_query *q, struct bh_error *err)
{
    bool row = true;
    int r = 0;

    while (row && r == 0)
        r = bh_query_step(q, &row, err);
    bh_query_reset(q);
    return r;
}

const char *bh_query_text(struct bh_query *q, int column)
{
    return (const char *)sqlite3_column_text(q->statement, column);
}

int64_t bh_query_int(struct bh_query *q, int column)
{
    return sqlite3_column_int64(q->statement, column);
}

const void *bh_query_blob(struct bh_query *q, int column, size_t *ret_len)
{
    const void *data = sqlite3_column_blob(q->statement, column);

    *ret_len = (size_t)sqlite3_column_bytes(q->statement, column);
    return data;
}
