#include "http/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bh_auth_challenge parse(const char *text)
{
    struct bh_auth_challenge c = {.scheme = BH_AUTH_BASIC, .realm = "untouched"};

    assert_int_equal(bh_auth_challenge_parse(text, &c, NULL), 0);
    return c;
}

static void the_bearer_challenge_of_a_registry_is_read(void **state)
{
    struct bh_auth_challenge c = parse("Bearer realm=\"https://auth.example/token\","
                                       "service=\"registry.example\",scope=\"repository:a/b:pull\","
                                       "error=\"insufficient_scope\"");

    (void)state;
    assert_int_equal(c.scheme, BH_AUTH_BEARER);
    assert_string_equal(c.realm, "https://auth.example/token");
    assert_string_equal(c.service, "registry.example");
    assert_string_equal(c.scope, "repository:a/b:pull");
    assert_string_equal(c.error, "insufficient_scope");
}

static void commas_spaces_escapes_and_case_are_the_grammars_own(void **state)
{
    struct bh_auth_challenge c;

    (void)state;
    c = parse(" , bEaReR  REALM = \"a\\\"b, c\" ,, Service=plain , other=\"x\" ");
    assert_int_equal(c.scheme, BH_AUTH_BEARER);
    assert_string_equal(c.realm, "a\"b, c");
    assert_string_equal(c.service, "plain");
    c = parse("Basic");
    assert_int_equal(c.scheme, BH_AUTH_BASIC);
}

static void bearer_wins_over_basic_in_any_order_and_unknown_ones_are_passed_over(void **state)
{
    struct bh_auth_challenge c;

    (void)state;
    c = parse("Basic realm=\"x\", Bearer realm=\"y\"");
    assert_int_equal(c.scheme, BH_AUTH_BEARER);
    assert_string_equal(c.realm, "y");
    c = parse("Bearer realm=\"y\",service=\"s\", Basic realm=\"x\"");
    assert_int_equal(c.scheme, BH_AUTH_BEARER);
    assert_string_equal(c.service, "s");
    c = parse("Negotiate abc==, Digest realm=\"d\", nonce=\"n\", Basic realm=\"x\"");
    assert_int_equal(c.scheme, BH_AUTH_BASIC);
    assert_string_equal(c.realm, "x");
    assert_int_equal(parse("Negotiate").scheme, BH_AUTH_NONE);
    assert_int_equal(parse("").scheme, BH_AUTH_NONE);
    /* "realm=" alone is a word of the token68 form. */
    assert_int_equal(parse("Bearer realm=").scheme, BH_AUTH_NONE);
    assert_int_equal(parse("Bearer service=\"no realm\"").scheme, BH_AUTH_NONE);
}

static void broken_challenges_are_refused(void **state)
{
    static const char *const bad[] = {
        "Bearer realm=\"no end",

        "realm=\"x\"",
        "Bearer \"x\"",
        "Bearer realm=\"x\" service=\"y\"",
        "Bearer realm=\"x\",realm=\"y\"",
        "=x",
        "Bearer realm=\"x\"y",
    };
    struct bh_auth_challenge c;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_int_equal(bh_auth_challenge_parse(bad[i], &c, NULL), -BH_INVALID);
}

static void long_fields_are_refused(void **state)
{
    static char text[8192];
    struct bh_auth_challenge c;

    (void)state;
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "Bearer realm=\"", 14);
    text[sizeof text - 2] = '"';
    assert_int_equal(bh_auth_challenge_parse(text, &c, NULL), -BH_LIMIT);
    memcpy(text, "Bearer error=\"", 14);
    memcpy(text + 1000, "\"", 2);
    assert_int_equal(bh_auth_challenge_parse(text, &c, NULL), -BH_LIMIT);
}

static void header_lines_are_written(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0), token = BH_BUF_INIT(0);

    (void)state;
    assert_int_equal(bh_auth_basic_header("Aladdin", "open sesame", &out, NULL), 0);
    assert_string_equal(bh_buf_text(&out), "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_int_equal(bh_auth_bearer_header("abc.def-_~+/=", &token, NULL), 0);
    assert_string_equal(bh_buf_text(&token), "Authorization: Bearer abc.def-_~+/=");
}

static void nothing_can_end_a_header_line_early(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

    (void)state;
    assert_int_equal(bh_auth_bearer_header("a\r\nX: y", &out, NULL), -BH_INVALID);
    assert_int_equal(bh_auth_bearer_header("a b", &out, NULL), -BH_INVALID);
    assert_int_equal(bh_auth_bearer_header("", &out, NULL), -BH_INVALID);
    assert_int_equal(bh_auth_basic_header("a:b", "c", &out, NULL), -BH_INVALID);
    assert_int_equal(bh_auth_basic_header("a", "c\n", &out, NULL), -BH_INVALID);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bearer_challenge_of_a_registry_is_read),
        cmocka_unit_test(commas_spaces_escapes_and_case_are_the_grammars_own),
        cmocka_unit_test(bearer_wins_over_basic_in_any_order_and_unknown_ones_are_passed_over),
        cmocka_unit_test(broken_challenges_are_refused),
        cmocka_unit_test(long_fields_are_refused),
        cmocka_unit_test(header_lines_are_written),
        cmocka_unit_test(nothing_can_end_a_header_line_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
