/* The client against the real fetch process and a server of our own on loopback. */
#include "base/mem.h"
#include "http/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BIG (3u * 1024u * 1024u) /* more than a pipe holds */

struct fixture {
    struct bh_http_client *client;
    pid_t server;
    unsigned port, other_port;
    char socket_path[64];
};

static void say(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        _exit(0);
}

static void say_zeros(int fd, size_t len)
{
    static char zeros[65536];

    while (len > 0) {
        ssize_t n = send(fd, zeros, BH_MIN(len, sizeof zeros), MSG_NOSIGNAL);

        if (n < 0)
            _exit(0);
        len -= (size_t)n;
    }
}

static void answer_big(int fd, const char *request)
{
    char text[256];
    const char *range = strstr(request, "Range: bytes=");
    unsigned long from = range ? strtoul(range + 13, NULL, 10) : 0;

    if (range)
        snprintf(text, sizeof text,
                 "HTTP/1.1 206 Partial\r\nContent-Range: bytes %lu-%u/%u\r\nContent-Length: %lu\r\n"
                 "\r\n",
                 from, BIG - 1, BIG, BIG - from);
    else
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BIG);
    say(fd, text);
    say_zeros(fd, BIG - from);
}

static void answer_echo(int fd, const char *request)
{
    char text[8192 + 128];

    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(request),
             request);
    say(fd, text);
}

static void answer_redirect(int fd, const char *request, unsigned port)
{
    char text[256], *path = strstr(request, "/to/");
    unsigned long to = strtoul(path + 4, NULL, 10);

    snprintf(text, sizeof text,
             "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%lu/echo\r\nContent-Length: 5\r\n"
             "\r\nmoved",
             to ? to : port);
    say(fd, text);
}

