/* image/unpacked.h - an opened image as directories that an overlay mount takes.
 *
 * Layers that are unpacked already are held and used; the others are unpacked first, each once of
 * all processes (image/store.h: bh_store_layer_lease, image/unpack.h). They stay as long as the
 * leases are held, and as long as a name in the store needs them. */
#pragma once
#include "image/source.h"
#include "image/unpack.h"

struct bh_unpacked {
    struct bh_layer_lease *layers; /* bottom first; a directory image has none */
    size_t count;
    struct bh_apply_report report; /* summed over the layers that were unpacked now */
    bool fresh;                    /* at least one was */
};
#define BH_UNPACKED_INIT ((struct bh_unpacked){.layers = NULL})

/* limits NULL: the default. progress, which may be NULL, is told of each layer that is held. On
 * failure nothing is.
 * Errors: BH_UNSUPPORTED for a layer of a type nobody defined, before anything is unpacked; those
 * of bh_image_open_layer and bh_layer_unpack, with the layer's number and digest in front. */
int bh_image_unpack(struct bh_image *i, struct bh_store *s, const struct bh_layer_limits *limits,
                    void (*progress)(void *data, size_t done, size_t total), void *progress_data,
                    struct bh_unpacked *ret, struct bh_error *err) BH_CHECKED;
void bh_unpacked_done(struct bh_unpacked *u);
