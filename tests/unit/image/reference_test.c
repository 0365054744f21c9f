#include "image/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void assert_same(const char *got, const char *want)
{
    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
}

static void parts_are_told_apart_and_no_registry_is_assumed(void **state)
{
    static const struct {
        const char *text, *registry, *repository, *tag, *store_name;
        bool digest;
    } cases[] = {
        {"nginx", NULL, "nginx", NULL, "nginx:latest", false},
        {"nginx:1.25", NULL, "nginx", "1.25", "nginx:1.25", false},
        {"library/nginx", NULL, "library/nginx", NULL, "library/nginx:latest", false},
        {"quay.io/a/b:1.2", "quay.io", "a/b", "1.2", "quay.io/a/b:1.2", false},
        {"quay.io:5000/a/b", "quay.io:5000", "a/b", NULL, "quay.io:5000/a/b:latest", false},
        {"localhost/a", "localhost", "a", NULL, "localhost/a:latest", false},
        {"localhost:5000", NULL, "localhost", "5000", "localhost:5000", false},
        {"[::1]:5000/a", "[::1]:5000", "a", NULL, "[::1]:5000/a:latest", false},
        {"127.0.0.1:5000/a:T_.-1", "127.0.0.1:5000", "a", "T_.-1", "127.0.0.1:5000/a:T_.-1", false},
        {"a/b@sha256:" HEX, NULL, "a/b", NULL, "a/b@sha256:" HEX, true},
        {"q.io/a:v@sha256:" HEX, "q.io", "a", "v", "q.io/a:v@sha256:" HEX, true},
        {"a__b.c-d---e_f", NULL, "a__b.c-d---e_f", NULL, "a__b.c-d---e_f:latest", false},
        {"Registry.Example/a", "Registry.Example", "a", NULL, "Registry.Example/a:latest", false},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_reference_freep) struct bh_reference *r = NULL;
        struct bh_error err = BH_ERROR_INIT;

        if (bh_reference_parse(cases[i].text, strlen(cases[i].text), &r, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.message);
        assert_same(bh_reference_registry(r), cases[i].registry);
        assert_same(bh_reference_repository(r), cases[i].repository);
        assert_same(bh_reference_tag(r), cases[i].tag);
        assert_same(bh_reference_store_name(r), cases[i].store_name);
        assert_same(bh_reference_text(r), cases[i].text);
        assert_int_equal(bh_reference_digest(r) != NULL, cases[i].digest);
    }
}

static void what_breaks_the_grammar_is_refused_with_its_offset(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "empty reference at byte 0"},
        {"Nginx", "names are lower case: bad character at byte 0"},
        {"a/B", "names are lower case: bad character at byte 2"},
        {"a//b", "empty component of a name at byte 2"},
        {"/a", "empty component of a name at byte 0"},
        {"a/", "empty component of a name at byte 2"},
        {"a-", "a name begins and ends with a letter or digit: bad character at byte 1"},
        {"a___b", "a name begins and ends with a letter or digit: bad character at byte 3"},
        {"a..b", "a name begins and ends with a letter or digit: bad character at byte 2"},
        {"a b", "bad character in a name at byte 1"},
        {"a:", "empty tag at byte 2"},
        {"a:.x", "a tag is [A-Za-z0-9_][A-Za-z0-9._-]*: bad character at byte 2"},
        {"a:x y", "a tag is [A-Za-z0-9_][A-Za-z0-9._-]*: bad character at byte 3"},
        {"q.io:/a", "empty port at byte 5"},
        {"q.io:70000/a", "port over 65535 at byte 5"},
        {"q.io:8x/a", "a port is a number: bad character at byte 6"},
        {"-q.io/a", "a host name's parts begin and end with a letter or digit at byte 0"},
        {"q..io/a", "a host name's parts begin and end with a letter or digit at byte 2"},
        {"[::1/a", "an address in brackets ends with ']' at byte 4"},
        {"../a", "a host name's parts begin and end with a letter or digit at byte 0"},
        {"a@", "not a digest at byte 2"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_reference *r = NULL;
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(bh_reference_parse(cases[i].text, strlen(cases[i].text), &r, &err),
                         -BH_INVALID);
        assert_null(r);
        assert_string_equal(err.message, cases[i].message);
    }
}

static void a_bad_digest_is_refused(void **state)
{
    static const char *const cases[] = {"a@sha256:12", "a@md5:" HEX, "a@" HEX,
                                        "a@sha256:" HEX "@sha256:" HEX};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_reference *r = NULL;
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(bh_reference_parse(cases[i], strlen(cases[i]), &r, &err), -BH_INVALID);
        assert_non_null(strstr(err.message, "at byte 2"));
    }
}

static void length_is_limited_before_anything_is_read(void **state)
{
    char text[BH_REFERENCE_MAX + 1];
    struct bh_reference *r = NULL;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(bh_reference_parse(text, sizeof text, &r, &err), -BH_LIMIT);
    assert_string_equal(err.message, "reference of 1025 bytes, limit 1024");
    assert_int_equal(bh_reference_parse(text, BH_REFERENCE_MAX, &r, &err), 0);
    bh_reference_free(r);
}

static void a_nul_inside_is_not_an_end(void **state)
{
    struct bh_reference *r = NULL;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_reference_parse("a\0b", 3, &r, &err), -BH_INVALID);
}

static void dockers_defaults_apply_only_when_asked(void **state)
{
    static const struct {
        const char *text, *full;
    } cases[] = {
        {"nginx", "docker.io/library/nginx:latest"},
        {"nginx:1", "docker.io/library/nginx:1"},
        {"a/b", "docker.io/a/b:latest"},
        {"docker.io/nginx", "docker.io/library/nginx:latest"},
        {"quay.io/nginx", "quay.io/nginx:latest"},
        {"nginx@sha256:" HEX, "docker.io/library/nginx@sha256:" HEX},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_reference_freep) struct bh_reference *r = NULL, *full = NULL;
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(bh_reference_parse(cases[i].text, strlen(cases[i].text), &r, &err), 0);
        full = bh_reference_for_docker(r);
        assert_string_equal(bh_reference_text(full), cases[i].full);
        assert_string_equal(bh_reference_store_name(full), cases[i].full);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_told_apart_and_no_registry_is_assumed),
        cmocka_unit_test(what_breaks_the_grammar_is_refused_with_its_offset),
        cmocka_unit_test(a_bad_digest_is_refused),
        cmocka_unit_test(length_is_limited_before_anything_is_read),
        cmocka_unit_test(a_nul_inside_is_not_an_end),
        cmocka_unit_test(dockers_defaults_apply_only_when_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
