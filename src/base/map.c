#include "base/map.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void mix(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein 2012, with the reduced rounds that language run times use). */
static uint64_t hash_of(const uint64_t seed[2], const char *key, size_t len)
{
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
                     seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)len << 56, word;

    for (; len >= 8; key += 8, len -= 8) {
        memcpy(&word, key, 8);
        v[3] ^= word;
        mix(v);
        v[0] ^= word;
    }
    for (size_t i = 0; i < len; i++)
        last |= (uint64_t)(unsigned char)key[i] << (8 * i);
    v[3] ^= last;
    mix(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    mix(v);
    mix(v);
    mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void bh_map_init(struct bh_map *m)
{
    *m = (struct bh_map){0};
    /* Without randomness (very early boot) the map still works, only predictably. */
    (void)!getrandom(m->seed, sizeof m->seed, GRND_NONBLOCK);
}

void bh_map_done(struct bh_map *m)
{
    free(m->slots);
    m->slots = NULL;
    m->count = m->cap = 0;
}

/* The slot that holds key, or the free one where it belongs. There is always a free one. */
static struct bh_map_slot *slot_of(const struct bh_map *m, const char *key, size_t len,
                                   uint64_t hash)
{
    size_t at = (size_t)hash & (m->cap - 1);

    for (;; at = (at + 1) & (m->cap - 1)) {
        struct bh_map_slot *s = &m->slots[at];

        if (!s->key || (s->hash == hash && s->len == len && memcmp(s->key, key, len) == 0))
            return s;
    }
}

void *bh_map_get(const struct bh_map *m, const char *key, size_t len)
{
    return m->cap ? slot_of(m, key, len, hash_of(m->seed, key, len))->value : NULL;
}

static void grow(struct bh_map *m)
{
    struct bh_map bigger = *m;

    bigger.cap = m->cap ? m->cap * 2 : 64;
    bigger.slots = bh_new_array(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key)
            *slot_of(&bigger, m->slots[i].key, m->slots[i].len, m->slots[i].hash) = m->slots[i];
    free(m->slots);
    *m = bigger;
}

void bh_map_set(struct bh_map *m, const char *key, size_t len, void *value)
{
    uint64_t hash = hash_of(m->seed, key, len);
    struct bh_map_slot *s;

    if (m->count * 4 >= m->cap * 3)
        grow(m);
    s = slot_of(m, key, len, hash);
    if (!s->key)
        m->count++;
    *s = (struct bh_map_slot){.key = key, .len = len, .hash = hash, .value = value};
}
