#include "http/client.h"

#include "base/mem.h"
#include "http/client_transfer.h"
#include "http/url.h"
#include "http/wire.h"
#include "sys/fd.h"
#include "sys/sibling.h"
#include "sys/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 15000u
#define STALL_TIMEOUT_MS 30000u
#define REDIRECTS 5u
#define END_TIMEOUT_MS 2000

/* Events that arrived while a request was being sent. */
struct pending {
    struct pending *next;
    struct bh_wire_event event;
};

struct finished {
    struct finished *next;
    struct bh_http_done done;
};

struct bh_http_client {
    struct bh_child child;
    int socket;
    bool broken; /* the fetch process is gone; every further call fails */
    uint64_t last_id;
    bh_getenv *environment;
    struct bh_client_transfer transfers[BH_HTTP_TRANSFERS_MAX];
    struct pending *pending_first, **pending_end;
    struct finished *finished; /* ended while bh_http_perform waited for another */
    char piece[BH_CLIENT_PIECE];
};

static_assert(BH_HTTP_TRANSFERS_MAX <= BH_WIRE_TRANSFERS_MAX, "the fetch process has the room");

static int start_worker(struct bh_http_client *c, const char *path, struct bh_error *err)
{
    char *const argv[] = {(char[]){"bulkhead-fetch"}, NULL};
    int pair[2], r;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return bh_fail_errno(err, "socketpair");
    r = bh_spawn(
        &(struct bh_spawn){
            .path = path,
            .exe_fd = -1,
            .argv = argv,
            .fds = (const int[]){pair[1], -1, STDERR_FILENO},
            .fd_count = 3,
            .die_with_parent = 1,
        },
        &c->child, err);
    close(pair[1]);
    if (r) {
        close(pair[0]);
        return bh_wrap(err, "start %s", path);
    }
    c->socket = pair[0];
    return 0;
}

int bh_http_client_open(const struct bh_http_options *options, struct bh_http_client **ret,
                        struct bh_error *err)
{
    BH_AUTO(bh_http_client_closep) struct bh_http_client *c = bh_new0(sizeof *c);
    BH_AUTO(bh_freep) char *path = NULL;
    int r = 0;

    c->child = BH_CHILD_INIT;
    c->socket = -1;
    c->pending_end = &c->pending_first;
    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX; i++)
        c->transfers[i] = BH_CLIENT_TRANSFER_INIT;
    c->environment = options ? options->environment : NULL;
    if (options && options->worker_path)
        path = bh_strdup(options->worker_path);
    else
        r = bh_sibling_path("bulkhead-fetch", &path, err);
    if (!r)
        r = start_worker(c, path, err);
    if (r)
        return r;
    *ret = BH_TAKE(c);
    return 0;
}

static void forget_finished(struct bh_http_client *c)
{
    for (struct finished *f = c->finished, *next; f; f = next) {
        next = f->next;
        free(f);
    }
    c->finished = NULL;
}

void bh_http_client_close(struct bh_http_client *c)
{
    if (!c)
        return;
    bh_closep(&c->socket);
    bh_child_done(&c->child);
    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX; i++)
        bh_client_transfer_done(&c->transfers[i]);
    for (struct pending *p = c->pending_first, *next; p; p = next) {
        next = p->next;
        free(p);
    }
    forget_finished(c);
    free(c);
}

/* The fetch process is gone or cannot be believed any more. */
static int break_client(struct bh_http_client *c, struct bh_error *err)
{
    struct bh_error unheard = BH_ERROR_INIT;
    int status = 0;

    c->broken = true;
    bh_closep(&c->socket);
    c->socket = -1;
    if (bh_child_wait(&c->child, END_TIMEOUT_MS, &status, &unheard) != 0)
        return bh_fail(err, BH_INTERNAL, "bulkhead-fetch closed its socket and does not end");
    if (status > 128)
        return bh_fail(err, BH_INTERNAL, "bulkhead-fetch was ended by signal %d%s", status - 128,
                       status - 128 == 31 ? " (a system call it may not make)" : "");
    return bh_fail(err, BH_INTERNAL, "bulkhead-fetch ended with status %d", status);
}

