/* base/node.h - the tree that JSON and YAML documents are read into.
 *
 * Immutable once read; every node keeps the line and column (from 1) it began at, so that an error
 * about a value can name its place. A tree owns its nodes and strings through one arena.
 * Accessors take NULL and nodes of another kind, and answer as if the value were absent, so that a
 * chain of lookups needs one check at its end. */
#pragma once
#include "base/error.h"

#include <stdint.h>

enum bh_node_kind {
    BH_NODE_NULL,
    BH_NODE_BOOL,
    BH_NODE_INT,  /* fits in int64_t */
    BH_NODE_REAL, /* any other number */
    BH_NODE_STRING,
    BH_NODE_ARRAY,
    BH_NODE_OBJECT,
};

struct bh_node {
    enum bh_node_kind kind;
    uint32_t line, column;
    const char *key; /* member name inside an object, else NULL */
    uint32_t key_line, key_column;
    size_t count;         /* elements, members, or bytes of a string */
    struct bh_node *next; /* next sibling */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *string;    /* NUL terminated; may hold no NUL inside */
        struct bh_node *first; /* first element or member, in document order */
    };
};

struct bh_tree;
void bh_tree_free(struct bh_tree *t); /* NULL is allowed */
static inline void bh_tree_freep(struct bh_tree **t)
{
    bh_tree_free(*t);
}
const struct bh_node *bh_tree_root(const struct bh_tree *t) BH_NONNULL BH_RETURNS_NONNULL;

/* For (const struct bh_node *child = bh_node_first(n); child; child = child->next) */
const struct bh_node *bh_node_first(const struct bh_node *n);
/* The member named key, or NULL. Linear: documents with thousands of members are walked instead. */
const struct bh_node *bh_node_get(const struct bh_node *n, const char *key);
/* Follows keys until NULL: bh_node_path(root, "config", "User", NULL). */
const struct bh_node *bh_node_path(const struct bh_node *n, ...) __attribute__((sentinel));
const struct bh_node *bh_node_at(const struct bh_node *n, size_t index);

/* NULL unless n is a string. */
const char *bh_node_string(const struct bh_node *n);
const char *bh_node_string_or(const struct bh_node *n, const char *otherwise);
bool bh_node_is(const struct bh_node *n, enum bh_node_kind kind);
int64_t bh_node_int_or(const struct bh_node *n, int64_t otherwise);
bool bh_node_bool_or(const struct bh_node *n, bool otherwise);
const char *bh_node_kind_name(enum bh_node_kind kind) BH_RETURNS_NONNULL;
