/* Image configurations; the declarations are in image/manifest.h.
 * Source: OCI image-spec 1.1 config.md; Docker writes null where the specification leaves out. */
#include "base/json.h"
#include "image/manifest.h"
#include "image/read_node.h"

#include <string.h>

/* Entrypoint and Cmd: a list, or one string as early Docker wrote it. */
static int read_command(struct bh_arena *a, const struct bh_node *n, const char *name,
                        const char *const **ret, struct bh_error *err)
{
    const char *one = bh_node_string(bh_node_get(n, name));
    const char **list;

    if (!one)
        return bh_read_list(a, n, name, ret, err);
    list = bh_arena_alloc(a, 2 * sizeof *list);
    list[0] = bh_arena_strdup(a, one);
    *ret = list;
    return 0;
}

static int read_labels(struct bh_arena *a, const struct bh_node *object,
                       struct bh_image_config *image, struct bh_error *err)
{
    const struct bh_node *n;
    const char **names, **values;
    size_t count = 0;
    int e = bh_read_member(object, "Labels", BH_NODE_OBJECT, &n, err);

    if (e < 0)
        return e;
    names = bh_arena_alloc(a, ((n ? n->count : 0) + 1) * sizeof *names);
    values = bh_arena_alloc(a, ((n ? n->count : 0) + 1) * sizeof *values);
    for (const struct bh_node *c = bh_node_first(n); c; c = c->next) {
        if (c->kind != BH_NODE_STRING)
            return bh_node_bad(c, "Labels", "an object of strings", err);
        names[count] = bh_arena_strdup(a, c->key);
        values[count++] = bh_arena_strdup(a, c->string);
    }
    image->label_names = names;
    image->label_values = values;
    return 0;
}

static int read_healthcheck(const struct bh_node *object, bool *ret, struct bh_error *err)
{
    const struct bh_node *n, *test;
    const char *first;
    int e = bh_read_member(object, "Healthcheck", BH_NODE_OBJECT, &n, err);

    if (e < 0)
        return e;
    e = bh_read_member(n, "Test", BH_NODE_ARRAY, &test, err);
    if (e < 0)
        return e;
    first = bh_node_string(bh_node_first(test));
    *ret = first && strcmp(first, "NONE") != 0;
    return 0;
}

/* The member "config": what a container starts with. */
static int read_execution(struct bh_oci_config *c, const struct bh_node *root, struct bh_error *err)
{
    struct bh_image_config *image = &c->image;
    const struct bh_node *n;
    int e = bh_read_member(root, "config", BH_NODE_OBJECT, &n, err);

    if (e < 0 || (e = bh_read_text(c->arena, n, "User", &image->user, err)) < 0 ||
        (e = bh_read_text(c->arena, n, "WorkingDir", &image->working_dir, err)) < 0 ||
        (e = bh_read_text(c->arena, n, "StopSignal", &image->stop_signal, err)) < 0 ||
        (e = bh_read_list(c->arena, n, "Env", &image->env, err)) < 0 ||
        (e = read_command(c->arena, n, "Entrypoint", &image->entrypoint, err)) < 0 ||
        (e = read_command(c->arena, n, "Cmd", &image->cmd, err)) < 0 ||
        (e = bh_read_keys(c->arena, n, "ExposedPorts", &image->exposed_ports, err)) < 0 ||
        (e = bh_read_keys(c->arena, n, "Volumes", &image->volumes, err)) < 0 ||
        (e = read_labels(c->arena, n, image, err)) < 0)
        return e;
    if (!image->user)
        image->user = "";
    return read_healthcheck(n, &image->has_healthcheck, err);
}