static const struct {
    const char *path, *answer;
} fixed[] = {
    {"GET /hello ", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: \"e\"\r\n"
                    "Docker-Content-Digest: sha256:00\r\nContent-Length: 5\r\n\r\nhello"},
    {"HEAD /hello ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
    {"GET /empty ", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"GET /missing ", "HTTP/1.1 404 Not Found\r\nContent-Length: 11\r\n\r\nno\x1bsuch one"},
    {"GET /login ", "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"a\"\r\n"
                    "WWW-Authenticate: Bearer realm=\"b\"\r\nContent-Length: 0\r\n\r\n"},
    {"GET /busy ", "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"},
    {"GET /loop ", "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"},
    {"GET /away ",
     "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"},
    {"GET /file ",
     "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"},
    {"GET /cut ", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"},
    {"GET /announced ", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nbegin"},
    {"GET /wrong-range ", "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-4/5\r\n"
                          "Content-Length: 5\r\n\r\nhello"},
    {"GET /no-resume ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
    {"GET /garbage ", "\x16\x03\x01garbage\r\n\r\n"},
    {"GET /silent ", ""},
};

static void answer(int fd, const char *request, unsigned port)
{
    for (size_t i = 0; i < BH_COUNT_OF(fixed); i++) {
        if (strncmp(request, fixed[i].path, strlen(fixed[i].path)) != 0)
            continue;
        say(fd, fixed[i].answer);
        if (strstr(fixed[i].path, "/silent"))
            sleep(10);
        return;
    }
    if (strncmp(request, "GET /big", 8) == 0)
        answer_big(fd, request);
    else if (strstr(request, "/to/"))
        answer_redirect(fd, request, port);
    else if (strncmp(request, "GET /endless-headers", 20) == 0)
        for (say(fd, "HTTP/1.1 200 OK\r\n");;)
            say(fd, "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    else if (strncmp(request, "GET /endless", 12) == 0)
        for (say(fd, "HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n");;)
            say_zeros(fd, 65536);
    else if (strncmp(request, "GET /refused-endless", 20) == 0)
        for (say(fd, "HTTP/1.1 403 No\r\n\r\n");;)
            say_zeros(fd, 65536);
    else
        answer_echo(fd, request);
}

static void serve_one(int fd, unsigned port)
{
    char request[8192];
    size_t len = 0;

    while (len < sizeof request - 1) {
        ssize_t n = recv(fd, request + len, sizeof request - 1 - len, 0);

        if (n <= 0)
            _exit(0);
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    answer(fd, request, port);
    _exit(0);
}

static void serve(int listener, unsigned port)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fd >= 0 && fork() == 0)
            serve_one(fd, port);
        close(fd);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

static int listen_tcp(unsigned *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(a.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static void start_server(int listener, unsigned port)
{
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener, port);
    }
    close(listener);
}

static int set_up(void **state)
{
    struct fixture *f = bh_new0(sizeof *f);
    int tcp = listen_tcp(&f->port), other = listen_tcp(&f->other_port), local;

    snprintf(f->socket_path, sizeof f->socket_path, "/tmp/bulkhead-client-test-%d", getpid());
    local = listen_unix(f->socket_path);
    f->server = fork();
    if (f->server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        start_server(other, f->other_port);
        start_server(local, 0);
        serve(tcp, f->port);
    }
    close(tcp);
    close(other);
    close(local);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    kill(f->server, SIGKILL);
    waitpid(f->server, NULL, 0);
    unlink(f->socket_path);
    free(f);
    return 0;
}

static int open_client(void **state)
{
    struct fixture *f = *state;

    return bh_http_client_open(&(struct bh_http_options){.worker_path = getenv("BH_FETCH")},
                               &f->client, NULL);
}

static int close_client(void **state)
{
    struct fixture *f = *state;

    bh_http_client_close(f->client);
    return 0;
}

static int get_to(struct fixture *f, const char *path, struct bh_http_request *q,
                  struct bh_http_response *r, struct bh_error *err)
{
    char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", f->port, path);
    q->url = url;
    q->plain_http = true;
    return bh_http_perform(f->client, q, r, err);
}

/* Fetches into a buffer of 4 KiB. */
static int get(void **state, const char *path, struct bh_buf *out, struct bh_http_response *r,
               struct bh_error *err)
{
    *out = BH_BUF_INIT(4096);
    return get_to(*state, path, &(struct bh_http_request){.buffer = out}, r, err);
}

static void a_body_and_the_fields_arrive(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf body;
    struct bh_http_response r;

    assert_int_equal(get(state, "/hello", &body, &r, NULL), 0);
    assert_int_equal(r.status, 200);
    assert_string_equal(bh_buf_text(&body), "hello");
    assert_int_equal(r.received, 5);
    assert_string_equal(r.content_type, "text/plain");
    assert_string_equal(r.etag, "\"e\"");
    assert_string_equal(r.content_digest, "sha256:00");
    assert_string_equal(r.link, "");
}

static void head_and_empty_bodies_are_whole_answers(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf body;
    struct bh_http_response r;

    assert_int_equal(
        get_to(*state, "/hello", &(struct bh_http_request){.method = BH_HTTP_HEAD}, &r, NULL), 0);
    assert_int_equal(r.status, 200);
    assert_int_equal(get(state, "/empty", &body, &r, NULL), 0);
    assert_int_equal(r.status, 200);
    assert_int_equal(body.len, 0);
}

static void a_refusal_reaches_no_sink_and_leaves_a_printable_excerpt(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_buf_done) struct bh_buf body;
    struct bh_http_response r;

    assert_int_equal(get(state, "/missing", &body, &r, NULL), 0);
    assert_int_equal(r.status, 404);
    assert_int_equal(body.len, 0);
    assert_string_equal(r.excerpt, "no.such one");
    assert_int_equal(bh_http_check_status(&r, &err), -BH_NOT_FOUND);
    assert_int_equal(get(state, "/refused-endless", &body, &r, NULL), 0);
    assert_int_equal(r.status, 403);
    assert_int_equal(bh_http_check_status(&r, &err), -BH_DENIED);
    assert_int_equal(get(state, "/busy", &body, &r, NULL), 0);
    assert_string_equal(r.retry_after, "7");
    assert_int_equal(bh_http_check_status(&r, &err), -BH_UNAVAILABLE);
    assert_int_equal(get(state, "/login", &body, &r, NULL), 0);
    assert_string_equal(r.authenticate, "Basic realm=\"a\", Bearer realm=\"b\"");
}

static void bodies_past_the_limit_are_refused(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_buf_done) struct bh_buf body;
    struct bh_http_response r;

    assert_int_equal(get(state, "/endless", &body, &r, &err), -BH_LIMIT);
    assert_int_equal(get(state, "/announced", &body, &r, &err), -BH_LIMIT);
    assert_int_equal(get(state, "/endless-headers", &body, &r, &err), -BH_LIMIT);
}

static void a_cut_or_malformed_answer_is_an_error(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_buf_done) struct bh_buf body;
    struct bh_http_response r;

    assert_int_equal(get(state, "/cut", &body, &r, &err), -BH_UNAVAILABLE);
    bh_buf_done(&body);
    assert_int_equal(get(state, "/garbage", &body, &r, &err), -BH_INVALID);
    assert_int_equal(get_to(*state, "/wrong-range",
                            &(struct bh_http_request){.buffer = &body, .offset = 2}, &r, &err),
                     -BH_INVALID);
}

static void redirects_are_bounded_and_never_leave_http(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_buf_done) struct bh_buf body;
    struct bh_http_response r;

    assert_int_equal(get(state, "/loop", &body, &r, &err), -BH_LIMIT);
    assert_int_equal(get(state, "/away", &body, &r, &err), -BH_DENIED);
    assert_int_equal(get(state, "/file", &body, &r, &err), -BH_INVALID);
    assert_int_equal(get_to(*state, "/loop",
                            &(struct bh_http_request){.redirects_max = BH_HTTP_NO_REDIRECTS}, &r,
                            NULL),
                     0);
    assert_int_equal(r.status, 302);
}

static void credentials_stay_with_their_origin(void **state)
{
    static const char *const lines[] = {"Authorization: Basic c2VjcmV0", "Accept: a/b",
                                        "X-Registry-Auth: secret"};
    struct fixture *f = *state;
    BH_AUTO(bh_buf_done) struct bh_buf body = BH_BUF_INIT(8192);
    struct bh_http_request q = {.headers = lines, .header_count = 3, .buffer = &body};
    struct bh_http_response r;
    char path[32];

    assert_int_equal(get_to(f, "/to/0", &q, &r, NULL), 0);
    assert_non_null(strstr(bh_buf_text(&body), "Authorization: Basic c2VjcmV0"));
    bh_buf_done(&body);
    snprintf(path, sizeof path, "/to/%u", f->other_port);
    assert_int_equal(get_to(f, path, &q, &r, NULL), 0);
    assert_non_null(strstr(bh_buf_text(&body), "Accept: a/b"));
    assert_null(strstr(bh_buf_text(&body), "Authorization"));
    assert_null(strstr(bh_buf_text(&body), "X-Registry-Auth"));
}

static void plain_http_is_for_loopback_and_for_those_who_ask(void **state)
{
    struct fixture *f = *state;
    struct bh_http_response r;
    struct bh_http_request q = {.url = "http://192.0.2.1/", .plain_http = true};
    char url[64];

    assert_int_equal(bh_http_perform(f->client, &q, &r, NULL), -BH_INVALID);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/hello", f->port);
    q = (struct bh_http_request){.url = url};
    assert_int_equal(bh_http_perform(f->client, &q, &r, NULL), -BH_INVALID);
}

static void a_server_that_falls_silent_times_out(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_http_response r;

    assert_int_equal(get_to(*state, "/silent", &(struct bh_http_request){.total_timeout_ms = 300},
                            &r, &err),
                     -BH_TIMEOUT);
    assert_int_equal(get_to(*state, "/silent", &(struct bh_http_request){.stall_timeout_ms = 1000},
                            &r, &err),
                     -BH_TIMEOUT);
}

static void nobody_listening_is_unavailable(void **state)
{
    struct fixture *f = *state;
    struct bh_http_response r;
    unsigned port;
    char url[64];

    close(listen_tcp(&port));
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
    assert_int_equal(bh_http_perform(f->client,
                                     &(struct bh_http_request){.url = url, .plain_http = true}, &r,
                                     NULL),
                     -BH_UNAVAILABLE);
}

static void a_file_is_filled_and_resumed(void **state)
{
    struct fixture *f = *state;
    struct bh_http_response r;
    struct bh_http_request q = {.bytes_max = BIG};

    q.sink_fd = memfd_create("sink", MFD_CLOEXEC);
    assert_int_equal(get_to(f, "/big", &q, &r, NULL), 0);
    assert_int_equal(lseek(q.sink_fd, 0, SEEK_END), BIG);
    assert_int_equal(ftruncate(q.sink_fd, 1000), 0);
    assert_int_equal(pwrite(q.sink_fd, "x", 1, 999), 1);
    q.offset = 1000;
    assert_int_equal(get_to(f, "/big", &q, &r, NULL), 0);
    assert_int_equal(r.status, 206);
    assert_int_equal(r.offset, 1000);
    assert_int_equal(r.received, BIG);
    assert_int_equal(lseek(q.sink_fd, 0, SEEK_END), BIG);
    assert_int_equal(get_to(f, "/no-resume", &q, &r, NULL), 0);
    assert_int_equal(r.offset, 0);
    assert_int_equal(lseek(q.sink_fd, 0, SEEK_END), 5);
    close(q.sink_fd);
}

static int refuse_piece(void *context, uint64_t offset, const void *data, size_t len,
                        struct bh_error *err)
{
    (void)context;
    (void)data;
    return offset > 100000 ? bh_fail(err, BH_CORRUPT, "piece of %zu", len) : 0;
}

static void a_sink_that_refuses_ends_the_transfer_with_its_error(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_buf_done) struct bh_buf body;
    struct bh_http_response r;
    struct bh_http_request q = {.write = refuse_piece, .bytes_max = UINT64_C(1) << 40};

    assert_int_equal(get_to(*state, "/endless", &q, &r, &err), -BH_CORRUPT);
    assert_int_equal(get(state, "/hello", &body, &r, NULL), 0);
}

