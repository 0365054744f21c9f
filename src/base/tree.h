/* base/tree.h - how the readers of JSON and YAML build a tree; no other room includes it. */
#pragma once
#include "base/mem.h"
#include "base/node.h"

struct bh_tree {
    struct bh_arena *arena;
    const struct bh_node *root;
};

struct bh_tree *bh_tree_new(void) BH_RETURNS_NONNULL;
/* A zeroed node of the tree. */
struct bh_node *bh_tree_add(struct bh_tree *t, enum bh_node_kind kind, uint32_t line,
                            uint32_t column) BH_NONNULL BH_RETURNS_NONNULL;

/* A member of object that has the key of an earlier one, or NULL. Sorts, so that an object of a
 * million members costs no more than reading it. */
const struct bh_node *bh_node_find_duplicate(const struct bh_node *object) BH_NONNULL;
