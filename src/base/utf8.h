/* base/utf8.h - UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * Source: RFC 3629. */
#pragma once
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at text[0..len), 0 when it is not UTF-8 or len is 0. *ret is the code
 * point, untouched on 0. */
size_t bh_utf8_decode(const char *text, size_t len, uint32_t *ret) BH_NONNULL;
/* Writes code (at most U+10FFFF) to text[0..4); returns the bytes used. */
size_t bh_utf8_encode(uint32_t code, char *text) BH_NONNULL;
bool bh_utf8_valid(const char *text, size_t len) BH_NONNULL;
