/* fact/tightening.h - what a rule of the run gate takes away from a container's profile.
 *
 * A profile can only be narrowed: of two values the smaller one counts, of two sets what is in
 * both. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BH_TIGHTENING_CALLS_MAX 64u

struct bh_tightening {
    uint64_t memory_bytes, pids, cpu_milli, open_files; /* 0: says nothing about it */
    bool keeps_capabilities;                            /* capabilities holds the only ones kept */
    uint64_t capabilities;                              /* bit n: capability n */
    bool read_only;                                     /* the root file system */
    const char **deny_calls;                            /* NULL terminated, or NULL */
};
