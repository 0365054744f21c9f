#include "http/fetch_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int line(struct bh_fetch_headers *h, const char *text)
{
    return bh_fetch_header_line(h, text, strlen(text), NULL);
}

static void fields_are_found_whatever_their_case_and_spacing(void **state)
{
    static struct bh_fetch_headers h;

    (void)state;
    h = (struct bh_fetch_headers){0};
    assert_int_equal(line(&h, "HTTP/1.1 200 OK\r\n"), 0);
    assert_int_equal(line(&h, "CONTENT-type:  text/plain \t\r\n"), 0);
    assert_int_equal(line(&h, "ETag:\"x\"\r\n"), 0);
    assert_int_equal(line(&h, "X-Etag: no\r\n"), 0);
    assert_int_equal(line(&h, "no colon\r\n"), 0);
    assert_int_equal(line(&h, "\r\n"), 0);
    assert_string_equal(h.fields.content_type, "text/plain");
    assert_string_equal(h.fields.etag, "\"x\"");
    assert_string_equal(h.fields.link, "");
}

static void lists_are_joined_and_single_fields_keep_the_first(void **state)
{
    static struct bh_fetch_headers h;

    (void)state;
    h = (struct bh_fetch_headers){0};
    assert_int_equal(line(&h, "WWW-Authenticate: Basic realm=\"a\"\r\n"), 0);
    assert_int_equal(line(&h, "WWW-Authenticate: Bearer realm=\"b\"\r\n"), 0);
    assert_int_equal(line(&h, "Location: /a\r\n"), 0);
    assert_int_equal(line(&h, "Location: /b\r\n"), 0);
    assert_string_equal(h.fields.authenticate, "Basic realm=\"a\", Bearer realm=\"b\"");
    assert_string_equal(h.location, "/a");
}

static void a_new_response_forgets_the_one_before(void **state)
{
    static struct bh_fetch_headers h;

    (void)state;
    h = (struct bh_fetch_headers){0};
    assert_int_equal(line(&h, "Docker-Content-Digest: sha256:0\r\n"), 0);
    assert_int_equal(line(&h, "HTTP/1.1 200 OK\r\n"), 0);
    assert_string_equal(h.fields.content_digest, "");
}

static void control_bytes_do_not_get_through(void **state)
{
    static struct bh_fetch_headers h;

    (void)state;
    h = (struct bh_fetch_headers){0};
    assert_int_equal(line(&h, "ETag: a\x1b[31mb\r\n"), 0);
    assert_string_equal(h.fields.etag, "a?[31mb");
}

static void too_long_and_too_many_are_refused(void **state)
{
    static struct bh_fetch_headers h;
    char text[700];
    int r = 0;

    (void)state;
    h = (struct bh_fetch_headers){0};
    memset(text, 'e', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "ETag: ", 6);
    assert_int_equal(line(&h, text), -BH_LIMIT);
    memcpy(text, "Else: ", 6);
    h = (struct bh_fetch_headers){0};
    for (int i = 0; i < 1000 && !r; i++)
        r = line(&h, text);
    assert_int_equal(r, -BH_LIMIT);
}

static void content_ranges_are_read_or_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "bytes",
        "bytes ",
        "bytes 1",
        "bytes 1-",
        "bytes 1-2",
        "bytes 1-2/",
        "bytes 2-1/3",
        "bytes 1-3/3",
        "bytes -1-3/9",
        "bytes 1-2/3x",
        "items 1-2/3",
        "bytes */3",
        "bytes 99999999999999999999-99999999999999999999/*",
    };
    uint64_t first = 0, total = 9;

    (void)state;
    assert_int_equal(bh_fetch_content_range("bytes 10-19/20", &first, &total, NULL), 0);
    assert_int_equal(first, 10);
    assert_int_equal(total, 20);
    assert_int_equal(bh_fetch_content_range("bytes 10-19/*", &first, &total, NULL), 0);
    assert_int_equal(total, 0);
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_int_equal(bh_fetch_content_range(bad[i], &first, &total, NULL), -BH_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_whatever_their_case_and_spacing),
        cmocka_unit_test(lists_are_joined_and_single_fields_keep_the_first),
        cmocka_unit_test(a_new_response_forgets_the_one_before),
        cmocka_unit_test(control_bytes_do_not_get_through),
        cmocka_unit_test(too_long_and_too_many_are_refused),
        cmocka_unit_test(content_ranges_are_read_or_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
