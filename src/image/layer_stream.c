#include "image/layer_stream.h"

#include "base/mem.h"
#include "image/layer_guard.h"
#include "sys/digest.h"
#include "sys/inflate.h"
#include "sys/path.h"
#include "sys/tar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_SIZE (128u * 1024u)
#define OUT_SIZE (256u * 1024u)
#define RATIO_FREE_BYTES (64ull << 20) /* below this the ratio is not judged */
#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define WHITEOUT_META ".wh..wh."

struct pass {
    const struct bh_layer_source *source;
    const struct bh_layer_limits *limits;
    const struct bh_layer_sink *sink;
    struct bh_layer_totals totals;
    uint64_t logical_bytes;                     /* of all files, holes included */
    struct bh_hasher *blob_hasher, *tar_hasher; /* the first is NULL when both are the same */
    struct bh_inflate *inflate;
    struct bh_tar *tar;
    struct bh_layer_guard *guard;
    uint8_t *in, *out;
    char *path, *link; /* limits->path_bytes + 1 each */
    struct bh_layer_xattr xattrs[BH_TAR_XATTRS];
};

static void pass_done(struct pass *p)
{
    bh_hasher_free(p->blob_hasher);
    bh_hasher_free(p->tar_hasher);
    bh_inflate_free(p->inflate);
    bh_tar_free(p->tar);
    bh_layer_guard_free(p->guard);
    free(p->in);
    free(p->out);
    free(p->path);
    free(p->link);
}

static int limit_reached(struct bh_error *err, const char *name, uint64_t limit)
{
    return bh_fail(err, BH_LIMIT, "layer exceeds the limit %s of %llu", name,
                   (unsigned long long)limit);
}

/* ---- one member ---- */

static int check_depth(const struct pass *p, const char *path, struct bh_error *err)
{
    uint32_t depth = *path != '\0';

    for (; *path; path++)
        depth += *path == '/';
    return depth > p->limits->depth ? limit_reached(err, "depth", p->limits->depth) : 0;
}

/* Every parent must be a directory, or a link that may lead to one; none may be a whiteout. */
static int check_parents(const struct pass *p, const char *path, struct bh_error *err)
{
    size_t start = 0;

    for (size_t i = 0; path[i]; i++) {
        if (path[i] != '/')
            continue;
        if (strncmp(path + start, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) == 0)
            return bh_fail(err, BH_INVALID, "\"%.300s\" lies below a whiteout", path);
        if (bh_layer_guard_get(p->guard, path, i) == BH_GUARD_OTHER)
            return bh_fail(err, BH_INVALID,
                           "\"%.300s\": \"%.*s\" is a file where a directory is "
                           "needed",
                           path, (int)BH_MIN(i, (size_t)300), path);
        start = i + 1;
    }
    return 0;
}

static bool behind_symlink(const struct pass *p, const char *path)
{
    for (size_t i = 0; path[i]; i++)
        if (path[i] == '/' && bh_layer_guard_get(p->guard, path, i) == BH_GUARD_SYMLINK)
            return true;
    return false;
}

static int check_hard_link(struct pass *p, const struct bh_tar_member *m, struct bh_layer_entry *e,
                           struct bh_error *err)
{
    enum bh_guard_kind kind;
    int r = bh_path_clean(m->link, m->link_len, p->link, err);

    if (r < 0)
        return bh_wrap(err, "hard link \"%.200s\"", e->path);
    e->link = p->link;
    kind = bh_layer_guard_get(p->guard, p->link, strlen(p->link));
    if (kind == BH_GUARD_DIRECTORY || !*p->link)
        return bh_fail(err, BH_INVALID, "hard link \"%.200s\" to a directory", e->path);
    if (kind == BH_GUARD_UNSEEN && !behind_symlink(p, p->link))
        return bh_fail(err, BH_INVALID,
                       "hard link \"%.200s\" to \"%.200s\", which is not in this layer", e->path,
                       p->link);
    return 0;
}

