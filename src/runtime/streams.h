/* runtime/streams.h - standard output and error that the workload's user may open again.
 *
 * Programs open /dev/stdout and /dev/stderr by name (nginx for its logs). When the caller's is a
 * file or a terminal that the workload's user may not open, the workload gets a pipe of its own
 * user instead, and the supervisor copies what comes. */
#pragma once
#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct bh_streams {
    struct bh_stream_copy {
        int from, to; /* -1: not copied */
    } copies[2];
    int given[3]; /* what the workload gets as 0, 1 and 2 */
    int own[2];   /* write ends to close when the child has its copies; -1 */
};
#define BH_STREAMS_INIT                                                                            \
    ((struct bh_streams){.copies = {{.from = -1, .to = -1}, {.from = -1, .to = -1}},               \
                         .given = {0, 1, 2},                                                       \
                         .own = {-1, -1}})

/* wanted: the container's streams. uid: the workload's, as the host counts. */
int bh_streams_open(struct bh_streams *s, const int wanted[3], uid_t uid, struct bh_error *err)
    BH_CHECKED;
/* In the supervisor after the clone. */
void bh_streams_started(struct bh_streams *s) BH_NONNULL;
/* Copies what copy has; false at its end. */
bool bh_stream_pump(struct bh_stream_copy *copy) BH_NONNULL;
/* Copies what is left, and closes. */
void bh_streams_done(struct bh_streams *s);
