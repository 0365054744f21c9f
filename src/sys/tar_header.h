/* sys/tar_header.h - fields of one tar block and records of extended headers.
 *
 * Private to sys/tar. Pure functions over bytes. */
#pragma once
#include "base/buf.h"
#include "sys/tar.h"

#define BH_TAR_BLOCK_SIZE 512u

/* A header block as it lies in the archive (POSIX names; GNU's reuse of the prefix beside it). */
struct bh_tar_block {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[8]; /* "ustar\0" "00", or "ustar  \0" (GNU) */
    char uname[32], gname[32], device_major[8], device_minor[8];
    union {
        char prefix[155];
        struct {
            char atime[12], ctime[12], offset[12], longnames[4], unused;
            char sparse[4][24]; /* offset, length */
            char is_extended;
            char real_size[12];
        } gnu;
    };
    char padding[12];
};
_Static_assert(sizeof(struct bh_tar_block) == BH_TAR_BLOCK_SIZE, "a tar block has 512 bytes");

enum bh_tar_format { BH_TAR_V7, BH_TAR_POSIX, BH_TAR_GNU };

struct bh_tar_segment {
    uint64_t offset, len;
};

/* What extended headers say about the next member. Strings own their bytes. */
struct bh_tar_extended {
    struct bh_buf path, link; /* set when has_... */
    bool has_path, has_link, has_size, has_uid, has_gid, has_mtime;
    uint64_t size;
    uint32_t uid, gid;
    int64_t mtime;
    uint32_t mtime_nsec;
    bool sparse; /* any GNU.sparse record */
    uint32_t sparse_major, sparse_minor;
    bool has_real_size;
    uint64_t real_size;
    struct bh_tar_segment *segments; /* versions 0.0 and 0.1 */
    size_t segment_count, segment_cap;
    struct bh_buf xattr_bytes; /* names and values, NUL after each */
    struct {
        size_t name, value, len; /* positions in xattr_bytes */
    } xattrs[BH_TAR_XATTRS];
    size_t xattr_count;
};
void bh_tar_extended_done(struct bh_tar_extended *x); /* and ready for the next member */

/* true for a block of zeros. */
bool bh_tar_block_is_zero(const void *block);
int bh_tar_block_check(const struct bh_tar_block *b, enum bh_tar_format *ret, struct bh_error *err)
    BH_CHECKED;
/* An octal or base-256 field. Errors: BH_CORRUPT. */
int bh_tar_number(const char *field, size_t len, const char *what, int64_t *ret,
                  struct bh_error *err) BH_CHECKED;
/* As above, refusing what is below 0 or above max. */
int bh_tar_unsigned(const char *field, size_t len, const char *what, uint64_t max, uint64_t *ret,
                    struct bh_error *err) BH_CHECKED;
/* A decimal number up to len or a character that is no digit; *ret_len says how many digits. */
int bh_tar_decimal(const char *text, size_t len, uint64_t max, uint64_t *ret, size_t *ret_len,
                   struct bh_error *err) BH_CHECKED;
/* Reads the records of one pax header into *x. */
int bh_tar_extended_parse(struct bh_tar_extended *x, const char *text, size_t len,
                          size_t name_bytes, struct bh_error *err) BH_CHECKED;
/* Appends to a sparse map. Errors: BH_CORRUPT out of order, BH_LIMIT too many. */
int bh_tar_add_segment(struct bh_tar_segment **segments, size_t *count, size_t *cap,
                       uint64_t offset, uint64_t len, struct bh_error *err) BH_CHECKED;