/* Turns ".wh.NAME" into what it removes. *ret_skip: aufs' own bookkeeping, of no meaning. */
static int take_whiteout(struct bh_layer_entry *e, char *path, bool *ret_skip, struct bh_error *err)
{
    char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *hidden = name + strlen(WHITEOUT_PREFIX);

    if (strncmp(name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)) != 0)
        return 0;
    if (strcmp(name, WHITEOUT_OPAQUE) == 0) {
        e->whiteout = BH_WHITEOUT_OPAQUE;
        *(slash ? slash : path) = '\0';
    } else if (strncmp(name, WHITEOUT_META, strlen(WHITEOUT_META)) == 0) {
        *ret_skip = true;
    } else if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0) {
        return bh_fail(err, BH_INVALID, "whiteout \"%.300s\" names nothing", path);
    } else {
        e->whiteout = BH_WHITEOUT_PATH;
        memmove(name, hidden, strlen(hidden) + 1);
    }
    e->path_len = strlen(path);
    return 0;
}

static const struct {
    enum bh_entry_type type;
    enum bh_guard_kind guard;
} kinds[] = {
    [BH_TAR_FILE] = {BH_ENTRY_FILE, BH_GUARD_OTHER},
    [BH_TAR_HARDLINK] = {BH_ENTRY_HARDLINK, BH_GUARD_OTHER},
    [BH_TAR_SYMLINK] = {BH_ENTRY_SYMLINK, BH_GUARD_SYMLINK},
    [BH_TAR_CHAR] = {BH_ENTRY_CHAR, BH_GUARD_OTHER},
    [BH_TAR_BLOCK] = {BH_ENTRY_BLOCK, BH_GUARD_OTHER},
    [BH_TAR_DIRECTORY] = {BH_ENTRY_DIRECTORY, BH_GUARD_DIRECTORY},
    [BH_TAR_FIFO] = {BH_ENTRY_FIFO, BH_GUARD_OTHER},
};

static void take_fields(struct pass *p, const struct bh_tar_member *m, struct bh_layer_entry *e)
{
    e->type = kinds[m->type].type;
    e->mode = m->mode;
    e->uid = m->uid;
    e->gid = m->gid;
    e->size = m->size;
    e->mtime = m->mtime;
    e->mtime_nsec = m->mtime_nsec;
    e->link = m->type == BH_TAR_SYMLINK ? m->link : "";
    e->device_major = m->device_major;
    e->device_minor = m->device_minor;
    e->offset = m->offset;
    for (size_t i = 0; i < m->xattr_count; i++)
        p->xattrs[i] = (struct bh_layer_xattr){.name = m->xattrs[i].name,
                                               .value = m->xattrs[i].value,
                                               .len = m->xattrs[i].len};
    e->xattrs = p->xattrs;
    e->xattr_count = m->xattr_count;
}

/* Later members replace earlier ones of the same name, except that nothing replaces a directory:
 * what lies below it would be lost, or worse, end up elsewhere. */
static int take_place(struct pass *p, const struct bh_tar_member *m, struct bh_layer_entry *e,
                      struct bh_error *err)
{
    enum bh_guard_kind kind = kinds[m->type].guard;
    int r = 0;

    if (kind != BH_GUARD_DIRECTORY &&
        (!e->path_len || bh_layer_guard_get(p->guard, e->path, e->path_len) == BH_GUARD_DIRECTORY))
        return bh_fail(err, BH_INVALID, "\"%.300s\" is a directory and something else in one layer",
                       e->path_len ? e->path : "/");
    if (m->type == BH_TAR_SYMLINK && m->link_len == 0)
        return bh_fail(err, BH_INVALID, "symbolic link \"%.300s\" to nothing", e->path);
    if (m->type == BH_TAR_HARDLINK)
        r = check_hard_link(p, m, e, err);
    if (r == 0)
        bh_layer_guard_set(p->guard, e->path, e->path_len, kind);
    return r;
}

