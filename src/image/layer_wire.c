#include "image/layer_wire.h"

#include "base/mem.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define BUFFER_SIZE (256u * 1024)
#define NAME_MAX_BYTES 65535u /* of paths and link targets; the sender's limit is lower */
#define XATTRS_MAX 128u
#define XATTR_NAME_MAX 255u

enum frame_kind { FRAME_ENTRY = 1, FRAME_DATA, FRAME_HOLE, FRAME_END, FRAME_DONE, FRAME_FAILED };

struct frame {
    uint32_t kind, len; /* len bytes of payload follow */
};

/* Payload of ENTRY: this, path and NUL, link and NUL, then xattrs: struct wire_xattr, name and NUL,
 * value. */
struct wire_entry {
    uint32_t type, whiteout, mode, uid, gid, mtime_nsec, device_major, device_minor;
    uint64_t size, offset;
    int64_t mtime;
    uint32_t path_len, link_len, xattr_count, has_data;
};
struct wire_xattr {
    uint32_t name_len, len;
};

struct wire_failure {
    int32_t code, sys_errno;
    char message[BH_ERROR_MESSAGE_SIZE];
};

/* ---- sending ---- */

struct bh_layer_sender {
    struct bh_layer_sink sink;
    int fd;
    struct bh_buf out;
};

static int flush(struct bh_layer_sender *s, struct bh_error *err)
{
    int r = bh_write_full(s->fd, bh_buf_text(&s->out), s->out.len, err);

    s->out.len = 0;
    return r < 0 ? bh_wrap(err, "send to the applier") : 0;
}

static void put_frame(struct bh_layer_sender *s, enum frame_kind kind, size_t len)
{
    const struct frame f = {.kind = (uint32_t)kind, .len = (uint32_t)len};

    bh_buf_put(&s->out, &f, sizeof f);
}

static int flush_when_full(struct bh_layer_sender *s, struct bh_error *err)
{
    return s->out.len >= BUFFER_SIZE ? flush(s, err) : 0;
}

static int send_entry(void *self, const struct bh_layer_entry *e, bool *want, struct bh_error *err)
{
    struct bh_layer_sender *s = self;
    struct wire_entry w = {
        .type = e->type,
        .whiteout = e->whiteout,
        .mode = e->mode,
        .uid = e->uid,
        .gid = e->gid,
        .mtime_nsec = e->mtime_nsec,
        .device_major = e->device_major,
        .device_minor = e->device_minor,
        .size = e->size,
        .offset = e->offset,
        .mtime = e->mtime,
        .path_len = (uint32_t)e->path_len,
        .link_len = (uint32_t)strlen(e->link),
        .xattr_count = (uint32_t)e->xattr_count,
        .has_data = e->type == BH_ENTRY_FILE,
    };
    size_t len = sizeof w + w.path_len + w.link_len + 2;

    for (size_t i = 0; i < e->xattr_count; i++)
        len += sizeof(struct wire_xattr) + strlen(e->xattrs[i].name) + 1 + e->xattrs[i].len;
    if (len > BH_LAYER_FRAME_MAX)
        return bh_fail(err, BH_LIMIT, "\"%.200s\": names and attributes of %zu bytes, limit %u",
                       e->path, len, BH_LAYER_FRAME_MAX);
    put_frame(s, FRAME_ENTRY, len);
    bh_buf_put(&s->out, &w, sizeof w);
    bh_buf_put(&s->out, e->path, e->path_len + 1);
    bh_buf_put(&s->out, e->link, w.link_len + 1);
    for (size_t i = 0; i < e->xattr_count; i++) {
        const struct bh_layer_xattr *x = &e->xattrs[i];
        struct wire_xattr head = {.name_len = (uint32_t)strlen(x->name), .len = (uint32_t)x->len};

        bh_buf_put(&s->out, &head, sizeof head);
        bh_buf_put(&s->out, x->name, head.name_len + 1);
        bh_buf_put(&s->out, x->value, x->len);
    }
    *want = w.has_data;
    return flush_when_full(s, err);
}

