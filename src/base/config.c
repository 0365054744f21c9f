#include "base/config.h"

#include "base/config_files.h"
#include "base/nearest.h"

#include <stdlib.h>
#include <string.h>

void bh_config_free(struct bh_config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        free(c->files[i].path);
        bh_tree_free(c->files[i].tree);
    }
    free(c);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const struct bh_config_key *find_key(const struct bh_config_key *known, const char *section,
                                            const char *name)
{
    for (; known->section || known->name; known++)
        if (same(known->section, section) && same(known->name, name))
            return known;
    return NULL;
}

static int fail_unknown(const struct bh_config_source *f, const struct bh_config_key *known,
                        const char *section, const struct bh_node *n, struct bh_error *err)
{
    struct bh_nearest nearest;

    bh_nearest_init(&nearest, n->key, strlen(n->key));
    for (; known->section || known->name; known++) {
        if (section && known->name && same(known->section, section))
            bh_nearest_offer(&nearest, known->name);
        if (!section && (!known->section || !known->name))
            bh_nearest_offer(&nearest, known->section ? known->section : known->name);
    }
    return bh_fail(err, BH_INVALID, "%s:%u:%u: unknown key \"%.80s\"%s%s%s%s%s", f->path,
                   n->key_line, n->key_column, n->key, section ? " in " : "",
                   section ? section : "", nearest.best ? "; did you mean \"" : "",
                   nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
}

static int check_section(const struct bh_config_source *f, const struct bh_config_key *known,
                         const struct bh_node *section, struct bh_error *err)
{
    if (section->kind == BH_NODE_NULL)
        return 0;
    if (section->kind != BH_NODE_OBJECT)
        return bh_fail(err, BH_INVALID, "%s:%u:%u: %s must hold \"key: value\" lines, not %s",
                       f->path, section->line, section->column, section->key,
                       bh_node_kind_name(section->kind));
    for (const struct bh_node *n = bh_node_first(section); n; n = n->next)
        if (!find_key(known, section->key, n->key))
            return fail_unknown(f, known, section->key, n, err);
    return 0;
}

static int check_file(const struct bh_config_source *f, const struct bh_config_key *known,
                      struct bh_error *err)
{
    for (const struct bh_node *n = bh_node_first(bh_tree_root(f->tree)); n; n = n->next) {
        const struct bh_config_key *section = find_key(known, n->key, NULL);
        int result = 0;

        if (section && !section->free_form)
            result = check_section(f, known, n, err);
        else if (!section && !find_key(known, NULL, n->key))
            result = fail_unknown(f, known, NULL, n, err);
        if (result)
            return result;
    }
    return 0;
}

int bh_config_check(const struct bh_config *c, const struct bh_config_key *known,
                    struct bh_error *err)
{
    for (size_t i = 0; i < c->count; i++) {
        int result = check_file(&c->files[i], known, err);

        if (result)
            return result;
    }
    return 0;
}

const struct bh_node *bh_config_file(const struct bh_config *c, size_t index, const char **ret_file)
{
    if (!c || index >= c->count)
        return NULL;
    *ret_file = c->files[index].path;
    return bh_tree_root(c->files[index].tree);
}

const struct bh_node *bh_config_get(const struct bh_config *c, const char *section,
                                    const char *name, const char **ret_file)
{
    const struct bh_node *root;
    const char *file;

    for (size_t i = 0; (root = bh_config_file(c, i, &file)); i++) {
        const struct bh_node *n = bh_node_get(section ? bh_node_get(root, section) : root, name);

        if (n) {
            *ret_file = file;
            return n;
        }
    }
    return NULL;
}
