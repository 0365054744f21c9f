/* runtime/rehearsal.h - attacks tried from inside containers of ours, and what stopped each.
 *
 * What stopped an attempt is found, not known: the attempt is repeated with every protection
 * switched off but one. A protection with which alone it is still refused stops it by itself; an
 * attempt that is refused even with all of them off is not stopped by us, and is said to be
 * inapplicable here. When exactly one protection stops it, the counter-check is a start with that
 * one alone switched off, which must let it through. Every start is bounded in time, and every
 * attempt is harmless where it succeeds (cmd/attacker.c). */
#pragma once
#include "profile/launch.h"
#include "runtime/container.h"

enum bh_rehearsal_outcome {
    BH_ATTEMPT_STOPPED,
    BH_ATTEMPT_ESCAPED,      /* it succeeded with all protections on */
    BH_ATTEMPT_INAPPLICABLE, /* this kernel, user or image refuses it without our help */
};

/* The protections that are switched, in the order of their bits in stopped_by. */
#define BH_REHEARSAL_PROTECTIONS 13u
const char *bh_rehearsal_protection(size_t index);

struct bh_attempt_result {
    const char *name, *title;
    enum bh_rehearsal_outcome outcome;
    char evidence[120];  /* with everything on: "EPERM: mount a file system", "killed" */
    uint32_t stopped_by; /* bit n: protection n alone stops it */
    bool together;       /* stopped, but by no protection alone */
    bool confirmed;      /* with the only protection that stops it off, it went through */
};

#define BH_REHEARSAL_DECOY "/bulkhead-decoy"

struct bh_rehearsal {
    /* The container as it would be run, with the attacker mounted; not changed. */
    const struct bh_launch *launch;
    /* The same with the decoy directory mounted at BH_REHEARSAL_DECOY: a start whose root is not
     * wholly private. */
    const struct bh_launch *exposed;
    const char *attacker; /* its path inside */
    const char *decoy; /* the directory on the host: a file "secret" and a socket "engine.sock" */
    /* Called after each attempt. */
    void (*result)(void *context, const struct bh_attempt_result *r);
    void *context;
};

size_t bh_rehearsal_count(void);
/* Makes the decoys (a listener on loopback, an abstract socket, a sleeping process, a segment of
 * shared memory), tries everything, removes them. */
int bh_rehearse(const struct bh_rehearsal *r, struct bh_error *err) BH_CHECKED;
