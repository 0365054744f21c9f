#include "sys/sqlite_fd.h"

#include "base/mem.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

const struct bh_sqlite_limits bh_sqlite_limits_default = {
    .memory_bytes = 24ull * 1024 * 1024,
    .value_bytes = 16ull * 1024 * 1024,
    .steps = 1000000,
};

#define VFS_NAME "bulkhead-fd"
#define FORMAT_VERSION_AT 18 /* write and read format: 2 is WAL */

/* What the VFS serves: the one descriptor of the call in progress. */
struct served {
    int fd;
    uint64_t size;
};

struct file {
    sqlite3_file base;
    struct served what;
};

static int file_close(sqlite3_file *f)
{
    (void)f;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *to, int amount, sqlite3_int64 offset)
{
    const struct file *f = (const struct file *)base;
    uint8_t *out = to;
    int done = 0;

    while (done < amount) {
        ssize_t n = pread(f->what.fd, out + done, (size_t)(amount - done), offset + done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return SQLITE_IOERR_READ;
        if (n == 0)
            break;
        done += (int)n;
    }
    if (done < amount)
        memset(out + done, 0, (size_t)amount - (size_t)done);
    /* A log beside the database does not exist here: say that it was never in WAL mode. */
    for (int at = FORMAT_VERSION_AT; at < FORMAT_VERSION_AT + 2; at++)
        if (offset <= at && at < offset + done && out[at - offset] == 2)
            out[at - offset] = 1;
    return done == amount ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *f, const void *data, int amount, sqlite3_int64 offset)
{
    (void)f;
    (void)data;
    (void)amount;
    (void)offset;
    return SQLITE_READONLY;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    (void)f;
    (void)size;
    return SQLITE_READONLY;
}

static int file_ignore(sqlite3_file *f, int value)
{
    (void)f;
    (void)value;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
    const struct file *f = (const struct file *)base;

    *ret = (sqlite3_int64)f->what.size;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *f, int *ret)
{
    (void)f;
    *ret = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    (void)f;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *f)
{
    (void)f;
    return 4096;
}

static int file_characteristics(sqlite3_file *f)
{
    (void)f;
    return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_ignore,
    .xFileSize = file_size,
    .xLock = file_ignore,
    .xUnlock = file_ignore,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags,
                    int *ret_flags)
{
    struct file *f = (struct file *)base;

    (void)name;
    base->pMethods = NULL;
    if (!(flags & SQLITE_OPEN_MAIN_DB))
        return SQLITE_CANTOPEN; /* no journal, no temporary file */
    f->what = *(const struct served *)vfs->pAppData;
    base->pMethods = &file_methods;
    if (ret_flags)
        *ret_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)name;
    (void)sync;
    return SQLITE_READONLY;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    (void)vfs;
    (void)name;
    (void)flags;
    *ret = 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    if (strlen(name) >= (size_t)size)
        return SQLITE_CANTOPEN;
    memcpy(out, name, strlen(name) + 1);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    if (size > 0)
        memset(out, 0, (size_t)size); /* nothing read-only depends on it */
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret)
{
    (void)vfs;
    *ret = 2440587.5; /* the epoch as a Julian day */
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    if (size > 0)
        out[0] = '\0';
    return 0;
}

/* Thousands of instructions left; 0 stops the statement. */
static int count_steps(void *left_at)
{
    uint64_t *left = left_at;

    return *left == 0 || --*left == 0;
}

static int failed(sqlite3 *db, int code, struct bh_error *err)
{
    int kind = code == SQLITE_TOOBIG || code == SQLITE_NOMEM || code == SQLITE_INTERRUPT
                   ? BH_LIMIT
                   : BH_INVALID;

    return bh_fail(err, kind, "SQLite: %s", db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

static int harden(sqlite3 *db, const struct bh_sqlite_limits *limits, uint64_t *steps)
{
    static const int off[] = {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                              SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, SQLITE_DBCONFIG_TRUSTED_SCHEMA,
                              SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER};
    int code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);

    for (size_t i = 0; code == SQLITE_OK && i < BH_COUNT_OF(off); i++)
        code = sqlite3_db_config(db, off[i], 0, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int)limits->value_bytes);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    sqlite3_progress_handler(db, 1000, count_steps, steps);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db,
                            "PRAGMA cell_size_check=1; PRAGMA mmap_size=0; PRAGMA cache_size=-2048;"
                            "PRAGMA query_only=1; PRAGMA temp_store=2",
                            NULL, NULL, NULL);
    return code;
}

static int walk(sqlite3 *db, const char *sql,
                int (*row)(void *self, const void *data, size_t len, struct bh_error *err),
                void *self, struct bh_error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL), r = 0;

    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW)
            break;
        /* The blob before its size, which SQLite asks for. */
        const void *data = sqlite3_column_blob(statement, 0);

        r = row(self, data ? data : "", data ? (size_t)sqlite3_column_bytes(statement, 0) : 0, err);
        if (r != 0)
            break;
    }
    if (r == 0 && code != SQLITE_DONE)
        r = failed(db, code, err);
    (void)sqlite3_finalize(statement); /* repeats the error of the last step */
    return r;
}

int bh_sqlite_fd_each(int fd, uint64_t size, const char *sql, const struct bh_sqlite_limits *limits,
                      int (*row)(void *self, const void *data, size_t len, struct bh_error *err),
                      void *self, struct bh_error *err)
{
    struct served what = {.fd = fd, .size = size};
    sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct file),
        .mxPathname = 64,
        .zName = VFS_NAME,
        .pAppData = &what,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    uint64_t steps = limits->steps;
    sqlite3 *db = NULL;
    int code, r;

    (void)sqlite3_hard_heap_limit64((sqlite3_int64)limits->memory_bytes);
    code = sqlite3_vfs_register(&vfs, 0);
    if (code != SQLITE_OK)
        return failed(NULL, code, err);
    code = sqlite3_open_v2("image", &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, VFS_NAME);
    if (code == SQLITE_OK)
        code = harden(db, limits, &steps);
    r = code == SQLITE_OK ? walk(db, sql, row, self, err) : failed(db, code, err);
    (void)sqlite3_close(db); /* every statement is finalised: it cannot be busy */
    (void)sqlite3_vfs_unregister(&vfs);
    return r;
}
