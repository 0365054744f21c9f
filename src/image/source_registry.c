/* docker://REGISTRY/NAME: an image pulled into the store, and read from there. */
#include "image/registry.h"
#include "image/source_impl.h"

#include <stdlib.h>
#include <string.h>

struct pull {
    const struct bh_open_options *o;
    struct bh_registry *registry;
    struct bh_lease *lease;
    struct bh_image *image;
};

static int open_layer(struct bh_image *i, size_t index, struct bh_blob *ret, struct bh_error *err)
{
    struct bh_store *s = i->state;
    struct bh_blob b = {.fd = -1};
    int e = bh_store_open_blob(s, &i->layers[index].blob.digest, &b.fd, &b.size_bytes, err);

    if (!e)
        *ret = b;
    return e;
}

/* A manifest by digest: from the store when it is there. */
static int get_manifest(struct pull *p, const char *tag, const struct bh_digest *expected,
                        const char *stated_type, struct bh_buf *bytes, struct bh_descriptor *d,
                        struct bh_manifest **ret, struct bh_error *err)
{
    char media_type[256] = "";
    bool there = false;
    int e = 0;

    if (expected)
        e = bh_store_has(p->lease, expected, &there, err);
    if (!e && there) {
        d->digest = *expected;
        e = bh_store_read_blob(p->o->store, expected, BH_MANIFEST_MAX, bytes, err);
    } else if (!e) {
        e = bh_registry_manifest(p->registry, tag, expected, bytes, media_type, &d->digest, err);
    }
    if (!e)
        e = bh_manifest_parse_confined(bh_buf_text(bytes), bytes->len,
                                       stated_type   ? stated_type
                                       : *media_type ? media_type
                                                     : NULL,
                                       ret, err);
    if (!e && !there)
        e = bh_store_put(p->lease, bytes->data, bytes->len, NULL, err);
    if (e)
        return bh_wrap(err, "manifest");
    d->size_bytes = bytes->len;
    return 0;
}

/* Follows indexes down to the manifest for the wanted platform. */
static int choose_manifest(struct pull *p, const char *tag, const struct bh_digest *digest,
                           struct bh_descriptor *d, struct bh_manifest **ret, struct bh_error *err)
{
    BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
    struct bh_buf *bytes = &p->image->manifest_bytes;
    int e = get_manifest(p, tag, digest, NULL, bytes, d, &m, err);

    if (!e) {
        p->image->root = *d;
        p->image->root.media_type = bh_arena_strdup(p->image->arena, m->media_type);
    }
    for (unsigned depth = 0; !e && m->is_index; depth++) {
        const struct bh_descriptor *chosen = NULL;
        struct bh_manifest *below = NULL;

        if (depth >= BH_INDEX_DEPTH_MAX)
            return bh_fail(err, BH_LIMIT, "more than %u indexes inside one another",
                           BH_INDEX_DEPTH_MAX);
        e = bh_index_choose(m, &p->o->platform, &chosen, err);
        bytes->len = 0;
        if (!e)
            e = get_manifest(p, NULL, &chosen->digest, chosen->media_type, bytes, d, &below, err);
        if (!e && bytes->len != chosen->size_bytes)
            e = bh_fail(err, BH_CORRUPT, "manifest of %zu bytes, its index says %llu", bytes->len,
                        (unsigned long long)chosen->size_bytes);
        if (e) {
            bh_manifest_free(below);
            return e;
        }
        bh_manifest_free(m);
        m = below;
    }
    if (e)
        return e;
    *ret = BH_TAKE(m);
    return 0;
}

static int fetch_blobs(struct pull *p, const struct bh_manifest *m, struct bh_error *err)
{
    BH_AUTO(bh_freep)
    const struct bh_descriptor **blobs = bh_new_array(m->item_count + 1, sizeof *blobs);

    blobs[0] = &m->config;
    for (size_t i = 0; i < m->item_count; i++)
        blobs[i + 1] = &m->items[i];
    return bh_registry_fetch(p->registry, p->lease, blobs, m->item_count + 1, err);
}

static int read_config(struct pull *p, const struct bh_manifest *m, struct bh_oci_config **ret,
                       struct bh_error *err)
{
    struct bh_buf *bytes = &p->image->config_bytes;
    int e = bh_store_read_blob(p->o->store, &m->config.digest, BH_MANIFEST_MAX, bytes, err);

    if (!e)
        e = bh_oci_config_parse_confined(bh_buf_text(bytes), bytes->len, ret, err);
    return e ? bh_wrap(err, "configuration") : 0;
}

static int pull(struct pull *p, const struct bh_reference *reference, struct bh_error *err)
{
    BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *config = NULL;
    struct bh_descriptor d = {0};
    const char *tag = bh_reference_tag(reference);
    int e = choose_manifest(p, tag ? tag : "latest", bh_reference_digest(reference), &d, &m, err);

    if (!e)
        e = bh_image_check_config_type(m, err);
    if (!e && m->config.size_bytes > BH_MANIFEST_MAX)
        e = bh_fail(err, BH_LIMIT, "configuration of %llu bytes, limit %u",
                    (unsigned long long)m->config.size_bytes, BH_MANIFEST_MAX);
    if (!e)
        e = fetch_blobs(p, m, err);
    if (!e)
        e = read_config(p, m, &config, err);
    if (!e)
        e = bh_image_adopt(p->image, &d, m, &config, err);
    return e;
}

static int open_registry(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                         struct bh_error *err)
{
    BH_AUTO(bh_image_closep) struct bh_image *image = bh_image_new("docker");
    BH_AUTO(bh_registry_closep) struct bh_registry *registry = NULL;
    BH_AUTO(bh_reference_freep) struct bh_reference *given = NULL, *reference = NULL;
    struct pull p = {.o = o, .image = image};
    int e = bh_reference_parse(rest, strlen(rest), &given, err);

    if (e)
        return e;
    reference = bh_reference_for_docker(given);
    e = bh_lease_new(o->store, &image->lease, err);
    if (!e)
        e = bh_registry_open(reference,
                             &(struct bh_registry_options){.plain_http = o->plain_http,
                                                           .auth_file = o->auth_file,
                                                           .progress = o->progress,
                                                           .progress_data = o->progress_data},
                             &registry, err);
    p.registry = registry;
    p.lease = image->lease;
    if (!e)
        e = pull(&p, reference, err);
    if (e)
        return e;
    image->suggested_name = bh_arena_strdup(image->arena, bh_reference_store_name(reference));
    image->state = o->store;
    image->open_layer = open_layer;
    *ret = BH_TAKE(image);
    return 0;
}

const struct bh_source bh_source_registry = {
    .kind = "docker",
    .prefix = "docker://",
    .usage = "docker://REGISTRY/NAME[:TAG|@DIGEST]",
    .text = "An image in a registry, over HTTPS",
    .open = open_registry,
    .needs_store = true,
};
