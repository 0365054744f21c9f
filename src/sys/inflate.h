/* sys/inflate.h - streaming gzip and zstd decompression.
 *
 * gzip through ISA-L (about 2.3 times zlib's speed) or zlib, zstd through libzstd. Concatenated
 * gzip members and zstd frames form one stream; anything else after the last one is refused, as
 * are wrong checksums and lengths. Memory: gzip 100 KiB, zstd its window.
 * Runs in confined workers only.
 * Source: RFC 1952, RFC 8878. */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum bh_inflate_kind {
    BH_INFLATE_NONE = 1, /* not compressed, or nothing we know */
    BH_INFLATE_GZIP,
    BH_INFLATE_GZIP_ZLIB, /* through zlib whatever this build prefers */
    BH_INFLATE_ZSTD,
};

#define BH_INFLATE_MAGIC_BYTES 4u
/* By the first bytes of a stream. */
enum bh_inflate_kind bh_inflate_detect(const void *data, size_t len);

struct bh_inflate;
/* window_log: largest zstd window accepted, as a power of two. */
int bh_inflate_new(enum bh_inflate_kind kind, unsigned window_log, struct bh_inflate **ret,
                   struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(3);
void bh_inflate_free(struct bh_inflate *i); /* NULL is allowed */
static inline void bh_inflate_freep(struct bh_inflate **i)
{
    bh_inflate_free(*i);
}

struct bh_inflate_io {
    const uint8_t *in; /* moved past what was used */
    size_t in_len;
    uint8_t *out; /* moved past what was produced */
    size_t out_len;
};
/* Goes on until the input is used up or the output is full. Output space left when it returns means
 * that more input is needed.
 * Errors: BH_CORRUPT  the stream breaks its format, or a checksum differs
 *         BH_LIMIT    a zstd window larger than allowed */
int bh_inflate_step(struct bh_inflate *i, struct bh_inflate_io *io, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
/* At the end of the input. Errors: BH_CORRUPT when the stream is cut short or empty. */
int bh_inflate_finish(const struct bh_inflate *i, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1);
