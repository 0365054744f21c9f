#include "base/node.h"

#include "base/tree.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FEW_MEMBERS 12u /* up to here comparing all pairs is cheaper than sorting */

static const char *const kind_names[] = {
    [BH_NODE_NULL] = "null",     [BH_NODE_BOOL] = "boolean",  [BH_NODE_INT] = "integer",
    [BH_NODE_REAL] = "real",     [BH_NODE_STRING] = "string", [BH_NODE_ARRAY] = "array",
    [BH_NODE_OBJECT] = "object",
};

struct bh_tree *bh_tree_new(void)
{
    struct bh_tree *t = bh_new0(sizeof *t);

    t->arena = bh_arena_new();
    return t;
}

void bh_tree_free(struct bh_tree *t)
{
    if (!t)
        return;
    bh_arena_free(t->arena);
    free(t);
}

struct bh_node *bh_tree_add(struct bh_tree *t, enum bh_node_kind kind, uint32_t line,
                            uint32_t column)
{
    struct bh_node *n = bh_arena_alloc(t->arena, sizeof *n);

    n->kind = kind;
    n->line = line;
    n->column = column;
    return n;
}

const struct bh_node *bh_tree_root(const struct bh_tree *t)
{
    return t->root;
}

static int compare_keys(const void *a, const void *b)
{
    const struct bh_node *const *left = a;
    const struct bh_node *const *right = b;
    int order = strcmp((*left)->key, (*right)->key);

    if (order)
        return order;
    if ((*left)->key_line != (*right)->key_line)
        return (*left)->key_line < (*right)->key_line ? -1 : 1;
    return (*left)->key_column < (*right)->key_column ? -1 : 1;
}

const struct bh_node *bh_node_find_duplicate(const struct bh_node *object)
{
    BH_AUTO(bh_freep) const struct bh_node **members = NULL;
    size_t count = 0;

    if (object->count <= FEW_MEMBERS) {
        for (const struct bh_node *a = object->first; a; a = a->next)
            for (const struct bh_node *b = object->first; b != a; b = b->next)
                if (strcmp(a->key, b->key) == 0)
                    return a;
        return NULL;
    }
    members = bh_new_array(object->count, sizeof *members);
    for (const struct bh_node *m = object->first; m; m = m->next)
        members[count++] = m;
    qsort(members, count, sizeof *members, compare_keys);
    for (size_t i = 1; i < count; i++)
        if (strcmp(members[i - 1]->key, members[i]->key) == 0)
            return members[i];
    return NULL;
}

const struct bh_node *bh_node_first(const struct bh_node *n)
{
    if (!n || (n->kind != BH_NODE_ARRAY && n->kind != BH_NODE_OBJECT))
        return NULL;
    return n->first;
}

const struct bh_node *bh_node_get(const struct bh_node *n, const char *key)
{
    if (!n || n->kind != BH_NODE_OBJECT)
        return NULL;
    for (const struct bh_node *m = n->first; m; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

const struct bh_node *bh_node_path(const struct bh_node *n, ...)
{
    const char *key;
    va_list keys;

    va_start(keys, n);
    while (n && (key = va_arg(keys, const char *)))
        n = bh_node_get(n, key);
    va_end(keys);
    return n;
}

const struct bh_node *bh_node_at(const struct bh_node *n, size_t index)
{
    const struct bh_node *child = bh_node_first(n);

    while (child && index--)
        child = child->next;
    return child;
}

const char *bh_node_string(const struct bh_node *n)
{
    return n && n->kind == BH_NODE_STRING ? n->string : NULL;
}

const char *bh_node_string_or(const struct bh_node *n, const char *otherwise)
{
    return n && n->kind == BH_NODE_STRING ? n->string : otherwise;
}

bool bh_node_is(const struct bh_node *n, enum bh_node_kind kind)
{
    return n && n->kind == kind;
}

int64_t bh_node_int_or(const struct bh_node *n, int64_t otherwise)
{
    return n && n->kind == BH_NODE_INT ? n->integer : otherwise;
}

bool bh_node_bool_or(const struct bh_node *n, bool otherwise)
{
    return n && n->kind == BH_NODE_BOOL ? n->boolean : otherwise;
}

const char *bh_node_kind_name(enum bh_node_kind kind)
{
    return (size_t)kind < BH_COUNT_OF(kind_names) ? kind_names[kind] : "unknown";
}
