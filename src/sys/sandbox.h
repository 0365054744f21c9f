/* sys/sandbox.h - a worker locks itself up before it looks at bytes from outside.
 *
 * Layers, from the outermost: own network, mount and IPC namespaces and an empty root directory
 * (inside a user namespace when not root), the user "nobody" (when root), no capabilities,
 * no_new_privs, not dumpable, Landlock, resource limits, and a seccomp allow list with which only
 * the descriptors already open can be used. no_new_privs and seccomp are never done without; of the
 * others the report says which took hold. Test: tests/unit/sys/sandbox_test.c tries each promise
 * from inside.
 * Source: seccomp(2), landlock(7), user_namespaces(7), capabilities(7). */
#pragma once
#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

struct bh_sandbox_path {
    const char *path; /* passed over when it does not exist */
    bool write;       /* false: only read */
};

struct bh_sandbox {
    bool network; /* keep the network namespace and allow AF_INET, AF_INET6 and AF_UNIX sockets */
    bool threads; /* allow further threads (never processes) */
    uint64_t keep_capabilities; /* bits (1 << CAP_...) a worker started by root keeps as nobody */
    bool keep_identity; /* keep user and capabilities: for workers that write owners and modes */
    /* Files and directories that can still be opened; with none, opening is refused altogether. */
    const struct bh_sandbox_path *paths;
    size_t path_count;
    const int *fds; /* bh_sandbox_run: descriptors that stay open, at most 16 */
    size_t fd_count;
    const char *const *extra_calls; /* further system calls, NULL terminated, or NULL */
    uint64_t memory_bytes;          /* of address space; 0: 1 GiB */
    uint64_t file_bytes;            /* a file written may grow to; 0: none may grow */
    uint32_t cpu_seconds;           /* 0: no limit */
    uint32_t descriptors;           /* highest descriptor number that can be made; 0: 64 */
};

struct bh_sandbox_report {
    bool namespaces, empty_root, user_changed, landlock;
    int landlock_abi;
};

/* Locks the calling process up for good. It must have one thread. ret_report may be NULL.
 * Errors: BH_UNSUPPORTED, BH_DENIED, BH_IO: the process must not go on to read outside bytes. */
int bh_sandbox_enter(const struct bh_sandbox *s, struct bh_sandbox_report *ret_report,
                     struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1);

/* Work done in the locked-up child; what it puts into out comes back to the parent. */
typedef int (*bh_sandbox_work)(void *arg, struct bh_buf *out, struct bh_error *err);

/* Forks, locks the child up, runs work there and appends what it produced to *out, at most
 * out->limit bytes (which must be set). Of the caller's descriptors the child keeps standard error
 * and s->fds. The child shares nothing else with the caller, so work must
 * not rely on changing memory. Killed after timeout_ms (< 0: never).
 * Errors: what work returned, or BH_INTERNAL when the child died, broke the protocol or produced
 *         more than the limit, or BH_TIMEOUT. */
int bh_sandbox_run(const struct bh_sandbox *s, bh_sandbox_work work, void *arg, int timeout_ms,
                   struct bh_buf *out, struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 5);
