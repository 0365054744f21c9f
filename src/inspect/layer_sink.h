/* inspect/layer_sink.h - learns what is in one layer while it streams by, inside the decoder.
 *
 * The facts are written to out_fd as they are learned (inspect/layer_facts.h), so that memory does
 * not grow with the layer. They count only after bh_layer_stream succeeded and
 * bh_inspector_finish was called: without its end mark the parent takes nothing.
 *
 *     bh_inspector_new(out_fd, spool_fd, &i, err);
 *     bh_layer_stream(source, limits, bh_inspector_sink(i), &digest, &diff_id, &totals, err);
 *     bh_inspector_finish(i, err);
 */
#pragma once
#include "base/error.h"
#include "image/layer_stream.h"

struct bh_inspector;

/* Descriptors stay the caller's. out_fd: a file or pipe that is written from its position on.
 * spool_fd: an empty, unlinked or memory file for content that must be read out of order (rpm's
 * database); -1: such a database is reported as not looked at. */
int bh_inspector_new(int out_fd, int spool_fd, struct bh_inspector **ret, struct bh_error *err)
    BH_CHECKED;
void bh_inspector_free(struct bh_inspector *i); /* NULL is allowed */
static inline void bh_inspector_freep(struct bh_inspector **i)
{
    bh_inspector_free(*i);
}

/* Valid until bh_inspector_free. */
const struct bh_layer_sink *bh_inspector_sink(struct bh_inspector *i) BH_NONNULL BH_RETURNS_NONNULL;

/* Walks a directory instead of a tar: everything below dir_fd, without following links and without
 * leaving its file system. Needs file access (Landlock: read below dir_fd, nothing else). What may
 * not be read becomes a coverage record. */
int bh_inspector_walk(struct bh_inspector *i, int dir_fd, const struct bh_layer_limits *limits,
                      struct bh_error *err) BH_CHECKED;

/* Writes what is left and the end mark. */
int bh_inspector_finish(struct bh_inspector *i, struct bh_error *err) BH_CHECKED;
