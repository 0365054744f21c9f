#include "policy/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void globs_match_across_slashes(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool ignore_case, matches;
    } cases[] = {
        {"*", "", false, true},
        {"/home/*/.ssh/*", "/home/a/b/.ssh/x", false, true},
        {"*../*../*", "a/../b/../c", false, true},
        {"a?c", "abc", false, true},
        {"a?c", "ac", false, false},
        {"[a-c]x", "bx", false, true},
        {"[!a-c]x", "bx", false, false},
        {"[]]", "]", false, true},
        {"[a", "[a", false, true},
        {"\\*x", "*x", false, true},
        {"\\*x", "ax", false, false},
        {"ABC*", "abcd", true, true},
        {"ABC*", "abcd", false, false},
        {"[A-C]", "b", true, true},
        {"*a*b*c", "xaybzc", false, true},
        {"*a*b*c", "xaybz", false, false},
        {"", "", false, true},
        {"", "a", false, false},
        {"a\\", "a\\", false, true},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++)
        if (bh_match_glob(cases[i].pattern, cases[i].text, cases[i].ignore_case) !=
            cases[i].matches)
            fail_msg("%s against %s", cases[i].pattern, cases[i].text);
}

static void globs_take_no_exponential_time(void **state)
{
    char text[3001];

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_false(bh_match_glob("*a*a*a*a*a*a*a*a*a*a*b", text, false));
}

static void path_prefixes_end_at_components(void **state)
{
    static const struct {
        const char *prefix, *path;
        bool matches;
    } cases[] = {
        {"/usr", "/usr", true},
        {"/usr", "/usr/bin/x", true},
        {"/usr/", "/usr/bin", true},
        {"/usr", "/usrlocal", false},
        {"/", "/anything", true},
        {"/usr/bin", "/usr", false},
        {"usr", "/usr", false},
        {"usr", "usr/bin", true},
        {"/home/*/.ssh", "/home/joe/.ssh/id", true},
        {"/home/*/.ssh", "/home/joe/x/.ssh", false},
        {"//usr//bin", "/usr/bin/x", true},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++)
        if (bh_match_path(cases[i].prefix, cases[i].path) != cases[i].matches)
            fail_msg("%s against %s", cases[i].prefix, cases[i].path);
}

static void bytes_are_written_in_hexadecimal(void **state)
{
    uint8_t bytes[8];
    size_t len = 0;

    (void)state;
    assert_true(bh_match_parse_hex("CAfe00", bytes, &len));
    assert_int_equal(len, 3);
    assert_false(bh_match_parse_hex("abc", bytes, &len));
    assert_false(bh_match_parse_hex("xx", bytes, &len));
    assert_true(bh_match_parse_hex("4243", bytes, &len));
    assert_true(bh_match_bytes("ABCD", 4, bytes, len, false));
    assert_false(bh_match_bytes("ABCD", 4, bytes, len, true));
    assert_true(bh_match_bytes("BCD", 3, bytes, len, true));
    assert_false(bh_match_bytes("B", 1, bytes, len, true));
}

static void beginnings_and_ends(void **state)
{
    (void)state;
    assert_true(bh_match_starts("abc", "ab"));
    assert_true(bh_match_starts("abc", ""));
    assert_false(bh_match_starts("a", "ab"));
    assert_true(bh_match_ends("abc", "bc"));
    assert_true(bh_match_ends("abc", ""));
    assert_false(bh_match_ends("c", "bc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs_match_across_slashes),
        cmocka_unit_test(globs_take_no_exponential_time),
        cmocka_unit_test(path_prefixes_end_at_components),
        cmocka_unit_test(bytes_are_written_in_hexadecimal),
        cmocka_unit_test(beginnings_and_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
