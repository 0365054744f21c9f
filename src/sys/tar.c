#include "sys/tar.h"

#include "base/mem.h"
#include "sys/tar_header.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_LIMIT ((uint64_t)INT64_MAX / 2)
#define SPARSE_OLD_IN_HEADER 4u
#define SPARSE_OLD_IN_BLOCK 21u

enum state {
    STATE_HEADER,     /* a block is awaited */
    STATE_META,       /* content of an extended header or long name is gathered */
    STATE_SPARSE_OLD, /* a further block of an old GNU sparse map */
    STATE_SPARSE_NEW, /* the map that stands before the data (version 1.0) */
    STATE_DATA,
    STATE_PADDING,
    STATE_ENDED,
};

enum meta { META_PAX, META_LONG_NAME, META_LONG_LINK, META_IGNORED };

struct bh_tar {
    const struct bh_tar_handler *handler;
    size_t name_bytes;
    enum state state;
    uint64_t position; /* bytes fed so far */
    bool seen_zero;    /* one block of zeros; a second one ends the archive */

    union {
        char block[BH_TAR_BLOCK_SIZE];
        struct bh_tar_block header;
    };
    size_t block_len; /* of the block being put together */

    enum meta meta;
    struct bh_buf meta_bytes;
    uint64_t meta_left;

    struct bh_tar_extended extended;
    bool extended_pending; /* belongs to the member that must follow */

    /* The member being read. */
    struct bh_tar_member member;
    struct bh_buf name, link;
    struct bh_tar_xattr xattrs[BH_TAR_XATTRS];
    bool want;
    uint64_t left;    /* stored bytes still to come */
    uint64_t padding; /* to the next block, after them */

    struct bh_tar_segment *segments;
    size_t segment_count, segment_cap, segment_at;
    uint64_t logical; /* position in the file's content */
    struct bh_buf map_text;
    uint64_t map_numbers; /* of a version 1.0 map still to come; UINT64_MAX before the count */
};

struct bh_tar *bh_tar_new(const struct bh_tar_handler *handler, size_t name_bytes)
{
    struct bh_tar *t = bh_new0(sizeof *t);

    t->handler = handler;
    t->name_bytes = name_bytes;
    return t;
}

void bh_tar_free(struct bh_tar *t)
{
    if (!t)
        return;
    bh_tar_extended_done(&t->extended);
    bh_buf_done(&t->meta_bytes);
    bh_buf_done(&t->name);
    bh_buf_done(&t->link);
    bh_buf_done(&t->map_text);
    free(t->segments);
    free(t);
}

static uint64_t padding_of(uint64_t size)
{
    return (BH_TAR_BLOCK_SIZE - size % BH_TAR_BLOCK_SIZE) % BH_TAR_BLOCK_SIZE;
}

static void member_over(struct bh_tar *t)
{
    bh_tar_extended_done(&t->extended);
    t->extended_pending = false;
    t->segment_count = t->segment_at = 0;
    t->logical = 0;
    t->map_text.len = 0;
    t->state = t->padding ? STATE_PADDING : STATE_HEADER;
}

/* Zeros up to the logical position `to`. */
static int emit_hole(struct bh_tar *t, uint64_t to, struct bh_error *err)
{
    uint64_t len = to - t->logical;

    t->logical = to;
    return len && t->want ? t->handler->hole(t->handler->self, len, err) : 0;
}

static int data_over(struct bh_tar *t, struct bh_error *err)
{
    int r = 0;

    if (t->member.sparse)
        r = emit_hole(t, t->member.size, err);
    if (r == 0 && t->want)
        r = t->handler->end(t->handler->self, err);
    if (r == 0)
        member_over(t);
    return r;
}

static int announce(struct bh_tar *t, struct bh_error *err)
{
    int r;

    t->member.offset = t->position;
    t->want = false;
    r = t->handler->member(t->handler->self, &t->member, &t->want, err);
    if (r < 0)
        return r;
    t->state = STATE_DATA;
    return t->left == 0 ? data_over(t, err) : 0;
}

