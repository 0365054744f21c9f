/* base/map.h - a table from text to pointers.
 *
 * Keys and values are borrowed: they must outlive the map. Keys may come from outside: the hash is
 * SipHash with a random key per map, so that nobody can choose keys that collide. */
#pragma once
#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

struct bh_map_slot {
    const char *key; /* NULL: free */
    size_t len;
    uint64_t hash;
    void *value;
};

struct bh_map {
    struct bh_map_slot *slots;
    size_t count, cap; /* cap is a power of two, or 0 */
    uint64_t seed[2];
};

void bh_map_init(struct bh_map *m) BH_NONNULL;
void bh_map_done(struct bh_map *m) BH_NONNULL;
/* NULL when there is none. */
void *bh_map_get(const struct bh_map *m, const char *key, size_t len) BH_NONNULL_ARGS(1);
/* Adds or replaces. */
void bh_map_set(struct bh_map *m, const char *key, size_t len, void *value) BH_NONNULL_ARGS(1);
