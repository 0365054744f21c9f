/* policy/match.h - the string operators of conditions: globs, path prefixes, bytes in hexadecimal.
 *
 * Text is bytes; "i" variants fold ASCII letters only. Matching allocates nothing. */
#pragma once
#include "base/buf.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* '*' any bytes ('/' and a leading dot too), '?' one byte, [a-z] [!a-z] classes, '\' takes the
 * next byte literally. Time is at most pattern size times text size.
 * Source: fnmatch(3) without flags, which is what Falco's glob does. */
bool bh_match_glob(const char *pattern, const char *text, bool ignore_case) BH_NONNULL;

/* Globs with groups, @(a|b) ?(a) *(a|b) +(a), as fnmatch(3) has them with FNM_EXTMATCH, are written
 * as regular expressions (policy/regex.h). false when the pattern has no group: nothing is
 * appended. !(a), everything but, cannot be written so: *ret_bad is set. */
bool bh_match_glob_regex(const char *pattern, bool ignore_case, struct bh_buf *out, bool *ret_bad)
    BH_NONNULL;

/* true when path is prefix or lies below it: "/usr" holds "/usr/bin", not "/usrlocal". A component
 * of prefix may be a glob. */
bool bh_match_path(const char *prefix, const char *path) BH_NONNULL;

bool bh_match_starts(const char *text, const char *start) BH_NONNULL;
bool bh_match_ends(const char *text, const char *end) BH_NONNULL;

/* bytes, as decoded from hexadecimal digits, are found in text (anywhere, or at its beginning). */
bool bh_match_bytes(const char *text, size_t text_len, const uint8_t *bytes, size_t len,
                    bool at_start) BH_NONNULL;
/* out holds strlen(digits) / 2 bytes. false when digits are not an even number of them. */
bool bh_match_parse_hex(const char *digits, uint8_t *out, size_t *ret_len) BH_NONNULL;
