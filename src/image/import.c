/* From any source into the store, every blob verified; the declaration is in image/source.h. */
#include "base/mem.h"
#include "image/source_impl.h"

#include <errno.h>
#include <unistd.h>

#define PIECE_BYTES 131072u

struct copy {
    const struct bh_open_options *options;
    const char *what;
    uint64_t done, total;
};

static void report(struct copy *c, uint64_t more)
{
    c->done += more;
    if (c->options->progress)
        c->options->progress(c->options->progress_data, c->what, c->done, c->total);
}

static int copy_pieces(const struct bh_blob *b, struct bh_ingest *to, struct copy *c,
                       struct bh_error *err)
{
    BH_AUTO(bh_freep) char *piece = bh_new(PIECE_BYTES);
    uint64_t at = bh_ingest_offset(to);

    report(c, at);
    while (at < b->size_bytes) {
        size_t want = (size_t)BH_MIN((uint64_t)PIECE_BYTES, b->size_bytes - at);
        ssize_t got = pread(b->fd, piece, want, (off_t)(b->offset + at));
        int e;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bh_fail_errno(err, "read");
        if (got == 0)
            return bh_fail(err, BH_CORRUPT, "is cut short: %llu of %llu bytes",
                           (unsigned long long)at, (unsigned long long)b->size_bytes);
        if ((e = bh_ingest_write(to, piece, (size_t)got, err)) < 0)
            return e;
        at += (uint64_t)got;
        report(c, (uint64_t)got);
    }
    return 0;
}

static int copy_layer(struct bh_image *i, size_t n, struct bh_lease *l, struct copy *c,
                      struct bh_error *err)
{
    const struct bh_descriptor *d = &i->layers[n].blob;
    BH_AUTO(bh_blob_done) struct bh_blob b = {.fd = -1};
    struct bh_ingest *to = NULL;
    bool done = false;
    int e = bh_ingest_begin(l, &d->digest, d->size_bytes, false, &to, &done, err);

    if (e < 0)
        return e;
    if (done) {
        report(c, d->size_bytes);
        return 0;
    }
    if ((e = bh_image_open_layer(i, n, &b, err)) == 0)
        e = copy_pieces(&b, to, c, err);
    if (e == 0)
        return bh_ingest_commit(to, NULL, err);
    bh_ingest_abort(to);
    return e;
}

/* Sources that copy into the store while opening have nothing more to give. */
static int put_document(struct bh_lease *l, const struct bh_buf *b, struct bh_error *err)
{
    return b->len == 0 ? 0 : bh_store_put(l, b->data, b->len, NULL, err);
}

int bh_image_import(struct bh_image *i, struct bh_store *s, const char *name,
                    const struct bh_open_options *o, struct bh_error *err)
{
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    struct copy c = {.options = o, .what = name};
    int e;

    if (!bh_digest_is_set(&i->manifest.digest))
        return bh_fail(err, BH_UNSUPPORTED,
                       "%s has no manifest: scan and run take it as it is, the store does not",
                       i->reference);
    if ((e = bh_lease_new(s, &l, err)) < 0)
        return e;
    for (size_t n = 0; n < i->layer_count; n++)
        c.total += i->layers[n].blob.size_bytes;
    for (size_t n = 0; n < i->layer_count; n++) {
        if ((e = copy_layer(i, n, l, &c, err)) < 0)
            return bh_wrap(err, "layer %zu of %zu", n + 1, i->layer_count);
    }
    if ((e = put_document(l, &i->config_bytes, err)) < 0 ||
        (e = put_document(l, &i->manifest_bytes, err)) < 0)
        return e;
    return bh_store_set_name(l, name, &i->root, &o->platform, i->reference, err);
}
