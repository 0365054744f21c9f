/* policy/scope.h - what the names in conditions mean: macros, lists, and fields nobody reads yet.
 *
 * Owned by a policy (policy/rules.h) or by a test. A macro is checked once and shared by all who
 * name it. */
#pragma once
#include "base/mem.h"
#include "policy/ast.h"

struct bh_checked;

enum bh_macro_state { BH_MACRO_UNCHECKED, BH_MACRO_BUSY, BH_MACRO_CHECKED, BH_MACRO_BROKEN };

struct bh_macro {
    const char *name;
    const struct bh_expr *expr;
    const void *owner; /* the caller's: where the macro was written */
    bool used;
    /* The checker's. */
    enum bh_macro_state state;
    uint32_t slot; /* of its answer while one record is looked at */
    const struct bh_checked *checked;
};

struct bh_list {
    const char *name;
    const char *const *items; /* NULL terminated; an item may name another list */
    bool used;
    bool busy; /* the checker's, against lists that hold themselves */
};

/* A field some condition names and that is declared (policy/declared.h) but read by no room. */
struct bh_unread {
    const char *field;
    const struct bh_macro *macro; /* that holds the place, NULL for the condition itself */
    const void *owner;            /* the scope's at that time */
    struct bh_position at;
    size_t order; /* the caller's, for sorting */
};

struct bh_scope {
    struct bh_arena *arena;  /* checked conditions live here */
    struct bh_macro *macros; /* sorted by name */
    size_t macro_count;
    struct bh_list *lists; /* sorted by name */
    size_t list_count;
    uint32_t slots;           /* handed out to macros so far */
    struct bh_unread *unread; /* every use, in the order met; freed by bh_scope_done */
    size_t unread_count, unread_cap;
    const void *owner; /* the caller's: what is being checked */
};

struct bh_macro *bh_scope_macro(const struct bh_scope *s, const char *name) BH_NONNULL;
struct bh_list *bh_scope_list(const struct bh_scope *s, const char *name) BH_NONNULL;
/* Sorts macros and lists; to be called when all are in. */
void bh_scope_sort(struct bh_scope *s) BH_NONNULL;
void bh_scope_done(struct bh_scope *s) BH_NONNULL;
