#include "sys/probe.h"

#include "sys/probe_look.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 10u

const struct bh_probe bh_probes[] = {
    {"namespaces", BH_PROBE_NAMESPACES, "Mount, pid, network, IPC, UTS, cgroup namespaces",
     "Containers cannot be started by this user", true, false, bh_look_namespaces},
    {"user-namespaces", BH_PROBE_NAMESPACES, "User namespaces",
     "Root inside a container is root outside; ordinary users cannot run containers", false, false,
     bh_look_user_namespace},
    {"user-namespaces-unprivileged", BH_PROBE_NAMESPACES, "User namespaces for ordinary users",
     "Only root can run containers here, and workers that read untrusted bytes have one wall less",
     false, false, bh_look_user_namespace_others},
    {"id-ranges", BH_PROBE_NAMESPACES, "Ranges of user IDs for this user",
     "Rootless containers see a single user ID, so images with several owners lose them", false,
     false, bh_look_id_ranges},
    {"time-namespace", BH_PROBE_NAMESPACES, "Time namespaces", "A container sees the host's uptime",
     false, false, bh_look_time_namespace},
    {"clone3", BH_PROBE_NAMESPACES, "clone3", "Containers cannot be started", true, false,
     bh_look_clone3},
    {"pidfd", BH_PROBE_NAMESPACES, "Process descriptors",
     "A signal could reach a stranger that took over a process number", true, false, bh_look_pidfd},

    {"cgroup-version", BH_PROBE_CGROUPS, "Control groups",
     "Nothing bounds the memory, processor time and processes of a container as a whole", true,
     false, bh_look_cgroup_version},
    {"cgroup-controllers", BH_PROBE_CGROUPS, "Controllers memory, pids, cpu",
     "A container can starve the host of what the missing controller bounds", true, false,
     bh_look_cgroup_controllers},
    {"cgroup-own", BH_PROBE_CGROUPS, "Control groups of this user's own",
     "Limits fall back to those of single processes (rlimits)", false, false, bh_look_cgroup_own},
    {"cgroup-clone-into", BH_PROBE_CGROUPS, "Starting inside a control group",
     "The first moments of a container are not counted against its limits", false, false,
     bh_look_cgroup_clone},

    {"seccomp", BH_PROBE_FILTERS, "System call filters (seccomp)",
     "Every system call of the kernel is open to a container", true, false, bh_look_seccomp},
    {"seccomp-notify", BH_PROBE_FILTERS, "System calls decided by a supervisor",
     "Single calls cannot be allowed case by case", false, false, bh_look_seccomp_notify},
    {"seccomp-tsync", BH_PROBE_FILTERS, "Filters for all threads at once",
     "Programs with threads cannot be confined from inside", false, false, bh_look_seccomp_tsync},
    {"landlock", BH_PROBE_FILTERS, "Landlock",
     "Files are protected by mounts and permissions alone, with no second wall behind them", false,
     false, bh_look_landlock},
    {"landlock-network", BH_PROBE_FILTERS, "Landlock rules for TCP ports",
     "Ports are bounded by the network namespace alone", false, false, bh_look_landlock_network},

    {"security-modules", BH_PROBE_MODULES, "Security modules",
     "No mandatory access control (AppArmor, SELinux) stands behind the container's own walls",
     false, false, bh_look_modules},
    {"lockdown", BH_PROBE_MODULES, "Kernel lockdown",
     "Root on the host can change the running kernel (/dev/mem, unsigned modules, kexec)", false,
     false, bh_look_lockdown},
    {"ptrace-scope", BH_PROBE_MODULES, "Yama's limit on ptrace",
     "Processes of one user can read each other's memory", false, false, bh_look_ptrace_scope},
    {"memfd-secret", BH_PROBE_MODULES, "Memory hidden from the kernel (memfd_secret)",
     "Secrets in memory are readable through kernel bugs and by root", false, false,
     bh_look_memfd_secret},
    {"core-scheduling", BH_PROBE_MODULES, "Core scheduling",
     "Containers can share a processor core and observe each other through its caches", false,
     false, bh_look_core_sched},
    {"io-uring", BH_PROBE_MODULES, "io_uring",
     "Its operations pass by system call filters; Bulkhead's filter refuses it inside containers",
     false, true, bh_look_io_uring},
    {"unprivileged-bpf", BH_PROBE_MODULES, "BPF for ordinary users",
     "Any user can load programs into the kernel", false, true, bh_look_unprivileged_bpf},
    {"unprivileged-userfaultfd", BH_PROBE_MODULES, "userfaultfd for ordinary users",
     "Kernel races become easy to win", false, true, bh_look_userfaultfd},

    {"openat2", BH_PROBE_FILES, "Path resolution inside a directory (openat2)",
     "Paths from images could lead out of them", true, false, bh_look_openat2},
    {"mount-api", BH_PROBE_FILES, "Mounts by descriptor",
     "A mount target can be swapped between check and use", true, false, bh_look_mount_api},
    {"overlay", BH_PROBE_FILES, "Overlay file system",
     "Containers cannot share the layers of images", true, false, bh_look_overlay},
    {"overlay-user", BH_PROBE_FILES, "Overlay inside user namespaces",
     "Rootless containers cannot share the layers of images", false, false, bh_look_overlay_user},
    {"idmapped-mounts", BH_PROBE_FILES, "Mounts with mapped owners",
     "Layers must be copied to run under other user IDs", false, false, bh_look_idmap},
    {"fanotify-permission", BH_PROBE_FILES, "Deciding over opens and executions (fanotify)",
     "Unknown executables can be reported but not refused", false, false,
     bh_look_fanotify_permission},
    {"fanotify-unprivileged", BH_PROBE_FILES, "Watching files as an ordinary user (fanotify)",
     "Rootless containers have no watch over their files", false, false, bh_look_fanotify_user},

    {"bpf-btf", BH_PROBE_BPF, "Kernel type information (BTF)",
     "Sensor programs cannot adapt to this kernel", false, false, bh_look_bpf_btf},
    {"bpf-ring-buffer", BH_PROBE_BPF, "Ring buffer", "Events cost several times as much", false,
     false, bh_look_bpf_ring},
    {"bpf-tracepoint", BH_PROBE_BPF, "Programs on tracepoints",
     "The sensor cannot see system calls", false, false, bh_look_bpf_tracepoint},
    {"bpf-raw-tracepoint", BH_PROBE_BPF, "Programs on raw tracepoints",
     "The sensor falls back to slower tracepoints", false, false, bh_look_bpf_raw},
    {"bpf-tp-btf", BH_PROBE_BPF, "Programs on typed tracepoints (tp_btf)",
     "The sensor cannot read kernel records safely, nor stop a forbidden program at its start",
     false, false, bh_look_bpf_tp_btf},
    {"bpf-kprobe", BH_PROBE_BPF, "Programs on kernel functions (kprobe)",
     "Functions without a tracepoint are not observed", false, false, bh_look_bpf_kprobe},
    {"bpf-fentry", BH_PROBE_BPF, "Programs on kernel functions (fentry)",
     "Functions without a tracepoint are observed more slowly or not at all", false, false,
     bh_look_bpf_fentry},
    {"bpf-lsm", BH_PROBE_BPF, "Programs that decide (BPF LSM)",
     "Forbidden actions are stopped by filters and signals, not refused in the kernel's own hooks",
     false, false, bh_look_bpf_lsm},
    {"bpf-cgroup-device", BH_PROBE_BPF, "Device rules per control group",
     "With control groups of version 2, devices are bounded by /dev alone", false, false,
     bh_look_bpf_cgroup_device},
    {"bpf-cgroup-connect", BH_PROBE_BPF, "Connection rules per control group",
     "Connections of a container cannot be refused by address", false, false,
     bh_look_bpf_cgroup_connect},
    {"bpf-cgroup-skb", BH_PROBE_BPF, "Packet rules per control group",
     "Packets of a container cannot be counted and refused one by one", false, false,
     bh_look_bpf_cgroup_skb},
    {"bpf-iterator", BH_PROBE_BPF, "Iterators over tasks",
     "What runs when the sensor starts is read from /proc, with races", false, false,
     bh_look_bpf_iterator},
    {"bpf-xdp", BH_PROBE_BPF, "Packet programs at the driver (XDP)",
     "Floods are refused later, at higher cost", false, false, bh_look_bpf_xdp},
};
const size_t bh_probe_count = BH_COUNT_OF(bh_probes);

