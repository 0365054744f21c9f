#include "http/retry.h"

#include <ctype.h>
#include <string.h>

const struct bh_retry_policy bh_retry_default = {
    .attempts_max = 5, .total_max = 50, .base_ms = 500, .cap_ms = 20000};

uint32_t bh_retry_after_seconds(const char *text, time_t now)
{
    uint64_t seconds = 0;
    struct tm date = {0};
    const char *end;
    time_t when;

    if (isdigit((unsigned char)text[0])) {
        for (; isdigit((unsigned char)*text); text++)
            if (seconds < UINT32_MAX)
                seconds = seconds * 10 + (uint64_t)(*text - '0');
        if (*text)
            return 0;
        return (uint32_t)(seconds < UINT32_MAX ? seconds : UINT32_MAX);
    }
    end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (!end || *end)
        return 0;
    when = timegm(&date);
    if (when <= now)
        return 0;
    return when - now >= (time_t)UINT32_MAX ? UINT32_MAX : (uint32_t)(when - now);
}

static bool may_pass(int code, int status)
{
    if (code)
        return code == BH_UNAVAILABLE || code == BH_TIMEOUT;
    switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

/* base * 2^n, at most cap, then between half of that and all of it. */
static uint32_t back_off_ms(const struct bh_retry_policy *p, unsigned n, uint32_t random)
{
    uint64_t delay = p->base_ms;

    while (n-- > 0 && delay < p->cap_ms)
        delay *= 2;
    if (delay > p->cap_ms)
        delay = p->cap_ms;
    return (uint32_t)(delay / 2 + random % (delay / 2 + 1));
}

bool bh_retry_next(struct bh_retry *r, int code, int status, const char *retry_after, bool progress,
                   time_t now, uint32_t random, uint32_t *ret_delay_ms)
{
    const struct bh_retry_policy *p = r->policy ? r->policy : &bh_retry_default;
    uint32_t delay, asked_s;

    if (!may_pass(code < 0 ? -code : code, status))
        return false;
    if (progress)
        r->attempts = 0;
    r->attempts++;
    r->total++;
    if (r->attempts >= p->attempts_max || r->total >= p->total_max)
        return false;
    asked_s = bh_retry_after_seconds(retry_after, now);
    if (asked_s > BH_RETRY_AFTER_MAX_S)
        return false;
    delay = back_off_ms(p, r->attempts - 1, random);
    *ret_delay_ms = delay > asked_s * 1000 ? delay : asked_s * 1000;
    return true;
}
