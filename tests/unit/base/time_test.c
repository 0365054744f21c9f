#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void every_day_agrees_with_the_c_library(void **state)
{
    char text[BH_TIME_TEXT_SIZE], wanted[64];

    (void)state;
    /* A day and some hours per step: all months and all clock hours from 1600 to 2500. */
    for (int64_t t = -11676096000; t < 16725225600; t += 90061) {
        time_t moment = (time_t)t;
        struct tm tm;
        int64_t back = 0;

        assert_non_null(gmtime_r(&moment, &tm));
        assert_int_not_equal(strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &tm), 0);
        assert_string_equal(bh_time_format(t, text), wanted);
        assert_int_equal(bh_time_parse(text, &back, NULL), 0);
        assert_int_equal(back, t);
    }
}

static void offsets_fractions_and_leap_seconds_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},          {"1970-01-01t00:00:00.999z", 0},
        {"1970-01-01T01:00:00+01:00", 0},     {"1969-12-31T19:30:00-04:30", 0},
        {"2000-02-29T12:00:00Z", 951825600},  {"2016-12-31T23:59:60Z", 1483228799},
        {"2024-01-02 03:04:05Z", 1704164645},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        int64_t t = -1;

        assert_int_equal(bh_time_parse(cases[i].text, &t, NULL), 0);
        assert_int_equal(t, cases[i].seconds);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2024-01-02",
        "2024-01-02T03:04:05",
        "2024-13-02T03:04:05Z",
        "2024-00-02T03:04:05Z",
        "2023-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2024-01-02T24:00:00Z",
        "2024-01-02T03:60:00Z",
        "2024-01-02T03:04:61Z",
        "2024-01-02T03:04:05.Z",
        "2024-01-02T03:04:05+0100",
        "2024-01-02T03:04:05+24:00",
        "2024-01-02T03:04:05Z ",
        "24-01-02T03:04:05Z",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++) {
        int64_t t = 42;
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(bh_time_parse(bad[i], &t, &err), -BH_INVALID);
        assert_int_equal(t, 42);
    }
}

static void dates_are_days(void **state)
{
    char text[BH_TIME_TEXT_SIZE];
    int64_t t = 0, later = 0;

    (void)state;
    assert_int_equal(bh_date_parse("2024-02-28", &t, NULL), 0);
    assert_int_equal(bh_date_parse("2024-03-01", &later, NULL), 0);
    assert_int_equal(bh_days_between(t, later), 2);
    assert_int_equal(bh_days_between(later, t), -2);
    assert_int_equal(bh_days_between(t, later - 1), 1);
    assert_int_equal(bh_days_between(later - 1, t), -2);
    assert_string_equal(bh_date_format(later + 86399, text), "2024-03-01");
    assert_int_equal(bh_date_parse("2024-02-30", &t, NULL), -BH_INVALID);
    assert_int_equal(bh_date_parse("2024-02-01T", &t, NULL), -BH_INVALID);
}

static void moments_out_of_range_are_clamped(void **state)
{
    char text[BH_TIME_TEXT_SIZE];

    (void)state;
    assert_string_equal(bh_time_format(INT64_MAX, text), "9999-12-31T23:59:59Z");
    assert_string_equal(bh_time_format(INT64_MIN, text), "0000-01-01T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_agrees_with_the_c_library),
        cmocka_unit_test(offsets_fractions_and_leap_seconds_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(dates_are_days),
        cmocka_unit_test(moments_out_of_range_are_clamped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
