/* base/time.h - calendar time as seconds since 1970-01-01T00:00:00Z, and a steady clock.
 *
 * UTC only; no leap seconds (a second of 60 is read as 59), no time zone data base, no locale.
 * Source: RFC 3339 section 5.6. */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define BH_SECONDS_PER_DAY 86400
#define BH_TIME_TEXT_SIZE 32u /* holds any result of bh_time_format */

/* "2024-01-02T03:04:05Z", also with a fraction (dropped), an offset, and lower-case t and z.
 * Errors: BH_INVALID says what was expected. *ret is untouched then. */
int bh_time_parse(const char *text, int64_t *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
/* "2024-01-02": the day's first second. */
int bh_date_parse(const char *text, int64_t *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
/* Writes "2024-01-02T03:04:05Z" to text, which holds BH_TIME_TEXT_SIZE bytes, and returns text.
 * Years outside 0 to 9999 are written as the nearest moment inside. */
const char *bh_time_format(int64_t seconds, char *text) BH_NONNULL BH_RETURNS_NONNULL;
/* "2024-01-02", likewise. */
const char *bh_date_format(int64_t seconds, char *text) BH_NONNULL BH_RETURNS_NONNULL;

/* Whole days from one moment to a later one, rounded down; negative when it is earlier. */
int64_t bh_days_between(int64_t from, int64_t to);

int64_t bh_time_now(void);  /* the wall clock */
uint64_t bh_clock_ns(void); /* CLOCK_MONOTONIC: for durations and time-outs */
