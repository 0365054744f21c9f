/* The parts of the registry that need no network; the rest is tests/integration/registry.bats. */
#include "image/registry_impl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect_token(const char *json, const char *token)
{
    struct bh_error err = BH_ERROR_INIT;
    char *got = NULL;

    assert_int_equal(bh_registry_read_token(json, strlen(json), &got, &err), 0);
    assert_string_equal(got, token);
    free(got);
}

static void either_name_of_the_token_is_understood(void **state)
{
    (void)state;
    expect_token("{\"token\":\"a\"}", "a");
    expect_token("{\"access_token\":\"b\",\"expires_in\":60}", "b");
    expect_token("{\"token\":\"a\",\"access_token\":\"b\"}", "a");
    expect_token("{\"token\":\"\",\"access_token\":\"b\"}", "b");
}

static void an_answer_without_a_token_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "{\"token\":7}",
                                      "{\"token\":\"a\"",
                                      "<html>",
                                      "{\"token\":\"a\",\"token\":\"b\"}"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++) {
        struct bh_error err = BH_ERROR_INIT;
        char *got = NULL;

        assert_int_equal(bh_registry_read_token(bad[i], strlen(bad[i]), &got, &err), -BH_INVALID);
        assert_null(got);
        assert_non_null(strstr(err.message, "token server"));
    }
}

static void a_token_past_the_limit_is_refused(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    size_t size = 20000;
    char *json = malloc(size + 64), *got = NULL;
    int n;

    (void)state;
    n = snprintf(json, size + 64, "{\"token\":\"%0*d\"}", (int)size, 0);
    assert_int_not_equal(bh_registry_read_token(json, (size_t)n, &got, &err), 0);
    assert_null(got);
    free(json);
}

static void a_reference_without_a_registry_is_refused(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_reference_freep) struct bh_reference *reference = NULL;
    struct bh_registry_options o = {.plain_http = true};
    struct bh_registry *r = NULL;

    (void)state;
    assert_int_equal(bh_reference_parse("a/b", 3, &reference, &err), 0);
    assert_int_equal(bh_registry_open(reference, &o, &r, &err), -BH_USAGE);
    assert_null(r);
}

static void urls_are_https_but_for_loopback_when_asked(void **state)
{
    static const struct {
        const char *reference, *url;
        bool plain;
    } cases[] = {
        {"registry.example/a/b", "https://registry.example/v2/a/b/x", true},
        {"localhost:5000/a", "http://localhost:5000/v2/a/x", true},
        {"localhost:5000/a", "https://localhost:5000/v2/a/x", false},
        {"127.0.0.1:5000/a", "http://127.0.0.1:5000/v2/a/x", true},
        {"[::1]:5000/a", "http://[::1]:5000/v2/a/x", true},
        {"docker.io/library/a", "https://registry-1.docker.io/v2/library/a/x", true},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_error err = BH_ERROR_INIT;
        BH_AUTO(bh_reference_freep) struct bh_reference *reference = NULL;
        BH_AUTO(bh_registry_closep) struct bh_registry *r = NULL;
        BH_AUTO(bh_freep) char *url = NULL;
        struct bh_registry_options o = {.plain_http = cases[i].plain,
                                        .fetch_program = "/bin/false"};

        assert_int_equal(bh_reference_parse(cases[i].reference, strlen(cases[i].reference),
                                            &reference, &err),
                         0);
        assert_int_equal(bh_registry_open(reference, &o, &r, &err), 0);
        url = bh_registry_url(r, "x");
        assert_string_equal(url, cases[i].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_name_of_the_token_is_understood),
        cmocka_unit_test(an_answer_without_a_token_is_refused),
        cmocka_unit_test(a_token_past_the_limit_is_refused),
        cmocka_unit_test(a_reference_without_a_registry_is_refused),
        cmocka_unit_test(urls_are_https_but_for_loopback_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