static int on_member(void *self, const struct bh_tar_member *m, bool *want, struct bh_error *err)
{
    struct pass *p = self;
    struct bh_layer_entry e = {.path = p->path, .link = ""};
    bool skip = false;
    int r;

    if (++p->totals.entries > p->limits->entries)
        return limit_reached(err, "entries", p->limits->entries);
    if (m->size > p->limits->total_bytes - p->logical_bytes)
        return limit_reached(err, "total-bytes", p->limits->total_bytes);
    p->logical_bytes += m->size;
    r = bh_path_clean(m->name, m->name_len, p->path, err);
    if (r == 0)
        r = check_depth(p, p->path, err);
    if (r == 0)
        r = check_parents(p, p->path, err);
    if (r < 0)
        return r;
    e.path_len = strlen(p->path);
    r = take_whiteout(&e, p->path, &skip, err);
    if (r < 0 || skip)
        return r;
    if (e.whiteout == BH_WHITEOUT_NONE) {
        take_fields(p, m, &e);
        r = take_place(p, m, &e, err);
    }
    if (r == 0)
        r = p->sink->entry(p->sink->self, &e, want, err);
    if (e.type != BH_ENTRY_FILE)
        *want = false;
    return r;
}

static int on_data(void *self, const void *data, size_t len, struct bh_error *err)
{
    struct pass *p = self;

    p->totals.file_bytes += len;
    return p->sink->data(p->sink->self, data, len, err);
}

static int on_hole(void *self, uint64_t len, struct bh_error *err)
{
    static const char zeros[16384];
    struct pass *p = self;
    int r = 0;

    if (p->sink->hole)
        return p->sink->hole(p->sink->self, len, err);
    for (; r == 0 && len > 0; len -= BH_MIN(len, (uint64_t)sizeof zeros))
        r = p->sink->data(p->sink->self, zeros, (size_t)BH_MIN(len, (uint64_t)sizeof zeros), err);
    return r;
}

static int on_end(void *self, struct bh_error *err)
{
    struct pass *p = self;

    return p->sink->end ? p->sink->end(p->sink->self, err) : 0;
}

/* ---- the bytes ---- */

static int take_tar(struct pass *p, const void *data, size_t len, struct bh_error *err)
{
    struct bh_layer_totals *t = &p->totals;

    t->tar_bytes += len;
    if (t->tar_bytes > p->limits->total_bytes)
        return limit_reached(err, "total-bytes", p->limits->total_bytes);
    if (t->tar_bytes > RATIO_FREE_BYTES && t->tar_bytes / p->limits->ratio > t->blob_bytes)
        return limit_reached(err, "ratio", p->limits->ratio);
    if (p->tar_hasher)
        bh_hasher_update(p->tar_hasher, data, len);
    return bh_tar_ended(p->tar) ? 0 : bh_tar_feed(p->tar, data, len, err);
}

static int take_compressed(struct pass *p, size_t len, struct bh_error *err)
{
    struct bh_inflate_io io = {.in = p->in, .in_len = len};
    int r = 0;

    do {
        io.out = p->out;
        io.out_len = OUT_SIZE;
        r = bh_inflate_step(p->inflate, &io, err);
        if (r == 0 && io.out != p->out)
            r = take_tar(p, p->out, (size_t)(io.out - p->out), err);
    } while (r == 0 && (io.in_len > 0 || io.out_len == 0));
    return r;
}

static int start_compression(struct pass *p, const void *data, size_t len, struct bh_error *err)
{
    static const enum bh_inflate_kind of[] = {[BH_COMPRESSION_NONE] = BH_INFLATE_NONE,
                                              [BH_COMPRESSION_GZIP] = BH_INFLATE_GZIP,
                                              [BH_COMPRESSION_ZSTD] = BH_INFLATE_ZSTD};
    enum bh_compression c = p->source->compression;

    if (c == BH_COMPRESSION_DETECT) {
        enum bh_inflate_kind kind = bh_inflate_detect(data, len);

        c = kind == BH_INFLATE_GZIP   ? BH_COMPRESSION_GZIP
            : kind == BH_INFLATE_ZSTD ? BH_COMPRESSION_ZSTD
                                      : BH_COMPRESSION_NONE;
    }
    p->totals.compression = c;
    if (c == BH_COMPRESSION_NONE)
        return 0;
    return bh_inflate_new(of[c], p->limits->window_log, &p->inflate, err);
}

