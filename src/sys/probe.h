/* sys/probe.h - what this kernel can do, found by doing it.
 *
 * A version number proves nothing: distributions configure features away and administrators forbid
 * them. Each probe tries the real thing in a child process of its own, in namespaces of its own
 * where it mounts or unshares, and leaves nothing behind. What the caller may not do is "denied",
 * not "no": another user may. */
#pragma once
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

enum bh_probe_state {
    BH_PROBE_YES,
    BH_PROBE_PARTLY, /* there, with something missing; the detail says what */
    BH_PROBE_NO,
    BH_PROBE_DENIED,  /* this user may not; another perhaps */
    BH_PROBE_UNKNOWN, /* could not be tried; the detail says why */
};
const char *bh_probe_state_name(enum bh_probe_state s) BH_RETURNS_NONNULL; /* "yes", "partly", .. */

enum bh_probe_group {
    BH_PROBE_NAMESPACES,
    BH_PROBE_CGROUPS,
    BH_PROBE_FILTERS, /* seccomp, Landlock */
    BH_PROBE_MODULES, /* security modules and hardening of the host */
    BH_PROBE_FILES,   /* mounts, paths, watching files */
    BH_PROBE_BPF,
    BH_PROBE_GROUP_COUNT,
};
const char *bh_probe_group_name(enum bh_probe_group g) BH_RETURNS_NONNULL; /* "namespaces", ... */

#define BH_PROBE_DETAIL_SIZE 256u

struct bh_probe_result {
    enum bh_probe_state state;
    char detail[BH_PROBE_DETAIL_SIZE];
};

struct bh_probe {
    const char *name; /* stable: "landlock", "bpf-lsm" */
    enum bh_probe_group group;
    const char *title; /* for people: "BPF LSM programs" */
    const char *cost;  /* what protection is lost without it, one sentence without the full stop */
    bool essential;    /* `bulkhead run` refuses without it unless told otherwise */
    bool exposure;     /* there is nothing to lose: "yes" widens what an attacker can reach */
    void (*look)(struct bh_probe_result *ret);
};

extern const struct bh_probe bh_probes[];
extern const size_t bh_probe_count;

/* Tries it, in a child; a child that dies or hangs (10 s) makes the result unknown. */
void bh_probe_look(const struct bh_probe *p, struct bh_probe_result *ret) BH_NONNULL;
