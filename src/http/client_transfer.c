#include "http/client_transfer.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIPE_BYTES (1024 * 1024) /* fewer wake-ups; the kernel may grant less */
#define PIECES 8

int bh_client_transfer_begin(struct bh_client_transfer *t, const struct bh_http_request *q,
                             uint64_t bytes_max, int *ret_write_end, struct bh_error *err)
{
    int ends[2] = {-1, -1};
    bool kept = q->write || q->buffer || q->sink_fd > 0;

    if (kept) {
        if (pipe2(ends, O_CLOEXEC) != 0)
            return bh_fail_errno(err, "pipe");
        /* Only our end: the other one is to wait when we are slow. */
        if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
            return bh_fail_errno(err, "fcntl");
        (void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller pipe works as well */
    }
    *t = (struct bh_client_transfer){.pipe = ends[0],
                                     .kept = kept,
                                     .sink_fd = q->sink_fd > 0 ? q->sink_fd : -1,
                                     .buffer = q->buffer,
                                     .write = q->write,
                                     .progress = q->progress,
                                     .context = q->context,
                                     .asked = q->offset,
                                     .bytes_max = bytes_max,
                                     .end = q->offset};
    *ret_write_end = ends[1];
    return 0;
}

static int begin_body(struct bh_client_transfer *t)
{
    if (t->body.offset != 0 && t->body.offset != t->asked)
        return bh_fail(&t->failure, BH_INTERNAL, "bulkhead-fetch began at byte %llu, not %llu",
                       (unsigned long long)t->body.offset, (unsigned long long)t->asked);
    t->end = t->body.offset;
    if (t->asked && t->end == 0 && !t->write && !t->buffer && ftruncate(t->sink_fd, 0) != 0)
        return bh_fail_errno(&t->failure, "empty the file to begin again");
    return 0;
}

static int write_at(int fd, const char *data, size_t len, uint64_t offset, struct bh_error *err)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "write the body");
        data += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static int deliver(struct bh_client_transfer *t, const char *data, size_t len)
{
    int r;

    if (len > t->bytes_max - t->end)
        return bh_fail(&t->failure, BH_LIMIT, "body is larger than the limit of %llu bytes",
                       (unsigned long long)t->bytes_max);
    if (t->write)
        r = t->write(t->context, t->end, data, len, &t->failure);
    else if (t->buffer)
        r = bh_buf_append(t->buffer, data, len, &t->failure);
    else
        r = write_at(t->sink_fd, data, len, t->end, &t->failure);
    if (!r)
        t->end += len;
    return r;
}

/* One read. 1 when there was something, 0 when nothing is there now or any more, or -code. */
static int take_piece(struct bh_client_transfer *t, char *piece)
{
    bool in_front = t->body_len < sizeof t->body;
    char *to = in_front ? (char *)&t->body + t->body_len : piece;
    size_t room = in_front ? sizeof t->body - t->body_len : BH_CLIENT_PIECE;
    ssize_t n = read(t->pipe, to, room);
    int r;

    if (n < 0 && errno == EINTR)
        return 1;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n < 0)
        return bh_fail_errno(&t->failure, "read the body");
    if (n == 0) {
        bh_closep(&t->pipe);
        t->pipe = -1;
        return 0;
    }
    if (!in_front) {
        r = deliver(t, piece, (size_t)n);
        return r ? r : 1;
    }
    t->body_len += (size_t)n;
    r = t->body_len == sizeof t->body ? begin_body(t) : 0;
    return r ? r : 1;
}

void bh_client_transfer_drain(struct bh_client_transfer *t, char *piece, bool all)
{
    int r = 1;

    for (int i = 0; t->pipe >= 0 && r > 0 && (all || i < PIECES); i++)
        r = take_piece(t, piece);
    if (r < 0) {
        bh_closep(&t->pipe);
        t->pipe = -1;
    }
}

static void copy_excerpt(char *to, const char *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[i] >= 0x20 && from[i] < 0x7f ? from[i] : '.';
    to[len] = '\0';
}

static void fill_response(const struct bh_client_transfer *t, const struct bh_wire_event *e,
                          struct bh_http_response *r)
{
    *r = (struct bh_http_response){.status = (int)e->status,
                                   .offset = t->kept ? t->body.offset : e->offset,
                                   .received = t->kept ? t->end : e->end};
    memcpy(r->content_type, e->fields.content_type, sizeof r->content_type);
    memcpy(r->content_digest, e->fields.content_digest, sizeof r->content_digest);
    memcpy(r->etag, e->fields.etag, sizeof r->etag);
    memcpy(r->last_modified, e->fields.last_modified, sizeof r->last_modified);
    memcpy(r->retry_after, e->fields.retry_after, sizeof r->retry_after);
    memcpy(r->link, e->fields.link, sizeof r->link);
    memcpy(r->authenticate, e->fields.authenticate, sizeof r->authenticate);
    copy_excerpt(r->excerpt, e->excerpt, BH_MIN(e->excerpt_len, sizeof r->excerpt - 1));
}

void bh_client_transfer_finish(struct bh_client_transfer *t, const struct bh_wire_event *e,
                               char *piece, struct bh_http_done *ret)
{
    /* The end was told after the last byte was written: all of it is in the pipe by now. */
    bh_client_transfer_drain(t, piece, true);
    *ret = (struct bh_http_done){.id = e->id};
    fill_response(t, e, &ret->response);
    if (t->failure.code)
        ret->error = t->failure;
    else if (e->code != BH_OK)
        (void)bh_fail(&ret->error, (int)e->code, "%s", e->message);
    else if (t->body_len == sizeof t->body && t->end != e->end)
        (void)bh_fail(&ret->error, BH_INTERNAL, "bulkhead-fetch wrote %llu bytes of %llu",
                      (unsigned long long)t->end, (unsigned long long)e->end);
    ret->result = -ret->error.code;
}

void bh_client_transfer_done(struct bh_client_transfer *t)
{
    bh_closep(&t->pipe);
    *t = BH_CLIENT_TRANSFER_INIT;
}
