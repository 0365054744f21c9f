/* policy/parser.h - conditions: text in, syntax tree out.
 *
 * The grammar is Falco's, with its oddities ("existsand" reads as "exists and"). Nothing is looked
 * up here: fields, macros and lists are the checker's business. */
#pragma once
#include "base/error.h"
#include "policy/ast.h"

#define BH_CONDITION_SIZE_MAX (256u * 1024u) /* bytes of text */
#define BH_CONDITION_DEPTH_MAX 100u          /* parentheses, nots and transformers inside another */
#define BH_CONDITION_NODES_MAX 65536u        /* of one condition */

struct bh_condition; /* owns its nodes and strings; the text is not kept */

/* Parses text[0..len), which need not be NUL terminated.
 * Owner:  on success *ret is the caller's (bh_condition_free).
 * Errors: BH_INVALID  breaks the grammar, or holds a NUL byte
 *         BH_LIMIT    longer, deeper or with more nodes than the limits above
 *         The message has no position; *ret_at (may be NULL) is set to the place of the fault. */
int bh_condition_parse(const char *text, size_t len, struct bh_condition **ret,
                       struct bh_position *ret_at, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 3);

void bh_condition_free(struct bh_condition *c); /* NULL is allowed */
static inline void bh_condition_freep(struct bh_condition **c)
{
    bh_condition_free(*c);
}

/* Borrowed until bh_condition_free. */
const struct bh_expr *bh_condition_root(const struct bh_condition *c) BH_NONNULL BH_RETURNS_NONNULL;
