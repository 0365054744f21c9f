/* advisory/feed_impl.h - how the readers of this room run confined and are listened to. */
#pragma once
#include "advisory/feed.h"
#include "sys/sandbox.h"

/* Runs job in a confined process that keeps fds. What it puts out must be a struct bh_feed_result
 * and then packed records, which are checked and handed to sink. */
int bh_feed_run(const int *fds, size_t fd_count, bh_sandbox_work job, void *arg, bh_feed_sink *sink,
                void *context, struct bh_feed_result *result, struct bh_error *err) BH_CHECKED;
