/* base/nearest.h - the known word a mistyped one was most likely meant to be.
 *
 * Offer all known words, then look at best. Distance is counted in letters inserted, left out,
 * changed or swapped with their neighbour; case counts nothing. Words too far away are no help: at
 * most a third of the letters (at least one) may differ. A word cut short also finds the whole one.
 * Of equally near words the first offered wins. */
#pragma once
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

#define BH_NEAREST_MAX 64u /* bytes; longer words are never near */

struct bh_nearest {
    const char *word, *best; /* best is borrowed from the caller; NULL while nothing is near */
    size_t len, distance;
};

void bh_nearest_init(struct bh_nearest *n, const char *word, size_t len) BH_NONNULL;
void bh_nearest_offer(struct bh_nearest *n, const char *known) BH_NONNULL;
/* All of a NULL-terminated list at once. */
const char *bh_nearest_of(const char *word, const char *const *known) BH_NONNULL;
