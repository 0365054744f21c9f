/* http/retry.h - whether and when to try a request again.
 *
 * Pure: the clock and chance come from the caller. Delays double from the base to the cap, spread
 * between half and whole so that many clients do not come back together; Retry-After is a lower
 * bound that wins over the cap, up to BH_RETRY_AFTER_MAX_S.
 * Source: RFC 9110 section 10.2.3 (Retry-After), 15.5.9, 15.6; RFC 6585 section 4 (429). */
#pragma once
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define BH_RETRY_AFTER_MAX_S 120u /* a server that asks for more is not waited for */

struct bh_retry_policy {
    unsigned attempts_max; /* in a row without progress */
    unsigned total_max;    /* in all, so that a server cannot feed us a byte at a time for ever */
    uint32_t base_ms, cap_ms;
};
extern const struct bh_retry_policy bh_retry_default; /* 5, 50, 500 ms, 20 s */

struct bh_retry {
    const struct bh_retry_policy *policy; /* NULL: the default */
    unsigned attempts, total;
};

/* One failed attempt. code is 0 when a response of `status` arrived, else what the transfer failed
 * with; retry_after is the header's text, "" when absent; progress says that the attempt brought
 * bytes that will not be asked for again. True when another attempt is worth it, after
 * *ret_delay_ms. random is any number. */
bool bh_retry_next(struct bh_retry *r, int code, int status, const char *retry_after, bool progress,
                   time_t now, uint32_t random, uint32_t *ret_delay_ms) BH_NONNULL_ARGS(1, 4, 8);

/* Seconds from now that a Retry-After value asks for: a number, or a date. 0 when malformed or
 * past, and UINT32_MAX for more than that. */
uint32_t bh_retry_after_seconds(const char *text, time_t now) BH_NONNULL;
