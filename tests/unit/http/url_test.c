#include "http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_url_is_taken_apart(void **state)
{
    static const struct {
        const char *text, *host, *target;
        unsigned port;
        bool https, ipv6;
    } cases[] = {
        {"https://Registry.Example/v2/", "registry.example", "/v2/", 443, true, false},
        {"http://localhost:5000/v2/a?b=c", "localhost", "/v2/a?b=c", 5000, false, false},
        {"https://[::1]:8443/x", "::1", "/x", 8443, true, true},
        {"HTTPS://a", "a", "/", 443, true, false},
        {"https://a?q=1", "a", "/?q=1", 443, true, false},
        {"https://a/b#fragment", "a", "/b", 443, true, false},
    };
    struct bh_url u;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        assert_int_equal(bh_url_parse(cases[i].text, &u, NULL), 0);
        assert_string_equal(u.host, cases[i].host);
        assert_string_equal(u.target, cases[i].target);
        assert_int_equal(u.port, cases[i].port);
        assert_int_equal(u.https, cases[i].https);
        assert_int_equal(u.ipv6, cases[i].ipv6);
    }
}

static void what_two_parsers_could_read_differently_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "ftp://a/",
        "https:/a",
        "https://",
        "https:///x",
        "https://user@host/",
        "https://user:pw@host/",
        "https://host\\@evil/",
        "https://ho st/",
        "https://host/\r\nX: y",
        "https://host:/",
        "https://host:0/",
        "https://host:65536/",
        "https://host:123456/",
        "https://host:80x/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[zz]/",
        "https://-host/",
        "https://ho%73t/",
        "https://h\xc3\xa9te/",
        "file:///etc/passwd",
        "//host/x",
        "/x",
    };
    struct bh_url u = {.host = "untouched"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        assert_int_equal(bh_url_parse(cases[i], &u, NULL), -BH_INVALID);
        assert_string_equal(u.host, "untouched");
    }
}

static void a_url_past_the_limit_is_refused(void **state)
{
    char text[BH_URL_MAX + 16];
    struct bh_url base, u;

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "https://h/", 10);
    assert_int_equal(bh_url_parse(text, &u, NULL), -BH_LIMIT);
    text[BH_URL_MAX - 1] = '\0';
    assert_int_equal(bh_url_parse(text, &base, NULL), 0);
    text[BH_URL_MAX - 2] = '\0';
    memcpy(text, "zzzzzzzzzz", 10);
    assert_int_equal(bh_url_parse("https://h/abcd", &base, NULL), 0);
    assert_int_equal(bh_url_join(&base, text, &u, NULL), -BH_LIMIT);
}

/* The examples of RFC 3986 5.4 that an http URL can have. */
static void references_resolve_as_the_rfc_says(void **state)
{
    static const struct {
        const char *reference, *want;
    } cases[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"https://other:444/x", "https://other:444/x"},
    };
    struct bh_url base, u;

    (void)state;
    assert_int_equal(bh_url_parse("http://a/b/c/d;p?q", &base, NULL), 0);
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);

        assert_int_equal(bh_url_join(&base, cases[i].reference, &u, NULL), 0);
        bh_url_format(&u, &text);
        assert_string_equal(bh_buf_text(&text), cases[i].want);
    }
    assert_int_equal(bh_url_join(&base, "javascript:1", &u, NULL), -BH_INVALID);
    assert_int_equal(bh_url_join(&base, "//user@g/", &u, NULL), -BH_INVALID);
}

static bool same(const char *a, const char *b)
{
    struct bh_url x, y;

    assert_int_equal(bh_url_parse(a, &x, NULL), 0);
    assert_int_equal(bh_url_parse(b, &y, NULL), 0);
    return bh_url_same_origin(&x, &y);
}

static void an_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    assert_true(same("https://a/x", "https://A:443/y"));
    assert_false(same("https://a/", "http://a/"));
    assert_false(same("https://a/", "https://a:444/"));
    assert_false(same("https://a/", "https://a.b/"));
}

static void loopback_is_known_by_name_and_address(void **state)
{
    (void)state;
    assert_true(bh_host_is_loopback("localhost"));
    assert_true(bh_host_is_loopback("127.0.0.1"));
    assert_true(bh_host_is_loopback("127.9.9.9"));
    assert_true(bh_host_is_loopback("::1"));
    assert_false(bh_host_is_loopback("localhost.example"));
    assert_false(bh_host_is_loopback("127.0.0.1.example"));
    assert_false(bh_host_is_loopback("128.0.0.1"));
    assert_false(bh_host_is_loopback("::2"));
    assert_false(bh_host_is_loopback("0.0.0.0"));
}

static void escaping_leaves_only_unreserved_bytes(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);

    (void)state;
    bh_url_escape(&text, "repository:a/b:pull x~\xff");
    assert_string_equal(bh_buf_text(&text), "repository%3Aa%2Fb%3Apull%20x~%FF");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(what_two_parsers_could_read_differently_is_refused),
        cmocka_unit_test(a_url_past_the_limit_is_refused),
        cmocka_unit_test(references_resolve_as_the_rfc_says),
        cmocka_unit_test(an_origin_is_scheme_host_and_port),
        cmocka_unit_test(loopback_is_known_by_name_and_address),
        cmocka_unit_test(escaping_leaves_only_unreserved_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
