#include "http/fetch_transfer.h"

#include "base/mem.h"
#include "http/fetch_header.h"
#include "http/url.h"
#include "sys/fd.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CA_BYTES_MAX (1024ul * 1024)
#define RECEIVE_BUFFER (512L * 1024L)
#define STALL_BYTES_PER_S 1024L

struct bh_fetch_transfer {
    struct bh_wire_request *q;
    CURL *easy;
    struct curl_slist *lines, *connect_to;
    struct bh_url url;   /* where the transfer is now */
    struct bh_url first; /* where it began: credentials are for this origin */
    struct bh_fetch_headers headers;
    int sink, socket;
    struct bh_buf ca;
    uint64_t deadline_ms; /* 0: none */
    bool body_begun;      /* the first byte of this response's body was seen */
    bool to_sink;
    struct bh_error failure; /* ours, when a callback stopped libcurl */
    struct bh_wire_event event;
    char curl_message[CURL_ERROR_SIZE];
};

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct bh_fetch_transfer *t = context;
    size_t len = size * count;

    if (bh_fetch_header_line(&t->headers, line, len, &t->failure) != 0)
        return 0;
    return len;
}

/* The pipe blocks when the parent is slow: that is the brake on the server. */
static int write_pipe(struct bh_fetch_transfer *t, const void *data, size_t len)
{
    if (bh_write_full(t->sink, data, len, &t->failure) != 0)
        return bh_wrap(&t->failure, "hand the body over");
    return 0;
}

/* Decides where a body of this status goes, and from which byte on. */
static int begin_body(struct bh_fetch_transfer *t, long status)
{
    struct bh_wire_body body;
    uint64_t first = 0, total = 0;
    curl_off_t length = -1;

    t->body_begun = true;
    t->to_sink = status / 100 == 2;
    if (!t->to_sink)
        return 0;
    if (status == 206) {
        if (bh_fetch_content_range(t->headers.content_range, &first, &total, &t->failure) != 0)
            return -t->failure.code;
        if (first != t->q->offset)
            return bh_fail(&t->failure, BH_INVALID,
                           "the server answers from byte %llu when asked for byte %llu",
                           (unsigned long long)first, (unsigned long long)t->q->offset);
    }
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (total == 0 && length > 0)
        total = first + (uint64_t)length;
    if (total > t->q->bytes_max)
        return bh_fail(&t->failure, BH_LIMIT, "body of %llu bytes, limit %llu",
                       (unsigned long long)total, (unsigned long long)t->q->bytes_max);
    t->event.offset = t->event.end = first;
    t->event.total = total;
    body = (struct bh_wire_body){.offset = first, .total = total};
    return t->sink >= 0 ? write_pipe(t, &body, sizeof body) : 0;
}

static int write_sink(struct bh_fetch_transfer *t, const char *data, size_t len)
{
    if (len > t->q->bytes_max - t->event.end)
        return bh_fail(&t->failure, BH_LIMIT, "body is larger than the limit of %llu bytes",
                       (unsigned long long)t->q->bytes_max);
    t->event.end += len;
    return t->sink >= 0 ? write_pipe(t, data, len) : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct bh_fetch_transfer *t = context;
    size_t len = size * count, keep;
    long status = 0;

    if (!t->body_begun) {
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
        if (begin_body(t, status) != 0)
            return CURL_WRITEFUNC_ERROR;
    }
    if (t->to_sink)
        return write_sink(t, data, len) == 0 ? len : CURL_WRITEFUNC_ERROR;
    /* An answer that is no success may be endless too: what is kept is enough. */
    keep = BH_MIN(len, sizeof t->event.excerpt - t->event.excerpt_len);
    memcpy(t->event.excerpt + t->event.excerpt_len, data, keep);
    t->event.excerpt_len += (uint32_t)keep;
    return t->event.excerpt_len < sizeof t->event.excerpt ? len : CURL_WRITEFUNC_ERROR;
}

