#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_mistyped_word_finds_the_one_that_was_meant(void **state)
{
    static const char *const known[] = {"scan",   "run",   "images",        "policy", "doctor",
                                        "format", "check", "vuln.severity", NULL};
    static const struct {
        const char *word, *wanted;
    } cases[] = {
        {"scna", "scan"},
        {"sacn", "scan"},
        {"scann", "scan"},
        {"rn", "run"},
        {"Run", "run"},
        {"image", "images"},
        {"polcy", "policy"},
        {"dcotor", "doctor"},
        {"vuln.sev", "vuln.severity"},
        {"froamt", "format"},
        {"vuln.severty", "vuln.severity"},
        {"x", NULL},
        {"zzzz", NULL},
        {"", NULL},
        {"completely-else", NULL},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        const char *best = bh_nearest_of(cases[i].word, known);

        if (cases[i].wanted) {
            assert_non_null(best);
            assert_string_equal(best, cases[i].wanted);
        } else {
            assert_null(best);
        }
    }
}

static void words_beyond_the_limit_are_never_near(void **state)
{
    char word[BH_NEAREST_MAX + 2];
    const char *const known[] = {word, NULL};

    (void)state;
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_null(bh_nearest_of(word, known));
    word[BH_NEAREST_MAX] = '\0';
    assert_ptr_equal(bh_nearest_of(word, known), word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mistyped_word_finds_the_one_that_was_meant),
        cmocka_unit_test(words_beyond_the_limit_are_never_near),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
