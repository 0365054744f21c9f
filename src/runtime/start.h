/* runtime/start.h - the steps of a start, shared by the files of this room only.
 *
 * All bh_start_* run in the child, after clone3 and before the workload is executed. */
#pragma once
#include "runtime/container.h"
#include "runtime/terminal.h"
#include "sys/cgroup.h"

#include <stdint.h>

/* What the child tells the supervisor, one message per write, smaller than PIPE_BUF. */
enum bh_report_kind { BH_REPORT_DEGRADED = 1, BH_REPORT_FAILED = 2 };
struct bh_report {
    uint32_t kind;
    int32_t status; /* exit status to pass on, of a failure */
    int32_t code;   /* enum bh_code, of a failure */
    char text[BH_ERROR_MESSAGE_SIZE];
};

struct bh_start {
    const struct bh_container *container;
    const struct bh_launch *launch;
    const struct bh_cgroup *cgroup;
    int *layers; /* directories, the uppermost first, the skeleton's last */
    size_t layer_count;
    const int *streams; /* three descriptors that become 0, 1 and 2 */
    int skeleton;       /* the skeleton's directory */
    int report;         /* pipe to the supervisor, closed by the exec that succeeds */
    int mapped;   /* read end: a byte arrives when the supervisor has written the ID maps; or -1 */
    int terminal; /* socket over which the terminal's master goes to the supervisor; or -1 */
    bool privileged; /* the caller is root of the initial user namespace, as far as we can tell */
};

static inline bool bh_start_has(const struct bh_start *s, uint64_t protection)
{
    return !(s->container->without & protection);
}

/* A protection that cannot be had: told to the supervisor when the record allows to go on without
 * it, else the failure itself. Takes err as filled and empties it. */
int bh_start_degraded(const struct bh_start *s, const char *what, struct bh_error *err) BH_CHECKED;

/* root.c: opens the layers and the skeleton. In the child, because the kernel takes only layers
 * that are reached through the mounts of the namespace the overlay is made in. */
int bh_start_layers(struct bh_start *s, struct bh_error *err) BH_CHECKED;
/* root.c: the overlay, attached and open. */
int bh_start_root(const struct bh_start *s, int *ret_root, struct bh_error *err) BH_CHECKED;
/* root.c: opens a mount point inside the root. Directories must be real ones. */
int bh_start_target(int root, const char *path, bool directory, int *ret_fd, struct bh_error *err)
    BH_CHECKED;
/* kernel_mounts.c: /proc, /sys, masks. */
int bh_start_kernel_mounts(const struct bh_start *s, int root, struct bh_error *err) BH_CHECKED;
/* device.c: /dev with pts, shm and mqueue, and the console of a terminal, whose slave side is in
 * *ret_console (-1 without a terminal). */
int bh_start_devices(const struct bh_start *s, int root, int *ret_console, struct bh_error *err)
    BH_CHECKED;
/* volume.c: tmpfs mounts and volumes. */
int bh_start_volumes(const struct bh_start *s, int root, struct bh_error *err) BH_CHECKED;
/* user_namespace.c */
/* The child maps its own single ID; everything else the supervisor writes, or has written by the
 * set-user-ID helpers. */
int bh_start_own_maps(const struct bh_launch *l, struct bh_error *err) BH_CHECKED;
int bh_write_maps(const struct bh_launch *l, pid_t pid, struct bh_error *err) BH_CHECKED;
/* confine.c: resource limits, identity, capabilities, no_new_privs, Landlock, seccomp: in this
 * order, nothing may follow but the exec. */
int bh_start_confine(const struct bh_start *s, struct bh_error *err) BH_CHECKED;
/* child.c: the child's whole life before the workload; does not return. */
BH_NORETURN void bh_start_child(struct bh_start *s);
/* init.c: PID 1 that starts the workload as its child, reaps, forwards signals and ends with the
 * workload's status; returns only in the workload, or with a failure. */
int bh_init_fork(struct bh_error *err) BH_CHECKED;
