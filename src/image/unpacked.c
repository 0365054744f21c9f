#include "image/unpacked.h"

#include "base/mem.h"
#include "image/source_impl.h"

#include <stdlib.h>
#include <string.h>

/* One layer on its way into the store. */
struct filling {
    struct bh_image *image;
    const struct bh_layer_limits *limits;
    size_t index;
    struct bh_unpacked *to;
};

static enum bh_compression compression_of(const char *media_type)
{
    switch (bh_layer_format(media_type)) {
    case BH_LAYER_TAR:
        return BH_COMPRESSION_NONE;
    case BH_LAYER_TAR_GZIP:
        return BH_COMPRESSION_GZIP;
    case BH_LAYER_TAR_ZSTD:
        return BH_COMPRESSION_ZSTD;
    default:
        return BH_COMPRESSION_DETECT;
    }
}

static void add_report(struct bh_unpacked *u, const struct bh_apply_report *r)
{
    u->fresh = true;
    u->report.entries += r->entries;
    u->report.file_bytes += r->file_bytes;
    u->report.devices += r->devices;
    u->report.xattrs += r->xattrs;
    u->report.owners += r->owners;
    u->report.setid_bits += r->setid_bits;
    if (!*u->report.first_device)
        memcpy(u->report.first_device, r->first_device, sizeof r->first_device);
}

static int fill(int fs_fd, void *data, struct bh_error *err)
{
    const struct filling *f = data;
    const struct bh_image_layer *layer = &f->image->layers[f->index];
    BH_AUTO(bh_blob_done) struct bh_blob b = {.fd = -1};
    struct bh_layer_outcome outcome;
    struct bh_apply_report report;
    int e = bh_image_open_layer(f->image, f->index, &b, err);
    struct bh_layer_source from = {
        .fd = b.fd,
        .offset = b.offset,
        .size = b.size_bytes,
        .compression = compression_of(layer->blob.media_type),
        .digest = bh_digest_is_set(&layer->blob.digest) ? &layer->blob.digest : NULL,
        .diff_id = bh_digest_is_set(&layer->diff_id) ? &layer->diff_id : NULL,
    };

    if (e == 0)
        e = bh_layer_unpack(&from, f->limits, fs_fd, &outcome, &report, err);
    if (e == 0)
        add_report(f->to, &report);
    return e;
}

/* A root file system tar has no configuration that states a diff_id: the digest of the file, which
 * is verified as well, is the layer's name then. */
static int settle_key(struct bh_image *i, size_t index, struct bh_digest *ret, struct bh_error *err)
{
    struct bh_image_layer *layer = &i->layers[index];
    BH_AUTO(bh_blob_done) struct bh_blob b = {.fd = -1};
    int e;

    if (!bh_digest_is_set(&layer->diff_id) && !bh_digest_is_set(&layer->blob.digest)) {
        if ((e = bh_image_open_layer(i, index, &b, err)) < 0 ||
            (e = bh_blob_digest(&b, BH_SHA256, &layer->blob.digest, err)) < 0)
            return e;
    }
    *ret = bh_digest_is_set(&layer->diff_id) ? layer->diff_id : layer->blob.digest;
    return 0;
}

int bh_image_unpack(struct bh_image *i, struct bh_store *s, const struct bh_layer_limits *limits,
                    void (*progress)(void *data, size_t done, size_t total), void *progress_data,
                    struct bh_unpacked *ret, struct bh_error *err)
{
    BH_AUTO(bh_unpacked_done) struct bh_unpacked u = BH_UNPACKED_INIT;
    int e;

    for (size_t n = 0; n < i->layer_count; n++) {
        if ((e = bh_layer_format_check(i->layers[n].blob.media_type, err)) < 0)
            return e;
    }
    u.layers = bh_new_array(i->layer_count + 1, sizeof *u.layers);
    for (size_t n = 0; n < i->layer_count; n++) {
        struct filling f = {.image = i, .limits = limits, .index = n, .to = &u};
        char text[BH_DIGEST_TEXT_SIZE];
        struct bh_digest key;

        if ((e = settle_key(i, n, &key, err)) < 0)
            return e;
        u.layers[n] = BH_LAYER_LEASE_INIT;
        e = bh_store_layer_lease(s, &key, fill, &f, &u.layers[n], err);
        if (e < 0)
            return bh_wrap(err, "layer %zu of %zu %s", n + 1, i->layer_count,
                           bh_digest_format(&key, text));
        u.count++;
        if (progress)
            progress(progress_data, u.count, i->layer_count);
    }
    *ret = u;
    u = BH_UNPACKED_INIT; /* the leases are the caller's now */
    return 0;
}

void bh_unpacked_done(struct bh_unpacked *u)
{
    for (size_t n = 0; n < u->count; n++)
        bh_layer_lease_done(&u->layers[n]);
    free(u->layers);
    *u = BH_UNPACKED_INIT;
}
