/* advisory/version_order.h - the single orders behind bh_version_compare, and what they share.
 *
 * For version*.c only. */
#pragma once
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* A piece of a version, borrowed. */
struct bh_span {
    const char *at;
    size_t len;
};

static inline bool bh_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool bh_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline char bh_to_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c - 'A' + 'a') : c;
}

/* The longest run of digits (letters) at the start of text. */
struct bh_span bh_span_digits(const char *text);
struct bh_span bh_span_letters(const char *text);
struct bh_span bh_span_of(const char *text) BH_NONNULL;
bool bh_span_is(struct bh_span s, const char *text, bool fold_case) BH_NONNULL;
bool bh_span_is_number(struct bh_span s); /* not empty and digits only */
/* Values of digit runs of any length; an empty run is 0. */
int bh_span_compare_numbers(struct bh_span a, struct bh_span b);
/* Bytes, then length. */
int bh_span_compare_bytes(struct bh_span a, struct bh_span b, bool fold_case);

int bh_order_deb(const char *a, const char *b) BH_NONNULL;
int bh_order_apk(const char *a, const char *b) BH_NONNULL;
int bh_order_rpm(const char *a, const char *b) BH_NONNULL;
int bh_order_semver(const char *a, const char *b) BH_NONNULL;
int bh_order_nuget(const char *a, const char *b) BH_NONNULL;
int bh_order_pub(const char *a, const char *b) BH_NONNULL;
int bh_order_dotted(const char *a, const char *b) BH_NONNULL;
int bh_order_pypi(const char *a, const char *b) BH_NONNULL;
int bh_order_gem(const char *a, const char *b) BH_NONNULL;
int bh_order_maven(const char *a, const char *b) BH_NONNULL;
int bh_order_composer(const char *a, const char *b) BH_NONNULL;