static int send_data(void *self, const void *data, size_t len, struct bh_error *err)
{
    struct bh_layer_sender *s = self;

    assert(len <= BH_LAYER_FRAME_MAX); /* pieces are as small as the pass's buffers */
    put_frame(s, FRAME_DATA, len);
    bh_buf_put(&s->out, data, len);
    return flush_when_full(s, err);
}

static int send_hole(void *self, uint64_t len, struct bh_error *err)
{
    struct bh_layer_sender *s = self;

    put_frame(s, FRAME_HOLE, sizeof len);
    bh_buf_put(&s->out, &len, sizeof len);
    return flush_when_full(s, err);
}

static int send_end(void *self, struct bh_error *err)
{
    struct bh_layer_sender *s = self;

    put_frame(s, FRAME_END, 0);
    return flush_when_full(s, err);
}

struct bh_layer_sender *bh_layer_sender_new(int fd)
{
    struct bh_layer_sender *s = bh_new0(sizeof *s);

    s->fd = fd;
    s->sink = (struct bh_layer_sink){
        .self = s, .entry = send_entry, .data = send_data, .hole = send_hole, .end = send_end};
    return s;
}

void bh_layer_sender_free(struct bh_layer_sender *s)
{
    if (!s)
        return;
    bh_buf_done(&s->out);
    free(s);
}

const struct bh_layer_sink *bh_layer_sender_sink(struct bh_layer_sender *s)
{
    return &s->sink;
}

int bh_layer_sender_finish(struct bh_layer_sender *s, const struct bh_layer_outcome *outcome,
                           const struct bh_error *failure, struct bh_error *err)
{
    if (failure->code == 0) {
        put_frame(s, FRAME_DONE, sizeof *outcome);
        bh_buf_put(&s->out, outcome, sizeof *outcome);
    } else {
        struct wire_failure f = {.code = failure->code, .sys_errno = failure->sys_errno};

        memcpy(f.message, failure->message, sizeof f.message);
        put_frame(s, FRAME_FAILED, sizeof f);
        bh_buf_put(&s->out, &f, sizeof f);
    }
    return flush(s, err);
}

/* ---- receiving ---- */

struct receiver {
    int fd;
    const struct bh_layer_sink *sink;
    char *buffer; /* BH_LAYER_FRAME_MAX and a header */
    size_t have, used;
    bool in_file;
    uint64_t left; /* of the file's size */
    struct bh_layer_xattr xattrs[XATTRS_MAX];
};

static int nonsense(struct bh_error *err, const char *what)
{
    return bh_fail(err, BH_INTERNAL, "the decoder sent %s", what);
}

/* Makes len bytes available at r->buffer + r->used. */
static int need(struct receiver *r, size_t len, struct bh_error *err)
{
    if (r->have - r->used >= len)
        return 0;
    memmove(r->buffer, r->buffer + r->used, r->have - r->used);
    r->have -= r->used;
    r->used = 0;
    while (r->have < len) {
        ssize_t n =
            read(r->fd, r->buffer + r->have, sizeof(struct frame) + BH_LAYER_FRAME_MAX - r->have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "read from the decoder");
        if (n == 0)
            return bh_fail(err, BH_INTERNAL, "the decoder ended before it was done");
        r->have += (size_t)n;
    }
    return 0;
}

/* A piece of the payload. */
struct cursor {
    const char *at;
    size_t left;
};

static const char *take(struct cursor *c, size_t len)
{
    const char *at = c->at;

    if (c->left < len)
        return NULL;
    c->at += len;
    c->left -= len;
    return at;
}

/* len bytes without NUL, and a NUL. */
static const char *take_text(struct cursor *c, size_t len, size_t max)
{
    const char *text = len <= max ? take(c, len + 1) : NULL;

    return text && strnlen(text, len + 1) == len ? text : NULL;
}

