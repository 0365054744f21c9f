/* sys/tar.h - a tar reader that is fed bytes and hands out members.
 *
 * Understands v7, ustar, GNU (long names, sparse files old and new, base-256 numbers) and pax
 * (path, linkpath, size, uid, gid, mtime, GNU.sparse.*, SCHILY.xattr.*). Names are handed on as
 * they are written: cleaning them is the caller's. Global pax headers are passed over, as Docker
 * and containerd do. Everything after the two zero blocks that end an archive is ignored. Runs in
 * confined workers only. Source: POSIX.1-2017 pax "ustar Interchange Format" and "pax Interchange
 * Format"; GNU tar manual, "Tar Internals" and "Storing Sparse Files"; star(5) for SCHILY.xattr. */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define BH_TAR_PAX_BYTES (1024u * 1024u) /* of one extended header, as Go's archive/tar has it */
#define BH_TAR_XATTRS 128u               /* of one member */
#define BH_TAR_SEGMENTS 262144u          /* of one sparse file */

enum bh_tar_type {
    BH_TAR_FILE = 1,
    BH_TAR_HARDLINK,
    BH_TAR_SYMLINK,
    BH_TAR_CHAR,
    BH_TAR_BLOCK,
    BH_TAR_DIRECTORY,
    BH_TAR_FIFO,
};

struct bh_tar_xattr {
    const char *name;
    const void *value;
    size_t len;
};

/* Borrowed until the callback returns. */
struct bh_tar_member {
    enum bh_tar_type type;
    const char *name; /* NUL terminated, no NUL inside */
    size_t name_len;
    const char *link; /* of links, else "" */
    size_t link_len;
    uint32_t mode; /* 07777 */
    uint32_t uid, gid;
    uint64_t size;   /* of the content, holes included; 0 for all but files */
    uint64_t stored; /* bytes in the archive: less than size for sparse files */
    bool sparse;
    int64_t mtime;
    uint32_t mtime_nsec;
    uint32_t device_major, device_minor;
    const struct bh_tar_xattr *xattrs;
    size_t xattr_count;
    uint64_t offset; /* of the content in the archive */
};

/* Non-zero from a callback ends the reading with that error. */
struct bh_tar_handler {
    void *self;
    int (*member)(void *self, const struct bh_tar_member *m, bool *want_data, struct bh_error *err);
    int (*data)(void *self, const void *data, size_t len, struct bh_error *err);
    int (*hole)(void *self, uint64_t len, struct bh_error *err); /* zeros of a sparse file */
    int (*end)(void *self, struct bh_error *err); /* of a member whose data was wanted */
};

struct bh_tar;
/* handler is borrowed for the reader's life. name_bytes: longest name or link target. */
struct bh_tar *bh_tar_new(const struct bh_tar_handler *handler, size_t name_bytes)
    BH_RETURNS_NONNULL BH_NONNULL;
void bh_tar_free(struct bh_tar *t); /* NULL is allowed */
static inline void bh_tar_freep(struct bh_tar **t)
{
    bh_tar_free(*t);
}

/* Errors: BH_CORRUPT      checksum, number or record that makes no sense
 *         BH_LIMIT        a name, extended header or sparse map over its limit
 *         BH_UNSUPPORTED  a kind of member nobody defined
 *         or the handler's. After an error the reader must not be fed again. */
int bh_tar_feed(struct bh_tar *t, const void *data, size_t len, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1);
/* At the end of the input. Errors: BH_CORRUPT when it ended inside a member or header. */
int bh_tar_finish(const struct bh_tar *t, struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1);

/* Bytes coming next that the reader would throw away: a caller with a seekable archive may skip as
 * many as it likes of them, and tells with bh_tar_skip. */
uint64_t bh_tar_skippable(const struct bh_tar *t) BH_NONNULL;
void bh_tar_skip(struct bh_tar *t, uint64_t len) BH_NONNULL;
/* true once the end of the archive was seen: the rest need not be fed. */
bool bh_tar_ended(const struct bh_tar *t) BH_NONNULL;
