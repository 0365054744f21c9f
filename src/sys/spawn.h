/* sys/spawn.h - child processes held by pidfd, never by a number that can be reused.
 *
 * clone3(2) with CLONE_PIDFD; no PATH lookup, no shell. */
#pragma once
#include "base/error.h"

#include <sys/types.h>

struct bh_child {
    pid_t pid;
    int pidfd; /* -1 when reaped */
};
#define BH_CHILD_INIT ((struct bh_child){.pid = 0, .pidfd = -1})

struct bh_spawn {
    const char *path; /* absolute, or NULL with exe_fd */
    int exe_fd;       /* used when path is NULL */
    char *const *argv;
    char *const *envp; /* NULL: an empty environment */
    /* Descriptors the child gets: source fds[i] becomes number i (0, 1, 2, 3 ...); -1 opens
     * /dev/null there. All others are closed (close_range). */
    const int *fds;
    size_t fd_count;
    int die_with_parent; /* SIGKILL when the parent dies */
};

int bh_spawn(const struct bh_spawn *s, struct bh_child *ret, struct bh_error *err) BH_CHECKED;
/* Waits and reaps. *ret_status: exit status, or 128 + signal. timeout_ms < 0 waits for ever;
 * BH_TIMEOUT leaves the child running. */
int bh_child_wait(struct bh_child *c, int timeout_ms, int *ret_status, struct bh_error *err)
    BH_CHECKED;
/* For BH_AUTO: kills and reaps a child that is still there. */
void bh_child_done(struct bh_child *c);