static bool is_clean(const char *path, size_t len)
{
    char clean[NAME_MAX_BYTES + 1];

    return bh_path_clean(path, len, clean, NULL) == 0 && strcmp(path, clean) == 0;
}

static bool whiteout_makes_sense(const struct wire_entry *w)
{
    struct wire_entry only = {.whiteout = w->whiteout,
                              .path_len = w->path_len,
                              .offset = w->offset};

    return w->whiteout <= BH_WHITEOUT_OPAQUE && memcmp(w, &only, sizeof only) == 0;
}

static bool numbers_make_sense(const struct wire_entry *w)
{
    bool file = w->type == BH_ENTRY_FILE;

    if (w->whiteout != BH_WHITEOUT_NONE)
        return whiteout_makes_sense(w);
    if (w->type < BH_ENTRY_FILE || w->type > BH_ENTRY_BLOCK || w->mode > 07777)
        return false;
    if (w->mtime_nsec > 999999999 || w->uid == UINT32_MAX || w->gid == UINT32_MAX)
        return false;
    return w->has_data == file && w->size <= (file ? (uint64_t)INT64_MAX : 0);
}

static bool names_make_sense(const struct wire_entry *w, const struct bh_layer_entry *e)
{
    if (!is_clean(e->path, e->path_len))
        return false;
    if (e->path_len == 0 && w->whiteout != BH_WHITEOUT_OPAQUE && w->type != BH_ENTRY_DIRECTORY)
        return false;
    if (w->type == BH_ENTRY_HARDLINK)
        return w->link_len > 0 && is_clean(e->link, w->link_len);
    return (w->link_len > 0) == (w->type == BH_ENTRY_SYMLINK);
}

static bool take_xattrs(struct cursor *c, uint32_t count, struct bh_layer_xattr *xattrs)
{
    if (count > XATTRS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct wire_xattr head;
        const char *bytes = take(c, sizeof head);

        if (!bytes)
            return false;
        memcpy(&head, bytes, sizeof head);
        xattrs[i].name = take_text(c, head.name_len, XATTR_NAME_MAX);
        xattrs[i].value = xattrs[i].name ? take(c, head.len) : NULL;
        xattrs[i].len = head.len;
        if (!xattrs[i].name || !*xattrs[i].name || !xattrs[i].value)
            return false;
    }
    return true;
}

static int receive_entry(struct receiver *r, struct cursor c, struct bh_error *err)
{
    struct wire_entry w;
    struct bh_layer_entry e = {0};
    const char *head = take(&c, sizeof w);
    bool want = false;
    int result;

    if (!head || r->in_file)
        return nonsense(err, "an entry that is too short or out of turn");
    memcpy(&w, head, sizeof w);
    e.path = take_text(&c, w.path_len, NAME_MAX_BYTES);
    e.path_len = w.path_len;
    e.link = e.path ? take_text(&c, w.link_len, NAME_MAX_BYTES) : NULL;
    if (!e.link || !numbers_make_sense(&w) || !names_make_sense(&w, &e) ||
        !take_xattrs(&c, w.xattr_count, r->xattrs) || c.left)
        return nonsense(err, "an entry that makes no sense");
    e.type = (enum bh_entry_type)w.type;
    e.whiteout = (enum bh_whiteout)w.whiteout;
    e.mode = w.mode;
    e.uid = w.uid;
    e.gid = w.gid;
    e.size = w.size;
    e.mtime = w.mtime;
    e.mtime_nsec = w.mtime_nsec;
    e.device_major = w.device_major;
    e.device_minor = w.device_minor;
    e.xattrs = r->xattrs;
    e.xattr_count = w.xattr_count;
    e.offset = w.offset;
    r->in_file = w.has_data;
    r->left = w.size;
    result = r->sink->entry(r->sink->self, &e, &want, err);
    if (result == 0 && want != r->in_file)
        return bh_fail(err, BH_INTERNAL, "the applier of a layer must take every file's content");
    return result;
}

