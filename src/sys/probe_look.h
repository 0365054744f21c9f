/* sys/probe_look.h - the probes by topic; for sys/probe*.c alone. Each runs in a child that exits
 * after it, so descriptors and namespaces need no cleaning up. */
#pragma once
#include "sys/probe.h"

void bh_probe_set(struct bh_probe_result *ret, enum bh_probe_state state, const char *format, ...)
    BH_PRINTF(3, 4) BH_NONNULL_ARGS(1);
/* From errno of the call that failed: EPERM and EACCES are denied, all others no. */
void bh_probe_set_errno(struct bh_probe_result *ret, const char *what) BH_NONNULL;
/* The first bytes of a small file, trailing newline removed; false when it cannot be read. */
bool bh_probe_read(const char *path, char *text, size_t size) BH_NONNULL;

typedef void bh_probe_look_fn(struct bh_probe_result *ret);
bh_probe_look_fn bh_look_user_namespace, bh_look_user_namespace_others, bh_look_namespaces,
    bh_look_time_namespace, bh_look_id_ranges, bh_look_clone3, bh_look_pidfd;
bh_probe_look_fn bh_look_cgroup_version, bh_look_cgroup_controllers, bh_look_cgroup_own,
    bh_look_cgroup_clone;
bh_probe_look_fn bh_look_seccomp, bh_look_seccomp_notify, bh_look_seccomp_tsync, bh_look_landlock,
    bh_look_landlock_network;
bh_probe_look_fn bh_look_modules, bh_look_lockdown, bh_look_ptrace_scope, bh_look_io_uring,
    bh_look_unprivileged_bpf, bh_look_userfaultfd, bh_look_memfd_secret, bh_look_core_sched;
bh_probe_look_fn bh_look_openat2, bh_look_overlay, bh_look_overlay_user, bh_look_idmap,
    bh_look_mount_api, bh_look_fanotify_permission, bh_look_fanotify_user;
bh_probe_look_fn bh_look_bpf_btf, bh_look_bpf_ring, bh_look_bpf_tracepoint, bh_look_bpf_raw,
    bh_look_bpf_tp_btf, bh_look_bpf_cgroup_device, bh_look_bpf_cgroup_connect,
    bh_look_bpf_cgroup_skb, bh_look_bpf_kprobe, bh_look_bpf_fentry, bh_look_bpf_lsm,
    bh_look_bpf_iterator, bh_look_bpf_xdp;