static bool address_is_loopback(const struct curl_sockaddr *a)
{
    if (a->family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, &a->addr, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (a->family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, &a->addr, sizeof v6);
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    return false;
}

/* The last word on where a connection goes: the name has been resolved by now. */
static curl_socket_t on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct bh_fetch_transfer *t = context;

    (void)purpose;
    if (t->q->flags & BH_WIRE_FD_SOCKET)
        return BH_TAKE_FD(t->socket); /* -1, which is CURL_SOCKET_BAD, the second time */
    if (!t->url.https && !address_is_loopback(a)) {
        (void)bh_fail(&t->failure, BH_DENIED, "%s is not a loopback address: use https",
                      t->url.host);
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int on_socket_options(void *context, curl_socket_t fd, curlsocktype purpose)
{
    const struct bh_fetch_transfer *t = context;

    (void)fd;
    (void)purpose;
    return t->q->flags & BH_WIRE_FD_SOCKET ? CURL_SOCKOPT_ALREADY_CONNECTED : CURL_SOCKOPT_OK;
}

/* Only these leave for another origin; all others may be credentials. */
static bool may_travel(const char *line)
{
    static const char *const names[] = {"accept:", "if-none-match:", "if-modified-since:",
                                        "if-range:"};

    for (size_t i = 0; i < BH_COUNT_OF(names); i++)
        if (strncasecmp(line, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static void wipe_lines(struct bh_fetch_transfer *t)
{
    for (struct curl_slist *l = t->lines; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(t->lines);
    t->lines = NULL;
}

static void set_headers(struct bh_fetch_transfer *t)
{
    bool same = bh_url_same_origin(&t->first, &t->url);
    const char *line = t->q->headers;

    wipe_lines(t);
    while (*line) {
        size_t len = strcspn(line, "\n");
        char *copy = bh_strndup(line, len);

        if (same || may_travel(copy)) {
            struct curl_slist *longer = curl_slist_append(t->lines, copy);

            if (!longer)
                abort();
            t->lines = longer;
        }
        explicit_bzero(copy, len);
        free(copy);
        line += len + (line[len] == '\n');
    }
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->lines);
}

static void set_limits(struct bh_fetch_transfer *t)
{
    const struct bh_wire_request *q = t->q;
    uint64_t now = now_ms(), left = t->deadline_ms > now ? t->deadline_ms - now : 1;

    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)q->connect_timeout_ms);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, t->deadline_ms ? (long)left : 0L);
    if (q->stall_timeout_ms) {
        curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
        curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME, (long)(q->stall_timeout_ms + 999) / 1000);
    }
    curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
}

static void set_tls(struct bh_fetch_transfer *t)
{
    struct curl_blob blob = {.data = t->ca.data, .len = t->ca.len, .flags = CURL_BLOB_NOCOPY};

    curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
    if (t->q->flags & BH_WIRE_FD_CA)
        curl_easy_setopt(t->easy, CURLOPT_CAINFO_BLOB, &blob);
    else
        curl_easy_setopt(t->easy, CURLOPT_CAINFO, BH_FETCH_CA_FILE);
}

static void set_callbacks(struct bh_fetch_transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_SOCKOPTFUNCTION, on_socket_options);
    curl_easy_setopt(t->easy, CURLOPT_SOCKOPTDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_message);
}

static void set_method(struct bh_fetch_transfer *t)
{
    const struct bh_wire_request *q = t->q;
    char range[32];

    if (q->method == BH_WIRE_HEAD) {
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    } else if (q->method == BH_WIRE_POST) {
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)q->body_len);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, q->body);
    }
    if (q->offset) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)q->offset);
        curl_easy_setopt(t->easy, CURLOPT_RANGE, range);
    }
}

/* Everything about a hop that depends on where it goes. */
static int set_place(struct bh_fetch_transfer *t, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    bool over_socket = t->q->flags & BH_WIRE_FD_SOCKET;

    if (!t->url.https && !over_socket &&
        !(t->q->flags & BH_WIRE_PLAIN_HTTP && bh_url_is_loopback(&t->url)))
        return bh_fail(err, BH_DENIED, "http://%s: plain HTTP is not allowed there", t->url.host);
    bh_url_format(&t->url, &text);
    curl_easy_setopt(t->easy, CURLOPT_URL, bh_buf_text(&text));
    set_headers(t);
    set_limits(t);
    t->body_begun = t->to_sink = false;
    t->event.excerpt_len = 0;
    return 0;
}

static void set_up(struct bh_fetch_transfer *t)
{
    bool over_socket = t->q->flags & BH_WIRE_FD_SOCKET;

    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(t->easy, CURLOPT_PROXY, t->q->proxy);
    curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "bulkhead");
    /* One connection per stream: as fast, and a much smaller parser than HTTP/2's. */
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (over_socket) {
        curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
        /* The host is a name in a header only: nothing is to be looked up. */
        t->connect_to = curl_slist_append(NULL, "::127.0.0.1:");
        curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
    }
    set_callbacks(t);
    set_tls(t);
    set_method(t);
}

static int read_ca(struct bh_fetch_transfer *t, int fd, struct bh_error *err)
{
    t->ca.limit = CA_BYTES_MAX;
    if (bh_read_all(fd, &t->ca, err) != 0)
        return bh_wrap(err, "read the certificate file");
    return 0;
}

int bh_fetch_transfer_new(const struct bh_wire_request *q, const int *fds,
                          struct bh_fetch_transfer **ret, struct bh_error *err)
{
    struct bh_fetch_transfer *t = bh_new0(sizeof *t);
    int next = 0, r = 0;