static int count_bytes(void *context, uint64_t offset, const void *data, size_t len,
                       struct bh_error *err)
{
    (void)data;
    (void)offset;
    (void)err;
    *(uint64_t *)context += len;
    return 0;
}

static void many_transfers_run_at_once(void **state)
{
    struct fixture *f = *state;
    static struct bh_http_done done;
    uint64_t counts[BH_HTTP_TRANSFERS_MAX] = {0}, id;
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%u/big", f->port);
    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX; i++)
        assert_int_equal(bh_http_start(f->client,
                                       &(struct bh_http_request){.url = url,
                                                                 .plain_http = true,
                                                                 .bytes_max = BIG,
                                                                 .write = count_bytes,
                                                                 .context = &counts[i]},
                                       &id, NULL),
                         0);
    assert_int_equal(bh_http_start(f->client, &(struct bh_http_request){.url = url}, &id, NULL),
                     -BH_LIMIT);
    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX; i++) {
        assert_int_equal(bh_http_wait(f->client, 20000, &done, NULL), 0);
        assert_int_equal(done.result, 0);
    }
    for (size_t i = 0; i < BH_HTTP_TRANSFERS_MAX; i++)
        assert_int_equal(counts[i], BIG);
    assert_int_equal(bh_http_wait(f->client, 0, &done, NULL), -BH_NOT_FOUND);
}

