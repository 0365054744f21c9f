#include "runtime/rehearsal.h"

#include "sys/fd.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS 10000u
#define PIDS 64u                 /* while the fork bomb goes for 200 */
#define MEMORY_BYTES (96u << 20) /* while the glutton goes for 256 MiB */

static const struct {
    const char *name;
    uint64_t without; /* 0: the private root, which is switched by using the other record */
} protections[BH_REHEARSAL_PROTECTIONS] = {
    {"private root", 0},
    {"seccomp", BH_WITHOUT_SECCOMP},
    {"capabilities", BH_WITHOUT_CAPABILITY_DROP},
    {"Landlock", BH_WITHOUT_LANDLOCK},
    {"read-only root", BH_WITHOUT_READ_ONLY_ROOT},
    {"kernel path masks", BH_WITHOUT_MASKS},
    {"mount flags", BH_WITHOUT_MOUNT_FLAGS},
    {"network namespace", BH_WITHOUT_NETWORK_NAMESPACE},
    {"PID namespace", BH_WITHOUT_PID_NAMESPACE},
    {"IPC namespace", BH_WITHOUT_IPC_NAMESPACE},
    {"cgroup namespace", BH_WITHOUT_CGROUP_NAMESPACE},
    {"memory limit", BH_WITHOUT_MEMORY_LIMIT},
    {"process limit", BH_WITHOUT_PIDS_LIMIT},
};
/* In a user namespace the kernel mounts /proc and mqueue for their own namespaces' makers only, so
 * those two cannot be switched off. */
static uint32_t switchable(const struct bh_launch *l)
{
    uint32_t all = (1u << BH_REHEARSAL_PROTECTIONS) - 1u;

    for (size_t i = 0; i < BH_REHEARSAL_PROTECTIONS; i++)
        if (l->flags & BH_LAUNCH_USER_NAMESPACE &&
            protections[i].without & (BH_WITHOUT_PID_NAMESPACE | BH_WITHOUT_IPC_NAMESPACE))
            all &= ~(1u << i);
    return all;
}
#define PRIVATE_ROOT 1u

const char *bh_rehearsal_protection(size_t index)
{
    return protections[index].name;
}

enum argument { NONE, SECRET, ENGINE, PROCESS, PORT, ABSTRACT, SEGMENT };

static const struct {
    const char *name, *title;
    enum argument argument;
} attempts[] = {
    {"host-file", "read a file of the host", SECRET},
    {"engine-socket", "talk to a container engine's socket", ENGINE},
    {"host-process", "signal a process of the host", PROCESS},
    {"host-port", "reach a service on the host's loopback", PORT},
    {"host-abstract-socket", "reach an abstract socket of the host", ABSTRACT},
    {"host-shared-memory", "attach shared memory of the host", SEGMENT},
    {"internet", "reach the network", NONE},
    {"write-root", "write to the root file system", NONE},
    {"ptrace", "trace another process", NONE},
    {"process-memory", "read another process's memory", NONE},
    {"mount", "mount a file system", NONE},
    {"fsopen", "mount by the new interface", NONE},
    {"cgroup-release-agent", "take over a cgroup's release agent", NONE},
    {"chroot", "change the root directory", NONE},
    {"user-namespace", "make a user namespace", NONE},
    {"user-namespace-clone3", "make a user namespace by clone3", NONE},
    {"file-handle", "open a file by its handle", NONE},
    {"disk-node", "make and open a disk's node", NONE},
    {"kernel-module", "load a kernel module", NONE},
    {"kexec", "load another kernel", NONE},
    {"bpf", "use BPF", NONE},
    {"perf", "watch a processor by perf events", NONE},
    {"io-uring", "set up an io_uring", NONE},
    {"userfaultfd", "handle page faults", NONE},
    {"keyrings", "reach the kernel's keyrings", NONE},
    {"af-alg", "open the kernel's crypto interface", NONE},
    {"af-vsock", "talk to the hypervisor", NONE},
    {"netlink-xfrm", "open the kernel's IPsec interface", NONE},
    {"netlink-netfilter", "open the kernel's packet filter", NONE},
    {"raw-socket", "send raw packets", NONE},
    {"packet-socket", "read the interface's frames", NONE},
    {"core-pattern", "open core_pattern for writing", NONE},
    {"sysrq", "open sysrq-trigger for writing", NONE},
    {"uevent-helper", "open uevent_helper for writing", NONE},
    {"kernel-memory", "open the kernel's memory", NONE},
    {"kernel-symbols", "read the kernel's symbols", NONE},
    {"kernel-log", "read the kernel's log", NONE},
    {"fork-bomb", "start 200 processes where 64 are allowed", NONE},
    {"memory", "take 256 MiB where 96 are allowed", NONE},
};

size_t bh_rehearsal_count(void)
{
    return BH_COUNT_OF(attempts);
}

