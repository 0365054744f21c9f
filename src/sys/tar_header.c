#include "sys/tar_header.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_LIMIT ((uint64_t)INT64_MAX / 2) /* so that sums of two do not overflow */

bool bh_tar_block_is_zero(const void *block)
{
    static const char zeros[BH_TAR_BLOCK_SIZE];

    return memcmp(block, zeros, sizeof zeros) == 0;
}

static int base256(const char *field, size_t len, const char *what, int64_t *ret,
                   struct bh_error *err)
{
    bool negative = field[0] & 0x40;
    uint64_t value = negative ? UINT64_MAX : 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)field[i];

        if (i == 0) /* the first bit only marks the encoding */
            byte = negative ? byte | 0x80 : byte & 0x7f;
        if ((value >> 55) != (negative ? 0x1ffu : 0u))
            return bh_fail(err, BH_CORRUPT, "tar: %s does not fit in 64 bits", what);
        value = value << 8 | byte;
    }
    *ret = (int64_t)value;
    return 0;
}

int bh_tar_number(const char *field, size_t len, const char *what, int64_t *ret,
                  struct bh_error *err)
{
    uint64_t value = 0;
    size_t i = 0;

    if (field[0] & 0x80)
        return base256(field, len, what, ret, err);
    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(field[i] - '0'); /* 12 digits at most: 36 bits */
    for (; i < len; i++)
        if (field[i] != ' ' && field[i] != '\0')
            return bh_fail(err, BH_CORRUPT, "tar: %s is not an octal number", what);
    *ret = (int64_t)value;
    return 0;
}

int bh_tar_unsigned(const char *field, size_t len, const char *what, uint64_t max, uint64_t *ret,
                    struct bh_error *err)
{
    int64_t value = 0;
    int r = bh_tar_number(field, len, what, &value, err);

    if (r < 0)
        return r;
    if (value < 0 || (uint64_t)value > max)
        return bh_fail(err, BH_CORRUPT, "tar: %s is out of range", what);
    *ret = (uint64_t)value;
    return 0;
}

int bh_tar_decimal(const char *text, size_t len, uint64_t max, uint64_t *ret, size_t *ret_len,
                   struct bh_error *err)
{
    uint64_t value = 0;
    size_t i = 0;

    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (value > (max - digit) / 10)
            return bh_fail(err, BH_CORRUPT, "tar: a number of an extended header is out of range");
        value = value * 10 + digit;
    }
    if (i == 0)
        return bh_fail(err, BH_CORRUPT, "tar: a number is missing in an extended header");
    *ret = value;
    *ret_len = i;
    return 0;
}

int bh_tar_block_check(const struct bh_tar_block *b, enum bh_tar_format *ret, struct bh_error *err)
{
    const uint8_t *bytes = (const uint8_t *)b;
    size_t at = offsetof(struct bh_tar_block, checksum);
    uint32_t sum = 0;
    int64_t want = 0, signed_sum = 0;
    int r = bh_tar_number(b->checksum, sizeof b->checksum, "checksum", &want, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < sizeof *b; i++) {
        uint8_t byte = i >= at && i < at + sizeof b->checksum ? ' ' : bytes[i];

        sum += byte;
        signed_sum += (int8_t)byte; /* as some old tars did */
    }
    if (want != (int64_t)sum && want != signed_sum)
        return bh_fail(err, BH_CORRUPT, "tar: wrong checksum of a header");
    if (memcmp(b->magic, "ustar\0", 6) == 0)
        *ret = BH_TAR_POSIX;
    else
        *ret = memcmp(b->magic, "ustar  ", 8) == 0 ? BH_TAR_GNU : BH_TAR_V7;
    return 0;
}

void bh_tar_extended_done(struct bh_tar_extended *x)
{
    bh_buf_done(&x->path);
    bh_buf_done(&x->link);
    bh_buf_done(&x->xattr_bytes);
    free(x->segments);
    memset(x, 0, sizeof *x);
}

int bh_tar_add_segment(struct bh_tar_segment **segments, size_t *count, size_t *cap,
                       uint64_t offset, uint64_t len, struct bh_error *err)
{
    const struct bh_tar_segment *last = *count ? &(*segments)[*count - 1] : NULL;

    if (*count >= BH_TAR_SEGMENTS)
        return bh_fail(err, BH_LIMIT, "tar: sparse file with more than %u segments",
                       BH_TAR_SEGMENTS);
    if (offset > SIZE_LIMIT || len > SIZE_LIMIT || (last && offset < last->offset + last->len))
        return bh_fail(err, BH_CORRUPT, "tar: segments of a sparse file are out of order");
    bh_grow(*segments, *count, *cap);
    (*segments)[(*count)++] = (struct bh_tar_segment){.offset = offset, .len = len};
    return 0;
}

