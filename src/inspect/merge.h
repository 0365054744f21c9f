/* inspect/merge.h - the layers of an image laid over each other.
 *
 * Applies what the image-spec says of layers to the facts of each: a whiteout removes a path and
 * what is below it, an opaque directory hides what lower layers have in it, an entry that is no
 * directory replaces what was there. What remains goes into the image's facts: the distribution,
 * the packages of every database that is still visible, each with the layer that brought this
 * version of it, findings about files, and coverage records. A package database that a later layer
 * removed is a gap, since what it listed is probably still there.
 * Source: OCI image-spec 1.1 layer.md. */
#pragma once
#include "fact/facts.h"
#include "inspect/layer_facts.h"

/* layers[i] are the facts of layer i, bottom first; NULL for one that could not be read, which the
 * caller has told in a coverage record. For a plain directory, which is one layer,
 * is_directory leaves the layer out of the records.
 * Errors: BH_CORRUPT naming the layer. */
int bh_merge_layers(const struct bh_layer_facts *const *layers, size_t count, bool is_directory,
                    struct bh_facts *f, struct bh_error *err) BH_CHECKED;
