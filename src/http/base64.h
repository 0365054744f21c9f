/* http/base64.h - base64 with the standard alphabet.  Source: RFC 4648 section 4. */
#pragma once
#include "base/buf.h"
#include "base/error.h"

void bh_base64_encode(const void *data, size_t len, struct bh_buf *out) BH_NONNULL_ARGS(3);
/* Padding must be whole or absent; white space and other alphabets are refused.
 * Errors: BH_INVALID, BH_LIMIT of out. */
int bh_base64_decode(const char *text, size_t len, struct bh_buf *out, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 3);
