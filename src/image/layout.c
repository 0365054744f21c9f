/* The image in an OCI layout, whatever holds its files.
 * Source: OCI image-spec 1.1, image-layout.md; "io.containerd.image.name" as Docker and containerd
 * write it beside "org.opencontainers.image.ref.name". */
#include "base/mem.h"
#include "image/reference.h"
#include "image/source_impl.h"

#include <string.h>

#define REF_NAME "org.opencontainers.image.ref.name"
#define CONTAINERD_NAME "io.containerd.image.name"
#define PATH_SIZE (BH_DIGEST_TEXT_SIZE + 16u)

struct layout {
    bh_layout_get *get;
    void *state;
};

static const char *blob_path(const struct bh_digest *d, char *out)
{
    char hex[BH_DIGEST_TEXT_SIZE];

    (void)snprintf(out, PATH_SIZE, "blobs/%s/%s", d->algorithm == BH_SHA512 ? "sha512" : "sha256",
                   bh_digest_hex(d, hex));
    return out;
}

/* A manifest or config, whose size and digest must be what its descriptor says. */
static int read_document(const struct layout *l, const struct bh_descriptor *d, struct bh_buf *out,
                         struct bh_error *err)
{
    char path[PATH_SIZE], text[BH_DIGEST_TEXT_SIZE];
    BH_AUTO(bh_blob_done) struct bh_blob b = {.fd = -1};
    struct bh_digest found;
    int e = l->get(l->state, blob_path(&d->digest, path), &b, err);

    if (e < 0)
        return e;
    if (b.size_bytes != d->size_bytes)
        return bh_fail(err, BH_CORRUPT, "%s has %llu bytes, its descriptor says %llu", path,
                       (unsigned long long)b.size_bytes, (unsigned long long)d->size_bytes);
    if ((e = bh_blob_read(&b, BH_MANIFEST_MAX, out, err)) < 0)
        return bh_wrap(err, "%s", path);
    bh_digest_of(d->digest.algorithm, out->data, out->len, &found);
    if (!bh_digest_equal(&found, &d->digest))
        return bh_fail(err, BH_CORRUPT, "%s has other content: its digest is %s", path,
                       bh_digest_format(&found, text));
    return 0;
}

/* ---- which entry of index.json ---- */

static const char *entry_name(const struct bh_descriptor *d)
{
    const char *name = bh_annotation_get(d->annotations, d->annotation_count, REF_NAME);

    return name ? name : "";
}

static bool entry_is(const struct bh_descriptor *d, const char *name)
{
    const char *full = bh_annotation_get(d->annotations, d->annotation_count, CONTAINERD_NAME);
    char digest[BH_DIGEST_TEXT_SIZE];

    return strcmp(entry_name(d), name) == 0 || (full && strcmp(full, name) == 0) ||
           strcmp(bh_digest_format(&d->digest, digest), name) == 0;
}

static int fail_choice(const struct bh_manifest *index, const char *name, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf names = BH_BUF_INIT(0);

    for (size_t i = 0; i < index->item_count && names.len < 250; i++) {
        char digest[BH_DIGEST_TEXT_SIZE];
        const char *known = entry_name(&index->items[i]);

        bh_buf_printf(&names, "%s%.100s", names.len ? ", " : "",
                      *known ? known : bh_digest_format(&index->items[i].digest, digest));
    }
    if (index->item_count == 0)
        return bh_fail(err, BH_NOT_FOUND, "the image layout is empty");
    if (name)
        return bh_fail(err, BH_NOT_FOUND, "no image \"%.100s\" in it; there are: %s", name,
                       bh_buf_text(&names));
    return bh_fail(err, BH_USAGE, "holds several images: append one of :%s", bh_buf_text(&names));
}

/* Entries that share a name are one image for several platforms. */
static int choose(const struct bh_manifest *index, const char *name,
                  const struct bh_platform *platform, struct bh_arena *a,
                  const struct bh_descriptor **ret, struct bh_error *err)
{
    struct bh_manifest some = {.is_index = true};

    some.items = bh_arena_alloc(a, (index->item_count + 1) * sizeof *some.items);
    for (size_t i = 0; i < index->item_count; i++) {
        if (!name || entry_is(&index->items[i], name))
            some.items[some.item_count++] = index->items[i];
    }
    if (some.item_count == 0)
        return fail_choice(index, name, err);
    if (some.item_count == 1) {
        *ret = &some.items[0];
        return 0;
    }
    for (size_t i = 1; i < some.item_count; i++) {
        if (strcmp(entry_name(&some.items[0]), entry_name(&some.items[i])) != 0)
            return fail_choice(index, name, err);
    }
    return bh_index_choose(&some, platform, ret, err);
}

