#include "fact/derived.h"

#include <string.h>

/* Is the first component of a name a registry (distribution-spec has no grammar for it; this is the
 * rule every engine follows)? */
static bool is_registry(const char *text, size_t len)
{
    return memchr(text, '.', len) || memchr(text, ':', len) ||
           (len == 9 && memcmp(text, "localhost", 9) == 0);
}

static void split_name(struct bh_arena *arena, const char *name, struct bh_facts_derived *d)
{
    size_t len = strcspn(name, "@");
    const char *slash = memchr(name, '/', len);
    const char *colon = memrchr(name, ':', len);
    bool pinned = name[len] == '@';

    if (slash && is_registry(name, (size_t)(slash - name))) {
        d->registry = bh_arena_strndup(arena, name, (size_t)(slash - name));
        len -= (size_t)(slash + 1 - name);
        name = slash + 1;
    }
    if (colon && colon >= name && !memchr(colon, '/', (size_t)(name + len - colon))) {
        d->tag = bh_arena_strndup(arena, colon + 1, (size_t)(name + len - colon - 1));
        len = (size_t)(colon - name);
    } else if (!pinned) {
        d->tag = "latest";
    }
    d->repository = bh_arena_strndup(arena, name, len);
}

const struct bh_facts_derived *bh_facts_name_parts(const struct bh_facts *f)
{
    static const char *const paths[] = {"dir", "oci", "oci-archive", "docker-archive", "rootfs"};
    struct bh_facts_derived *d = f->derived;
    const char *name = f->target.name, *scheme;
    bool is_path = f->target.reference[0] == '\0';

    if (d->named)
        return d;
    d->named = true;
    if (!name) {
        for (size_t i = 0; i < BH_COUNT_OF(paths); i++)
            is_path = is_path || strcmp(f->target.kind, paths[i]) == 0;
        name = is_path ? NULL : f->target.reference;
    }
    if (name && (scheme = strstr(name, "://")))
        name = scheme + 3;
    else if (name && strncmp(name, "docker-daemon:", 14) == 0)
        name += 14;
    if (name)
        split_name(f->arena, name, d);
    return d;
}

const char **bh_derived_list(const struct bh_facts *f, size_t count)
{
    return bh_arena_alloc(f->arena, (count + 1) * sizeof(const char *));
}

const char *const *bh_derived_env_names(const struct bh_facts *f)
{
    const char *const *env = f->config.env;
    const char **list;

    if (!f->derived->env_names) {
        list = bh_derived_list(f, bh_list_length(env));
        for (size_t i = 0; env[i]; i++)
            list[i] = bh_arena_strndup(f->arena, env[i], strcspn(env[i], "="));
        f->derived->env_names = list;
    }
    return f->derived->env_names;
}

const char *const *bh_derived_labels(const struct bh_facts *f)
{
    const struct bh_image_config *c = &f->config;
    const char **list;

    if (!f->derived->labels) {
        list = bh_derived_list(f, bh_list_length(c->label_names));
        for (size_t i = 0; c->label_names[i] && c->label_values[i]; i++)
            list[i] = bh_arena_format(f->arena, "%s=%s", c->label_names[i], c->label_values[i]);
        f->derived->labels = list;
    }
    return f->derived->labels;
}

const char *const *bh_derived_layers(const struct bh_facts *f)
{
    const char **list;

    if (!f->derived->layer_digests) {
        list = bh_derived_list(f, f->layer_count);
        for (size_t i = 0; i < f->layer_count; i++)
            list[i] = f->layers[i].digest;
        f->derived->layer_digests = list;
    }
    return f->derived->layer_digests;
}

const char *const *bh_derived_packages(const struct bh_facts *f)
{
    const char **list;

    if (!f->derived->package_names) {
        list = bh_derived_list(f, f->package_count);
        for (size_t i = 0; i < f->package_count; i++)
            list[i] = f->packages[i].name;
        f->derived->package_names = list;
    }
    return f->derived->package_names;
}

const char *const *bh_derived_vulns(const struct bh_facts *f)
{
    const char **list;

    if (!f->derived->vulnerability_ids) {
        list = bh_derived_list(f, f->vulnerability_count);
        for (size_t i = 0; i < f->vulnerability_count; i++)
            list[i] = f->vulnerabilities[i].id;
        f->derived->vulnerability_ids = list;
    }
    return f->derived->vulnerability_ids;
}
