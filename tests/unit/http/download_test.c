/* Downloads against the real fetch process and a server of our own on loopback. */
#include "http/download.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BODY "0123456789abcdef"

static pid_t server;
static unsigned port;
static struct bh_http_client *client;

static void say(int fd, const char *status, const char *headers, const char *body, size_t length)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                     headers, length, body);

    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) < 0)
        _exit(1);
}

/* /cut/... ends the first answer after half of the body. */
static void answer(int fd, const char *request, unsigned n)
{
    bool first = n == 0;

    if (strstr(request, "If-None-Match: \"v1\"") && strstr(request, "If-Modified-Since: Wed, "))
        say(fd, "304 Not Modified", "ETag: \"v1\"\r\n", "", 0);
    else if (strncmp(request, "GET /gone", 9) == 0)
        say(fd, "404 Not Found", "", "no", 2);
    else if (strncmp(request, "GET /busy", 9) == 0 && first)
        say(fd, "503 Busy", "", "", 0);
    else if (strncmp(request, "GET /cut/strong", 15) == 0 && first)
        say(fd, "200 OK", "ETag: \"v1\"\r\n", "01234567", 16);
    else if (strncmp(request, "GET /cut/weak", 13) == 0 && first)
        say(fd, "200 OK", "ETag: W/\"v1\"\r\n", "xxxxxxxx", 16);
    else if (strncmp(request, "GET /cut/changed", 16) == 0 && first)
        say(fd, "200 OK", "ETag: \"v0\"\r\n", "xxxxxxxxxxxx", 100);
    else if (strstr(request, "Range: bytes=8-") && strstr(request, "If-Range: \"v1\""))
        say(fd, "206 Partial Content", "Content-Range: bytes 8-15/16\r\nETag: \"v1\"\r\n", &BODY[8],
            8);
    else
        say(fd, "200 OK", "ETag: \"v1\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n", BODY,
            16);
}

static void serve(int listener)
{
    for (unsigned n = 0;; n++) {
        char request[4096] = "";
        int fd = accept(listener, NULL, NULL);
        size_t len = 0;

        while (!strstr(request, "\r\n\r\n") && len < sizeof request - 1) {
            ssize_t got = recv(fd, request + len, sizeof request - 1 - len, 0);

            if (got <= 0)
                break;
            len += (size_t)got;
            request[len] = '\0';
        }
        answer(fd, request, n);
        close(fd);
    }
}

/* A server counts its connections from 0: each test has its own. */
static int set_up(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &size) != 0)
        return -1;
    port = ntohs(a.sin_port);
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd);
    }
    close(fd);
    return bh_http_client_open(&(struct bh_http_options){.worker_path = getenv("BH_FETCH")},
                               &client, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    bh_http_client_close(client);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return 0;
}

static int download(const char *path, struct bh_http_download d, struct bh_http_downloaded *ret,
                    char text[32], struct bh_error *err)
{
    char url[64];
    int r, fd = memfd_create("sink", MFD_CLOEXEC);

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    d.url = url;
    d.plain_http = true;
    d.bytes_max = 100;
    d.sink_fd = fd;
    r = bh_http_download(client, &d, ret, err);
    memset(text, 0, 32);
    assert_true(pread(fd, text, 31, 0) >= 0);
    close(fd);
    return r;
}

static void a_file_arrives_with_what_names_its_version(void **state)
{
    struct bh_http_downloaded got = {0};
    char text[32];

    (void)state;
    assert_int_equal(download("/file", (struct bh_http_download){0}, &got, text, NULL), 0);
    assert_string_equal(text, BODY);
    assert_int_equal(got.size, 16);
    assert_false(got.not_modified);
    assert_string_equal(got.etag, "\"v1\"");
    assert_string_equal(got.last_modified, "Wed, 21 Oct 2015 07:28:00 GMT");
}

static void an_unchanged_file_is_not_sent_again(void **state)
{
    struct bh_http_downloaded got = {0};
    char text[32];

    (void)state;
    assert_int_equal(download("/file",
                              (struct bh_http_download){.etag = "\"v1\"",
                                                        .last_modified =
                                                            "Wed, 21 Oct 2015 07:28:00 GMT"},
                              &got, text, NULL),
                     0);
    assert_true(got.not_modified);
    assert_string_equal(text, "");
}

static void a_cut_download_goes_on_only_when_the_tag_is_strong(void **state)
{
    struct bh_http_downloaded got = {0};
    char text[32];

    (void)state;
    assert_int_equal(download("/cut/strong", (struct bh_http_download){0}, &got, text, NULL), 0);
    assert_string_equal(text, BODY);
    assert_int_equal(got.size, 16);
}

static void a_weak_tag_begins_again(void **state)
{
    struct bh_http_downloaded got = {0};
    char text[32];

    (void)state;
    assert_int_equal(download("/cut/weak", (struct bh_http_download){0}, &got, text, NULL), 0);
    assert_string_equal(text, BODY);
}

static void a_file_that_changed_meanwhile_replaces_the_part(void **state)
{
    struct bh_http_downloaded got = {0};
    char text[32];

    (void)state;
    assert_int_equal(download("/cut/changed", (struct bh_http_download){0}, &got, text, NULL), 0);
    assert_string_equal(text, BODY);
    assert_int_equal(got.size, 16);
}

static void a_busy_server_is_asked_again(void **state)
{
    struct bh_http_downloaded got = {0};
    char text[32];

    (void)state;
    assert_int_equal(download("/busy", (struct bh_http_download){0}, &got, text, NULL), 0);
    assert_string_equal(text, BODY);
}

static void a_missing_file_is_named(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_http_downloaded got = {.size = 77};
    char text[32];

    (void)state;
    assert_int_equal(download("/gone", (struct bh_http_download){0}, &got, text, &err),
                     -BH_NOT_FOUND);
    assert_non_null(strstr(err.message, "/gone"));
    assert_int_equal(got.size, 77);
    assert_string_equal(text, "");
}

#define WITH_SERVER(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(a_file_arrives_with_what_names_its_version),
        WITH_SERVER(an_unchanged_file_is_not_sent_again),
        WITH_SERVER(a_cut_download_goes_on_only_when_the_tag_is_strong),
        WITH_SERVER(a_weak_tag_begins_again),
        WITH_SERVER(a_file_that_changed_meanwhile_replaces_the_part),
        WITH_SERVER(a_busy_server_is_asked_again),
        WITH_SERVER(a_missing_file_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
