/* sys/sqlite_fd.h - reads a foreign SQLite database through a descriptor, without a file system.
 *
 * For confined workers: SQLite sees one read-only file, which is the descriptor, through a VFS of
 * our own; it opens nothing, locks nothing, maps nothing. The database is hostile: views, triggers
 * and extensions are off, its schema is not trusted, memory and steps are limited. A database in
 * WAL mode is read as its main file alone has it. Source: SQLite "Defense Against The Dark Arts",
 * "The OS Backend (VFS)", file format 1.3. */
#pragma once
#include "base/error.h"

#include <stdint.h>

struct bh_sqlite_limits {
    uint64_t memory_bytes; /* of SQLite as a whole, in this process; default 24 MiB */
    uint64_t value_bytes;  /* of one value; default 16 MiB */
    uint64_t steps;        /* virtual machine instructions, in thousands; default 1,000,000 */
};
extern const struct bh_sqlite_limits bh_sqlite_limits_default;

/* Runs one statement of ours over the database in fd (size bytes) and hands the first column of
 * every row, a blob or text, to row; a non-zero result of row ends it and is returned.
 * Errors: BH_INVALID  no database, damaged pages, or no such table
 *         BH_LIMIT    one of *limits */
int bh_sqlite_fd_each(int fd, uint64_t size, const char *sql, const struct bh_sqlite_limits *limits,
                      int (*row)(void *self, const void *data, size_t len, struct bh_error *err),
                      void *self, struct bh_error *err) BH_CHECKED;
