#include "image/read_node.h"

int bh_node_bad(const struct bh_node *n, const char *name, const char *wanted, struct bh_error *err)
{
    return bh_fail(err, BH_INVALID, "\"%s\" must be %s, is %s at line %u, column %u", name, wanted,
                   bh_node_kind_name(n->kind), n->line, n->column);
}

int bh_read_member(const struct bh_node *object, const char *name, enum bh_node_kind kind,
                   const struct bh_node **ret, struct bh_error *err)
{
    const struct bh_node *n = bh_node_get(object, name);

    if (n && n->kind == BH_NODE_NULL)
        n = NULL;
    if (n && n->kind != kind)
        return bh_node_bad(n, name, bh_node_kind_name(kind), err);
    *ret = n;
    return 0;
}

int bh_read_text(struct bh_arena *a, const struct bh_node *object, const char *name,
                 const char **ret, struct bh_error *err)
{
    const struct bh_node *n;
    int e = bh_read_member(object, name, BH_NODE_STRING, &n, err);

    if (e < 0)
        return e;
    *ret = n ? bh_arena_strdup(a, n->string) : NULL;
    return 0;
}

int bh_read_list(struct bh_arena *a, const struct bh_node *object, const char *name,
                 const char *const **ret, struct bh_error *err)
{
    const struct bh_node *n;
    const char **list;
    size_t count = 0;
    int e = bh_read_member(object, name, BH_NODE_ARRAY, &n, err);

    if (e < 0)
        return e;
    list = bh_arena_alloc(a, ((n ? n->count : 0) + 1) * sizeof *list);
    for (const struct bh_node *c = bh_node_first(n); c; c = c->next) {
        if (c->kind != BH_NODE_STRING)
            return bh_node_bad(c, name, "a list of strings", err);
        list[count++] = bh_arena_strdup(a, c->string);
    }
    *ret = list;
    return 0;
}

int bh_read_keys(struct bh_arena *a, const struct bh_node *object, const char *name,
                 const char *const **ret, struct bh_error *err)
{
    const struct bh_node *n;
    const char **list;
    size_t count = 0;
    int e = bh_read_member(object, name, BH_NODE_OBJECT, &n, err);

    if (e < 0)
        return e;
    list = bh_arena_alloc(a, ((n ? n->count : 0) + 1) * sizeof *list);
    for (const struct bh_node *c = bh_node_first(n); c; c = c->next)
        list[count++] = bh_arena_strdup(a, c->key);
    *ret = list;
    return 0;
}