/* One event from the socket. BH_LIMIT when none is there. */
static int receive_event(struct bh_http_client *c, struct bh_wire_event *event,
                         struct bh_error *err)
{
    int fds[BH_WIRE_FDS_MAX], fd_count = 0, r;
    size_t len = 0;

    r = bh_wire_receive(c->socket, event, sizeof *event, &len, fds, &fd_count, false, err);
    for (int i = 0; i < fd_count; i++)
        close(fds[i]);
    if (r == -BH_LIMIT)
        return r;
    if (!r && len == 0)
        return break_client(c, err);
    if (!r && fd_count > 0)
        r = bh_fail(err, BH_INVALID, "fetch message: an event with descriptors");
    if (!r)
        r = bh_wire_check_event(event, len, err);
    if (r) {
        c->broken = true;
        err->code = BH_INTERNAL;
        return bh_wrap(err, "bulkhead-fetch broke its protocol");
    }
    return 0;
}

static int keep_event(struct bh_http_client *c, struct bh_error *err)
{
    struct pending *p = bh_new0(sizeof *p);
    int r = receive_event(c, &p->event, err);

    if (r) {
        free(p);
        return r == -BH_LIMIT ? 0 : r;
    }
    *c->pending_end = p;
    c->pending_end = &p->next;
    return 0;
}

/* Waits until the fetch process has something for us, moving bodies to their sinks meanwhile; with
 * want_room also until it can take a message. *ret_events is what poll says of the socket; 0 after
 * timeout_ms, or after a piece of a body. */
static int wait_socket(struct bh_http_client *c, bool want_room, int timeout_ms, short *ret_events,
                       struct bh_error *err)
{
    struct pollfd p[1 + BH_HTTP_TRANSFERS_MAX];
    struct bh_client_transfer *owner[1 + BH_HTTP_TRANSFERS_MAX];
    nfds_t n = 1;

    p[0] =
        (struct pollfd){.fd = c->socket, .events = (short)(want_room ? POLLIN | POLLOUT : POLLIN)};
    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX; i++) {
        if (c->transfers[i].id == 0 || c->transfers[i].pipe < 0)
            continue;
        owner[n] = &c->transfers[i];
        p[n++] = (struct pollfd){.fd = c->transfers[i].pipe, .events = POLLIN};
    }
    if (poll(p, n, timeout_ms) < 0) {
        if (errno != EINTR)
            return bh_fail_errno(err, "poll the fetch socket");
        p[0].revents = 0;
        n = 1;
    }
    for (nfds_t i = 1; i < n; i++)
        if (p[i].revents)
            bh_client_transfer_drain(owner[i], c->piece, false);
    *ret_events = p[0].revents;
    return 0;
}

/* The fetch process may be busy telling us something while we send: both sides must move. */
static int send_request(struct bh_http_client *c, const struct bh_wire_request *q, const int *fds,
                        int fd_count, struct bh_error *err)
{
    for (;;) {
        int r = bh_wire_send(c->socket, q, sizeof *q, fds, fd_count, false, err);
        short events = 0;

        if (r == -BH_UNAVAILABLE)
            return break_client(c, err);
        if (r != -BH_LIMIT)
            return r;
        r = wait_socket(c, true, -1, &events, err);
        if (!r && events & ~POLLOUT)
            r = keep_event(c, err);
        if (r)
            return r;
    }
}

static struct bh_client_transfer *find_transfer(struct bh_http_client *c, uint64_t id)
{
    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX; i++)
        if (c->transfers[i].id == id)
            return &c->transfers[i];
    return NULL;
}

static int add_header(struct bh_wire_request *w, size_t *used, const char *line,
                      struct bh_error *err)
{
    size_t len = strlen(line);

    if (len + 2 > sizeof w->headers - *used)
        return bh_fail(err, BH_LIMIT, "request headers are longer than %u bytes",
                       BH_WIRE_HEADERS_MAX);
    memcpy(w->headers + *used, line, len);
    w->headers[*used + len] = '\n';
    *used += len + 1;
    return 0;
}

