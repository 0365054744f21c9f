/* policy/program.h - checking a condition and asking it about a record.
 *
 * Logic: BH_LOGIC_TWO is Falco's for events: what cannot be read makes a comparison false.
 * BH_LOGIC_THREE is for gates: what was not looked at makes it unknown, and unknown spreads through
 * and, or, not as in SQL. In both, a field that was looked at and has no value makes every
 * comparison false. */
#pragma once
#include "base/buf.h"
#include "fact/field.h"
#include "policy/scope.h"

struct bh_program; /* lives in the scope's arena; immutable, may be shared by threads */

enum bh_truth { BH_FALSE, BH_TRUE, BH_UNDECIDED };
enum bh_logic { BH_LOGIC_TWO, BH_LOGIC_THREE };

/* Where a check failed. */
struct bh_check_place {
    const struct bh_macro *macro; /* the fault is inside it; NULL: in the condition itself */
    struct bh_position at;
};

/* Checks names, types and operators.
 * Errors: BH_INVALID, BH_LIMIT; *ret_place (may be NULL) is set. The message has no position.
 *         A macro that is broken itself was reported when it was checked: BH_EXISTS then. */
int bh_program_check(const struct bh_expr *expr, struct bh_scope *scope,
                     const struct bh_program **ret, struct bh_check_place *ret_place,
                     struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);
/* The same for a macro of the scope, so that its faults are told once. */
int bh_macro_check(struct bh_macro *macro, struct bh_scope *scope, struct bh_check_place *ret_place,
                   struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2);

/* Reads fields that are declared but provided by no room: for events only. */
bool bh_program_is_runtime(const struct bh_program *p) BH_NONNULL;
/* Which records it must be asked about: vuln rules once per vulnerability, and so on.
 * Errors: BH_INVALID when it mixes records that have nothing to do with each other. */
int bh_program_class(const struct bh_program *p, enum bh_record_class *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);

enum bh_truth bh_program_evaluate(const struct bh_program *p, const struct bh_record *r,
                                  enum bh_logic logic) BH_NONNULL;

/* Calls sink for each field that decided the answer of bh_program_evaluate (three-valued): those
 * that made it true or false, or those that are missing when it is undecided. A field comes once;
 * known false means it was not looked at. Stops after limit fields. */
struct bh_deciding {
    const char *field; /* with its index */
    enum bh_known known;
    struct bh_value value; /* valid during the call only */
};
typedef void (*bh_deciding_sink)(void *context, const struct bh_deciding *d);
void bh_program_explain(const struct bh_program *p, const struct bh_record *r, size_t limit,
                        bh_deciding_sink sink, void *context) BH_NONNULL_ARGS(1, 2, 4);

/* The value as text: "true", "12", "a, b", "high". */
void bh_value_format(struct bh_buf *b, const struct bh_value *v) BH_NONNULL;
/* The longest is cut off with "..." to at most max bytes. */
void bh_value_format_short(struct bh_buf *b, const struct bh_value *v, size_t max) BH_NONNULL;
