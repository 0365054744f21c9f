/* image/wire.h - flat records that a confined reader sends to its parent.
 *
 * Numbers are 8 bytes, texts a length and bytes (NULL is told from ""). Whoever takes the reader
 * over can send wrong values, never pointers, or lengths past the message: the getters check.
 * Private to image/. */
#pragma once
#include "base/buf.h"
#include "base/mem.h"
#include "sys/digest.h"

#include <stdint.h>

void bh_wire_put_number(struct bh_buf *b, uint64_t value) BH_NONNULL;
void bh_wire_put_text(struct bh_buf *b, const char *text) BH_NONNULL_ARGS(1);
void bh_wire_put_list(struct bh_buf *b, const char *const *list) BH_NONNULL_ARGS(1);
void bh_wire_put_digest(struct bh_buf *b, const struct bh_digest *d) BH_NONNULL;

/* The first thing that does not fit sets bad, after which every getter answers 0, NULL or an empty
 * list; so the reader checks once, with bh_wire_end. */
struct bh_wire {
    const unsigned char *at, *end;
    struct bh_arena *arena; /* texts go there */
    bool bad;
};
uint64_t bh_wire_get_number(struct bh_wire *w) BH_NONNULL;
/* A count of items that take at least 8 bytes each, at most limit. */
size_t bh_wire_get_count(struct bh_wire *w, size_t limit) BH_NONNULL;
const char *bh_wire_get_text(struct bh_wire *w) BH_NONNULL;
const char *bh_wire_get_string(struct bh_wire *w) BH_NONNULL; /* NULL is bad; answers "" then */
const char *const *bh_wire_get_list(struct bh_wire *w) BH_NONNULL;
void bh_wire_get_digest(struct bh_wire *w, struct bh_digest *ret) BH_NONNULL;
int bh_wire_end(struct bh_wire *w, struct bh_error *err) BH_CHECKED;
