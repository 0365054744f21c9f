/* runtime/container.h - one container, started from a launch record and watched until it ends.
 *
 * The caller's process becomes the supervisor: it makes the cgroup, clones the workload into new
 * namespaces, forwards signals, moves the terminal's bytes, relays published ports, and removes
 * everything afterwards. The child prepares its own root and confines itself before it executes the
 * workload; see README.md for the order and why. */
#pragma once
#include "profile/launch.h"

#include <netinet/in.h>
#include <sys/types.h>

/* What can be left out, one by one. Only the attack rehearsal and tests that must be able to fail
 * do so; `bulkhead run` has no such option. */
enum bh_protection {
    BH_WITHOUT_SECCOMP = 1u << 0,
    BH_WITHOUT_LANDLOCK = 1u << 1,
    BH_WITHOUT_CAPABILITY_DROP = 1u << 2,
    BH_WITHOUT_MASKS = 1u << 3, /* masked and read-only kernel paths */
    BH_WITHOUT_READ_ONLY_ROOT = 1u << 4,
    BH_WITHOUT_NETWORK_NAMESPACE = 1u << 5,
    BH_WITHOUT_PID_NAMESPACE = 1u << 6,
    BH_WITHOUT_IPC_NAMESPACE = 1u << 7,
    BH_WITHOUT_MEMORY_LIMIT = 1u << 8,
    BH_WITHOUT_PIDS_LIMIT = 1u << 9,
    BH_WITHOUT_CGROUP_NAMESPACE = 1u << 11,
    BH_WITHOUT_MOUNT_FLAGS = 1u << 10, /* nosuid, nodev, noexec */
};

enum bh_event_kind {
    BH_EVENT_DEGRADED, /* text: which protection is missing and why */
    BH_EVENT_STARTED,  /* pid: as the host sees it */
    BH_EVENT_OOM,      /* number: processes the kernel killed for want of memory */
    BH_EVENT_EXITED,   /* number: the exit status passed on */
    BH_EVENT_LEFTOVER, /* text: what could not be removed */
};

struct bh_event {
    enum bh_event_kind kind;
    const char *text;
    pid_t pid;
    uint64_t number;
};

/* A port of the host whose connections are relayed to one inside. */
struct bh_publish {
    struct sockaddr_storage host; /* IPv4 or IPv6 address and port */
    socklen_t host_len;
    uint16_t inside;
};

struct bh_container {
    const struct bh_launch *launch;
    bool terminal; /* the workload gets a terminal of its own; standard input should be one */
    const struct bh_publish *publish;
    size_t publish_count;
    uint64_t without; /* enum bh_protection */
    /* Descriptors of the workload's standard streams; all 0: those of the caller. */
    int streams[3];
    uint64_t timeout_ms; /* 0: none; afterwards the workload is killed */
    void (*event)(void *context, const struct bh_event *event); /* may be NULL */
    void *context;
};

#define BH_EXIT_FAILED 125         /* our own failure, and a policy's refusal */
#define BH_EXIT_NOT_EXECUTABLE 126 /* the command cannot be executed */
#define BH_EXIT_NOT_FOUND 127      /* there is no such command in the image */

/* Runs to the end. On success *ret_status is the workload's exit status, 128 + n when signal n
 * ended it. A command that could not be started is a failure with *ret_status 126 or 127; for all
 * other failures *ret_status is 125. Nothing is left behind in either case. The caller must be
 * single-threaded. */
int bh_container_run(const struct bh_container *c, int *ret_status, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