const char *bh_probe_state_name(enum bh_probe_state s)
{
    static const char *const names[] = {[BH_PROBE_YES] = "yes",
                                        [BH_PROBE_PARTLY] = "partly",
                                        [BH_PROBE_NO] = "no",
                                        [BH_PROBE_DENIED] = "denied",
                                        [BH_PROBE_UNKNOWN] = "unknown"};

    return (size_t)s < BH_COUNT_OF(names) ? names[s] : "unknown";
}

const char *bh_probe_group_name(enum bh_probe_group g)
{
    static const char *const names[BH_PROBE_GROUP_COUNT] = {
        [BH_PROBE_NAMESPACES] = "namespaces", [BH_PROBE_CGROUPS] = "cgroups",
        [BH_PROBE_FILTERS] = "filters",       [BH_PROBE_MODULES] = "kernel",
        [BH_PROBE_FILES] = "files",           [BH_PROBE_BPF] = "bpf",
    };

    return (size_t)g < BH_COUNT_OF(names) ? names[g] : "unknown";
}

void bh_probe_set(struct bh_probe_result *ret, enum bh_probe_state state, const char *format, ...)
{
    va_list args;

    ret->state = state;
    va_start(args, format);
    (void)vsnprintf(ret->detail, sizeof ret->detail, format, args); /* cut is still told */
    va_end(args);
}

