/* policy/lexer.h - the tokens of a condition.
 *
 * The grammar decides from the context what a run of bytes is ("not" is an operator, a macro's
 * beginning or a value), so there is no token stream: the parser asks for what may come next, and
 * each function either takes it and moves on, or leaves the place untouched.
 * The text need not be NUL terminated; it holds no NUL byte (the parser refuses one). */
#pragma once
#include "base/error.h"
#include "base/mem.h"
#include "policy/ast.h"

struct bh_lexer {
    const char *text;
    size_t len;
    struct bh_position at;
};

/* A token: bytes inside the lexer's text. */
struct bh_token {
    const char *text;
    size_t len;
    struct bh_position at;
};

void bh_lexer_init(struct bh_lexer *l, const char *text, size_t len) BH_NONNULL;
bool bh_lexer_at_end(const struct bh_lexer *l) BH_NONNULL;
/* The next byte, 0 at the end. */
char bh_lexer_peek(const struct bh_lexer *l) BH_NONNULL;

/* Blanks are space, tab, newline, carriage return, backspace, vertical tab and form feed. */
bool bh_lex_blank(struct bh_lexer *l) BH_NONNULL;
/* Exactly these bytes, whatever follows. */
bool bh_lex_text(struct bh_lexer *l, const char *text) BH_NONNULL;
/* A word with something else than a letter, digit or underscore behind it. */
bool bh_lex_word(struct bh_lexer *l, const char *word) BH_NONNULL;
/* [a-zA-Z]+[a-zA-Z0-9_]* */
bool bh_lex_identifier(struct bh_lexer *l, struct bh_token *ret) BH_NONNULL;
/* identifier(.identifier)+ */
bool bh_lex_field(struct bh_lexer *l, struct bh_token *ret) BH_NONNULL;
/* Anything but blanks, brackets and quotes: what stands in a field's brackets. */
bool bh_lex_index(struct bh_lexer *l, struct bh_token *ret) BH_NONNULL;
/* Anything but blanks, parentheses, quotes, '=' and ','. */
bool bh_lex_bare(struct bh_lexer *l, struct bh_token *ret) BH_NONNULL;
/* 0x1F, 12, -1.5, 1e+9 */
bool bh_lex_number(struct bh_lexer *l, struct bh_token *ret) BH_NONNULL;

/* A string in single or double quotes, unescaped into the arena. *ret is NULL when no quote comes
 * next. Known escapes: \b \f \n \r \t \\ \/ and the quote itself; "\ " reads as a backslash.
 * Errors: BH_INVALID unknown escape, or no closing quote; l->at is the place of the fault. */
int bh_lex_quoted(struct bh_lexer *l, struct bh_arena *a, const char **ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);
