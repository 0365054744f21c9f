/* RPM: [epoch:]version[-release], with '~' before the end and '^' after it. */
#include "advisory/version_order.h"

#include <string.h>

/* Neither letter, digit, tilde nor caret: separates segments and counts for nothing. */
static struct bh_span skip_separators(struct bh_span s)
{
    while (s.len && !bh_is_digit(*s.at) && !bh_is_alpha(*s.at) && *s.at != '~' && *s.at != '^')
        s.at++, s.len--;
    return s;
}

static bool starts_with(struct bh_span s, char c)
{
    return s.len && *s.at == c;
}

/* Takes the run of digits or of letters that s begins with. */
static struct bh_span take_segment(struct bh_span *s, bool digits)
{
    struct bh_span segment = {.at = s->at};

    while (s->len && (digits ? bh_is_digit(*s->at) : bh_is_alpha(*s->at))) {
        s->at++, s->len--;
        segment.len++;
    }
    return segment;
}

/* One step over '~' or '^'. Returns true when it decided (*ret) or consumed one on both sides. */
static bool compare_marks(struct bh_span *a, struct bh_span *b, int *ret)
{
    char mark = starts_with(*a, '~') || starts_with(*b, '~')   ? '~'
                : starts_with(*a, '^') || starts_with(*b, '^') ? '^'
                                                               : '\0';

    *ret = 0;
    if (!mark)
        return false;
    if (starts_with(*a, mark) && starts_with(*b, mark)) {
        a->at++, a->len--;
        b->at++, b->len--;
    } else if (mark == '^' && !a->len) {
        *ret = -1;
    } else if (mark == '^' && !b->len) {
        *ret = 1;
    } else {
        *ret = starts_with(*a, mark) ? -1 : 1;
    }
    return true;
}

static int compare_part(struct bh_span a, struct bh_span b)
{
    for (;;) {
        struct bh_span sa, sb;
        bool digits;
        int r;

        a = skip_separators(a);
        b = skip_separators(b);
        if (compare_marks(&a, &b, &r)) {
            if (r)
                return r;
            continue;
        }
        if (!a.len || !b.len)
            return (a.len > 0) - (b.len > 0);
        digits = bh_is_digit(*a.at);
        sa = take_segment(&a, digits);
        sb = take_segment(&b, digits);
        if (!sb.len) /* different kinds: numbers are newer than letters */
            return digits ? 1 : -1;
        r = digits ? bh_span_compare_numbers(sa, sb) : bh_span_compare_bytes(sa, sb, false);
        if (r)
            return r;
    }
}

struct rpm {
    struct bh_span epoch, version, release;
    bool has_release;
};

static struct rpm split(const char *text)
{
    struct rpm v = {.epoch = bh_span_digits(text)};
    const char *dash;

    if (text[v.epoch.len] == ':')
        text += v.epoch.len + 1;
    else
        v.epoch.len = 0;
    v.version = bh_span_of(text);
    dash = strrchr(text, '-');
    if (dash) {
        v.version.len = (size_t)(dash - text);
        v.release = bh_span_of(dash + 1);
        v.has_release = true;
    }
    return v;
}

int bh_order_rpm(const char *a, const char *b)
{
    struct rpm va = split(a), vb = split(b);
    int r = bh_span_compare_numbers(va.epoch, vb.epoch);

    if (r == 0)
        r = compare_part(va.version, vb.version);
    if (r)
        return r;
    if (va.has_release != vb.has_release)
        return va.has_release ? 1 : -1;
    return compare_part(va.release, vb.release);
}
