/* base/mem.h - allocation for sizes the program chooses, and an arena for records.
 *
 * bh_new and its kin abort when memory is gone (house rule 5). A size that came from outside goes
 * through a limit first. An arena owns many small objects that die together. */
#pragma once
#include "base/compiler.h"

#include <stddef.h>

void *bh_new(size_t size) BH_RETURNS_NONNULL __attribute__((malloc));
void *bh_new0(size_t size) BH_RETURNS_NONNULL __attribute__((malloc));
/* count * size, checked for overflow. */
void *bh_new_array(size_t count, size_t size) BH_RETURNS_NONNULL __attribute__((malloc));
void *bh_resize(void *p, size_t count, size_t size) BH_RETURNS_NONNULL;
char *bh_strdup(const char *text) BH_RETURNS_NONNULL BH_NONNULL;
char *bh_strndup(const char *text, size_t len) BH_RETURNS_NONNULL;
char *bh_format(const char *format, ...) BH_PRINTF(1, 2) BH_RETURNS_NONNULL;

/* For BH_AUTO(bh_freep): frees what the pointer variable points to. */
void bh_freep(void *pointer_to_pointer);

/* Makes room for one more element in a growing array: doubles *cap when count == *cap. */
#define bh_grow(items, count, cap)                                                                 \
    do {                                                                                           \
        if ((count) == (cap)) {                                                                    \
            (cap) = (cap) ? (cap)*2 : 8;                                                           \
            (items) = bh_resize((items), (cap), sizeof *(items));                                  \
        }                                                                                          \
    } while (0)

struct bh_arena;
struct bh_arena *bh_arena_new(void) BH_RETURNS_NONNULL;
void bh_arena_free(struct bh_arena *a); /* NULL is allowed */
static inline void bh_arena_freep(struct bh_arena **a)
{
    bh_arena_free(*a);
}
/* Zeroed memory aligned for any type, freed with the arena. */
void *bh_arena_alloc(struct bh_arena *a, size_t size) BH_RETURNS_NONNULL BH_NONNULL;
char *bh_arena_strndup(struct bh_arena *a, const char *text, size_t len) BH_RETURNS_NONNULL;
char *bh_arena_strdup(struct bh_arena *a, const char *text) BH_RETURNS_NONNULL BH_NONNULL;
char *bh_arena_format(struct bh_arena *a, const char *format, ...) BH_PRINTF(2, 3)
    BH_RETURNS_NONNULL;
/* Bytes handed out so far. */
size_t bh_arena_used(const struct bh_arena *a) BH_NONNULL;