/* A sparse map must lie inside the file and account for every stored byte. */
static int check_map(const struct bh_tar *t, struct bh_error *err)
{
    uint64_t sum = 0, end = 0;

    for (size_t i = 0; i < t->segment_count; i++) {
        if (t->segments[i].offset < end)
            return bh_fail(err, BH_CORRUPT, "tar: segments of a sparse file are out of order");
        end = t->segments[i].offset + t->segments[i].len;
        sum += t->segments[i].len; /* no overflow: segments do not overlap and end < 2^63 */
    }
    if (end > t->member.size || sum != t->left)
        return bh_fail(err, BH_CORRUPT, "tar: sparse map of \"%.200s\" does not fit its data",
                       t->member.name);
    return 0;
}

static int start_data(struct bh_tar *t, struct bh_error *err)
{
    int r = t->member.sparse ? check_map(t, err) : 0;

    return r < 0 ? r : announce(t, err);
}

static int set_name(struct bh_tar *t, struct bh_buf *to, const char *text, size_t len,
                    struct bh_error *err)
{
    if (len > t->name_bytes)
        return bh_fail(err, BH_LIMIT, "tar: name of %zu bytes, limit path-bytes is %zu", len,
                       t->name_bytes);
    to->len = 0;
    bh_buf_put(to, text, len);
    return 0;
}

/* ustar: prefix, "/" and name. */
static int name_of_block(struct bh_tar *t, enum bh_tar_format format, struct bh_error *err)
{
    const struct bh_tar_block *b = &t->header;
    char text[sizeof b->prefix + 1 + sizeof b->name];
    size_t len = 0, name_len = strnlen(b->name, sizeof b->name);

    if (format == BH_TAR_POSIX && b->prefix[0]) {
        len = strnlen(b->prefix, sizeof b->prefix);
        memcpy(text, b->prefix, len);
        text[len++] = '/';
    }
    memcpy(text + len, b->name, name_len);
    return set_name(t, &t->name, text, len + name_len, err);
}

static int take_names(struct bh_tar *t, enum bh_tar_format format, struct bh_error *err)
{
    const struct bh_tar_extended *x = &t->extended;
    const struct bh_tar_block *b = &t->header;
    int r = x->has_path ? set_name(t, &t->name, x->path.data, x->path.len, err)
                        : name_of_block(t, format, err);

    if (r == 0)
        r = x->has_link ? set_name(t, &t->link, x->link.data, x->link.len, err)
                        : set_name(t, &t->link, b->link, strnlen(b->link, sizeof b->link), err);
    if (r < 0)
        return r;
    t->member.name = bh_buf_text(&t->name);
    t->member.name_len = t->name.len;
    t->member.link = bh_buf_text(&t->link);
    t->member.link_len = t->link.len;
    return 0;
}

static int type_of_block(const struct bh_tar *t, enum bh_tar_type *ret, struct bh_error *err)
{
    switch (t->header.type) {
    case '\0':
    case '0':
    case '7':
    case 'S':
        *ret = BH_TAR_FILE;
        return 0;
    case '1':
        *ret = BH_TAR_HARDLINK;
        return 0;
    case '2':
        *ret = BH_TAR_SYMLINK;
        return 0;
    case '3':
        *ret = BH_TAR_CHAR;
        return 0;
    case '4':
        *ret = BH_TAR_BLOCK;
        return 0;
    case '5':
        *ret = BH_TAR_DIRECTORY;
        return 0;
    case '6':
        *ret = BH_TAR_FIFO;
        return 0;
    default:
        return bh_fail(err, BH_UNSUPPORTED, "tar: member of unknown kind 0x%02x",
                       (unsigned)(unsigned char)t->header.type);
    }
}