static void cancelled_transfers_are_not_heard_of_again(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_buf_done) struct bh_buf body;
    struct bh_http_response r;
    uint64_t counts[4] = {0}, id;
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%u/endless", f->port);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(bh_http_start(f->client,
                                       &(struct bh_http_request){.url = url,
                                                                 .plain_http = true,
                                                                 .bytes_max = UINT64_C(1) << 40,
                                                                 .write = count_bytes,
                                                                 .context = &counts[i]},
                                       &id, NULL),
                         0);
    assert_int_equal(bh_http_wait(f->client, 100, &(struct bh_http_done){0}, NULL), -BH_TIMEOUT);
    assert_int_equal(bh_http_cancel_all(f->client, NULL), 0);
    assert_int_equal(get(state, "/hello", &body, &r, NULL), 0);
    assert_string_equal(bh_buf_text(&body), "hello");
}

static void a_unix_socket_takes_the_place_of_the_host(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_buf_done) struct bh_buf body = BH_BUF_INIT(100);
    struct bh_http_response r;
    struct bh_http_request q = {.url = "http://engine/hello",
                                .unix_socket = f->socket_path,
                                .buffer = &body};

    assert_int_equal(bh_http_perform(f->client, &q, &r, NULL), 0);
    assert_string_equal(bh_buf_text(&body), "hello");
    q.unix_socket = "/nonexistent/socket";
    assert_int_equal(bh_http_perform(f->client, &q, &r, NULL), -BH_NOT_FOUND);
}

