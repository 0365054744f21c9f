/* PyPI: PEP 440. What is not of that form (a "legacy" version) sorts below all that is. */
#include "advisory/version_order.h"

#include <string.h>
#include <strings.h>

struct pypi {
    bool legacy, has_post, has_dev;
    int pre_kind; /* 0 none, 1 alpha, 2 beta, 3 candidate */
    struct bh_span epoch, release, pre, post, dev, local;
};

static bool is_separator(char c)
{
    return c == '-' || c == '_' || c == '.';
}

/* [-_.]? word [-_.]? digits?: moves *at past it; the digits go to *number. */
static bool take_word(const char **at, const char *word, struct bh_span *number)
{
    const char *p = *at + (is_separator(**at) ? 1 : 0);
    size_t len = strlen(word);

    if (strncasecmp(p, word, len) != 0 || bh_is_alpha(p[len]))
        return false;
    p += len;
    if (is_separator(*p) && bh_is_digit(p[1]))
        p++;
    *number = bh_span_digits(p);
    *at = p + number->len;
    return true;
}

static void take_pre(const char **at, struct pypi *v)
{
    static const struct {
        const char *word;
        int kind;
    } words[] = {{"a", 1}, {"alpha", 1}, {"b", 2},   {"beta", 2},
                 {"c", 3}, {"rc", 3},    {"pre", 3}, {"preview", 3}};

    for (size_t i = 0; i < BH_COUNT_OF(words); i++) {
        if (take_word(at, words[i].word, &v->pre)) {
            v->pre_kind = words[i].kind;
            return;
        }
    }
}

static void take_post(const char **at, struct pypi *v)
{
    if ((*at)[0] == '-' && bh_is_digit((*at)[1])) {
        v->post = bh_span_digits(*at + 1);
        *at = v->post.at + v->post.len;
        v->has_post = true;
    } else {
        v->has_post = take_word(at, "post", &v->post) || take_word(at, "rev", &v->post) ||
                      take_word(at, "r", &v->post);
    }
}

static struct pypi parse(const char *text)
{
    struct pypi v = {0};
    const char *at = text;

    if (*at == 'v' || *at == 'V')
        at++;
    v.epoch = bh_span_digits(at);
    if (v.epoch.len && at[v.epoch.len] == '!')
        at += v.epoch.len + 1;
    else
        v.epoch.len = 0;
    v.release.at = at;
    while (bh_is_digit(*at)) {
        at += bh_span_digits(at).len;
        v.release.len = (size_t)(at - v.release.at);
        if (*at == '.' && bh_is_digit(at[1]))
            at++;
    }
    take_pre(&at, &v);
    take_post(&at, &v);
    v.has_dev = take_word(&at, "dev", &v.dev);
    if (*at == '+' && at[1]) {
        v.local = bh_span_of(at + 1);
        at += 1 + v.local.len;
    }
    v.legacy = *at != '\0' || !v.release.len;
    return v;
}

static struct bh_span take_component(struct bh_span *s)
{
    struct bh_span c = {.at = s->at};

    while (c.len < s->len && !is_separator(s->at[c.len]))
        c.len++;
    s->at += c.len;
    s->len -= c.len;
    if (s->len)
        s->at++, s->len--;
    return c;
}

static int compare_release(struct bh_span a, struct bh_span b)
{
    while (a.len || b.len) {
        int r = bh_span_compare_numbers(take_component(&a), take_component(&b));

        if (r)
            return r;
    }
    return 0;
}

/* No local part, then words, then numbers; the shorter of equal beginnings first. */
static int compare_local(struct bh_span a, struct bh_span b)
{
    while (a.len && b.len) {
        struct bh_span ca = take_component(&a), cb = take_component(&b);
        bool na = bh_span_is_number(ca), nb = bh_span_is_number(cb);
        int r;

        if (na != nb)
            return na ? 1 : -1;
        r = na ? bh_span_compare_numbers(ca, cb) : bh_span_compare_bytes(ca, cb, true);
        if (r)
            return r;
    }
    return (a.len > 0) - (b.len > 0);
}

/* A development release of the release itself comes before its alphas. */
static int pre_rank(const struct pypi *v)
{
    if (v->pre_kind)
        return v->pre_kind;
    return v->has_dev && !v->has_post ? 0 : 4;
}

/* Runs of digits by value, all else by bytes. */
static int compare_legacy(const char *a, const char *b)
{
    while (*a && *b) {
        struct bh_span na = bh_span_digits(a), nb = bh_span_digits(b);
        int r = na.len && nb.len ? bh_span_compare_numbers(na, nb)
                                 : (unsigned char)*a - (unsigned char)*b;

        if (r)
            return r;
        a += na.len ? na.len : 1;
        b += nb.len ? nb.len : 1;
    }
    return (*a != '\0') - (*b != '\0');
}

static int compare_parsed(const struct pypi *a, const struct pypi *b)
{
    int r = bh_span_compare_numbers(a->epoch, b->epoch);

    if (!r)
        r = compare_release(a->release, b->release);
    if (!r)
        r = pre_rank(a) - pre_rank(b);
    if (!r)
        r = bh_span_compare_numbers(a->pre, b->pre);
    if (!r)
        r = (int)a->has_post - (int)b->has_post;
    if (!r)
        r = bh_span_compare_numbers(a->post, b->post);
    if (!r)
        r = (int)b->has_dev - (int)a->has_dev;
    if (!r)
        r = bh_span_compare_numbers(a->dev, b->dev);
    return r ? r : compare_local(a->local, b->local);
}

int bh_order_pypi(const char *a, const char *b)
{
    struct pypi va = parse(a), vb = parse(b);

    if (va.legacy && vb.legacy)
        return compare_legacy(a, b);
    if (va.legacy || vb.legacy)
        return va.legacy ? -1 : 1;
    return compare_parsed(&va, &vb);
}
