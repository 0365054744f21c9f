/* inspect/packed.h - the numbers and texts of the layer facts format, written and read with bounds.
 *
 * Numbers are LEB128 (7 bits a byte, lowest first, at most 10 bytes); texts a number of bytes and
 * the bytes, without NUL. A reader that met anything wrong stays failed: every further read gives 0
 * or "", so that a record is checked once, at its end. */
#pragma once
#include "base/buf.h"
#include "base/mem.h"

#include <stdint.h>

#define BH_PACKED_TEXT_MAX (64u * 1024)

struct bh_packed {
    const uint8_t *at, *end;
    bool failed;
};

void bh_packed_put_number(struct bh_buf *out, uint64_t value);
/* text NULL is written as ""; what is longer than BH_PACKED_TEXT_MAX is cut. */
void bh_packed_put_text(struct bh_buf *out, const char *text);

uint64_t bh_packed_number(struct bh_packed *w);
uint8_t bh_packed_byte(struct bh_packed *w);
/* A copy in arena. */
const char *bh_packed_text(struct bh_packed *w, struct bh_arena *arena) BH_RETURNS_NONNULL;