static int read_diff_ids(struct bh_oci_config *c, const struct bh_node *root, struct bh_error *err)
{
    const struct bh_node *rootfs, *ids;
    int e = bh_read_member(root, "rootfs", BH_NODE_OBJECT, &rootfs, err);

    if (e < 0 || (e = bh_read_member(rootfs, "diff_ids", BH_NODE_ARRAY, &ids, err)) < 0)
        return e;
    if (!rootfs)
        return bh_fail(err, BH_INVALID, "no image configuration: \"rootfs\" is missing");
    if (!ids)
        return 0;
    if (ids->count > BH_MANIFEST_LAYERS_MAX)
        return bh_fail(err, BH_LIMIT, "%zu diff_ids, limit %u", ids->count, BH_MANIFEST_LAYERS_MAX);
    c->diff_ids = bh_arena_alloc(c->arena, ids->count * sizeof *c->diff_ids);
    for (const struct bh_node *n = bh_node_first(ids); n; n = n->next) {
        if (n->kind != BH_NODE_STRING)
            return bh_node_bad(n, "diff_ids", "a list of digests", err);
        e = bh_digest_parse(n->string, &c->diff_ids[c->diff_id_count], err);
        if (e < 0)
            return bh_wrap(err, "diff_ids at line %u, column %u", n->line, n->column);
        c->diff_id_count++;
    }
    return 0;
}

/* Entries that made a layer are matched with the layers in order, which is all the specification
 * gives; some builders write none, so a difference in number is no error. */
static int read_history(struct bh_oci_config *c, const struct bh_node *root, struct bh_error *err)
{
    const struct bh_node *n;
    const char **all;
    size_t count = 0, layer = 0;
    int e = bh_read_member(root, "history", BH_NODE_ARRAY, &n, err);

    if (e < 0)
        return e;
    if (n && n->count > BH_MANIFEST_LAYERS_MAX)
        return bh_fail(err, BH_LIMIT, "%zu history entries, limit %u", n->count,
                       BH_MANIFEST_LAYERS_MAX);
    c->layer_created_by = bh_arena_alloc(c->arena, (c->diff_id_count + 1) * sizeof *all);
    for (size_t i = 0; i < c->diff_id_count; i++)
        c->layer_created_by[i] = "";
    all = bh_arena_alloc(c->arena, ((n ? n->count : 0) + 1) * sizeof *all);
    c->image.history = all;
    for (const struct bh_node *h = bh_node_first(n); h; h = h->next) {
        const struct bh_node *empty;
        const char *by;

        if (h->kind != BH_NODE_OBJECT)
            return bh_node_bad(h, "history", "a list of objects", err);
        if ((e = bh_read_text(c->arena, h, "created_by", &by, err)) < 0 ||
            (e = bh_read_member(h, "empty_layer", BH_NODE_BOOL, &empty, err)) < 0)
            return e;
        all[count++] = by ? by : "";
        if (!(empty && empty->boolean) && layer < c->diff_id_count)
            c->layer_created_by[layer++] = by ? by : "";
    }
    return 0;
}

static int read_config(struct bh_oci_config *c, const struct bh_node *root, struct bh_error *err)
{
    struct bh_image_config *image = &c->image;
    int e;

    if (!bh_node_is(root, BH_NODE_OBJECT))
        return bh_node_bad(root, "configuration", "an object", err);
    image->known = true;
    if ((e = bh_read_text(c->arena, root, "created", &image->created, err)) < 0 ||
        (e = bh_read_text(c->arena, root, "author", &image->author, err)) < 0 ||
        (e = bh_read_text(c->arena, root, "os", &image->os, err)) < 0 ||
        (e = bh_read_text(c->arena, root, "architecture", &image->architecture, err)) < 0 ||
        (e = bh_read_text(c->arena, root, "variant", &image->variant, err)) < 0 ||
        (e = read_execution(c, root, err)) < 0 || (e = read_diff_ids(c, root, err)) < 0)
        return e;
    return read_history(c, root, err);
}

int bh_oci_config_parse(const char *text, size_t len, struct bh_oci_config **ret,
                        struct bh_error *err)
{
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *c = NULL;
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    int e;

    if (len > BH_MANIFEST_MAX)
        return bh_fail(err, BH_LIMIT, "configuration of %zu bytes, limit %u (4 MiB)", len,
                       BH_MANIFEST_MAX);
    if ((e = bh_json_parse(text, len, NULL, &tree, err)) < 0)
        return e;
    c = bh_new0(sizeof *c);
    c->arena = bh_arena_new();
    if ((e = read_config(c, bh_tree_root(tree), err)) < 0)
        return e;
    *ret = BH_TAKE(c);
    return 0;
}

void bh_oci_config_free(struct bh_oci_config *c)
{
    if (!c)
        return;
    bh_arena_free(c->arena);
    free(c);
}