    t->q = bh_new(sizeof *q);
    memcpy(t->q, q, sizeof *q);
    t->sink = q->flags & BH_WIRE_FD_SINK ? fds[next++] : -1;
    if (q->flags & BH_WIRE_FD_CA) {
        r = read_ca(t, fds[next], err);
        close(fds[next++]);
    }
    t->socket = q->flags & BH_WIRE_FD_SOCKET ? fds[next] : -1;
    t->deadline_ms = q->total_timeout_ms ? now_ms() + q->total_timeout_ms : 0;
    t->easy = curl_easy_init();
    if (!t->easy)
        abort();
    if (!r)
        r = bh_url_parse(q->url, &t->url, err);
    if (!r) {
        t->first = t->url;
        set_up(t);
        r = set_place(t, err);
    }
    if (r) {
        bh_fetch_transfer_free(t);
        return r;
    }
    *ret = t;
    return 0;
}

void bh_fetch_transfer_free(struct bh_fetch_transfer *t)
{
    if (!t)
        return;
    curl_easy_cleanup(t->easy);
    wipe_lines(t);
    curl_slist_free_all(t->connect_to);
    explicit_bzero(t->q, sizeof *t->q);
    free(t->q);
    bh_closep(&t->sink);
    bh_closep(&t->socket);
    bh_buf_done(&t->ca);
    free(t);
}

CURL *bh_fetch_transfer_handle(const struct bh_fetch_transfer *t)
{
    return t->easy;
}

uint64_t bh_fetch_transfer_id(const struct bh_fetch_transfer *t)
{
    return t->q->id;
}

uint64_t bh_fetch_transfer_end(const struct bh_fetch_transfer *t)
{
    return t->event.end;
}

static bool is_redirect(const struct bh_fetch_transfer *t, long status)
{
    return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
           t->headers.location[0] && t->q->method != BH_WIRE_POST &&
           !(t->q->flags & BH_WIRE_FD_SOCKET) && t->q->redirects_max > 0;
}

static int follow(struct bh_fetch_transfer *t)
{
    struct bh_url to;
    int r;

    if (t->event.redirects >= t->q->redirects_max)
        return bh_fail(&t->failure, BH_LIMIT, "more than %u redirects", t->q->redirects_max);
    r = bh_url_join(&t->url, t->headers.location, &to, &t->failure);
    if (r)
        return bh_wrap(&t->failure, "redirect");
    if (t->url.https && !to.https)
        return bh_fail(&t->failure, BH_DENIED, "redirect from https://%s to plain http://%s",
                       t->url.host, to.host);
    t->url = to;
    t->event.redirects++;
    r = set_place(t, &t->failure);
    return r ? bh_wrap(&t->failure, "redirect") : 0;
}

static int code_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return BH_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2_STREAM:
        return BH_UNAVAILABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return BH_DENIED;
    default:
        return BH_INVALID;
    }
}

static void set_failure(struct bh_fetch_transfer *t, int code, const char *message)
{
    struct bh_wire_event *e = &t->event;
    size_t len = strnlen(message, sizeof e->message - 1);

    e->code = (uint32_t)code;
    for (size_t i = 0; i < len; i++)
        e->message[i] = (unsigned char)message[i] < 0x20 ? ' ' : message[i];
    e->message[len] = '\0';
}

static void set_curl_failure(struct bh_fetch_transfer *t, CURLcode code)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);

    bh_url_origin(&t->url, &text);
    bh_buf_printf(&text, ": %s", t->curl_message[0] ? t->curl_message : curl_easy_strerror(code));
    set_failure(t, code_of(code), bh_buf_text(&text));
}

/* libcurl was stopped because an answer that is no success has been read far enough. */
static bool only_excerpt_is_full(const struct bh_fetch_transfer *t, CURLcode code)
{
    return code == CURLE_WRITE_ERROR && t->body_begun && !t->to_sink && !t->failure.code;
}

bool bh_fetch_transfer_continues(struct bh_fetch_transfer *t, CURLcode code)
{
    long status = 0;
    bool whole = code == CURLE_OK || only_excerpt_is_full(t, code);

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!whole && !t->failure.code)
        set_curl_failure(t, code);
    else if (!t->failure.code && is_redirect(t, status) && follow(t) == 0)
        return true;
    else if (!t->failure.code && !t->body_begun && t->q->method != BH_WIRE_HEAD)
        (void)begin_body(t, status);
    if (t->failure.code)
        set_failure(t, t->failure.code, t->failure.message);
    t->event.status = status >= 100 && status <= 999 ? (uint32_t)status : 0;
    return false;
}

const struct bh_wire_event *bh_fetch_transfer_event(struct bh_fetch_transfer *t,
                                                    enum bh_wire_kind kind)
{
    t->event.magic = BH_WIRE_MAGIC;
    t->event.kind = kind;
    t->event.id = t->q->id;
    t->event.fields = t->headers.fields;
    return &t->event;
}
