/* inspect/worker_run.h - one confined worker that learns what a layer or a directory holds. */
#pragma once
#include "base/error.h"
#include "image/layer_stream.h"
#include "sys/digest.h"

/* What a worker is given. Exactly one of source and dir_path. */
struct bh_inspect_work {
    const struct bh_layer_source *source;
    const char *dir_path; /* absolute */
    int dir_fd;
    const struct bh_layer_limits *limits;
    int out_fd, spool_fd;
};

/* Runs it to its end. The facts are in out_fd then. *ret_diff_id is of the layer, unset for a
 * directory.
 * Errors: as bh_layer_stream; BH_INTERNAL when the worker died. */
int bh_inspect_in_worker(const struct bh_inspect_work *work, struct bh_digest *ret_diff_id,
                         struct bh_error *err) BH_CHECKED;