static int receive_content(struct receiver *r, uint32_t kind, struct cursor c, struct bh_error *err)
{
    uint64_t len = c.left;

    if (kind == FRAME_HOLE && c.left == sizeof len)
        memcpy(&len, c.at, sizeof len);
    else if (kind == FRAME_HOLE)
        return nonsense(err, "a hole that makes no sense");
    if (!r->in_file || len > r->left || len == 0)
        return nonsense(err, "content that belongs to no file");
    r->left -= len;
    return kind == FRAME_HOLE ? r->sink->hole(r->sink->self, len, err)
                              : r->sink->data(r->sink->self, c.at, c.left, err);
}

static int receive_end(struct receiver *r, struct cursor c, struct bh_error *err)
{
    if (!r->in_file || r->left || c.left)
        return nonsense(err, "the end of a file that is not at its end");
    r->in_file = false;
    return r->sink->end(r->sink->self, err);
}

static int receive_done(const struct receiver *r, struct cursor c, struct bh_layer_outcome *ret,
                        struct bh_error *err)
{
    struct bh_layer_outcome o;

    if (r->in_file || c.left != sizeof o)
        return nonsense(err, "an outcome that makes no sense");
    memcpy(&o, c.at, sizeof o);
    if ((o.digest.algorithm != BH_SHA256 && o.digest.algorithm != BH_SHA512) ||
        (o.diff_id.algorithm != BH_SHA256 && o.diff_id.algorithm != BH_SHA512))
        return nonsense(err, "an outcome without digests");
    *ret = o;
    return 0;
}

static int receive_failed(struct cursor c, struct bh_error *err)
{
    struct wire_failure f;

    if (c.left != sizeof f)
        return nonsense(err, "a failure that makes no sense");
    memcpy(&f, c.at, sizeof f);
    if (f.code <= 0 || f.code > BH_INTERNAL || !memchr(f.message, '\0', sizeof f.message))
        return nonsense(err, "a failure that makes no sense");
    return bh_error_set(err, f.code, f.sys_errno, __FILE__, __LINE__, "%s", f.message);
}

static int receive_frame(struct receiver *r, bool *ret_done, struct bh_layer_outcome *ret,
                         struct bh_error *err)
{
    struct frame f;
    struct cursor c;
    int result = need(r, sizeof f, err);

    if (result < 0)
        return result;
    memcpy(&f, r->buffer + r->used, sizeof f);
    if (f.len > BH_LAYER_FRAME_MAX)
        return nonsense(err, "a frame that is too long");
    result = need(r, sizeof f + f.len, err);
    if (result < 0)
        return result;
    c = (struct cursor){.at = r->buffer + r->used + sizeof f, .left = f.len};
    r->used += sizeof f + f.len;
    *ret_done = f.kind == FRAME_DONE;
    if (f.kind == FRAME_DONE)
        return receive_done(r, c, ret, err);
    if (f.kind == FRAME_FAILED)
        return receive_failed(c, err);
    if (!r->sink)
        return nonsense(err, "content nobody asked for");
    switch (f.kind) {
    case FRAME_ENTRY:
        return receive_entry(r, c, err);
    case FRAME_DATA:
    case FRAME_HOLE:
        return receive_content(r, f.kind, c, err);
    case FRAME_END:
        return receive_end(r, c, err);
    default:
        return nonsense(err, "a frame of unknown kind");
    }
}

int bh_layer_receive(int fd, const struct bh_layer_sink *sink, struct bh_layer_outcome *ret,
                     struct bh_error *err)
{
    struct receiver r = {.fd = fd, .sink = sink};
    bool done = false;
    int result = 0;

    r.buffer = bh_new(sizeof(struct frame) + BH_LAYER_FRAME_MAX);
    while (result == 0 && !done)
        result = receive_frame(&r, &done, ret, err);
    free(r.buffer);
    return result;
}
