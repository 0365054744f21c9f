/* policy/source.h - a rule file's text, and where in it a byte of a condition stands.
 *
 * YAML folds and unescapes what it reads, so the offset of a fault inside a condition says nothing
 * about its line. But every byte of the value that is no blank stands in the file in the same
 * order: walking both finds the place. */
#pragma once
#include "base/node.h"
#include "policy/ast.h"

struct bh_source {
    const char *path;
    char *text; /* NUL terminated */
    size_t len;
    struct bh_tree *tree;
};

/* The place in the file of byte `offset` of the string node. Falls back to where the node began
 * when the two texts do not agree (an alias). */
void bh_source_locate(const struct bh_source *s, const struct bh_node *node, size_t offset,
                      uint32_t *ret_line, uint32_t *ret_column) BH_NONNULL;
