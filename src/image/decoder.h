/* image/decoder.h - starts bulkhead-decode for one layer and reads what it answers.
 *
 * One worker for one layer: a layer that takes its worker over can lie about itself only, never
 * about the next layer of another image that a cache would remember.
 * The worker gets the blob's descriptor and its orders, locks itself up (sys/sandbox), then reads.
 */
#pragma once
#include "image/layer_stream.h"
#include "image/layer_wire.h"

enum bh_decode_mode {
    BH_DECODE_INSPECT = 1,  /* out_fd gets what inspect/ learned of the layer */
    BH_DECODE_INSPECT_TREE, /* the same for a directory: layer.fd is open on it */
    BH_DECODE_UNPACK,       /* entries and content go to a sink */
};

/* Orders, as sent to the worker: fixed size, no pointers. Private to image/decoder and
 * cmd/decode. */
struct bh_decode_orders {
    uint32_t mode, compression;
    uint64_t offset, size;
    struct bh_layer_limits limits;
    struct bh_digest digest, diff_id; /* unset: computed, not compared */
};

/* Descriptors of the worker. */
enum {
    BH_DECODE_FD_ORDERS = 0,
    BH_DECODE_FD_ANSWER = 1, /* frames of image/layer_wire.h */
    BH_DECODE_FD_LAYER = 3,
    BH_DECODE_FD_OUT = 4,
    BH_DECODE_FD_SPOOL = 5,
};
#define BH_DECODE_OUT_MAX (4ull << 30) /* bytes out_fd and spool_fd may grow to */

/* layer->fd, offset, size, compression and digests as for bh_layer_stream (for INSPECT_TREE only
 * fd). out_fd: an open file, written from its position on. spool_fd: as bh_inspector_new, -1 for
 * none. What out_fd holds counts only when 0 is returned.
 * Errors: those of bh_layer_stream and of the inspector, or BH_INTERNAL for a worker that died. */
int bh_decode_inspect(const struct bh_layer_source *layer, enum bh_decode_mode mode,
                      const struct bh_layer_limits *limits, int out_fd, int spool_fd,
                      struct bh_layer_outcome *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 3, 6);

/* The layer's entries and content to sink, in this process, as the worker sends them; each is
 * validated first. The sink is given every file's content. */
int bh_decode_unpack(const struct bh_layer_source *layer, const struct bh_layer_limits *limits,
                     const struct bh_layer_sink *sink, struct bh_layer_outcome *ret,
                     struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 3, 4);