static void a_missing_fetch_program_is_named(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_http_client *c = NULL;

    (void)state;
    assert_int_equal(bh_http_client_open(
                         &(struct bh_http_options){.worker_path = "/nonexistent/fetch"}, &c, &err),
                     -BH_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent/fetch"));
    assert_null(c);
}

static void a_fetch_program_that_dies_is_an_error_not_a_hang(void **state)
{
    struct fixture *f = *state;
    struct bh_http_client *c = NULL;
    struct bh_http_response r;
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%u/hello", f->port);
    assert_int_equal(
        bh_http_client_open(&(struct bh_http_options){.worker_path = "/bin/false"}, &c, NULL), 0);
    assert_int_equal(bh_http_perform(c, &(struct bh_http_request){.url = url, .plain_http = true},
                                     &r, NULL),
                     -BH_INTERNAL);
    assert_int_equal(bh_http_perform(c, &(struct bh_http_request){.url = url, .plain_http = true},
                                     &r, NULL),
                     -BH_INTERNAL);
    bh_http_client_close(c);
}

#define WITH_CLIENT(f) cmocka_unit_test_setup_teardown(f, open_client, close_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CLIENT(a_body_and_the_fields_arrive),
        WITH_CLIENT(head_and_empty_bodies_are_whole_answers),
        WITH_CLIENT(a_refusal_reaches_no_sink_and_leaves_a_printable_excerpt),
        WITH_CLIENT(bodies_past_the_limit_are_refused),
        WITH_CLIENT(a_cut_or_malformed_answer_is_an_error),
        WITH_CLIENT(redirects_are_bounded_and_never_leave_http),
        WITH_CLIENT(credentials_stay_with_their_origin),
        WITH_CLIENT(plain_http_is_for_loopback_and_for_those_who_ask),
        WITH_CLIENT(a_server_that_falls_silent_times_out),
        WITH_CLIENT(nobody_listening_is_unavailable),
        WITH_CLIENT(a_file_is_filled_and_resumed),
        WITH_CLIENT(a_sink_that_refuses_ends_the_transfer_with_its_error),
        WITH_CLIENT(many_transfers_run_at_once),
        WITH_CLIENT(cancelled_transfers_are_not_heard_of_again),
        WITH_CLIENT(a_unix_socket_takes_the_place_of_the_host),
        cmocka_unit_test(a_missing_fetch_program_is_named),
        cmocka_unit_test(a_fetch_program_that_dies_is_an_error_not_a_hang),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
