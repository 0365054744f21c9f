/* advisory/feed.h - records out of files from outside, read in a confined process.
 *
 * The process that parses (zip, tar, JSON) can only use the descriptors it was given; what it sends
 * back is checked again before it counts (advisory/osv.h). A record that is none is passed over and
 * counted; a damaged archive, or one in ten records unreadable, refuses the whole feed. */
#pragma once
#include "advisory/osv.h"

/* Called for every record; what it points to lives until it returns. A result other than 0 ends the
 * reading with that error. */
typedef int bh_feed_sink(void *context, const struct bh_osv_record *record, struct bh_error *err);

struct bh_feed_result {
    uint64_t records; /* handed to the sink */
    uint64_t passed_over;
    uint64_t no_security; /* errata that mend bugs or add features, and name no vulnerability */
    char first_reason[BH_ERROR_MESSAGE_SIZE]; /* of what was passed over; "" when nothing was */
};

#define BH_FEED_MEMORY (3ull << 30)     /* of the confined process */
#define BH_FEED_OUTPUT_MAX (768u << 20) /* bytes of reduced records */
#define BH_FEED_CPU_SECONDS 600u

/* fd is an archive (zip, tar, also compressed) or JSON: one record, an array of them, or one after
 * another. name is for messages. *result is added to. */
int bh_feed_read(int fd, const char *name, bh_feed_sink *sink, void *context,
                 struct bh_feed_result *result, struct bh_error *err) BH_CHECKED;

/* Reads what path names: such a file, or a directory whose files ending in ".json" are read, also
 * below it (at most 16 deep; links are not followed). */
int bh_feed_read_path(const char *path, bh_feed_sink *sink, void *context,
                      struct bh_feed_result *result, struct bh_error *err) BH_CHECKED;
