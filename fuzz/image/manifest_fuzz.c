/* Manifests, indexes and configurations: whatever is accepted keeps to the limits, and the records
 * a confined child would send are read back as what they were. */
#include "image/manifest.h"
#include "image/wire.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_manifest(const char *text, size_t size)
{
    BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_platform host = bh_platform_host();
    const struct bh_descriptor *d = NULL;
    int result = bh_manifest_parse(text, size, NULL, &m, &err);

    assert((result == 0) == (m != NULL));
    assert(result == 0 || (result == -err.code && err.message[0]));
    if (result)
        return;
    assert(m->item_count <= (m->is_index ? BH_INDEX_ENTRIES_MAX : BH_MANIFEST_LAYERS_MAX));
    assert(m->is_index == bh_media_type_is_index(m->media_type));
    assert(m->is_index || bh_digest_is_set(&m->config.digest));
    for (size_t i = 0; i < m->item_count; i++)
        assert(m->items[i].media_type && bh_digest_is_set(&m->items[i].digest));
    if (m->is_index && bh_index_choose(m, &host, &d, &err) == 0)
        assert(d);
}

static void check_config(const char *text, size_t size)
{
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *c = NULL;
    struct bh_error err = BH_ERROR_INIT;
    int result = bh_oci_config_parse(text, size, &c, &err);

    assert((result == 0) == (c != NULL));
    if (result)
        return;
    assert(c->diff_id_count <= BH_MANIFEST_LAYERS_MAX);
    for (size_t i = 0; i < c->diff_id_count; i++)
        assert(c->layer_created_by[i]);
    assert(c->image.known && c->image.user && c->image.env && c->image.history);
    assert(bh_list_length(c->image.label_names) == bh_list_length(c->image.label_values));
}

/* What a taken-over child may send. */
static void check_wire(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    struct bh_wire w = {.at = data, .end = data + size, .arena = a};
    struct bh_digest d = {0};
    const char *const *list;

    (void)bh_wire_get_number(&w);
    (void)bh_wire_get_text(&w);
    list = bh_wire_get_list(&w);
    assert(bh_list_length(list) <= size / 8);
    bh_wire_get_digest(&w, &d);
    assert(bh_wire_get_string(&w));
    assert(w.at >= data && w.at <= data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_manifest((const char *)data, size);
    check_config((const char *)data, size);
    check_wire(data, size);
    return 0;
}
