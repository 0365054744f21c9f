/* Packagist: the order of PHP's version_compare(), as Composer uses it. */
#include "advisory/version_order.h"

#include <string.h>

static const char *skip_separators(const char *at)
{
    return at + strspn(at, ".-_+");
}

static struct bh_span take_part(const char **at)
{
    struct bh_span part = bh_span_digits(*at);

    if (!part.len)
        while (part.at[part.len] && !bh_is_digit(part.at[part.len]) &&
               !strchr(".-_+", part.at[part.len]))
            part.len++;
    *at = skip_separators(part.at + part.len);
    return part;
}

#define NUMBER_RANK 4

/* The place of a word; a number stands at NUMBER_RANK, an unknown word before all. */
static int rank(struct bh_span part)
{
    static const struct {
        const char *word;
        int rank;
    } words[] = {{"dev", 0}, {"alpha", 1}, {"a", 1},  {"beta", 2}, {"b", 2},
                 {"rc", 3},  {"#", 4},     {"pl", 5}, {"p", 5}};

    if (bh_span_is_number(part))
        return NUMBER_RANK;
    for (size_t i = 0; i < BH_COUNT_OF(words); i++)
        if (bh_span_is(part, words[i].word, true))
            return words[i].rank;
    return -1;
}

/* What one version has and the other has not: a number makes it newer, a word by its rank. */
static int compare_rest(const char *at)
{
    while (*at) {
        struct bh_span part = take_part(&at);
        int r = bh_span_is_number(part) ? 1 : rank(part) - NUMBER_RANK;

        if (r)
            return r;
    }
    return 0;
}

int bh_order_composer(const char *a, const char *b)
{
    a = skip_separators(a + (*a == 'v' || *a == 'V'));
    b = skip_separators(b + (*b == 'v' || *b == 'V'));
    while (*a && *b) {
        struct bh_span pa = take_part(&a), pb = take_part(&b);
        int r = bh_span_is_number(pa) && bh_span_is_number(pb) ? bh_span_compare_numbers(pa, pb)
                                                               : rank(pa) - rank(pb);

        if (r)
            return r;
    }
    return *a ? compare_rest(a) : -compare_rest(b);
}
