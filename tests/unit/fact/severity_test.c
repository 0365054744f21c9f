#include "fact/severity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_severity_reads_back_from_its_name(void **state)
{
    (void)state;
    for (int s = 0; s < BH_SEVERITY_COUNT; s++) {
        enum bh_severity back = BH_SEVERITY_CRITICAL;

        assert_true(bh_severity_parse(bh_severity_name((enum bh_severity)s), &back));
        assert_int_equal(back, s);
    }
}

static void other_peoples_words_and_cases_are_understood(void **state)
{
    enum bh_severity s;

    (void)state;
    assert_true(bh_severity_parse("Moderate", &s));
    assert_int_equal(s, BH_SEVERITY_MEDIUM);
    assert_true(bh_severity_parse("IMPORTANT", &s));
    assert_int_equal(s, BH_SEVERITY_HIGH);
    assert_false(bh_severity_parse("", &s));
    assert_false(bh_severity_parse("highest", &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_severity_reads_back_from_its_name),
        cmocka_unit_test(other_peoples_words_and_cases_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
