#include "http/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHECK_TEXT(field) check_text((field), sizeof(field), #field, err)

/* A text field holds a NUL, and no control character that could end a header line. */
static int check_text(const char *field, size_t size, const char *name, struct bh_error *err)
{
    size_t len = strnlen(field, size);

    if (len == size)
        return bh_fail(err, BH_INVALID, "fetch message: %s has no end", name);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)field[i] < 0x20 && field[i] != '\t')
            return bh_fail(err, BH_INVALID, "fetch message: %s has byte 0x%02x", name,
                           (unsigned char)field[i]);
    return 0;
}

int bh_wire_fd_count(uint32_t flags)
{
    return __builtin_popcount(flags & (BH_WIRE_FD_SINK | BH_WIRE_FD_CA | BH_WIRE_FD_SOCKET));
}

/* Lines of "Name: value\n": each has its colon, none is empty. */
static int check_headers(const char *headers, size_t size, struct bh_error *err)
{
    const char *end = headers + strnlen(headers, size);

    if (end == headers + size)
        return bh_fail(err, BH_INVALID, "fetch message: headers have no end");
    for (const char *line = headers; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *colon = stop ? memchr(line, ':', (size_t)(stop - line)) : NULL;

        if (!colon || colon == line)
            return bh_fail(err, BH_INVALID, "fetch message: a header line has no name");
        for (const char *p = line; p < stop; p++)
            if ((unsigned char)*p < 0x20 || *p == 0x7f)
                return bh_fail(err, BH_INVALID, "fetch message: a header has byte 0x%02x",
                               (unsigned char)*p);
        line = stop + 1;
    }
    return 0;
}

static int check_start(const struct bh_wire_request *q, int fd_count, struct bh_error *err)
{
    int r;

    if (q->method < BH_WIRE_GET || q->method > BH_WIRE_POST)
        return bh_fail(err, BH_INVALID, "fetch message: method %u", q->method);
    if (q->flags & ~(uint32_t)BH_WIRE_FLAGS_ALL || q->reserved)
        return bh_fail(err, BH_INVALID, "fetch message: flags 0x%x", q->flags);
    if (fd_count != bh_wire_fd_count(q->flags))
        return bh_fail(err, BH_INVALID, "fetch message: %d descriptors for flags 0x%x", fd_count,
                       q->flags);
    if (q->body_len > sizeof q->body || q->redirects_max > 32)
        return bh_fail(err, BH_INVALID, "fetch message: body of %u bytes, %u redirects",
                       q->body_len, q->redirects_max);
    if (q->offset > q->bytes_max || q->bytes_max > INT64_MAX)
        return bh_fail(err, BH_INVALID, "fetch message: offset %llu of %llu bytes",
                       (unsigned long long)q->offset, (unsigned long long)q->bytes_max);
    r = CHECK_TEXT(q->url);
    if (!r)
        r = CHECK_TEXT(q->proxy);
    return r ? r : check_headers(q->headers, sizeof q->headers, err);
}

int bh_wire_check_request(const void *data, size_t len, int fd_count, struct bh_error *err)
{
    const struct bh_wire_request *q = data;

    if (len != sizeof *q || q->magic != BH_WIRE_MAGIC)
        return bh_fail(err, BH_INVALID, "fetch message: %zu bytes, not a request", len);
    if (q->id == 0)
        return bh_fail(err, BH_INVALID, "fetch message: transfer 0");
    if (q->kind == BH_WIRE_START)
        return check_start(q, fd_count, err);
    if (q->kind != BH_WIRE_CANCEL || fd_count != 0)
        return bh_fail(err, BH_INVALID, "fetch message: kind %u with %d descriptors", q->kind,
                       fd_count);
    return 0;
}

static int check_fields(const struct bh_wire_fields *f, struct bh_error *err)
{
    int r = CHECK_TEXT(f->content_type);

    if (!r)
        r = CHECK_TEXT(f->content_digest);
    if (!r)
        r = CHECK_TEXT(f->etag);
    if (!r)
        r = CHECK_TEXT(f->last_modified);
    if (!r)
        r = CHECK_TEXT(f->retry_after);
    if (!r)
        r = CHECK_TEXT(f->link);
    return r ? r : CHECK_TEXT(f->authenticate);
}

int bh_wire_check_event(const void *data, size_t len, struct bh_error *err)
{
    const struct bh_wire_event *e = data;
    int r;

    if (len != sizeof *e || e->magic != BH_WIRE_MAGIC)
        return bh_fail(err, BH_INVALID, "fetch message: %zu bytes, not an event", len);
    if ((e->kind != BH_WIRE_PROGRESS && e->kind != BH_WIRE_DONE) || e->id == 0)
        return bh_fail(err, BH_INVALID, "fetch message: kind %u of transfer %llu", e->kind,
                       (unsigned long long)e->id);
    if (e->code > BH_INTERNAL || (e->status != 0 && (e->status < 100 || e->status > 999)))
        return bh_fail(err, BH_INVALID, "fetch message: code %u, status %u", e->code, e->status);
    if (e->excerpt_len > sizeof e->excerpt || e->offset > e->end || e->end > INT64_MAX ||
        e->total > INT64_MAX)
        return bh_fail(err, BH_INVALID, "fetch message: sizes out of range");
    r = CHECK_TEXT(e->message);
    return r ? r : check_fields(&e->fields, err);
}

int bh_wire_send(int socket, const void *message, size_t size, const int *fds, int fd_count,
                 bool wait, struct bh_error *err)
{
    char control[CMSG_SPACE(sizeof(int) * BH_WIRE_FDS_MAX)] __attribute__((aligned(8))) = {0};
    /* sendmsg only reads; the field has no const. */
    struct iovec part = {.iov_base = (void *)(uintptr_t)message, .iov_len = size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n;

    if (fd_count > 0) {
        struct cmsghdr *c;

        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
        c = CMSG_FIRSTHDR(&header);
        assert(c);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)fd_count);
    }
    do
        n = sendmsg(socket, &header, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return bh_fail(err, BH_LIMIT, "the fetch socket is full");
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
        return bh_fail(err, BH_UNAVAILABLE, "the other side of the fetch socket is gone");
    if (n < 0)
        return bh_fail_errno(err, "send to the fetch socket");
    return 0;
}

static void take_fds(struct msghdr *header, int *fds, int *ret_fd_count)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (*ret_fd_count < BH_WIRE_FDS_MAX)
                fds[(*ret_fd_count)++] = fd;
            else
                close(fd);
        }
    }
}

int bh_wire_receive(int socket, void *message, size_t size, size_t *ret_len, int *fds,
                    int *ret_fd_count, bool wait, struct bh_error *err)
{
    char control[CMSG_SPACE(sizeof(int) * BH_WIRE_FDS_MAX)] __attribute__((aligned(8))) = {0};
    struct iovec part = {.iov_base = message, .iov_len = size};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof control};
    ssize_t n;

    do
        n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return bh_fail(err, BH_LIMIT, "nothing waits on the fetch socket");
    *ret_fd_count = 0;
    if (n < 0 && errno != ECONNRESET)
        return bh_fail_errno(err, "receive from the fetch socket");
    if (n >= 0)
        take_fds(&header, fds, ret_fd_count);
    if (n > 0 && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return bh_fail(err, BH_INVALID, "fetch message: longer than %zu bytes", size);
    *ret_len = n < 0 ? 0 : (size_t)n;
    return 0;
}