static int check_scheme(const struct bh_http_request *q, const struct bh_url *u,
                        struct bh_error *err)
{
    if (u->https || q->unix_socket)
        return 0;
    if (!bh_url_is_loopback(u))
        return bh_fail(err, BH_INVALID,
                       "http://%s: plain HTTP is spoken to this machine's loopback only; "
                       "use https",
                       u->host);
    if (!q->plain_http)
        return bh_fail(err, BH_INVALID,
                       "http://%s: plain HTTP to loopback needs the option --plain-http", u->host);
    return 0;
}

static void fill_limits(const struct bh_http_request *q, struct bh_wire_request *w)
{
    w->connect_timeout_ms = q->connect_timeout_ms ? q->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    w->stall_timeout_ms = q->stall_timeout_ms ? q->stall_timeout_ms : STALL_TIMEOUT_MS;
    w->total_timeout_ms = q->total_timeout_ms;
    if (q->redirects_max != BH_HTTP_NO_REDIRECTS)
        w->redirects_max = q->redirects_max ? BH_MIN(q->redirects_max, 32u) : REDIRECTS;
    w->offset = q->offset;
    w->bytes_max = q->bytes_max ? q->bytes_max : BH_HTTP_BYTES_DEFAULT;
    if (!q->write && q->buffer && q->buffer->limit)
        w->bytes_max = BH_MIN(w->bytes_max, (uint64_t)q->buffer->limit);
}

/* The URL as parsed and written again, so that libcurl sees what was judged here. */
static int fill_url(const struct bh_http_client *c, const struct bh_http_request *q,
                    struct bh_wire_request *w, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    const char *proxy = NULL;
    struct bh_url url;
    int r = bh_url_parse(q->url, &url, err);

    if (!r)
        r = check_scheme(q, &url, err);
    if (r)
        return r;
    bh_url_format(&url, &text);
    if (text.len >= sizeof w->url)
        return bh_fail(err, BH_LIMIT, "URL is longer than %u bytes", BH_URL_MAX - 1);
    memcpy(w->url, bh_buf_text(&text), text.len + 1);
    if (c->environment && !q->unix_socket && !bh_url_is_loopback(&url))
        proxy = bh_http_proxy(c->environment, url.host);
    if (proxy && strlen(proxy) >= sizeof w->proxy)
        return bh_fail(err, BH_LIMIT, "the proxy URL is longer than %u bytes", BH_URL_MAX - 1);
    if (proxy)
        memcpy(w->proxy, proxy, strlen(proxy) + 1);
    return 0;
}

static int fill_request(const struct bh_http_client *c, const struct bh_http_request *q,
                        struct bh_wire_request *w, struct bh_error *err)
{
    size_t used = 0;
    int r = fill_url(c, q, w, err);

    for (size_t i = 0; i < q->header_count && !r; i++)
        r = add_header(w, &used, q->headers[i], err);
    if (r)
        return r;
    if (q->body_len > sizeof w->body)
        return bh_fail(err, BH_LIMIT, "request body of %zu bytes, limit %u", q->body_len,
                       BH_WIRE_BODY_MAX);
    if (q->body_len)
        memcpy(w->body, q->body, q->body_len);
    w->body_len = (uint32_t)q->body_len;
    w->magic = BH_WIRE_MAGIC;
    w->kind = BH_WIRE_START;
    w->method = q->method ? (uint32_t)q->method : BH_WIRE_GET;
    w->flags = q->plain_http ? BH_WIRE_PLAIN_HTTP : 0;
    fill_limits(q, w);
    return 0;
}

static int connect_unix(const char *path, int *ret_fd, struct bh_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    BH_AUTO(bh_closep) int fd = -1;

    if (strlen(path) >= sizeof address.sun_path)
        return bh_fail(err, BH_LIMIT, "socket path %s is longer than %zu bytes", path,
                       sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bh_fail_errno(err, "socket");
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int r = bh_fail_errno(err, "connect to %s", path);

        if (errno == ECONNREFUSED && err)
            err->code = BH_UNAVAILABLE;
        return errno == ECONNREFUSED ? -BH_UNAVAILABLE : r;
    }
    *ret_fd = BH_TAKE_FD(fd);
    return 0;
}

/* What goes along with a request, in the order of the flags. All are ours to close. */
struct companions {
    int fds[BH_WIRE_FDS_MAX];
    int count;
};