/* ---- from there to the image ---- */

static int read_manifest(const struct layout *l, struct bh_image *i,
                         const struct bh_descriptor *start, const struct bh_platform *platform,
                         struct bh_descriptor *ret_descriptor, struct bh_manifest **ret,
                         struct bh_error *err)
{
    struct bh_descriptor d = *start;

    for (unsigned depth = 0; depth <= BH_INDEX_DEPTH_MAX; depth++) {
        BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
        const struct bh_descriptor *next;
        char text[BH_DIGEST_TEXT_SIZE];
        int e;

        bh_buf_done(&i->manifest_bytes);
        if ((e = read_document(l, &d, &i->manifest_bytes, err)) < 0)
            return e;
        e = bh_manifest_parse_confined(bh_buf_text(&i->manifest_bytes), i->manifest_bytes.len,
                                       d.media_type, &m, err);
        if (e < 0)
            return bh_wrap(err, "manifest %s", bh_digest_format(&d.digest, text));
        if (!m->is_index) {
            *ret_descriptor = d;
            *ret = BH_TAKE(m);
            return 0;
        }
        if ((e = bh_index_choose(m, platform, &next, err)) < 0)
            return e;
        d = (struct bh_descriptor){.media_type = bh_arena_strdup(i->arena, next->media_type),
                                   .digest = next->digest,
                                   .size_bytes = next->size_bytes};
    }
    return bh_fail(err, BH_LIMIT, "indexes nested deeper than %u", BH_INDEX_DEPTH_MAX);
}

static int open_layout_layer(struct bh_image *i, size_t index, struct bh_blob *ret,
                             struct bh_error *err)
{
    const struct layout *l = i->layout;
    char path[PATH_SIZE];

    return l->get(l->state, blob_path(&i->layers[index].blob.digest, path), ret, err);
}

static int read_index(const struct layout *l, struct bh_manifest **ret, struct bh_error *err)
{
    BH_AUTO(bh_blob_done) struct bh_blob version = {.fd = -1};
    BH_AUTO(bh_blob_done) struct bh_blob b = {.fd = -1};
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(BH_MANIFEST_MAX);
    int e = l->get(l->state, "oci-layout", &version, err);

    if (e < 0)
        return bh_wrap(err, "no OCI image layout");
    if ((e = l->get(l->state, "index.json", &b, err)) < 0)
        return e;
    e = bh_blob_read(&b, BH_MANIFEST_MAX, &text, err);
    if (e == 0)
        e = bh_manifest_parse_confined(bh_buf_text(&text), text.len, BH_MEDIA_OCI_INDEX, ret, err);
    return e < 0 ? bh_wrap(err, "index.json") : 0;
}

int bh_layout_open(struct bh_image *i, bh_layout_get *get, void *state, const char *name,
                   const struct bh_platform *platform, struct bh_error *err)
{
    BH_AUTO(bh_manifest_freep) struct bh_manifest *index = NULL, *m = NULL;
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *config = NULL;
    struct layout *l = bh_arena_alloc(i->arena, sizeof *l);
    const struct bh_descriptor *entry;
    struct bh_descriptor d;
    int e;

    *l = (struct layout){get, state};
    if ((e = read_index(l, &index, err)) < 0 ||
        (e = choose(index, name, platform, i->arena, &entry, err)) < 0 ||
        (e = read_manifest(l, i, entry, platform, &d, &m, err)) < 0 ||
        (e = bh_image_check_config_type(m, err)) < 0 ||
        (e = read_document(l, &m->config, &i->config_bytes, err)) < 0)
        return e;
    e = bh_oci_config_parse_confined(bh_buf_text(&i->config_bytes), i->config_bytes.len, &config,
                                     err);
    if (e < 0)
        return bh_wrap(err, "image configuration");
    if ((e = bh_image_adopt(i, &d, m, &config, err)) < 0)
        return e;
    i->suggested_name = bh_arena_strdup(i->arena, entry_name(entry));
    i->layout = l;
    i->open_layer = open_layout_layer;
    return 0;
}
