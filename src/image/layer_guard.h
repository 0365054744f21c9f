/* image/layer_guard.h - what kind of thing each path of one layer is.
 *
 * Answers the questions that decide whether a layer can be applied at all: is a parent of this path
 * something other than a directory, has the target of this hard link been seen. Keeps 8 bytes a
 * path: a keyed hash (SipHash-2-4, key from the kernel, so that nobody can aim for collisions) and
 * the kind.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF". */
#pragma once
#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

enum bh_guard_kind {
    BH_GUARD_UNSEEN = 0,
    BH_GUARD_DIRECTORY,
    BH_GUARD_SYMLINK,
    BH_GUARD_OTHER,
};

struct bh_layer_guard;
struct bh_layer_guard *bh_layer_guard_new(void) BH_RETURNS_NONNULL;
void bh_layer_guard_free(struct bh_layer_guard *g); /* NULL is allowed */
static inline void bh_layer_guard_freep(struct bh_layer_guard **g)
{
    bh_layer_guard_free(*g);
}
/* The newest kind given to path[0..len). */
enum bh_guard_kind bh_layer_guard_get(const struct bh_layer_guard *g, const char *path, size_t len)
    BH_NONNULL;
void bh_layer_guard_set(struct bh_layer_guard *g, const char *path, size_t len,
                        enum bh_guard_kind kind) BH_NONNULL;

/* SipHash-2-4 of data under key. */
uint64_t bh_siphash(const uint64_t key[2], const void *data, size_t len) BH_NONNULL;
