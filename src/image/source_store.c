/* NAME: an image in the store. What it consists of is in its name record, so that only the
 * configuration is parsed. */
#include "base/mem.h"
#include "image/source_impl.h"

static int open_stored_layer(struct bh_image *i, size_t index, struct bh_blob *ret,
                             struct bh_error *err)
{
    struct bh_blob b = {.fd = -1};
    int e = bh_store_open_blob(i->state, &i->layers[index].blob.digest, &b.fd, &b.size_bytes, err);

    if (e == 0)
        *ret = b;
    return e;
}

/* The blobs are held before the name is looked at again: a collection in between is seen. */
static int hold(struct bh_image *i, const struct bh_name_record *r, struct bh_error *err)
{
    int e = bh_lease_add(i->lease, &r->manifest.digest, err);

    if (e == 0)
        e = bh_lease_add(i->lease, &r->config.digest, err);
    for (size_t n = 0; e == 0 && n < r->layer_count; n++)
        e = bh_lease_add(i->lease, &r->layers[n].blob.digest, err);
    return e;
}

static int fill(struct bh_image *i, struct bh_store *s, const struct bh_name_record *r,
                struct bh_error *err)
{
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *config = NULL;
    struct bh_manifest m = {.media_type = r->manifest.media_type, .config = r->config};
    int e = bh_image_check_config_type(&m, err);

    if (e < 0 ||
        (e = bh_store_read_blob(s, &r->config.digest, BH_MANIFEST_MAX, &i->config_bytes, err)) < 0)
        return e;
    e = bh_oci_config_parse_confined(bh_buf_text(&i->config_bytes), i->config_bytes.len, &config,
                                     err);
    if (e < 0)
        return bh_wrap(err, "image configuration");
    i->root = r->root;
    i->root.media_type = bh_arena_strdup(i->arena, r->root.media_type);
    m.item_count = r->layer_count;
    m.items = bh_arena_alloc(i->arena, (r->layer_count + 1) * sizeof *m.items);
    for (size_t n = 0; n < r->layer_count; n++)
        m.items[n] = r->layers[n].blob;
    return bh_image_adopt(i, &r->manifest, &m, &config, err);
}

static int open_name(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                     struct bh_error *err)
{
    BH_AUTO(bh_image_closep) struct bh_image *i = bh_image_new("store");
    BH_AUTO(bh_name_record_freep) struct bh_name_record *r = NULL;
    int e = bh_store_get_name(o->store, rest, &r, err);

    if (e < 0 || (e = bh_lease_new(o->store, &i->lease, err)) < 0 || (e = hold(i, r, err)) < 0 ||
        (e = fill(i, o->store, r, err)) < 0)
        return e;
    i->suggested_name = bh_arena_strdup(i->arena, r->name);
    i->state = o->store;
    i->open_layer = open_stored_layer;
    *ret = BH_TAKE(i);
    return 0;
}

const struct bh_source bh_source_store = {
    .kind = "store",
    .usage = "NAME",
    .text = "An image in the store, by the name `bulkhead images` shows",
    .open = open_name,
    .needs_store = true,
};
