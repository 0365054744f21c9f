/* Semantic Versioning 2.0.0 and its relatives: numbers, "-" prerelease, "+" build.
 *
 * Lenient as registries are: a leading "v", any number of numeric components (missing ones are 0).
 * Text that is not of that form sorts as a prerelease of what was read of it. */
#include "advisory/version_order.h"

#include <string.h>

enum {
    FOLD_CASE = 1,   /* NuGet */
    BUILD_COUNTS = 2 /* pub */
};

struct semver {
    const char *numbers;
    struct bh_span prerelease, build;
};

static struct semver split(const char *text)
{
    struct semver v;
    size_t n;

    if (*text == 'v' || *text == 'V' || *text == '=')
        text++;
    v.numbers = text;
    n = strspn(text, "0123456789.");
    v.prerelease.at = text[n] == '-' ? text + n + 1 : text + n;
    v.prerelease.len = strcspn(v.prerelease.at, "+");
    v.build.at = v.prerelease.at + v.prerelease.len;
    if (*v.build.at)
        v.build.at++;
    v.build.len = strlen(v.build.at);
    return v;
}

static const char *after_component(const char *at, size_t len)
{
    return at[len] == '.' ? at + len + 1 : at + len;
}

static int compare_numbers(const char *a, const char *b)
{
    while (bh_is_digit(*a) || bh_is_digit(*b)) {
        struct bh_span na = bh_span_digits(a), nb = bh_span_digits(b);
        int r = bh_span_compare_numbers(na, nb);

        if (r)
            return r;
        a = after_component(a, na.len);
        b = after_component(b, nb.len);
    }
    return 0;
}

static struct bh_span take_identifier(struct bh_span *s)
{
    struct bh_span id = {.at = s->at};

    while (id.len < s->len && s->at[id.len] != '.')
        id.len++;
    s->at += id.len;
    s->len -= id.len;
    if (s->len)
        s->at++, s->len--;
    return id;
}

/* Dot-separated identifiers: numbers by value and before words, the shorter list first. */
static int compare_identifiers(struct bh_span a, struct bh_span b, int flags)
{
    while (a.len && b.len) {
        struct bh_span ia = take_identifier(&a), ib = take_identifier(&b);
        bool na = bh_span_is_number(ia), nb = bh_span_is_number(ib);
        int r;

        if (na != nb)
            return na ? -1 : 1;
        r = na ? bh_span_compare_numbers(ia, ib) : bh_span_compare_bytes(ia, ib, flags & FOLD_CASE);
        if (r)
            return r;
    }
    return (a.len > 0) - (b.len > 0);
}

static int compare(const char *a, const char *b, int flags)
{
    struct semver va = split(a), vb = split(b);
    int r = compare_numbers(va.numbers, vb.numbers);

    if (r)
        return r;
    if (!va.prerelease.len != !vb.prerelease.len)
        return va.prerelease.len ? -1 : 1;
    r = compare_identifiers(va.prerelease, vb.prerelease, flags);
    if (r || !(flags & BUILD_COUNTS))
        return r;
    return compare_identifiers(va.build, vb.build, flags);
}

int bh_order_semver(const char *a, const char *b)
{
    return compare(a, b, 0);
}

int bh_order_nuget(const char *a, const char *b)
{
    return compare(a, b, FOLD_CASE);
}

int bh_order_pub(const char *a, const char *b)
{
    return compare(a, b, BUILD_COUNTS);
}

/* CRAN and Hackage: numbers between '.' and '-'; of two lists, equal so far, the longer is newer.
 */
int bh_order_dotted(const char *a, const char *b)
{
    for (;;) {
        struct bh_span na = bh_span_digits(a), nb = bh_span_digits(b);
        int r;

        if (!*a || !*b)
            return (*a != '\0') - (*b != '\0');
        r = bh_span_compare_numbers(na, nb);
        if (r)
            return r;
        a += na.len;
        b += nb.len;
        if (*a && *b && (*a == '.' || *a == '-') != (*b == '.' || *b == '-'))
            return strcmp(a, b);
        a += *a != '\0';
        b += *b != '\0';
    }
}
