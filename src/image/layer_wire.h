/* image/layer_wire.h - a layer's entries and content sent from the decoder to who applies them.
 *
 * The decoder parses what strangers wrote and may be in their hands, so the receiving side believes
 * nothing: every frame has a fixed-size header, a length below a limit, and each field is judged
 * again (clean paths, known types, sizes that add up) before a sink hears of it. Frames are in the
 * machine's own byte order: both ends are processes of one build.
 *
 * The sequence: ENTRY, then for a file whose content follows DATA and HOLE frames and END; at last
 * one DONE or FAILED. */
#pragma once
#include "image/layer_stream.h"
#include "sys/digest.h"

#define BH_LAYER_FRAME_MAX (2u * 1024 * 1024) /* bytes of one frame, without its header */

/* Of the whole pass, in DONE. */
struct bh_layer_outcome {
    struct bh_digest digest, diff_id;
    struct bh_layer_totals totals;
};

/* The sending side: a sink for bh_layer_stream. */
struct bh_layer_sender;
struct bh_layer_sender *bh_layer_sender_new(int fd) BH_RETURNS_NONNULL;
void bh_layer_sender_free(struct bh_layer_sender *s); /* NULL is allowed */
static inline void bh_layer_sender_freep(struct bh_layer_sender **s)
{
    bh_layer_sender_free(*s);
}
const struct bh_layer_sink *bh_layer_sender_sink(struct bh_layer_sender *s)
    BH_NONNULL BH_RETURNS_NONNULL;
/* The last frame: DONE when failure->code is 0, else FAILED. Flushes. */
int bh_layer_sender_finish(struct bh_layer_sender *s, const struct bh_layer_outcome *outcome,
                           const struct bh_error *failure, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);

/* The receiving side: reads frames from fd until DONE and hands them to sink (which is given the
 * content of every file). sink NULL: only DONE or FAILED is expected.
 * Errors: what FAILED carries, what the sink returned, or BH_INTERNAL for a frame that makes no
 *         sense or a stream that ends early. */
int bh_layer_receive(int fd, const struct bh_layer_sink *sink, struct bh_layer_outcome *ret,
                     struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(3);