void bh_probe_set_errno(struct bh_probe_result *ret, const char *what)
{
    bool denied = errno == EPERM || errno == EACCES;
    bool root = geteuid() == 0; /* whom no other user outdoes */

    bh_probe_set(ret, denied && !root ? BH_PROBE_DENIED : BH_PROBE_NO, "%s: %s%s", what,
                 strerror(errno), denied && root ? ", even for root" : "");
}

bool bh_probe_read(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    if (fd >= 0)
        (void)close(fd); /* it was only read */
    if (n < 0)
        return false;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return true;
}

static void child(const struct bh_probe *p, int to)
{
    struct bh_probe_result result = {.state = BH_PROBE_UNKNOWN};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* best effort: the alarm ends it too */
    (void)alarm(PATIENCE_S);
    p->look(&result);
    _exit(write(to, &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
}

void bh_probe_look(const struct bh_probe *p, struct bh_probe_result *ret)
{
    int ends[2], status;
    ssize_t n;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC)) {
        bh_probe_set(ret, BH_PROBE_UNKNOWN, "pipe: %s", strerror(errno));
        return;
    }
    pid = fork();
    if (pid == 0)
        child(p, ends[1]);
    (void)close(ends[1]); /* so that a dead child is the end of the pipe */
    if (pid < 0) {
        bh_probe_set(ret, BH_PROBE_UNKNOWN, "fork: %s", strerror(errno));
        (void)close(ends[0]);
        return;
    }
    do
        n = read(ends[0], ret, sizeof *ret);
    while (n < 0 && errno == EINTR);
    (void)close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (n == (ssize_t)sizeof *ret) {
        ret->detail[sizeof ret->detail - 1] = '\0';
        return;
    }
    if (WIFSIGNALED(status))
        bh_probe_set(ret, BH_PROBE_UNKNOWN, "the attempt ended by signal %d", WTERMSIG(status));
    else
        bh_probe_set(ret, BH_PROBE_UNKNOWN, "the attempt ended without an answer");
}
