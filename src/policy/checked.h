/* policy/checked.h - conditions after checking: what evaluate.c walks. Only policy/ includes this.
 *
 * Operators are bound to types, values are converted, patterns compiled, macros shared: nothing is
 * left that can fail but memory. Everything lives in the arena of the scope. */
#pragma once
#include "fact/field.h"
#include "policy/regex.h"
#include "policy/scope.h"

enum bh_operand_kind { BH_OPERAND_FIELD, BH_OPERAND_TEXT, BH_OPERAND_LIST, BH_OPERAND_CALL };

#define BH_OPERAND_LEAVES_MAX 64u /* fields and values in one join or concat */

struct bh_operand {
    enum bh_operand_kind kind;
    enum bh_value_kind type; /* of what it yields */
    enum bh_transformer transformer;
    bool any_type;                /* a declared field: its type is not known yet */
    const struct bh_field *field; /* NULL for a declared one */
    const char *text;             /* of a value; name of the field */
    const char *key;              /* field[key], getopt()[key] */
    int64_t index;                /* field[0]; -1 when there is none */
    size_t count, leaves;
    const struct bh_operand *const *parts; /* arguments, list elements */
};

/* Constants of the right side, in the form the operator wants. */
struct bh_constants {
    size_t count;
    const char **strings; /* sorted for =, != and in, when there is no modifier */
    int64_t *integers;    /* also booleans and severities */
    const struct bh_regex **patterns;
    uint8_t **bytes;
    size_t *byte_counts;
};

enum bh_checked_kind {
    BH_CHECKED_AND,
    BH_CHECKED_OR,
    BH_CHECKED_NOT,
    BH_CHECKED_TEST,
    BH_CHECKED_MACRO
};

/* Classes of records a condition speaks of, as bits. */
#define BH_CLASS_BIT(record) (1u << (record))
#define BH_CLASS_RUNTIME (1u << 30) /* a declared field: events only */

struct bh_checked {
    enum bh_checked_kind kind;
    enum bh_operator op;
    enum bh_modifier modifier;
    uint32_t classes, depth;
    const struct bh_macro *macro;
    size_t count;
    const struct bh_checked **children;
    const struct bh_operand *left, *right; /* right NULL when constants serve */
    struct bh_constants constants;
};