/* What the attempts aim at: all of it ours. */
struct decoys {
    struct bh_child process;
    int listener, abstract, engine, segment;
    char secret[4200], engine_path[4200], pid[16], port[8], name[48], key[16];
};

static void decoys_done(struct decoys *d)
{
    bh_child_done(&d->process);
    bh_closep(&d->listener);
    bh_closep(&d->abstract);
    bh_closep(&d->engine);
    if (d->segment >= 0)
        (void)shmctl(d->segment, IPC_RMID, NULL);
}

static int listen_unix(const struct sockaddr_un *at, size_t len, int *ret_fd, struct bh_error *err)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        bind(fd, (const struct sockaddr *)at,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0 ||
        listen(fd, 64) < 0) {
        bh_closep(&fd);
        return bh_fail_errno(err, "decoy socket");
    }
    *ret_fd = fd;
    return 0;
}

static int make_sockets(struct decoys *d, struct bh_error *err)
{
    struct sockaddr_in loop = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_un abstract = {.sun_family = AF_UNIX}, engine = {.sun_family = AF_UNIX};
    socklen_t len = sizeof loop;
    int r;

    d->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->listener < 0 || bind(d->listener, (struct sockaddr *)&loop, sizeof loop) < 0 ||
        listen(d->listener, 64) < 0 || getsockname(d->listener, (struct sockaddr *)&loop, &len) < 0)
        return bh_fail_errno(err, "decoy service");
    (void)snprintf(d->port, sizeof d->port, "%u", ntohs(loop.sin_port));
    (void)snprintf(d->name, sizeof d->name, "bulkhead-rehearsal-%ld", (long)getpid());
    memcpy(abstract.sun_path + 1, d->name, strlen(d->name));
    r = listen_unix(&abstract, strlen(d->name) + 1, &d->abstract, err);
    if (r)
        return r;
    if (strlen(d->engine_path) >= sizeof engine.sun_path)
        return bh_fail(err, BH_LIMIT, "the state root's path is too long for a socket in it");
    memcpy(engine.sun_path, d->engine_path, strlen(d->engine_path));
    (void)unlink(d->engine_path);
    r = listen_unix(&engine, strlen(d->engine_path) + 1, &d->engine, err);
    return r ? r : chmod(d->engine_path, 0666) < 0 ? bh_fail_errno(err, "decoy socket") : 0;
}

/* A process that does nothing until it is killed. */
static int make_process(struct decoys *d, struct bh_error *err)
{
    char name[] = "sleep", seconds[] = "600", *const argv[] = {name, seconds, NULL};
    const int nowhere[] = {-1, -1, -1};
    const struct bh_spawn spawn = {
        .path = "/bin/sleep", .argv = argv, .fds = nowhere, .fd_count = 3, .die_with_parent = 1};
    int r = bh_spawn(&spawn, &d->process, err);

    (void)snprintf(d->pid, sizeof d->pid, "%ld", (long)d->process.pid);
    return r;
}

static int make_decoys(const struct bh_rehearsal *r, struct decoys *d, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    key_t key = 0x42480000 ^ (key_t)getpid();
    int result;

    (void)snprintf(d->secret, sizeof d->secret, "%s/secret", r->decoy);
    (void)snprintf(d->engine_path, sizeof d->engine_path, "%s/engine.sock", r->decoy);
    (void)snprintf(d->key, sizeof d->key, "%d", (int)key);
    fd = open(d->secret, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return bh_fail_errno(err, "decoy %s", d->secret);
    d->segment = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666);
    if (d->segment < 0)
        return bh_fail_errno(err, "decoy shared memory");
    result = make_sockets(d, err);
    return result ? result : make_process(d, err);
}

static const char *argument_of(const struct decoys *d, enum argument a, bool exposed)
{
    switch (a) {
    case SECRET:
        return exposed ? BH_REHEARSAL_DECOY "/secret" : d->secret;
    case ENGINE:
        return exposed ? BH_REHEARSAL_DECOY "/engine.sock" : d->engine_path;
    case PROCESS:
        return d->pid;
    case PORT:
        return d->port;
    case ABSTRACT:
        return d->name;
    case SEGMENT:
        return d->key;
    case NONE:
        break;
    }
    return "";
}

struct verdict {
    bool succeeded;
    char text[120];
};

/* "refused 1 mount a file system" becomes EPERM. An attacker that says nothing must have been
 * killed; otherwise it did not run, and nothing was shown. */
static int read_verdict(int fd, int status, struct verdict *v, struct bh_error *err)
{
    char line[160] = "", *end;
    const char *name;
    size_t len = 0;

    (void)fcntl(fd, F_SETFL, O_NONBLOCK); /* a process that escaped its end must not hold us up */
    (void)!bh_read_full(fd, line, sizeof line - 1, &len, NULL);
    line[strcspn(line, "\n")] = '\0';
    v->succeeded = strncmp(line, "succeeded", 9) == 0;
    if (v->succeeded) {
        (void)snprintf(v->text, sizeof v->text, "succeeded");
        return 0;
    }
    if (strncmp(line, "refused ", 8) == 0) {
        name = strerrorname_np((int)strtol(line + 8, &end, 10));
        (void)snprintf(v->text, sizeof v->text, "%s", name ? name : line);
        return 0;
    }
    if (status != 128 + SIGKILL)
        return bh_fail(err, BH_INTERNAL, "the attacker did not run (exit status %d)", status);
    (void)snprintf(v->text, sizeof v->text, "killed");
    return 0;
}

