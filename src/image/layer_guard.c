#include "image/layer_guard.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define KIND_BITS 2u
#define KIND_MASK ((1u << KIND_BITS) - 1)
#define FIRST_SLOTS 1024u

struct bh_layer_guard {
    uint64_t key[2];
    uint64_t *slots; /* hash with its low bits replaced by the kind; 0 is empty */
    size_t slot_count, used;
};

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void rounds(uint64_t v[4], int count)
{
    while (count-- > 0) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

uint64_t bh_siphash(const uint64_t key[2], const void *data, size_t len)
{
    const uint8_t *at = data, *end = at + (len & ~(size_t)7);
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    uint64_t word;

    for (; at < end; at += 8) {
        memcpy(&word, at, 8); /* little-endian, as every architecture this builds for */
        v[3] ^= word;
        rounds(v, 2);
        v[0] ^= word;
    }
    word = (uint64_t)len << 56;
    for (size_t i = 0; i < (len & 7); i++)
        word |= (uint64_t)at[i] << (8 * i);
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
    v[2] ^= 0xff;
    rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct bh_layer_guard *bh_layer_guard_new(void)
{
    struct bh_layer_guard *g = bh_new0(sizeof *g);

    if (getrandom(g->key, sizeof g->key, 0) != (ssize_t)sizeof g->key)
        abort(); /* cannot happen once the machine has started */
    g->slot_count = FIRST_SLOTS;
    g->slots = bh_new_array(g->slot_count, sizeof *g->slots);
    return g;
}

void bh_layer_guard_free(struct bh_layer_guard *g)
{
    if (!g)
        return;
    free(g->slots);
    free(g);
}

/* The slot that holds hash, or the empty one where it belongs. */
static uint64_t *find(const struct bh_layer_guard *g, uint64_t hash)
{
    size_t at = (size_t)(hash >> KIND_BITS) & (g->slot_count - 1);

    while (g->slots[at] && (g->slots[at] ^ hash) >> KIND_BITS)
        at = (at + 1) & (g->slot_count - 1);
    return &g->slots[at];
}

enum bh_guard_kind bh_layer_guard_get(const struct bh_layer_guard *g, const char *path, size_t len)
{
    return (enum bh_guard_kind)(*find(g, bh_siphash(g->key, path, len)) & KIND_MASK);
}

static void grow(struct bh_layer_guard *g)
{
    uint64_t *old = g->slots;
    size_t count = g->slot_count;

    g->slot_count = count * 2;
    g->slots = bh_new_array(g->slot_count, sizeof *g->slots);
    for (size_t i = 0; i < count; i++)
        if (old[i])
            *find(g, old[i]) = old[i];
    free(old);
}

void bh_layer_guard_set(struct bh_layer_guard *g, const char *path, size_t len,
                        enum bh_guard_kind kind)
{
    uint64_t hash = bh_siphash(g->key, path, len);
    uint64_t *slot = find(g, hash);

    if (!*slot && ++g->used * 3 > g->slot_count * 2) {
        grow(g);
        slot = find(g, hash);
    }
    *slot = (hash & ~(uint64_t)KIND_MASK) | kind;
}
