/* base/buf.h - a growing byte buffer with a limit chosen when it is made.
 *
 * Bytes are always followed by a NUL that does not count, so text can be used as a C string.
 * Appending past the limit changes nothing and returns -BH_LIMIT. A limit of 0 is no limit, for
 * sizes the program chooses. */
#pragma once
#include "base/error.h"

#include <stddef.h>

struct bh_buf {
    char *data; /* NULL while empty and unallocated */
    size_t len, cap, limit;
};

#define BH_BUF_INIT(limit_bytes) ((struct bh_buf){.limit = (limit_bytes)})

void bh_buf_done(struct bh_buf *b); /* frees the bytes; the buffer can be used again */

int bh_buf_append(struct bh_buf *b, const void *data, size_t len, struct bh_error *err) BH_CHECKED;
/* For unlimited buffers and for text the program chose: aborts instead of failing. */
void bh_buf_put(struct bh_buf *b, const void *data, size_t len);
void bh_buf_puts(struct bh_buf *b, const char *text) BH_NONNULL;
void bh_buf_putc(struct bh_buf *b, char c) BH_NONNULL;
void bh_buf_printf(struct bh_buf *b, const char *format, ...) BH_PRINTF(2, 3);
/* Room for at least len further bytes; returns where they go, NULL past the limit. The caller adds
 * to b->len what it wrote. */
char *bh_buf_reserve(struct bh_buf *b, size_t len) BH_NONNULL;
/* The text, never NULL; valid until the next change. */
const char *bh_buf_text(const struct bh_buf *b) BH_NONNULL BH_RETURNS_NONNULL;
/* Hands the bytes to the caller (free) and leaves the buffer empty. Never NULL. */
char *bh_buf_take(struct bh_buf *b) BH_NONNULL BH_RETURNS_NONNULL;