static void companions_done(struct companions *p)
{
    for (int i = 0; i < p->count; i++)
        close(p->fds[i]);
}

static int collect_companions(const struct bh_http_request *q, struct bh_wire_request *w,
                              struct bh_client_transfer *t, struct companions *p,
                              struct bh_error *err)
{
    int fd = -1, r = bh_client_transfer_begin(t, q, w->bytes_max, &fd, err);

    if (r)
        return r;
    if (fd >= 0) {
        p->fds[p->count++] = fd;
        w->flags |= BH_WIRE_FD_SINK;
    }
    if (q->ca_file) {
        fd = open(q->ca_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
            return bh_fail_errno(err, "open the certificate file %s", q->ca_file);
        p->fds[p->count++] = fd;
        w->flags |= BH_WIRE_FD_CA;
    }
    if (q->unix_socket) {
        r = connect_unix(q->unix_socket, &fd, err);
        if (r)
            return r;
        p->fds[p->count++] = fd;
        w->flags |= BH_WIRE_FD_SOCKET;
    }
    return 0;
}

static int start_transfer(struct bh_http_client *c, const struct bh_http_request *q,
                          struct bh_wire_request *w, struct bh_client_transfer *t,
                          struct bh_error *err)
{
    BH_AUTO(companions_done) struct companions p = {.count = 0};
    struct bh_client_transfer fresh = BH_CLIENT_TRANSFER_INIT;
    int r = fill_request(c, q, w, err);

    w->id = c->last_id + 1;
    if (!r)
        r = collect_companions(q, w, &fresh, &p, err);
    if (!r)
        r = bh_wire_check_request(w, sizeof *w, p.count, err);
    if (!r)
        r = send_request(c, w, p.fds, p.count, err);
    if (r) {
        bh_client_transfer_done(&fresh);
        return r;
    }
    fresh.id = ++c->last_id;
    *t = fresh;
    return 0;
}

int bh_http_start(struct bh_http_client *c, const struct bh_http_request *q, uint64_t *ret_id,
                  struct bh_error *err)
{
    struct bh_client_transfer *t = find_transfer(c, 0);
    BH_AUTO(bh_freep) struct bh_wire_request *w = NULL;
    int r;

    if (c->broken)
        return bh_fail(err, BH_INTERNAL, "bulkhead-fetch is gone");
    if (!t)
        return bh_fail(err, BH_LIMIT, "%u transfers are under way", BH_HTTP_TRANSFERS_MAX);
    w = bh_new0(sizeof *w);
    r = start_transfer(c, q, w, t, err);
    explicit_bzero(w, sizeof *w);
    if (r)
        return r;
    *ret_id = t->id;
    return 0;
}

/* Milliseconds until the deadline, for poll. */
static int left_ms(int timeout_ms, const struct timespec *begin)
{
    struct timespec now;
    int64_t spent;

    if (timeout_ms < 0)
        return -1;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    spent = (now.tv_sec - begin->tv_sec) * INT64_C(1000) + (now.tv_nsec - begin->tv_nsec) / 1000000;
    return spent >= timeout_ms ? 0 : (int)(timeout_ms - spent);
}

static int next_event(struct bh_http_client *c, int timeout_ms, struct bh_wire_event *event,
                      struct bh_error *err)
{
    struct pending *kept = c->pending_first;
    struct timespec begin;

