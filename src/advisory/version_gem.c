/* RubyGems: segments of digits and of letters; '-' stands for ".pre."; zeros at the end of the
 * numeric beginning and at the very end do not count. */
#include "advisory/version_order.h"

#include <string.h>

struct segment {
    struct bh_span text; /* empty: there is none */
    bool number;
    const char *rest;
};

static struct segment read_segment(const char *at, const char *end)
{
    struct segment s = {.rest = end};

    for (; at < end; at++) {
        if (bh_is_digit(*at)) {
            s.number = true;
            s.text = bh_span_digits(at);
        } else if (bh_is_alpha(*at)) {
            s.text = bh_span_letters(at);
        } else if (*at == '-') {
            s.text = bh_span_of("pre");
            s.rest = at + 1;
            return s;
        } else {
            continue;
        }
        s.rest = at + s.text.len;
        return s;
    }
    return s;
}

static bool is_zero(const struct segment *s)
{
    return s->number && bh_span_compare_numbers(s->text, (struct bh_span){0}) == 0;
}

struct gem {
    struct bh_span numbers, words; /* the numeric beginning, and the rest from the first word on */
};

static struct gem split(const char *text)
{
    const char *end = text + strlen(text), *at = text;
    struct gem v = {.numbers = {.at = text}};
    bool in_words = false;

    for (;;) {
        struct segment s = read_segment(at, end);

        if (!s.text.len)
            return v;
        if (!s.number && !in_words) {
            in_words = true;
            v.words.at = at;
        }
        if (!is_zero(&s)) {
            struct bh_span *part = in_words ? &v.words : &v.numbers;

            part->len = (size_t)(s.rest - part->at);
        }
        at = s.rest;
    }
}

/* The next segment of both parts in turn. */
static struct segment take(struct gem *v)
{
    struct bh_span *part = v->numbers.len ? &v->numbers : &v->words;
    struct segment s = {0};

    if (!part->len)
        return s;
    s = read_segment(part->at, part->at + part->len);
    part->len -= (size_t)(s.rest - part->at);
    part->at = s.rest;
    return s;
}

/* A segment that only one version has, against nothing. */
static int against_end(const struct segment *s)
{
    if (!s->number)
        return -1;
    return is_zero(s) ? 0 : 1;
}

static int compare_segments(const struct segment *a, const struct segment *b)
{
    if (!a->text.len)
        return -against_end(b);
    if (!b->text.len)
        return against_end(a);
    if (a->number != b->number)
        return a->number ? 1 : -1;
    return a->number ? bh_span_compare_numbers(a->text, b->text)
                     : bh_span_compare_bytes(a->text, b->text, false);
}

int bh_order_gem(const char *a, const char *b)
{
    struct gem va = split(a), vb = split(b);

    for (;;) {
        struct segment sa = take(&va), sb = take(&vb);
        int r;

        if (!sa.text.len && !sb.text.len)
            return 0;
        r = compare_segments(&sa, &sb);
        if (r)
            return r;
    }
}
