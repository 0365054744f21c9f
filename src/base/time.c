#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define FIRST_SECOND (-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_SECOND 253402300799    /* 9999-12-31T23:59:59Z */

struct civil {
    int64_t year;
    int month, day;
};

/* The two conversions count in years that begin in March, so that the leap day comes last: an era
 * is 400 years, 146097 days. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static struct civil civil_from_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct civil c;

    c.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    c.month = (int)(month < 10 ? month + 3 : month - 9);
    c.year = year_of_era + era * 400 + (c.month <= 2);
    return c;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* count digits at *text as a number; moves *text behind them. */
static bool take_number(const char **text, int count, int *ret)
{
    int value = 0;

    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        value = value * 10 + (**text - '0');
    }
    *ret = value;
    return true;
}

static bool take(const char **text, char a, char b)
{
    if (**text != a && **text != b)
        return false;
    (*text)++;
    return true;
}

static bool take_date(const char **text, int64_t *ret_days)
{
    int year, month, day;

    if (!take_number(text, 4, &year) || !take(text, '-', '-') || !take_number(text, 2, &month) ||
        !take(text, '-', '-') || !take_number(text, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *ret_days = days_from_civil(year, month, day);
    return true;
}

static bool take_clock(const char **text, int64_t *ret_seconds)
{
    int hour, minute, second;

    if (!take_number(text, 2, &hour) || !take(text, ':', ':') || !take_number(text, 2, &minute) ||
        !take(text, ':', ':') || !take_number(text, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    if (second == 60)
        second = 59;
    if (**text == '.') {
        const char *digits = ++*text;

        while (**text >= '0' && **text <= '9')
            (*text)++;
        if (*text == digits)
            return false;
    }
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_offset(const char **text, int64_t *ret_seconds)
{
    int hour, minute, sign;

    if (take(text, 'Z', 'z')) {
        *ret_seconds = 0;
        return true;
    }
    if (**text != '+' && **text != '-')
        return false;
    sign = **text == '-' ? -1 : 1;
    (*text)++;
    if (!take_number(text, 2, &hour) || !take(text, ':', ':') || !take_number(text, 2, &minute) ||
        hour > 23 || minute > 59)
        return false;
    *ret_seconds = sign * (hour * 3600 + minute * 60);
    return true;
}

int bh_time_parse(const char *text, int64_t *ret, struct bh_error *err)
{
    const char *at = text;
    int64_t days, clock, offset;

    if (!take_date(&at, &days) || (*at != ' ' && *at != 'T' && *at != 't') || !*at++ ||
        !take_clock(&at, &clock) || !take_offset(&at, &offset) || *at)
        return bh_fail(err, BH_INVALID,
                       "\"%.64s\" is not a time such as 2024-01-02T03:04:05Z (RFC 3339)", text);
    *ret = days * BH_SECONDS_PER_DAY + clock - offset;
    return 0;
}

int bh_date_parse(const char *text, int64_t *ret, struct bh_error *err)
{
    const char *at = text;
    int64_t days;

    if (!take_date(&at, &days) || *at)
        return bh_fail(err, BH_INVALID, "\"%.64s\" is not a date such as 2024-01-02", text);
    *ret = days * BH_SECONDS_PER_DAY;
    return 0;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t clamp(int64_t seconds)
{
    if (seconds < FIRST_SECOND)
        return FIRST_SECOND;
    return seconds > LAST_SECOND ? LAST_SECOND : seconds;
}

const char *bh_date_format(int64_t seconds, char *text)
{
    struct civil c = civil_from_days(floor_divide(clamp(seconds), BH_SECONDS_PER_DAY));

    (void)snprintf(text, BH_TIME_TEXT_SIZE, "%04d-%02d-%02d", (int)c.year, c.month, c.day);
    return text;
}

const char *bh_time_format(int64_t seconds, char *text)
{
    int64_t moment = clamp(seconds);
    int64_t days = floor_divide(moment, BH_SECONDS_PER_DAY);
    int clock = (int)(moment - days * BH_SECONDS_PER_DAY);
    struct civil c = civil_from_days(days);

    (void)snprintf(text, BH_TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)c.year, c.month,
                   c.day, clock / 3600, clock / 60 % 60, clock % 60);
    return text;
}

int64_t bh_days_between(int64_t from, int64_t to)
{
    return floor_divide(to - from, BH_SECONDS_PER_DAY);
}

int64_t bh_time_now(void)
{
    return (int64_t)time(NULL);
}

uint64_t bh_clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