/* One record: key and value inside the header's text. */
struct record {
    const char *key, *value;
    size_t key_len, len;
};

static bool key_is(const struct record *r, const char *key)
{
    return r->key_len == strlen(key) && memcmp(r->key, key, r->key_len) == 0;
}

static bool key_starts(const struct record *r, const char *prefix)
{
    return r->key_len > strlen(prefix) && memcmp(r->key, prefix, strlen(prefix)) == 0;
}

static int whole_number(const struct record *r, uint64_t max, uint64_t *ret, struct bh_error *err)
{
    size_t digits = 0;
    uint64_t value = 0;
    int result = bh_tar_decimal(r->value, r->len, max, &value, &digits, err);

    if (result < 0)
        return result;
    if (digits != r->len)
        return bh_fail(err, BH_CORRUPT, "tar: \"%.*s\" of an extended header is not a number",
                       (int)BH_MIN(r->key_len, (size_t)60), r->key);
    *ret = value;
    return 0;
}

/* "-12.5": seconds with a fraction. */
static int parse_time(const struct record *r, struct bh_tar_extended *x, struct bh_error *err)
{
    bool negative = r->len > 0 && r->value[0] == '-';
    size_t at = negative ? 1 : 0, digits = 0;
    uint64_t seconds = 0;
    uint32_t nsec = 0, unit = 100000000;
    int result = bh_tar_decimal(r->value + at, r->len - at, SIZE_LIMIT, &seconds, &digits, err);

    if (result < 0)
        return result;
    at += digits;
    if (at < r->len && r->value[at] == '.')
        for (at++; at < r->len && r->value[at] >= '0' && r->value[at] <= '9'; at++) {
            nsec += unit * (uint32_t)(r->value[at] - '0');
            unit /= 10;
        }
    if (at != r->len)
        return bh_fail(err, BH_CORRUPT, "tar: mtime of an extended header is not a time");
    x->mtime = negative ? -(int64_t)seconds : (int64_t)seconds;
    if (negative && nsec) {
        x->mtime--;
        nsec = 1000000000 - nsec;
    }
    x->mtime_nsec = nsec;
    x->has_mtime = true;
    return 0;
}

static int take_name(const struct record *r, size_t limit, struct bh_buf *name, bool *has,
                     struct bh_error *err)
{
    if (r->len > limit)
        return bh_fail(err, BH_LIMIT, "tar: name of %zu bytes, limit path-bytes is %zu", r->len,
                       limit);
    if (memchr(r->value, '\0', r->len))
        return bh_fail(err, BH_CORRUPT, "tar: NUL byte in a name of an extended header");
    name->len = 0;
    name->limit = 0;
    bh_buf_put(name, r->value, r->len);
    *has = true;
    return 0;
}

static int take_xattr(const struct record *r, const char *prefix, struct bh_tar_extended *x,
                      struct bh_error *err)
{
    size_t skip = strlen(prefix), at = x->xattr_bytes.len;

    if (x->xattr_count >= BH_TAR_XATTRS)
        return bh_fail(err, BH_LIMIT, "tar: member with more than %u extended attributes",
                       BH_TAR_XATTRS);
    bh_buf_put(&x->xattr_bytes, r->key + skip, r->key_len - skip);
    bh_buf_putc(&x->xattr_bytes, '\0');
    x->xattrs[x->xattr_count].name = at;
    x->xattrs[x->xattr_count].value = x->xattr_bytes.len;
    x->xattrs[x->xattr_count].len = r->len;
    x->xattr_count++;
    bh_buf_put(&x->xattr_bytes, r->value, r->len);
    bh_buf_putc(&x->xattr_bytes, '\0');
    return 0;
}

/* "0,512,4096,512": version 0.1 of the sparse map. */
static int take_map(const struct record *r, struct bh_tar_extended *x, struct bh_error *err)
{
    size_t at = 0, digits = 0;
    uint64_t pair[2];
    int result = 0;

    while (result == 0 && at < r->len) {
        for (int i = 0; i < 2 && result == 0; i++) {
            result = bh_tar_decimal(r->value + at, r->len - at, SIZE_LIMIT, &pair[i], &digits, err);
            at += digits;
            if (result == 0 && (at < r->len ? r->value[at] != ',' : i == 0))
                result = bh_fail(err, BH_CORRUPT, "tar: damaged sparse map");
            at++;
        }
        if (result == 0)
            result = bh_tar_add_segment(&x->segments, &x->segment_count, &x->segment_cap, pair[0],
                                        pair[1], err);
    }
    return result;
}

