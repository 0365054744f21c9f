/* policy/ast.h - the syntax tree of a condition.
 *
 * Nodes live in the arena of their condition (policy/parser.h) and are immutable once parsed. Every
 * node keeps its place, so that an error found later still names the column.
 * Source: the grammar of Falco's conditions (docs/policy.md lists it whole). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in the text of one condition: offset in bytes from 0, line and column (bytes) from 1. */
struct bh_position {
    uint32_t offset, line, column;
};

enum bh_operator {
    BH_OP_EXISTS,
    BH_OP_EQ,
    BH_OP_NE,
    BH_OP_LT,
    BH_OP_LE,
    BH_OP_GT,
    BH_OP_GE,
    BH_OP_CONTAINS,
    BH_OP_ICONTAINS,
    BH_OP_BCONTAINS,
    BH_OP_STARTSWITH,
    BH_OP_BSTARTSWITH,
    BH_OP_ENDSWITH,
    BH_OP_GLOB,
    BH_OP_IGLOB,
    BH_OP_REGEX,
    BH_OP_IN,
    BH_OP_INTERSECTS,
    BH_OP_PMATCH,
};
#define BH_OP_COUNT 19

/* How a string operator meets a list of values: "proc.name startswith anyof (a, b)". */
enum bh_modifier { BH_MODIFIER_NONE, BH_MODIFIER_ONEOF, BH_MODIFIER_ANYOF, BH_MODIFIER_ALLOF };

enum bh_transformer {
    BH_TRANSFORM_TOLOWER,
    BH_TRANSFORM_TOUPPER,
    BH_TRANSFORM_B64, /* decodes */
    BH_TRANSFORM_BASENAME,
    BH_TRANSFORM_LEN,
    BH_TRANSFORM_JOIN,
    BH_TRANSFORM_CONCAT,
    BH_TRANSFORM_GETOPT,
    BH_TRANSFORM_VAL, /* right side only: the value of a field */
};
#define BH_TRANSFORM_COUNT 9

enum bh_ast_term_kind {
    BH_TERM_FIELD, /* text is its name, index what stood in brackets */
    BH_TERM_VALUE, /* text */
    BH_TERM_NAME,  /* text is the name of a list, as in "x in shells" */
    BH_TERM_LIST,  /* first: values; a bare one may name a list */
    BH_TERM_CALL,  /* transformer, first: arguments */
};

/* One side of a comparison. */
struct bh_ast_term {
    enum bh_ast_term_kind kind;
    enum bh_transformer transformer;
    struct bh_position at;
    bool quoted; /* text stood in quotes: never the name of a list */
    uint32_t count;
    const char *text;
    const char *index; /* of a field, or of getopt(...)[x]; NULL when there is none */
    struct bh_ast_term *first, *next;
};

enum bh_expr_kind {
    BH_EXPR_AND,
    BH_EXPR_OR,
    BH_EXPR_NOT,
    BH_EXPR_CHECK, /* left op right */
    BH_EXPR_NAME,  /* a macro */
};

struct bh_expr {
    enum bh_expr_kind kind;
    enum bh_operator op;
    enum bh_modifier modifier;
    struct bh_position at, op_at;
    const char *name;                 /* of the macro */
    struct bh_expr *first, *next;     /* operands of and, or, not; the following operand */
    struct bh_ast_term *left, *right; /* right is NULL for exists */
};

const char *bh_operator_name(enum bh_operator op) __attribute__((returns_nonnull));
const char *bh_modifier_name(enum bh_modifier m) __attribute__((returns_nonnull));
const char *bh_transformer_name(enum bh_transformer t) __attribute__((returns_nonnull));
