#include "image/manifest.h"

#include "base/json.h"
#include "image/read_node.h"

#include <string.h>

/* RFC 6838, section 4.2: 127 for type and subtype each. */
#define MEDIA_TYPE_MAX 255u

static int read_media_type(struct bh_arena *a, const struct bh_node *n, const char *name,
                           const char **ret, struct bh_error *err)
{
    int e = bh_read_text(a, n, name, ret, err);

    if (e == 0 && *ret && strlen(*ret) > MEDIA_TYPE_MAX)
        return bh_fail(err, BH_LIMIT, "\"%s\" of %zu bytes, limit %u", name, strlen(*ret),
                       MEDIA_TYPE_MAX);
    return e;
}

static int read_annotations(struct bh_arena *a, const struct bh_node *object,
                            struct bh_annotation **ret, size_t *ret_count, struct bh_error *err)
{
    const struct bh_node *n;
    struct bh_annotation *list;
    size_t count = 0;
    int e = bh_read_member(object, "annotations", BH_NODE_OBJECT, &n, err);

    if (e < 0 || !n)
        return e;
    list = bh_arena_alloc(a, n->count * sizeof *list);
    for (const struct bh_node *c = bh_node_first(n); c; c = c->next) {
        if (c->kind != BH_NODE_STRING)
            return bh_node_bad(c, "annotations", "an object of strings", err);
        list[count++] =
            (struct bh_annotation){bh_arena_strdup(a, c->key), bh_arena_strdup(a, c->string)};
    }
    *ret = list;
    *ret_count = count;
    return 0;
}

static int read_platform(struct bh_arena *a, const struct bh_node *object, struct bh_platform *ret,
                         struct bh_error *err)
{
    const struct bh_node *n;
    int e = bh_read_member(object, "platform", BH_NODE_OBJECT, &n, err);

    if (e < 0 || !n)
        return e;
    if ((e = bh_read_text(a, n, "os", &ret->os, err)) < 0 ||
        (e = bh_read_text(a, n, "architecture", &ret->architecture, err)) < 0 ||
        (e = bh_read_text(a, n, "variant", &ret->variant, err)) < 0)
        return e;
    return bh_read_text(a, n, "os.version", &ret->os_version, err);
}

static int read_descriptor(struct bh_arena *a, const struct bh_node *n, struct bh_descriptor *ret,
                           struct bh_error *err)
{
    const struct bh_node *digest, *size;
    int e;

    if (!bh_node_is(n, BH_NODE_OBJECT))
        return bh_node_bad(n, "descriptor", "an object", err);
    if ((e = read_media_type(a, n, "mediaType", &ret->media_type, err)) < 0 ||
        (e = read_media_type(a, n, "artifactType", &ret->artifact_type, err)) < 0 ||
        (e = bh_read_member(n, "digest", BH_NODE_STRING, &digest, err)) < 0 ||
        (e = bh_read_member(n, "size", BH_NODE_INT, &size, err)) < 0)
        return e;
    if (!ret->media_type || !*ret->media_type || !digest || !size)
        return bh_fail(err, BH_INVALID, "descriptor without %s at line %u, column %u",
                       !digest ? "digest"
                       : !size ? "size"
                               : "mediaType",
                       n->line, n->column);
    if (size->integer < 0)
        return bh_fail(err, BH_INVALID, "descriptor with a negative size at line %u, column %u",
                       size->line, size->column);
    ret->size_bytes = (uint64_t)size->integer;
    e = bh_digest_parse(digest->string, &ret->digest, err);
    if (e < 0) {
        (void)bh_wrap(err, "descriptor at line %u, column %u", n->line, n->column);
        return e;
    }
    if ((e = read_platform(a, n, &ret->platform, err)) < 0)
        return e;
    return read_annotations(a, n, &ret->annotations, &ret->annotation_count, err);
}

static int read_items(struct bh_manifest *m, const struct bh_node *list, size_t limit,
                      struct bh_error *err)
{
    if (!list)
        return 0;
    if (list->count > limit)
        return bh_fail(err, BH_LIMIT, "%zu %s, limit %zu", list->count,
                       m->is_index ? "manifests in one index" : "layers", limit);
    m->items = bh_arena_alloc(m->arena, list->count * sizeof *m->items);
    for (const struct bh_node *c = bh_node_first(list); c; c = c->next) {
        int e = read_descriptor(m->arena, c, &m->items[m->item_count], err);

        if (e < 0)
            return e;
        m->item_count++;
    }
    return 0;
}

/* The stated type must agree with what the descriptor or server said, or one document could be read
 * in two ways (CVE-2021-41190). */
