/* policy/regex.h - regular expressions that cannot be made to run for ever.
 *
 * A simulated automaton: time is at most pattern size times text size, whatever the pattern, so a
 * rule file from a stranger cannot stall a gate. No library, for the front and the sensor start
 * with the evaluator. The whole text must match, as in Falco ("regex" is RE2's FullMatch).
 * Known: literals . [class] [^class] [[:alpha:]] \d \D \w \W \s \S \b \B ^ $ | ( ) (?: ) * + ?
 * {n,m} their lazy forms (the answer is the same), \x41, \n \t \r \f \v, \Q..\E is not, and (?i)
 * (?s) at the beginning. Bytes are matched, not characters. No back references and no look-around.
 * Source: the syntax page of RE2; limits here are smaller. */
#pragma once
#include "base/error.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

#define BH_REGEX_PROGRAM_MAX 1024u     /* instructions, after repetitions are written out */
#define BH_REGEX_ALTERNATIVES_MAX 256u /* of one group */
#define BH_REGEX_DEPTH_MAX 50u         /* groups inside groups */

struct bh_regex; /* lives in the arena it was compiled into; immutable, shared freely */

/* Errors: BH_INVALID breaks the syntax, BH_LIMIT too large; the message says at which byte. */
int bh_regex_compile(const char *pattern, struct bh_arena *arena, const struct bh_regex **ret,
                     struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);
bool bh_regex_match(const struct bh_regex *r, const char *text, size_t len) BH_NONNULL;
