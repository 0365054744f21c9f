#include "policy/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool match(const char *pattern, const char *text)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    struct bh_error err = BH_ERROR_INIT;
    const struct bh_regex *r;

    if (bh_regex_compile(pattern, a, &r, &err) < 0)
        fail_msg("%s: %s", pattern, err.message);
    return bh_regex_match(r, text, strlen(text));
}

static void the_whole_text_must_match(void **state)
{
    static const struct {
        const char *pattern, *yes, *no;
    } cases[] = {
        {"abc", "abc", "abcd"},
        {"", "", "a"},
        {"a*", "aaaa", "ab"},
        {"a+b?", "aa", "b"},
        {"(ab|cd)+", "abcdab", "abc"},
        {"a{2,3}", "aaa", "a"},
        {"a{2}", "aa", "aaa"},
        {"a{2,}", "aaaaa", "a"},
        {"a{x}", "a{x}", "a"},
        {".*\\.sh", "/tmp/x.sh", "/tmp/xsh"},
        {"[a-c]x", "bx", "dx"},
        {"[^a-c]x", "dx", "bx"},
        {"[]a]+", "]a", "b"},
        {"[a-]+", "a-", "b"},
        {"[[:digit:]]+", "123", "12a"},
        {"\\d+\\s\\w+", "12 ab", "12ab"},
        {"\\D\\S\\W", "aa-", "1a-"},
        {"\\x41\\.", "A.", "Ax"},
        {"(?i)hello", "HeLLo", "hallo"},
        {"a.b", "axb", "a\nb"},
        {"(?s)a.b", "a\nb", "ab"},
        {"^abc$", "abc", "ab"},
        {"a|b|c", "c", "d"},
        {"(?:a|)b", "b", "c"},
        {"(?P<name>x)y", "xy", "x"},
        {".*\\bcurl\\b.*", "do curl x", "docurlx"},
        {"a\\Bb", "ab", "a b"},
        {"a*?b", "aab", "a"},
        {"(a*)*b", "aab", "a"},
        {"(a?){3}", "aa", "aaaa"},
        {"(|a)+", "aaa", "b"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        if (!match(cases[i].pattern, cases[i].yes))
            fail_msg("%s should match %s", cases[i].pattern, cases[i].yes);
        if (match(cases[i].pattern, cases[i].no))
            fail_msg("%s should not match %s", cases[i].pattern, cases[i].no);
    }
}

static void faulty_patterns_are_refused(void **state)
{
    static const char *const bad[] = {"(",      ")",       "a)",    "[",         "[a",
                                      "[z-a]",  "*a",      "a**",   "\\",        "\\q",
                                      "a{2,1}", "a{2000}", "(?=a)", "[[:foo:]]", "(?P<x"};
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    const struct bh_regex *r;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        if (bh_regex_compile(bad[i], a, &r, NULL) != -BH_INVALID)
            fail_msg("accepted: %s", bad[i]);
}

static void size_is_limited_without_doing_the_work(void **state)
{
    static const char *const big[] = {"(a{1000}){2}", "((a{1000}){1000}){1000}", "(a{100}){100}"};
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    const struct bh_regex *r;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(big); i++)
        assert_int_equal(bh_regex_compile(big[i], a, &r, NULL), -BH_LIMIT);
    assert_int_equal(bh_regex_compile("(((((){1000}){1000}){1000}){1000}){1000}", a, &r, NULL), 0);
}

static void no_pattern_takes_exponential_time(void **state)
{
    char text[2001];

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_false(match("(a*)*(a*)*(a*)*b", text));
    assert_false(match("(a|a|aa)+(a|aa)+b", text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_text_must_match),
        cmocka_unit_test(faulty_patterns_are_refused),
        cmocka_unit_test(size_is_limited_without_doing_the_work),
        cmocka_unit_test(no_pattern_takes_exponential_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