static int settle_media_type(struct bh_manifest *m, const char *given, struct bh_error *err)
{
    bool given_known = bh_media_type_is_index(given) || bh_media_type_is_manifest(given);

    if (m->media_type && given_known && strcmp(m->media_type, given) != 0)
        return bh_fail(err, BH_INVALID, "media type \"%s\" stated, but it was announced as \"%s\"",
                       m->media_type, given);
    if (!m->media_type && given_known)
        m->media_type = bh_arena_strdup(m->arena, given);
    if (!m->media_type)
        m->media_type = m->is_index ? BH_MEDIA_OCI_INDEX : BH_MEDIA_OCI_MANIFEST;
    if (bh_media_type_is_index(m->media_type) != m->is_index)
        return bh_fail(err, BH_INVALID, "media type \"%s\" for %s", m->media_type,
                       m->is_index ? "a document with \"manifests\"" : "a document without them");
    return 0;
}

static int check_schema(const struct bh_node *root, struct bh_error *err)
{
    const struct bh_node *version;
    int e;

    if (!bh_node_is(root, BH_NODE_OBJECT))
        return bh_node_bad(root, "manifest", "an object", err);
    e = bh_read_member(root, "schemaVersion", BH_NODE_INT, &version, err);
    if (e < 0)
        return e;
    if (version && version->integer == 1)
        return bh_fail(err, BH_UNSUPPORTED,
                       "Docker schema 1 manifests are not read: push the image again with a "
                       "current client");
    if (!version || version->integer != 2)
        return bh_fail(err, BH_INVALID, "no manifest: \"schemaVersion\" is not 2");
    return 0;
}

/* The members that decide what the document is. */
struct parts {
    const struct bh_node *manifests, *layers, *config, *subject;
};

static int find_parts(const struct bh_node *root, struct parts *ret, struct bh_error *err)
{
    int e;

    if ((e = bh_read_member(root, "manifests", BH_NODE_ARRAY, &ret->manifests, err)) < 0 ||
        (e = bh_read_member(root, "layers", BH_NODE_ARRAY, &ret->layers, err)) < 0 ||
        (e = bh_read_member(root, "config", BH_NODE_OBJECT, &ret->config, err)) < 0 ||
        (e = bh_read_member(root, "subject", BH_NODE_OBJECT, &ret->subject, err)) < 0)
        return e;
    if (ret->manifests && (ret->layers || ret->config))
        return bh_fail(err, BH_INVALID,
                       "both \"manifests\" and \"%s\": it could be read in two ways",
                       ret->layers ? "layers" : "config");
    if (!ret->manifests && !ret->config)
        return bh_fail(err, BH_INVALID,
                       "neither a manifest (\"config\" and \"layers\") nor an index "
                       "(\"manifests\")");
    return 0;
}

static int read_parts(struct bh_manifest *m, const struct parts *p, struct bh_error *err)
{
    if (p->config && read_descriptor(m->arena, p->config, &m->config, err) < 0)
        return bh_wrap(err, "config");
    m->has_subject = p->subject != NULL;
    if (p->subject && read_descriptor(m->arena, p->subject, &m->subject, err) < 0)
        return bh_wrap(err, "subject");
    return m->is_index ? read_items(m, p->manifests, BH_INDEX_ENTRIES_MAX, err)
                       : read_items(m, p->layers, BH_MANIFEST_LAYERS_MAX, err);
}

static int read_manifest(struct bh_manifest *m, const struct bh_node *root, const char *given,
                         struct bh_error *err)
{
    struct parts p;
    int e;

    if ((e = check_schema(root, err)) < 0 || (e = find_parts(root, &p, err)) < 0 ||
        (e = read_media_type(m->arena, root, "mediaType", &m->media_type, err)) < 0 ||
        (e = read_media_type(m->arena, root, "artifactType", &m->artifact_type, err)) < 0)
        return e;
    m->is_index = p.manifests != NULL;
    if ((e = settle_media_type(m, given, err)) < 0 || (e = read_parts(m, &p, err)) < 0)
        return e;
    return read_annotations(m->arena, root, &m->annotations, &m->annotation_count, err);
}

int bh_manifest_parse(const char *text, size_t len, const char *media_type,
                      struct bh_manifest **ret, struct bh_error *err)
{
    BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    int e;

    if (len > BH_MANIFEST_MAX)
        return bh_fail(err, BH_LIMIT, "manifest of %zu bytes, limit %u (4 MiB)", len,
                       BH_MANIFEST_MAX);
    if ((e = bh_json_parse(text, len, NULL, &tree, err)) < 0)
        return e;
    m = bh_new0(sizeof *m);
    m->arena = bh_arena_new();
    if ((e = read_manifest(m, bh_tree_root(tree), media_type, err)) < 0)
        return e;
    *ret = BH_TAKE(m);
    return 0;
}

void bh_manifest_free(struct bh_manifest *m)
{
    if (!m)
        return;
    bh_arena_free(m->arena);
    free(m);
}
