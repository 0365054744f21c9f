#include "http/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW ((time_t)1445412480) /* Wed, 21 Oct 2015 07:28:00 GMT */

static bool next(struct bh_retry *r, int code, int status, const char *after, uint32_t *delay)
{
    return bh_retry_next(r, code, status, after, false, NOW, 0, delay);
}

static void only_what_may_pass_is_tried_again(void **state)
{
    static const struct {
        int code, status;
        bool again;
    } cases[] = {
        {BH_UNAVAILABLE, 0, true},
        {BH_TIMEOUT, 0, true},
        {-BH_TIMEOUT, 0, true},
        {BH_DENIED, 0, false},
        {BH_LIMIT, 0, false},
        {BH_INTERNAL, 0, false},
        {0, 429, true},
        {0, 503, true},
        {0, 500, true},
        {0, 404, false},
        {0, 401, false},
        {0, 501, false},
        {0, 200, false},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_retry r = {0};
        uint32_t delay;

        assert_int_equal(next(&r, cases[i].code, cases[i].status, "", &delay), cases[i].again);
    }
}

static void delays_double_to_the_cap_and_attempts_end(void **state)
{
    static const struct bh_retry_policy policy = {
        .attempts_max = 6, .total_max = 50, .base_ms = 100, .cap_ms = 500};
    static const uint32_t half[] = {50, 100, 200, 250, 250};
    struct bh_retry r = {.policy = &policy};
    uint32_t delay = 0;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(half); i++) {
        assert_true(next(&r, 0, 503, "", &delay));
        assert_int_equal(delay, half[i]);
    }
    assert_false(next(&r, 0, 503, "", &delay));
}

static void chance_spreads_between_half_and_whole(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 100000; random += 977) {
        struct bh_retry r = {0};
        uint32_t delay;

        assert_true(bh_retry_next(&r, 0, 503, "", false, NOW, random, &delay));
        assert_in_range(delay, 250, 500);
    }
}

static void progress_begins_to_count_anew_but_not_for_ever(void **state)
{
    struct bh_retry r = {0};
    uint32_t delay;
    unsigned n = 0;

    (void)state;
    while (bh_retry_next(&r, BH_UNAVAILABLE, 0, "", true, NOW, 0, &delay))
        n++;
    assert_int_equal(n, bh_retry_default.total_max - 1);
}

static void retry_after_is_a_lower_bound_and_too_much_ends_it(void **state)
{
    struct bh_retry r = {0};
    uint32_t delay;

    (void)state;
    assert_true(next(&r, 0, 429, "7", &delay));
    assert_int_equal(delay, 7000);
    assert_true(next(&r, 0, 429, "0", &delay));
    assert_int_equal(delay, 500);
    assert_false(next(&r, 0, 429, "121", &delay));
}

static void retry_after_is_a_number_or_a_date(void **state)
{
    (void)state;
    assert_int_equal(bh_retry_after_seconds("120", NOW), 120);
    assert_int_equal(bh_retry_after_seconds("Wed, 21 Oct 2015 07:28:30 GMT", NOW), 30);
    assert_int_equal(bh_retry_after_seconds("Wed, 21 Oct 2015 07:27:30 GMT", NOW), 0);
    assert_int_equal(bh_retry_after_seconds("99999999999999999999999", NOW), UINT32_MAX);
    assert_int_equal(bh_retry_after_seconds("1x", NOW), 0);
    assert_int_equal(bh_retry_after_seconds("-1", NOW), 0);
    assert_int_equal(bh_retry_after_seconds("soon", NOW), 0);
    assert_int_equal(bh_retry_after_seconds("", NOW), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_may_pass_is_tried_again),
        cmocka_unit_test(delays_double_to_the_cap_and_attempts_end),
        cmocka_unit_test(chance_spreads_between_half_and_whole),
        cmocka_unit_test(progress_begins_to_count_anew_but_not_for_ever),
        cmocka_unit_test(retry_after_is_a_lower_bound_and_too_much_ends_it),
        cmocka_unit_test(retry_after_is_a_number_or_a_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
