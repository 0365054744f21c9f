/* profile/confinement.h - the confinement a container gets where its profile says nothing.
 *
 * Everything not listed is refused: system calls with EPERM, so that a program sees a plain
 * refusal, those newer than this build and clone3 with ENOSYS, so that a libc falls back. Arguments
 * are looked at where the number alone says too little: socket families and protocols (AF_ALG,
 * AF_VSOCK, NETLINK_XFRM, NETLINK_NETFILTER and all others but unix, inet, inet6 and routing are
 * out), the namespace flags of clone and unshare, device nodes in mknod, terminal injection in
 * ioctl. */
#pragma once
#include "profile/launch.h"

/* The system call list. program is malloc'ed (free). Errors: BH_LIMIT. */
int bh_confinement_seccomp(struct sock_filter **ret_program, size_t *ret_count,
                           struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2);
/* The names that are allowed whatever their arguments; NULL terminated, owned by a. */
const char *const *bh_confinement_calls(struct bh_arena *a) BH_RETURNS_NONNULL BH_NONNULL;

/* Capabilities of a workload that starts as this user: a handful for root, none for others. */
uint64_t bh_confinement_capabilities(uint32_t uid);

/* Fills capabilities, seccomp, landlock, masked_paths and readonly_paths of *l from its uid, flags
 * and mounts; what is made is owned by a. */
int bh_confinement_default(struct bh_launch *l, struct bh_arena *a, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