    if (kept) {
        *event = kept->event;
        c->pending_first = kept->next;
        if (!c->pending_first)
            c->pending_end = &c->pending_first;
        free(kept);
        return 0;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    for (;;) {
        int left = left_ms(timeout_ms, &begin);
        short events = 0;
        int r = wait_socket(c, false, left, &events, err);

        if (r)
            return r;
        if (events) {
            r = receive_event(c, event, err);
            if (r != -BH_LIMIT)
                return r;
        }
        if (left == 0)
            return bh_fail(err, BH_TIMEOUT, "no transfer ended in time");
    }
}

static int wait_event(struct bh_http_client *c, int timeout_ms, struct bh_wire_event *event,
                      struct bh_http_done *ret, struct bh_error *err)
{
    struct timespec begin;

    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    for (;;) {
        struct bh_client_transfer *t;
        int r = next_event(c, left_ms(timeout_ms, &begin), event, err);

        if (r)
            return r;
        t = find_transfer(c, event->id);
        if (!t) {
            c->broken = true;
            return bh_fail(err, BH_INTERNAL, "bulkhead-fetch speaks of an unknown transfer");
        }
        if (event->kind == BH_WIRE_PROGRESS) {
            if (t->progress && !t->cancelled)
                t->progress(t->context, event->end, event->total);
            continue;
        }
        if (!t->cancelled)
            bh_client_transfer_finish(t, event, c->piece, ret);
        else
            ret->id = 0;
        bh_client_transfer_done(t);
        return 0;
    }
}

static bool any_under_way(const struct bh_http_client *c)
{
    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX; i++)
        if (c->transfers[i].id != 0)
            return true;
    return false;
}

static int wait_running(struct bh_http_client *c, int timeout_ms, struct bh_http_done *ret,
                        struct bh_error *err)
{
    BH_AUTO(bh_freep) struct bh_wire_event *event = NULL;

    if (c->broken)
        return bh_fail(err, BH_INTERNAL, "bulkhead-fetch is gone");
    if (!any_under_way(c))
        return bh_fail(err, BH_NOT_FOUND, "no transfer is under way");
    event = bh_new0(sizeof *event);
    return wait_event(c, timeout_ms, event, ret, err);
}

int bh_http_wait(struct bh_http_client *c, int timeout_ms, struct bh_http_done *ret,
                 struct bh_error *err)
{
    struct finished *f = c->finished;

    if (!f)
        return wait_running(c, timeout_ms, ret, err);
    c->finished = f->next;
    *ret = f->done;
    free(f);
    return 0;
}

static void keep_finished(struct bh_http_client *c, const struct bh_http_done *done)
{
    struct finished *f = bh_new0(sizeof *f);

    f->done = *done;
    f->next = c->finished;
    c->finished = f;
}

int bh_http_cancel_all(struct bh_http_client *c, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct bh_wire_request *w = bh_new0(sizeof *w);
    BH_AUTO(bh_freep) struct bh_wire_event *event = bh_new0(sizeof *event);
    BH_AUTO(bh_freep) struct bh_http_done *done = bh_new0(sizeof *done);
    int r = 0;

    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX && !c->broken && !r; i++) {
        if (c->transfers[i].id == 0)
            continue;
        c->transfers[i].cancelled = true;
        bh_closep(&c->transfers[i].pipe); /* wakes the fetch process if it waits to write */
        c->transfers[i].pipe = -1;
        w->magic = BH_WIRE_MAGIC;
        w->kind = BH_WIRE_CANCEL;
        w->id = c->transfers[i].id;
        r = send_request(c, w, NULL, 0, err);
    }
    while (!r && !c->broken && any_under_way(c))
        r = wait_event(c, -1, event, done, err);
    forget_finished(c);
    return r;
}

int bh_http_perform(struct bh_http_client *c, const struct bh_http_request *q,
                    struct bh_http_response *ret, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct bh_http_done *done = bh_new0(sizeof *done);
    uint64_t id;
    int r = bh_http_start(c, q, &id, err);

    if (!r)
        r = wait_running(c, -1, done, err);
    while (!r && done->id != id) {
        keep_finished(c, done);
        r = wait_running(c, -1, done, err);
    }
    if (r)
        return r;
    if (done->result) {
        if (err)
            *err = done->error;
        return done->result;
    }
    *ret = done->response;
    return 0;
}

static int status_code(int status)
{
    switch (status) {
    case 401:
    case 403:
        return BH_DENIED;
    case 404:
    case 410:
        return BH_NOT_FOUND;
    case 408:
    case 429:
        return BH_UNAVAILABLE;
    default:
        return status >= 500 ? BH_UNAVAILABLE : BH_INVALID;
    }
}

int bh_http_check_status(const struct bh_http_response *r, struct bh_error *err)
{
    if (r->status / 100 == 2)
        return 0;
    if (r->excerpt[0])
        return bh_fail(err, status_code(r->status), "the server answers %d: %.200s", r->status,
                       r->excerpt);
    return bh_fail(err, status_code(r->status), "the server answers %d", r->status);
}