static int take_owner(struct bh_tar *t, struct bh_error *err)
{
    const struct bh_tar_block *b = &t->header;
    const struct bh_tar_extended *x = &t->extended;
    uint64_t mode = 0, uid = x->uid, gid = x->gid;
    int r = bh_tar_unsigned(b->mode, sizeof b->mode, "mode", UINT32_MAX, &mode, err);

    if (r == 0 && !x->has_uid)
        r = bh_tar_unsigned(b->uid, sizeof b->uid, "uid", UINT32_MAX - 1, &uid, err);
    if (r == 0 && !x->has_gid)
        r = bh_tar_unsigned(b->gid, sizeof b->gid, "gid", UINT32_MAX - 1, &gid, err);
    t->member.mode = (uint32_t)mode & 07777;
    t->member.uid = (uint32_t)uid;
    t->member.gid = (uint32_t)gid;
    return r;
}

static int take_device(struct bh_tar *t, struct bh_error *err)
{
    const struct bh_tar_block *b = &t->header;
    uint64_t major = 0, minor = 0;
    int r = 0;

    if (t->member.type == BH_TAR_CHAR || t->member.type == BH_TAR_BLOCK) {
        r = bh_tar_unsigned(b->device_major, 8, "device number", UINT32_MAX, &major, err);
        if (r == 0)
            r = bh_tar_unsigned(b->device_minor, 8, "device number", UINT32_MAX, &minor, err);
    }
    t->member.device_major = (uint32_t)major;
    t->member.device_minor = (uint32_t)minor;
    return r;
}

static int take_size_and_time(struct bh_tar *t, struct bh_error *err)
{
    const struct bh_tar_block *b = &t->header;
    const struct bh_tar_extended *x = &t->extended;
    struct bh_tar_member *m = &t->member;
    uint64_t size = x->size;
    int r = 0;

    if (!x->has_size)
        r = bh_tar_unsigned(b->size, sizeof b->size, "size", SIZE_LIMIT, &size, err);
    m->mtime = x->mtime;
    m->mtime_nsec = x->mtime_nsec;
    if (r == 0 && !x->has_mtime)
        r = bh_tar_number(b->mtime, sizeof b->mtime, "mtime", &m->mtime, err);
    /* Links, directories and devices have no content whatever their size field says. */
    t->left = m->type == BH_TAR_FILE ? size : 0;
    t->padding = padding_of(t->left);
    m->size = m->stored = t->left;
    return r;
}

static void take_xattrs(struct bh_tar *t)
{
    const struct bh_tar_extended *x = &t->extended;

    for (size_t i = 0; i < x->xattr_count; i++)
        t->xattrs[i] = (struct bh_tar_xattr){.name = x->xattr_bytes.data + x->xattrs[i].name,
                                             .value = x->xattr_bytes.data + x->xattrs[i].value,
                                             .len = x->xattrs[i].len};
    t->member.xattrs = t->xattrs;
    t->member.xattr_count = x->xattr_count;
}

