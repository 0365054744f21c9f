/* image/layer_stream.h - one pass over one layer: inflate, verify both digests, walk the tar.
 *
 * Runs inside the confined decoder (cmd/decode.c); everything it reads is hostile. What the layer
 * holds is handed to a sink entry by entry, in the order of the tar. A sink sees entries *before*
 * the digests are known to match: whatever it gathered counts only when bh_layer_stream returned 0.
 * Source: OCI image-spec 1.1 layer.md (whiteouts, opaque directories, absolute names), POSIX pax,
 *         GNU tar 1.34 (long names, sparse files), SCHILY.xattr. */
#pragma once
#include "base/error.h"

#include <stdint.h>

struct bh_digest; /* sys/digest.h */

enum bh_entry_type {
    BH_ENTRY_FILE = 1,
    BH_ENTRY_DIRECTORY,
    BH_ENTRY_SYMLINK,
    BH_ENTRY_HARDLINK,
    BH_ENTRY_FIFO,
    BH_ENTRY_CHAR, /* device nodes: seen by the sink, never created */
    BH_ENTRY_BLOCK,
};

enum bh_whiteout {
    BH_WHITEOUT_NONE = 0,
    BH_WHITEOUT_PATH,   /* ".wh.NAME": path is what lower layers lose; all but path is unset */
    BH_WHITEOUT_OPAQUE, /* ".wh..wh..opq": path is the directory whose lower content is hidden */
};

struct bh_layer_xattr {
    const char *name; /* "security.capability" */
    const void *value;
    size_t len;
};

/* Everything is borrowed until the callback returns. */
struct bh_layer_entry {
    const char *path; /* clean, relative to the image's root, NUL terminated; "" is the root */
    size_t path_len;
    enum bh_entry_type type;
    enum bh_whiteout whiteout;
    uint32_t mode; /* permission, setuid, setgid and sticky bits: 07777 */
    uint32_t uid, gid;
    uint64_t size; /* bytes of content: 0 for all but files; holes included */
    int64_t mtime; /* seconds since the epoch */
    uint32_t mtime_nsec;
    const char *link; /* symlink: target as written; hard link: clean path in the image; else "" */
    uint32_t device_major, device_minor;
    const struct bh_layer_xattr *xattrs;
    size_t xattr_count;
    uint64_t offset; /* of the content in the uncompressed tar */
};

/* Any callback that returns non-zero (with err filled) ends the pass with that error. data, hole
 * and end may be NULL when no data is ever wanted. */
struct bh_layer_sink {
    void *self;
    /* Once per member. *want_data is false at the call; a file whose content is wanted sets it. */
    int (*entry)(void *self, const struct bh_layer_entry *entry, bool *want_data,
                 struct bh_error *err);
    /* The content of the last entry, in order, in pieces of 1 byte to about 128 KiB. */
    int (*data)(void *self, const void *data, size_t len, struct bh_error *err);
    /* A run of zeros of a sparse file. NULL: they come through data. */
    int (*hole)(void *self, uint64_t len, struct bh_error *err);
    /* After the last byte of an entry whose content was wanted (also when it is empty). */
    int (*end)(void *self, struct bh_error *err);
};

/* Each is an option of the commands that read layers (--limit-NAME). */
struct bh_layer_limits {
    uint64_t total_bytes; /* uncompressed tar, and sum of file sizes with holes; default 64 GiB */
    uint64_t entries;     /* members of one layer; default 1,000,000 */
    uint32_t ratio;       /* uncompressed : compressed, judged past 64 MiB out; default 250 */
    uint32_t path_bytes;  /* of one name or link target; default 4095 */
    uint32_t depth;       /* components of one name; default 256 */
    uint32_t window_log;  /* zstd window, log2 bytes; default 25 (32 MiB) */
};
extern const struct bh_layer_limits bh_layer_limits_default;

enum bh_compression {
    BH_COMPRESSION_DETECT = 0, /* by the first bytes */
    BH_COMPRESSION_NONE,
    BH_COMPRESSION_GZIP,
    BH_COMPRESSION_ZSTD,
};

struct bh_layer_source {
    int fd;          /* blob or the archive that holds it; read with pread, position untouched */
    uint64_t offset; /* where the blob begins in fd */
    uint64_t size;   /* bytes of the blob */
    enum bh_compression compression;
    const struct bh_digest *digest;  /* of the blob; NULL: computed, not compared */
    const struct bh_digest *diff_id; /* of the uncompressed tar; NULL: computed, not compared */
};

struct bh_layer_totals {
    uint64_t blob_bytes, tar_bytes, entries, file_bytes;
    enum bh_compression compression;
};

/* Outputs may be NULL.
 * Errors: BH_CORRUPT  a digest differs, or gzip, zstd or tar is damaged or cut short
 *         BH_INVALID  a name whose ".." leaves the root, a hard link to outside the image, a member
 *                     below something that is no directory, a reserved whiteout name
 *         BH_LIMIT    one of *limits, which the message names
 *         BH_UNSUPPORTED  a kind of member nobody defined
 *         or what the sink returned */
int bh_layer_stream(const struct bh_layer_source *source, const struct bh_layer_limits *limits,
                    const struct bh_layer_sink *sink, struct bh_digest *ret_digest,
                    struct bh_digest *ret_diff_id, struct bh_layer_totals *ret_totals,
                    struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);
