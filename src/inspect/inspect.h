/* inspect/inspect.h - everything an image holds, as facts: layers read in confined workers at the
 * same time, what is known already taken from the cache, laid over each other, judged.
 *
 * The cache is <root>/facts/<hex of diff_id>-<BH_ANALYSER_VERSION>. It is only that: whatever in it
 * does not hold together is removed and made anew, so its files are renamed into place without
 * fsync. */
#pragma once
#include "fact/facts.h"
#include "image/layer_stream.h"
#include "image/source.h"

struct bh_inspect_options {
    int root_fd; /* the state root, for the cache; -1: none */
    const struct bh_layer_limits *limits;
    unsigned workers; /* at the same time; 0: one for each processor */
    /* Called, from any thread but never twice at once, when a layer is done; may be NULL. */
    void (*progress)(void *data, uint64_t done_layers, uint64_t total_layers);
    void *progress_data;
};

/* f's target, config and layers are filled here too.
 * Errors: what the layers say (image/layer_stream.h), with the number of the layer. A layer that is
 * damaged is an error, not a gap: the image is not what its manifest says. */
int bh_inspect_image(struct bh_image *image, const struct bh_inspect_options *o, struct bh_facts *f,
                     struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);
