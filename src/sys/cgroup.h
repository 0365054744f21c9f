/* sys/cgroup.h - one cgroup of our own with limits, on cgroup v1, v2 and the hybrid of both.
 *
 * On v1 (and hybrid, where the controllers are on v1) a directory is made in the memory, pids and
 * cpu hierarchies below the caller's own cgroup, so that limits already set on the caller go on
 * holding. On v2 it is made below the caller's cgroup when that one may hand out controllers, else,
 * for root, below the root of the hierarchy. Directories are named "bulkhead-<pid>-<n>".
 * Source: Linux Documentation/admin-guide/cgroup-v1, cgroup-v2.rst. */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct bh_cgroup_limits {
    uint64_t memory_bytes; /* 0: no limit */
    uint64_t swap_bytes;   /* beyond memory; UINT64_MAX: no limit */
    uint64_t pids;         /* 0: no limit */
    uint64_t cpu_milli;    /* thousandths of one processor; 0: no limit */
};

enum bh_cgroup_limit {
    BH_CGROUP_MEMORY = 1u << 0,
    BH_CGROUP_SWAP = 1u << 1,
    BH_CGROUP_PIDS = 1u << 2,
    BH_CGROUP_CPU = 1u << 3,
};

#define BH_CGROUP_PARTS 3u

struct bh_cgroup {
    struct {
        int parent; /* the directory that holds ours */
        int join;   /* v1: the tasks file, written by the joining process; else -1 */
    } parts[BH_CGROUP_PARTS];
    size_t count;
    int into;         /* v2: the directory, for CLONE_INTO_CGROUP; else -1 */
    char name[48];    /* of the directories */
    unsigned missing; /* limits asked for that this host cannot set: enum bh_cgroup_limit */
    char reason[120]; /* why the first of them is missing, "" when none is */
    bool memory_v2;   /* where to look for what the memory controller did */
};
#define BH_CGROUP_INIT ((struct bh_cgroup){.into = -1})

/* Makes the cgroup and sets the limits. A limit that cannot be set is no failure but noted in
 * ret->missing; the caller decides. */
void bh_cgroup_create(const struct bh_cgroup_limits *limits, struct bh_cgroup *ret) BH_NONNULL;
/* Moves the calling, single-threaded process in (v1; on v2 clone3 did it). */
int bh_cgroup_join(const struct bh_cgroup *c, struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1);
/* How many processes the kernel killed in it for want of memory. */
uint64_t bh_cgroup_oom_kills(const struct bh_cgroup *c) BH_NONNULL;
/* Removes the directories, which must be empty of processes, and closes. false: one is left. */
bool bh_cgroup_remove(struct bh_cgroup *c) BH_NONNULL;
/* Removes directories that a killed supervisor left beside ours. */
void bh_cgroup_sweep(const struct bh_cgroup *c) BH_NONNULL;

/* The path of a controller's cgroup in the text of /proc/PID/cgroup; controller "" is the unified
 * hierarchy. false when it is not listed or longer than size. */
bool bh_cgroup_path(const char *text, const char *controller, char *path, size_t size) BH_NONNULL;
/* The pid in "bulkhead-<pid>-<n>", or 0 when the name is not of that form. */
long bh_cgroup_name_pid(const char *name) BH_NONNULL;

/* For BH_AUTO. */
static inline void bh_cgroup_done(struct bh_cgroup *c)
{
    (void)bh_cgroup_remove(c);
}
