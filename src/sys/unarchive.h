/* sys/unarchive.h - reading zip and tar archives (plain, gzip, xz, zstd) through libarchive.
 *
 * For confined workers only: the library parses what strangers made. Member names are labels for
 * messages, never paths to open.
 * Errors: BH_INVALID no archive of a known kind; BH_CORRUPT damaged or cut off; BH_LIMIT. */
#pragma once
#include "base/buf.h"
#include "base/error.h"

struct bh_unarchive;
/* Loads libarchive, which no executable is linked to. Whoever confines a worker calls it first: the
 * worker cannot open a library any more. Opening calls it too. Calling it again costs nothing.
 * Errors: BH_UNSUPPORTED the library is not installed. */
int bh_unarchive_load(struct bh_error *err) BH_CHECKED;
/* fd is borrowed and must stay open; zip needs one that can seek. */
int bh_unarchive_open(int fd, struct bh_unarchive **ret, struct bh_error *err) BH_CHECKED;
/* One file, plain or compressed with gzip, xz, zstd, lz4 or bzip2: bh_unarchive_next gives it once.
 */
int bh_unarchive_open_single(int fd, struct bh_unarchive **ret, struct bh_error *err) BH_CHECKED;
void bh_unarchive_close(struct bh_unarchive *a); /* NULL is allowed */
static inline void bh_unarchive_closep(struct bh_unarchive **a)
{
    bh_unarchive_close(*a);
}
/* The next regular file; *ret_name (borrowed until the next call) is NULL at the end. */
int bh_unarchive_next(struct bh_unarchive *a, const char **ret_name, struct bh_error *err)
    BH_CHECKED;
/* Appends the file's content to out, at most up to out->limit. */
int bh_unarchive_read(struct bh_unarchive *a, struct bh_buf *out, struct bh_error *err) BH_CHECKED;