/* Pairs of offset and length in an old GNU sparse map; an unused pair begins with NUL. */
static int old_segments(struct bh_tar *t, const char *pairs, size_t count, struct bh_error *err)
{
    for (size_t i = 0; i < count && pairs[24 * i]; i++) {
        uint64_t offset = 0, len = 0;
        int r = bh_tar_unsigned(pairs + 24 * i, 12, "sparse offset", SIZE_LIMIT, &offset, err);

        if (r == 0)
            r = bh_tar_unsigned(pairs + 24 * i + 12, 12, "sparse length", SIZE_LIMIT, &len, err);
        if (r == 0)
            r = bh_tar_add_segment(&t->segments, &t->segment_count, &t->segment_cap, offset, len,
                                   err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int begin_old_sparse(struct bh_tar *t, struct bh_error *err)
{
    const struct bh_tar_block *b = &t->header;
    int r = bh_tar_unsigned(b->gnu.real_size, sizeof b->gnu.real_size, "real size", SIZE_LIMIT,
                            &t->member.size, err);

    t->member.sparse = true;
    if (r == 0)
        r = old_segments(t, b->gnu.sparse[0], SPARSE_OLD_IN_HEADER, err);
    if (r < 0)
        return r;
    if (b->gnu.is_extended) {
        t->state = STATE_SPARSE_OLD;
        return 0;
    }
    return start_data(t, err);
}

static int begin_pax_sparse(struct bh_tar *t, struct bh_error *err)
{
    struct bh_tar_extended *x = &t->extended;

    t->member.sparse = true;
    if (x->has_real_size)
        t->member.size = x->real_size;
    if (x->sparse_major == 1 && x->sparse_minor == 0) {
        t->map_numbers = UINT64_MAX;
        t->state = STATE_SPARSE_NEW;
        return 0;
    }
    if (x->sparse_major != 0 || x->sparse_minor > 1)
        return bh_fail(err, BH_UNSUPPORTED, "tar: sparse format %u.%u", x->sparse_major,
                       x->sparse_minor);
    free(t->segments);
    t->segments = BH_TAKE(x->segments);
    t->segment_count = x->segment_count;
    t->segment_cap = x->segment_cap;
    return start_data(t, err);
}

static int begin_member(struct bh_tar *t, enum bh_tar_format format, struct bh_error *err)
{
    struct bh_tar_member *m = &t->member;
    int r;

    memset(m, 0, sizeof *m);
    r = type_of_block(t, &m->type, err);
    if (r == 0)
        r = take_names(t, format, err);
    if (r < 0)
        return r;
    /* v7 had no type for directories: the name ends in a slash. */
    if (m->type == BH_TAR_FILE && m->name_len && m->name[m->name_len - 1] == '/')
        m->type = BH_TAR_DIRECTORY;
    r = take_owner(t, err);
    if (r == 0)
        r = take_device(t, err);
    if (r == 0)
        r = take_size_and_time(t, err);
    if (r < 0)
        return bh_wrap(err, "\"%.200s\"", m->name);
    take_xattrs(t);
    if (m->type == BH_TAR_FILE && t->header.type == 'S')
        return begin_old_sparse(t, err);
    if (m->type == BH_TAR_FILE && t->extended.sparse)
        return begin_pax_sparse(t, err);
    return start_data(t, err);
}

static int finish_meta(struct bh_tar *t, struct bh_error *err)
{
    struct bh_tar_extended *x = &t->extended;
    const char *text = bh_buf_text(&t->meta_bytes);
    int r = 0;

    if (t->meta == META_PAX) {
        r = bh_tar_extended_parse(x, text, t->meta_bytes.len, t->name_bytes, err);
    } else if (t->meta != META_IGNORED) {
        bool is_name = t->meta == META_LONG_NAME;
        struct bh_buf *to = is_name ? &x->path : &x->link;

        to->len = 0;
        bh_buf_put(to, text, strnlen(text, t->meta_bytes.len));
        *(is_name ? &x->has_path : &x->has_link) = true;
    }
    t->state = t->padding ? STATE_PADDING : STATE_HEADER;
    return r;
}

static int begin_meta(struct bh_tar *t, enum meta meta, struct bh_error *err)
{
    uint64_t size = 0, limit = BH_TAR_PAX_BYTES;
    int r = bh_tar_unsigned(t->header.size, sizeof t->header.size, "size", SIZE_LIMIT, &size, err);

    if (r < 0)
        return r;
    if (meta == META_LONG_NAME || meta == META_LONG_LINK)
        limit = t->name_bytes + 1; /* with its NUL */
    if (size > limit)
        return bh_fail(err, BH_LIMIT, "tar: extended header of %llu bytes, limit %llu",
                       (unsigned long long)size, (unsigned long long)limit);
    t->meta = meta;
    t->meta_bytes.len = 0;
    t->meta_left = size;
    t->padding = padding_of(size);
    t->extended_pending |= meta != META_IGNORED;
    t->state = STATE_META;
    return size ? 0 : finish_meta(t, err);
}

static int zero_block(struct bh_tar *t, struct bh_error *err)
{
    if (t->extended_pending)
        return bh_fail(err, BH_CORRUPT, "tar: extended header without a member");
    if (t->seen_zero)
        t->state = STATE_ENDED;
    t->seen_zero = true;
    return 0;
}

static int header_block(struct bh_tar *t, struct bh_error *err)
{
    enum bh_tar_format format = BH_TAR_V7;
    int r;

    if (bh_tar_block_is_zero(t->block))
        return zero_block(t, err);
    if (t->seen_zero)
        return bh_fail(err, BH_CORRUPT, "tar: data after a lone block of zeros");
    r = bh_tar_block_check(&t->header, &format, err);
    if (r < 0)
        return r;
    switch (t->header.type) {
    case 'x':
    case 'X': /* Solaris */
        return begin_meta(t, META_PAX, err);
    case 'g':
    case 'V': /* GNU: label of the volume */
        return begin_meta(t, META_IGNORED, err);
    case 'L':
        return begin_meta(t, META_LONG_NAME, err);
    case 'K':
        return begin_meta(t, META_LONG_LINK, err);
    default:
        return begin_member(t, format, err);
    }
}

static int old_sparse_block(struct bh_tar *t, struct bh_error *err)
{
    int r = old_segments(t, t->block, SPARSE_OLD_IN_BLOCK, err);

    if (r < 0 || t->block[24 * SPARSE_OLD_IN_BLOCK])
        return r;
    return start_data(t, err);
}

/* One number of a version 1.0 map: the count first, then offsets and lengths by turns. */
static int map_number(struct bh_tar *t, uint64_t n, struct bh_error *err)
{
    if (t->map_numbers == UINT64_MAX) {
        if (n > BH_TAR_SEGMENTS)
            return bh_fail(err, BH_LIMIT, "tar: sparse file with %llu segments, limit %u",
                           (unsigned long long)n, BH_TAR_SEGMENTS);
        t->map_numbers = 2 * n;
        return 0;
    }
    t->map_numbers--;
    if (t->map_numbers % 2)
        return bh_tar_add_segment(&t->segments, &t->segment_count, &t->segment_cap, n, 0, err);
    t->segments[t->segment_count - 1].len = n;
    return 0;
}

/* The map is decimal numbers, one a line, in whole blocks. */
static int new_sparse_block(struct bh_tar *t, struct bh_error *err)
{
    const char *text, *newline;
    size_t used = 0;
    int r = 0;

    if (t->left < BH_TAR_BLOCK_SIZE)
        return bh_fail(err, BH_CORRUPT, "tar: sparse map longer than its member");
    t->left -= BH_TAR_BLOCK_SIZE;
    bh_buf_put(&t->map_text, t->block, sizeof t->block);
    text = t->map_text.data;
    while (r == 0 && t->map_numbers &&
           (newline = memchr(text + used, '\n', t->map_text.len - used))) {
        size_t digits = 0, len = (size_t)(newline - text) - used;
        uint64_t n = 0;

        r = bh_tar_decimal(text + used, len, SIZE_LIMIT, &n, &digits, err);
        if (r == 0 && digits != len)
            r = bh_fail(err, BH_CORRUPT, "tar: damaged sparse map");
        if (r == 0)
            r = map_number(t, n, err);
        used += len + 1;
    }
    if (r < 0)
        return r;
    memmove(t->map_text.data, t->map_text.data + used, t->map_text.len - used);
    t->map_text.len -= used;
    if (t->map_numbers && t->map_text.len > 32)
        return bh_fail(err, BH_CORRUPT, "tar: damaged sparse map");
    return t->map_numbers ? 0 : start_data(t, err);
}

static int whole_block(struct bh_tar *t, struct bh_error *err)
{
    t->block_len = 0;
    if (t->state == STATE_SPARSE_OLD)
        return old_sparse_block(t, err);
    if (t->state == STATE_SPARSE_NEW)
        return new_sparse_block(t, err);
    return header_block(t, err);
}

static size_t take_block(struct bh_tar *t, const char *data, size_t len)
{
    size_t n = BH_MIN(len, BH_TAR_BLOCK_SIZE - t->block_len);

    memcpy(t->block + t->block_len, data, n);
    t->block_len += n;
    return n;
}

static size_t take_meta(struct bh_tar *t, const char *data, size_t len)
{
    size_t n = (size_t)BH_MIN((uint64_t)len, t->meta_left);

    if (t->meta != META_IGNORED)
        bh_buf_put(&t->meta_bytes, data, n);
    t->meta_left -= n;
    return n;
}

static int sparse_data(struct bh_tar *t, const char *data, size_t len, struct bh_error *err)
{
    int r = 0;

    while (r == 0 && len > 0) {
        const struct bh_tar_segment *s = &t->segments[t->segment_at];
        size_t n;

        assert(t->segment_at < t->segment_count); /* check_map: segments cover all stored bytes */
        if (t->logical < s->offset)
            r = emit_hole(t, s->offset, err);
        n = (size_t)BH_MIN((uint64_t)len, s->offset + s->len - t->logical);
        if (r == 0 && n && t->want)
            r = t->handler->data(t->handler->self, data, n, err);
        t->logical += n;
        data += n;
        len -= n;
        if (t->logical == s->offset + s->len)
            t->segment_at++;
    }
    return r;
}

static int take_data(struct bh_tar *t, const char *data, size_t len, struct bh_error *err)
{
    int r = 0;

    t->left -= len;
    if (t->member.sparse)
        r = sparse_data(t, data, len, err);
    else if (t->want)
        r = t->handler->data(t->handler->self, data, len, err);
    return r == 0 && t->left == 0 ? data_over(t, err) : r;
}

/* One step with at least one byte; *ret_used says how many it took. */
static int step(struct bh_tar *t, const char *data, size_t len, size_t *ret_used,
                struct bh_error *err)
{
    size_t n = len;

    switch (t->state) {
    case STATE_HEADER:
    case STATE_SPARSE_OLD:
    case STATE_SPARSE_NEW:
        n = take_block(t, data, len);
        break;
    case STATE_META:
        n = take_meta(t, data, len);
        break;
    case STATE_DATA:
        n = (size_t)BH_MIN((uint64_t)len, t->left);
        break;
    case STATE_PADDING:
        n = (size_t)BH_MIN((uint64_t)len, t->padding);
        break;
    case STATE_ENDED:
        break;
    }
    *ret_used = n;
    t->position += n;
    if (t->state == STATE_DATA)
        return take_data(t, data, n, err);
    if (t->state == STATE_META)
        return t->meta_left == 0 ? finish_meta(t, err) : 0;
    if (t->state == STATE_PADDING) {
        t->padding -= n;
        if (t->padding == 0)
            t->state = STATE_HEADER;
        return 0;
    }
    return t->block_len == BH_TAR_BLOCK_SIZE ? whole_block(t, err) : 0;
}

int bh_tar_feed(struct bh_tar *t, const void *data, size_t len, struct bh_error *err)
{
    const char *at = data;

    while (len > 0) {
        size_t used = 0;
        int r = step(t, at, len, &used, err);

        if (r < 0)
            return r;
        at += used;
        len -= used;
    }
    return 0;
}

int bh_tar_finish(const struct bh_tar *t, struct bh_error *err)
{
    if (t->state == STATE_ENDED)
        return 0;
    if (t->state != STATE_HEADER || t->block_len || t->extended_pending)
        return bh_fail(err, BH_CORRUPT, "tar: cut short after %llu bytes",
                       (unsigned long long)t->position);
    return 0;
}

uint64_t bh_tar_skippable(const struct bh_tar *t)
{
    if (t->state == STATE_DATA && !t->want && !t->member.sparse)
        return t->left - (t->left ? 1 : 0); /* the last byte is fed: it closes the member */
    return 0;
}

void bh_tar_skip(struct bh_tar *t, uint64_t len)
{
    assert(len <= bh_tar_skippable(t));
    t->left -= len;
    t->position += len;
}

bool bh_tar_ended(const struct bh_tar *t)
{
    return t->state == STATE_ENDED;
}