/* The small limits of a rehearsal, in place of the record's own of the same kind. */
static void limit(struct bh_launch *l, struct bh_launch_rlimit *rlimits)
{
    l->limits.pids = PIDS;
    l->limits.memory_bytes = MEMORY_BYTES;
    l->limits.swap_bytes = 0;
    for (size_t i = 0; i < l->rlimit_count; i++) {
        rlimits[i] = l->rlimits[i];
        if (rlimits[i].resource == RLIMIT_NPROC)
            rlimits[i].soft = rlimits[i].hard = PIDS;
        if (rlimits[i].resource == RLIMIT_DATA)
            rlimits[i].soft = rlimits[i].hard = MEMORY_BYTES;
    }
    l->rlimits = rlimits;
}

/* One start. off: bits of protections. */
static int attempt(const struct bh_rehearsal *r, size_t index, const struct decoys *d, uint32_t off,
                   struct verdict *ret, struct bh_error *err)
{
    const char *name = attempts[index].name;
    const char *argument = argument_of(d, attempts[index].argument, off & PRIVATE_ROOT);
    struct bh_launch l = off & PRIVATE_ROOT ? *r->exposed : *r->launch;
    const char *const argv[] = {r->attacker, name, argument, NULL};
    struct bh_container c = {.launch = &l, .timeout_ms = TIMEOUT_MS};
    BH_AUTO(bh_closep) int out = -1;
    BH_AUTO(bh_closep) int in = -1;
    BH_AUTO(bh_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    BH_AUTO(bh_freep)
    struct bh_launch_rlimit *rlimits = bh_new_array(l.rlimit_count + 1, sizeof *rlimits);
    int ends[2], status = 0, result;

    if (null < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return bh_fail_errno(err, "pipe");
    in = ends[0];
    out = ends[1];
    c.streams[0] = null;
    c.streams[1] = out;
    c.streams[2] = null;
    l.argv = argv;
    l.flags = (l.flags & ~(uint32_t)BH_LAUNCH_INIT) | BH_LAUNCH_ALLOW_DEGRADED;
    limit(&l, rlimits);
    for (size_t i = 0; i < BH_REHEARSAL_PROTECTIONS; i++)
        if (off >> i & 1)
            c.without |= protections[i].without;
    result = bh_container_run(&c, &status, err);
    bh_closep(&out);
    if (result == 0)
        result = read_verdict(in, status, ret, err);
    return result ? bh_wrap(err, "attempt %s", name) : 0;
}

static int judge(const struct bh_rehearsal *r, size_t index, const struct decoys *d,
                 struct bh_attempt_result *ret, struct bh_error *err)
{
    uint32_t all = switchable(r->launch);
    struct verdict v = {0};
    int result = attempt(r, index, d, 0, &v, err);

    *ret = (struct bh_attempt_result){.name = attempts[index].name, .title = attempts[index].title};
    if (result)
        return result;
    memcpy(ret->evidence, v.text, sizeof ret->evidence);
    ret->outcome = BH_ATTEMPT_ESCAPED;
    if (v.succeeded)
        return 0;
    ret->outcome = BH_ATTEMPT_INAPPLICABLE;
    result = attempt(r, index, d, all, &v, err);
    if (result || !v.succeeded)
        return result;
    ret->outcome = BH_ATTEMPT_STOPPED;
    for (size_t i = 0; i < BH_REHEARSAL_PROTECTIONS && !result; i++) {
        if (!(all >> i & 1))
            continue;
        result = attempt(r, index, d, all & ~(1u << i), &v, err);
        if (result == 0 && !v.succeeded)
            ret->stopped_by |= 1u << i;
    }
    if (result)
        return result;
    ret->together = ret->stopped_by == 0;
    if (__builtin_popcount(ret->stopped_by) == 1) {
        result = attempt(r, index, d, ret->stopped_by, &v, err);
        ret->confirmed = v.succeeded;
    }
    return result;
}

int bh_rehearse(const struct bh_rehearsal *r, struct bh_error *err)
{
    BH_AUTO(decoys_done)
    struct decoys d = {
        .process = BH_CHILD_INIT, .listener = -1, .abstract = -1, .engine = -1, .segment = -1};
    int result = make_decoys(r, &d, err);

    for (size_t i = 0; i < BH_COUNT_OF(attempts) && !result; i++) {
        struct bh_attempt_result one;

        result = judge(r, i, &d, &one, err);
        if (result == 0)
            r->result(r->context, &one);
    }
    return result;
}
