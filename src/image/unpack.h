/* image/unpack.h - one layer from its blob into a directory in overlay form.
 *
 * A confined worker inflates, verifies and parses (image/decoder); this process, which may write
 * owners and devices, only applies validated entries (image/layer_apply). When it fails the
 * directory holds part of a layer: the caller removes it (bh_store_layer_lease does). */
#pragma once
#include "image/decoder.h"
#include "image/layer_apply.h"

/* fs_fd: an empty directory. limits NULL: the default. ret_report may be NULL.
 * Errors: those of bh_layer_stream; BH_UNSUPPORTED for an opaque root; BH_IO for the disk. */
int bh_layer_unpack(const struct bh_layer_source *layer, const struct bh_layer_limits *limits,
                    int fs_fd, struct bh_layer_outcome *ret_outcome,
                    struct bh_apply_report *ret_report, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 4);