static int read_piece(struct pass *p, size_t *ret_len, struct bh_error *err)
{
    uint64_t at = p->totals.blob_bytes;
    size_t want = (size_t)BH_MIN((uint64_t)IN_SIZE, p->source->size - at);
    ssize_t n;

    do
        n = pread(p->source->fd, p->in, want, (off_t)(p->source->offset + at));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return bh_fail_errno(err, "read the layer");
    if (n == 0)
        return bh_fail(err, BH_CORRUPT, "layer ends after %llu of %llu bytes",
                       (unsigned long long)at, (unsigned long long)p->source->size);
    p->totals.blob_bytes += (uint64_t)n;
    *ret_len = (size_t)n;
    return 0;
}

static enum bh_digest_algorithm algorithm_of(const struct bh_digest *d)
{
    return d && bh_digest_is_set(d) ? d->algorithm : BH_SHA256;
}

/* By the first bytes: what must be inflated, and what must be hashed twice. */
static int begin(struct pass *p, size_t len, struct bh_error *err)
{
    const struct bh_layer_source *s = p->source;
    int r = start_compression(p, p->in, len, err);

    if (r == 0 && (p->inflate || algorithm_of(s->digest) != algorithm_of(s->diff_id)))
        p->blob_hasher = bh_hasher_new(algorithm_of(s->digest));
    return r;
}

static int take_piece(struct pass *p, size_t len, struct bh_error *err)
{
    if (p->blob_hasher)
        bh_hasher_update(p->blob_hasher, p->in, len);
    return p->inflate ? take_compressed(p, len, err) : take_tar(p, p->in, len, err);
}

static int read_all(struct pass *p, struct bh_error *err)
{
    int r = 0;

    for (bool first = true; r == 0 && p->totals.blob_bytes < p->source->size; first = false) {
        size_t len = 0;

        r = read_piece(p, &len, err);
        if (r == 0 && first)
            r = begin(p, len, err);
        if (r == 0)
            r = take_piece(p, len, err);
    }
    if (r == 0 && p->inflate)
        r = bh_inflate_finish(p->inflate, err);
    return r == 0 ? bh_tar_finish(p->tar, err) : r;
}

static int compare(const struct bh_digest *want, const struct bh_digest *got, const char *what,
                   struct bh_error *err)
{
    char wanted[BH_DIGEST_TEXT_SIZE], found[BH_DIGEST_TEXT_SIZE];

    if (!want || !bh_digest_is_set(want) || bh_digest_equal(want, got))
        return 0;
    return bh_fail(err, BH_CORRUPT, "%s is %s, the image says %s", what,
                   bh_digest_format(got, found), bh_digest_format(want, wanted));
}

int bh_layer_stream(const struct bh_layer_source *source, const struct bh_layer_limits *limits,
                    const struct bh_layer_sink *sink, struct bh_digest *ret_digest,
                    struct bh_digest *ret_diff_id, struct bh_layer_totals *ret_totals,
                    struct bh_error *err)
{
    BH_AUTO(pass_done) struct pass p = {.source = source, .limits = limits, .sink = sink};
    const struct bh_tar_handler handler = {
        .self = &p, .member = on_member, .data = on_data, .hole = on_hole, .end = on_end};
    struct bh_digest digest, diff_id;
    int r;

    p.in = bh_new(IN_SIZE);
    p.out = bh_new(OUT_SIZE);
    p.path = bh_new(limits->path_bytes + 1);
    p.link = bh_new(limits->path_bytes + 1);
    p.tar = bh_tar_new(&handler, limits->path_bytes);
    p.guard = bh_layer_guard_new();
    p.tar_hasher = bh_hasher_new(algorithm_of(source->diff_id));
    r = read_all(&p, err);
    if (r < 0)
        return r;
    bh_hasher_finish(p.tar_hasher, &diff_id);
    digest = diff_id;
    if (p.blob_hasher)
        bh_hasher_finish(p.blob_hasher, &digest);
    r = compare(source->digest, &digest, "digest of the layer", err);
    if (r == 0)
        r = compare(source->diff_id, &diff_id, "digest of the uncompressed layer", err);
    if (r < 0)
        return r;
    if (ret_digest)
        *ret_digest = digest;
    if (ret_diff_id)
        *ret_diff_id = diff_id;
    if (ret_totals)
        *ret_totals = p.totals;
    return 0;
}
