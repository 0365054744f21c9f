/* Debian: [epoch:]upstream[-revision], deb-version(7). */
#include "advisory/version_order.h"

#include <string.h>

struct deb {
    struct bh_span epoch, upstream, revision;
};

static struct deb split(const char *text)
{
    struct deb v = {.epoch = bh_span_digits(text)};
    const char *dash;

    if (v.epoch.len && text[v.epoch.len] == ':')
        text += v.epoch.len + 1;
    else
        v.epoch.len = 0;
    v.upstream = bh_span_of(text);
    dash = strrchr(text, '-');
    if (dash) {
        v.upstream.len = (size_t)(dash - text);
        v.revision = bh_span_of(dash + 1);
    }
    return v;
}

/* Tilde sorts before the end, the end before letters, letters before all else. */
static int weight(struct bh_span s)
{
    if (!s.len || bh_is_digit(*s.at))
        return 0;
    if (*s.at == '~')
        return -1;
    return bh_is_alpha(*s.at) ? *s.at : (unsigned char)*s.at + 256;
}

static struct bh_span take_number(struct bh_span *s)
{
    struct bh_span number = {.at = s->at};

    while (s->len && bh_is_digit(*s->at)) {
        s->at++, s->len--;
        number.len++;
    }
    return number;
}

static int compare_part(struct bh_span a, struct bh_span b)
{
    while (a.len || b.len) {
        int r;

        while ((a.len && !bh_is_digit(*a.at)) || (b.len && !bh_is_digit(*b.at))) {
            r = weight(a) - weight(b);
            if (r)
                return r;
            /* Equal weights other than 0 are one character each. */
            a.at++, a.len--;
            b.at++, b.len--;
        }
        r = bh_span_compare_numbers(take_number(&a), take_number(&b));
        if (r)
            return r;
    }
    return 0;
}

int bh_order_deb(const char *a, const char *b)
{
    struct deb va = split(a), vb = split(b);
    int r = bh_span_compare_numbers(va.epoch, vb.epoch);

    if (r == 0)
        r = compare_part(va.upstream, vb.upstream);
    return r ? r : compare_part(va.revision, vb.revision);
}
