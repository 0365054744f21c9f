/* sys/digest.h - content digests: "sha256:<64 hex>" and, for OCI, "sha512:<128 hex>".
 * Source: OCI image-spec 1.1, descriptor.md, "Digests". */
#pragma once
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bh_digest_algorithm { BH_SHA256 = 1, BH_SHA512 = 2 };

struct bh_digest {
    enum bh_digest_algorithm algorithm; /* 0 when unset */
    uint8_t bytes[64];
};

#define BH_DIGEST_TEXT_SIZE 136u /* "sha512:" and 128 hex digits and NUL */

int bh_digest_parse(const char *text, struct bh_digest *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
/* text holds BH_DIGEST_TEXT_SIZE bytes; returns text. */
const char *bh_digest_format(const struct bh_digest *d, char *text) BH_NONNULL;
/* The hex part alone. */
const char *bh_digest_hex(const struct bh_digest *d, char *text) BH_NONNULL;
bool bh_digest_equal(const struct bh_digest *a, const struct bh_digest *b) BH_NONNULL;
static inline bool bh_digest_is_set(const struct bh_digest *d)
{
    return d->algorithm != 0;
}

/* One-shot. */
void bh_digest_of(enum bh_digest_algorithm algorithm, const void *data, size_t len,
                  struct bh_digest *ret);

/* Streaming. */
struct bh_hasher;
struct bh_hasher *bh_hasher_new(enum bh_digest_algorithm algorithm) BH_RETURNS_NONNULL;
void bh_hasher_update(struct bh_hasher *h, const void *data, size_t len) BH_NONNULL_ARGS(1);
/* The digest of everything so far; the hasher must not be updated afterwards. */
void bh_hasher_finish(struct bh_hasher *h, struct bh_digest *ret) BH_NONNULL;
void bh_hasher_free(struct bh_hasher *h); /* NULL is allowed */
static inline void bh_hasher_freep(struct bh_hasher **h)
{
    bh_hasher_free(*h);
}
