/* image/archive.h - members of an uncompressed tar file, found by name and read at their offsets.
 *
 * The file's headers are read once, in a locked-up child (sys/sandbox), which answers with names,
 * offsets and sizes; they are checked against the file's size again. Members are then read with
 * pread, so a 10 GB archive costs its headers. Private to image/.
 * A name that is there twice is refused: readers differ in which one they take, and what was judged
 * must be what runs. */
#pragma once
#include "image/source.h"

#define BH_ARCHIVE_MEMBERS_MAX 65536u /* files and links; a rootfs tar is no archive of images */

struct bh_archive;
/* fd is borrowed for the archive's life.
 * Errors: BH_CORRUPT, BH_INVALID no (whole) tar; BH_UNSUPPORTED compressed; BH_LIMIT */
int bh_archive_open(int fd, struct bh_archive **ret, struct bh_error *err) BH_CHECKED;
void bh_archive_close(struct bh_archive *a); /* NULL is allowed */
static inline void bh_archive_closep(struct bh_archive **a)
{
    bh_archive_close(*a);
}

bool bh_archive_has(const struct bh_archive *a, const char *name) BH_NONNULL;
/* Symbolic and hard links inside the archive are followed. ret->fd is a duplicate, the caller's.
 * Errors: BH_NOT_FOUND, BH_INVALID for links that go nowhere or in a circle */
int bh_archive_find(const struct bh_archive *a, const char *name, struct bh_blob *ret,
                    struct bh_error *err) BH_CHECKED;
