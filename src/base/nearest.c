#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

/* Damerau and Levenshtein's distance with swaps of neighbours only (optimal string alignment), by
 * three rows of the usual table. Both lengths are at most BH_NEAREST_MAX. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    uint8_t rows[3][BH_NEAREST_MAX + 1] = {{0}};
    uint8_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        last[j] = (uint8_t)j;
    for (size_t i = 1; i <= a_len; i++) {
        uint8_t *spare = before;

        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            unsigned best = last[j - 1] + (same ? 0u : 1u);

            best = BH_MIN(best, BH_MIN(last[j], row[j - 1]) + 1u);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                best = BH_MIN(best, before[j - 2] + 1u);
            row[j] = (uint8_t)best;
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[b_len];
}

static bool begins_with(const char *known, const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(known[i]) != lower(word[i]))
            return false;
    return true;
}

void bh_nearest_init(struct bh_nearest *n, const char *word, size_t len)
{
    *n = (struct bh_nearest){.word = word, .len = len, .distance = SIZE_MAX};
}

void bh_nearest_offer(struct bh_nearest *n, const char *known)
{
    size_t len = strlen(known);
    size_t allowed = BH_MAX(n->len / 3, (size_t)1);
    size_t d;

    if (n->len > BH_NEAREST_MAX || len > BH_NEAREST_MAX || n->len < 2)
        return;
    d = distance(n->word, n->len, known, len);
    if (d > allowed) {
        if (n->len < 3 || len < n->len || !begins_with(known, n->word, n->len))
            return;
        d = allowed; /* as good as the worst misspelling */
    }
    if (d < n->distance) {
        n->distance = d;
        n->best = known;
    }
}

const char *bh_nearest_of(const char *word, const char *const *known)
{
    struct bh_nearest n;

    bh_nearest_init(&n, word, strlen(word));
    for (; *known; known++)
        bh_nearest_offer(&n, *known);
    return n.best;
}
