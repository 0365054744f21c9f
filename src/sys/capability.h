/* sys/capability.h - the five capability sets of the calling thread, through the kernel's own
 * calls. Source: capabilities(7). */
#pragma once
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct bh_capability_sets {
    uint64_t effective, permitted, inheritable; /* bit n: capability n */
};

int bh_capability_get(struct bh_capability_sets *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1);
int bh_capability_set(const struct bh_capability_sets *sets, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1);
/* Drops everything outside keep from the bounding set. Needs CAP_SETPCAP. */
int bh_capability_bound(uint64_t keep, struct bh_error *err) BH_CHECKED;
/* Leaves exactly keep in the ambient set; keep must be permitted and inheritable. */
int bh_capability_ambient(uint64_t keep, struct bh_error *err) BH_CHECKED;

/* "CAP_NET_RAW", "net_raw", "NET_RAW": its number, or -1. */
int bh_capability_number(const char *name) BH_NONNULL;
/* "CAP_NET_RAW"; NULL for a number without a name here. */
const char *bh_capability_name(int number);
