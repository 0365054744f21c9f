/* sys/sqlite.h - the few things Bulkhead does with SQLite, and the settings it always uses.
 *
 * No extension loading, schema functions distrusted, cell sizes checked, so that a damaged or
 * hostile file ends in an error. Values bound or read are copied by SQLite or valid until the next
 * step. One connection belongs to one thread.
 * Errors: BH_CORRUPT the file is damaged or no database; BH_NOT_FOUND; BH_IO; BH_INVALID bad SQL.
 */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum bh_sqlite_mode {
    /* Read-only and immutable: no lock is taken and no journal looked for. Whoever changes such a
     * file replaces it by rename. */
    BH_SQLITE_READ = 1,
    /* A new file, which must not exist. Neither journal nor fsync: written aside, then made durable
     * and renamed by the caller. */
    BH_SQLITE_BUILD = 2,
};

struct bh_sqlite;
int bh_sqlite_open(const char *path, enum bh_sqlite_mode mode, struct bh_sqlite **ret,
                   struct bh_error *err) BH_CHECKED;
/* A database that is already in memory, read-only; data is borrowed until close. One in WAL mode
 * (bytes 18 and 19 of its header are 2) must be marked as an ordinary one (1) by the caller. */
int bh_sqlite_open_memory(const void *data, size_t len, struct bh_sqlite **ret,
                          struct bh_error *err) BH_CHECKED;
void bh_sqlite_close(struct bh_sqlite *db); /* NULL is allowed; queries must be freed before */
static inline void bh_sqlite_closep(struct bh_sqlite **db)
{
    bh_sqlite_close(*db);
}
/* One or several statements without results. */
int bh_sqlite_exec(struct bh_sqlite *db, const char *sql, struct bh_error *err) BH_CHECKED;

struct bh_query;
int bh_query_new(struct bh_sqlite *db, const char *sql, struct bh_query **ret, struct bh_error *err)
    BH_CHECKED;
void bh_query_free(struct bh_query *q); /* NULL is allowed */
static inline void bh_query_freep(struct bh_query **q)
{
    bh_query_free(*q);
}
/* Parameters count from 1, columns from 0. text NULL binds SQL's NULL; the text is borrowed until
 * the query is reset. */
void bh_query_bind_text(struct bh_query *q, int parameter, const char *text);
void bh_query_bind_int(struct bh_query *q, int parameter, int64_t value);
/* *ret_row: a row is there to be read; false at the end. */
int bh_query_step(struct bh_query *q, bool *ret_row, struct bh_error *err) BH_CHECKED;
/* Back to the beginning, for new parameters. */
void bh_query_reset(struct bh_query *q);
/* Runs a statement without results to its end and resets it. */
int bh_query_run(struct bh_query *q, struct bh_error *err) BH_CHECKED;

/* Valid until the next step or reset. text is NULL for SQL's NULL. */
const char *bh_query_text(struct bh_query *q, int column);
int64_t bh_query_int(struct bh_query *q, int column);
const void *bh_query_blob(struct bh_query *q, int column, size_t *ret_len);