static int take_sparse(const struct record *r, size_t limit, struct bh_tar_extended *x,
                       struct bh_error *err)
{
    uint64_t n = 0;
    int result;

    x->sparse = true;
    if (key_is(r, "GNU.sparse.name"))
        return take_name(r, limit, &x->path, &x->has_path, err);
    if (key_is(r, "GNU.sparse.map"))
        return take_map(r, x, err);
    result = whole_number(r, SIZE_LIMIT, &n, err);
    if (result < 0)
        return result;
    if (key_is(r, "GNU.sparse.major"))
        x->sparse_major = (uint32_t)BH_MIN(n, (uint64_t)UINT32_MAX);
    else if (key_is(r, "GNU.sparse.minor"))
        x->sparse_minor = (uint32_t)BH_MIN(n, (uint64_t)UINT32_MAX);
    else if (key_is(r, "GNU.sparse.size") || key_is(r, "GNU.sparse.realsize")) {
        x->real_size = n;
        x->has_real_size = true;
    } else if (key_is(r, "GNU.sparse.offset")) /* version 0.0: its length follows */
        return bh_tar_add_segment(&x->segments, &x->segment_count, &x->segment_cap, n, 0, err);
    else if (key_is(r, "GNU.sparse.numbytes")) {
        if (x->segment_count == 0)
            return bh_fail(err, BH_CORRUPT, "tar: damaged sparse map");
        x->segments[x->segment_count - 1].len = n;
    }
    return 0;
}

static int take_id(const struct record *r, uint32_t *id, bool *has, struct bh_error *err)
{
    uint64_t n = 0;
    int result = whole_number(r, UINT32_MAX - 1, &n, err); /* the last one means "unchanged" */

    if (result < 0)
        return result;
    *id = (uint32_t)n;
    *has = true;
    return 0;
}

static int take_record(const struct record *r, struct bh_tar_extended *x, size_t limit,
                       struct bh_error *err)
{
    bool gnu_name = x->sparse && x->has_path; /* GNU.sparse.name beats path */
    int result = 0;

    if (key_starts(r, "SCHILY.xattr."))
        return take_xattr(r, "SCHILY.xattr.", x, err);
    if (r->len == 0) /* takes a value back that only a global header could have set */
        return 0;
    if (key_is(r, "path"))
        return gnu_name ? 0 : take_name(r, limit, &x->path, &x->has_path, err);
    if (key_is(r, "linkpath"))
        return take_name(r, limit, &x->link, &x->has_link, err);
    if (key_is(r, "uid"))
        return take_id(r, &x->uid, &x->has_uid, err);
    if (key_is(r, "gid"))
        return take_id(r, &x->gid, &x->has_gid, err);
    if (key_is(r, "mtime"))
        return parse_time(r, x, err);
    if (key_is(r, "size")) {
        result = whole_number(r, SIZE_LIMIT, &x->size, err);
        x->has_size = result == 0;
        return result;
    }
    return key_starts(r, "GNU.sparse.") ? take_sparse(r, limit, x, err) : 0;
}

/* "30 mtime=1350244992.023960108\n": the length counts itself and the newline. */
static int next_record(const char *text, size_t len, struct record *r, size_t *ret_used,
                       struct bh_error *err)
{
    size_t digits = 0;
    uint64_t size = 0;
    const char *equals;
    int result = bh_tar_decimal(text, len, len, &size, &digits, err);

    if (result < 0)
        return bh_fail(err, BH_CORRUPT, "tar: damaged record of an extended header");
    if (size < digits + 3 || size > len || text[digits] != ' ' || text[size - 1] != '\n')
        return bh_fail(err, BH_CORRUPT, "tar: damaged record of an extended header");
    r->key = text + digits + 1;
    equals = memchr(r->key, '=', size - digits - 2);
    if (!equals || equals == r->key || memchr(r->key, '\0', (size_t)(equals - r->key)))
        return bh_fail(err, BH_CORRUPT, "tar: record of an extended header without a key");
    r->key_len = (size_t)(equals - r->key);
    r->value = equals + 1;
    r->len = (size_t)(text + size - 1 - r->value);
    *ret_used = size;
    return 0;
}

int bh_tar_extended_parse(struct bh_tar_extended *x, const char *text, size_t len,
                          size_t name_bytes, struct bh_error *err)
{
    int result = 0;

    while (result == 0 && len > 0) {
        struct record r;
        size_t used = 0;

        result = next_record(text, len, &r, &used, err);
        if (result == 0)
            result = take_record(&r, x, name_bytes, err);
        text += used;
        len -= used;
    }
    return result;
}
