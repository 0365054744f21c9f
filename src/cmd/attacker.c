/* bulkhead-attacker: what a hostile program would try from inside, one attempt per start.
 *
 * `bulkhead rehearse` mounts it into containers of ours. Every attempt is harmless where it
 * succeeds: files of the kernel are opened and never written, modules and kernels are "loaded" from
 * nothing, devices that do not exist are opened, processes and memory are bounded. One line goes to
 * standard output: "succeeded ...", "refused NUMBER ...", or "inapplicable ...". */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 200
#define MEMORY_STEP (1u << 20)
#define MEMORY_STEPS 256

static int succeeded(const char *what)
{
    printf("succeeded %s\n", what);
    return 0;
}

static int refused(const char *what)
{
    printf("refused %d %s\n", errno, what);
    return 1;
}

/* A call that gives a descriptor, or a result below 0. */
static int judge(long result, const char *what)
{
    return result < 0 ? refused(what) : succeeded(what);
}

/* A call whose arguments are wrong on purpose: any error but a refusal means that the kernel had
 * let us through to where it looks at them. */
static int judge_past_permission(long result, const char *what)
{
    if (result < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS))
        return refused(what);
    return succeeded(what);
}

static int open_only(const char *path, int flags)
{
    return judge(open(path, flags | O_NONBLOCK | O_CLOEXEC), path);
}

static int try_host_file(const char *path)
{
    return open_only(path, O_RDONLY);
}

static int try_host_process(const char *pid)
{
    return judge(kill((pid_t)strtol(pid, NULL, 10), 0), "signal a process of the host");
}

/* A child that waits; it does not outlive us, whoever ends us. */
static pid_t make_child(void)
{
    pid_t child = fork();

    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)pause();
        _exit(0);
    }
    return child;
}

static int try_ptrace(const char *unused)
{
    pid_t child = make_child();
    long result;
    int number;

    (void)unused;
    result = ptrace(PTRACE_SEIZE, child, 0, 0);
    number = errno;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    errno = number;
    return judge(result, "trace another process");
}

static int try_process_memory(const char *unused)
{
    char from[8] = "bulkhd", to[8];
    struct iovec local = {to, sizeof to}, remote = {from, sizeof from};
    pid_t child = make_child();
    long result;
    int number;

    (void)unused;
    result = process_vm_readv(child, &local, 1, &remote, 1, 0);
    number = errno;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    errno = number;
    return judge(result, "read another process's memory");
}

static int try_mount(const char *unused)
{
    (void)unused;
    return judge(mount("none", "/tmp", "tmpfs", 0, NULL), "mount a file system");
}

static int try_fsopen(const char *unused)
{
    (void)unused;
    return judge(syscall(SYS_fsopen, "tmpfs", 0), "open a new file system");
}

static int try_cgroup_mount(const char *unused)
{
    (void)unused;
    if (mount("none", "/tmp", "cgroup", 0, "memory") < 0)
        return refused("mount the cgroup hierarchy");
    return open_only("/tmp/release_agent", O_WRONLY);
}

static int try_module(const char *unused)
{
    (void)unused;
    return judge_past_permission(syscall(SYS_finit_module, -1, "", 0), "load a kernel module");
}

static int try_kexec(const char *unused)
{
    (void)unused; /* far more segments than exist: refused as invalid behind the permission check */
    return judge_past_permission(syscall(SYS_kexec_load, 0, 1000000ul, NULL, 0ul),
                                 "load another kernel");
}

static int try_fork_bomb(const char *unused)
{
    pid_t children[PROCESSES];
    int made = 0, number = 0;

    (void)unused;
    while (made < PROCESSES) {
        children[made] = make_child();
        if (children[made] < 0) {
            number = errno;
            break;
        }
        made++;
    }
    for (int i = 0; i < made; i++)
        (void)kill(children[i], SIGKILL);
    for (int i = 0; i < made; i++)
        (void)waitpid(children[i], NULL, 0);
    errno = number;
    return number ? refused("start 200 processes") : succeeded("start 200 processes");
}

static int try_memory(const char *unused)
{
    (void)unused;
    for (unsigned i = 0; i < MEMORY_STEPS; i++) {
        char *p =
            mmap(NULL, MEMORY_STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
            return refused("take 256 MiB of memory");
        memset(p, (int)i | 1, MEMORY_STEP);
    }
    return succeeded("take 256 MiB of memory");
}

static int try_write_root(const char *unused)
{
    int fd = open("/bulkhead-rehearsal", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    (void)unused;
    return judge(fd, "create a file in the root");
}

static int try_host_port(const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtol(port, NULL, 10)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return refused("make a socket");
    return judge(connect(fd, (struct sockaddr *)&to, sizeof to), "connect to the host");
}

/* Connecting a datagram socket looks for a route and sends nothing. The address is for
 * documentation (RFC 5737). */
static int try_internet(const char *unused)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(53),
                             .sin_addr = {htonl(0xc0000201)}};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)unused;
    if (fd < 0)
        return refused("make a socket");
    return judge(connect(fd, (struct sockaddr *)&to, sizeof to), "find a way to the network");
}

static int connect_unix(const char *name, size_t len, const char *what)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || len > sizeof to.sun_path)
        return refused("make a socket");
    memcpy(to.sun_path, name, len);
    return judge(connect(fd, (struct sockaddr *)&to,
                         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                 what);
}

static int try_abstract_socket(const char *name)
{
    char path[100] = "";
    size_t len = strlen(name);

    if (len + 1 > sizeof path)
        return refused("name");
    memcpy(path + 1, name, len); /* a leading NUL: the abstract name space */
    return connect_unix(path, len + 1, "connect to an abstract socket of the host");
}

static int try_engine_socket(const char *path)
{
    return connect_unix(path, strlen(path) + 1, "connect to an engine's socket");
}

static int try_user_namespace(const char *unused)
{
    (void)unused;
    return judge(unshare(CLONE_NEWUSER), "make a user namespace");
}

static int try_clone3(const char *unused)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);

    (void)unused;
    if (pid == 0)
        _exit(0);
    return judge(pid, "make a user namespace by clone3");
}

static int try_device(const char *unused)
{
    (void)unused; /* a block device nobody has: opening it is refused, or finds no such device */
    (void)unlink("/tmp/disk");
    if (mknod("/tmp/disk", S_IFBLK | 0600, makedev(259, 1048575)) < 0)
        return refused("make the node of a disk");
    return judge_past_permission(open("/tmp/disk", O_RDONLY | O_CLOEXEC), "open a disk");
}

static int family(int domain, int type, int protocol, const char *what)
{
    return judge(socket(domain, type | SOCK_CLOEXEC, protocol), what);
}

static int try_af_alg(const char *unused)
{
    (void)unused;
    return family(AF_ALG, SOCK_SEQPACKET, 0, "the kernel's crypto interface (AF_ALG)");
}

static int try_xfrm(const char *unused)
{
    (void)unused;
    return family(AF_NETLINK, SOCK_RAW, NETLINK_XFRM, "the kernel's IPsec interface");
}

static int try_netfilter(const char *unused)
{
    (void)unused;
    return family(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER, "the kernel's packet filter");
}

static int try_vsock(const char *unused)
{
    (void)unused;
    return family(AF_VSOCK, SOCK_STREAM, 0, "sockets to the hypervisor (AF_VSOCK)");
}

static int try_raw_socket(const char *unused)
{
    (void)unused;
    return family(AF_INET, SOCK_RAW, IPPROTO_ICMP, "raw packets");
}

static int try_packet_socket(const char *unused)
{
    (void)unused;
    return family(AF_PACKET, SOCK_RAW, 0, "frames of the network interface");
}

static int try_io_uring(const char *unused)
{
    struct io_uring_params p = {0};

    (void)unused;
    return judge(syscall(SYS_io_uring_setup, 1, &p), "an io_uring");
}

static int try_userfaultfd(const char *unused)
{
    (void)unused;
    return judge(syscall(SYS_userfaultfd, O_CLOEXEC), "handle page faults in user space");
}

static int try_bpf(const char *unused)
{
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY};

    (void)unused;
    attr.key_size = 4;
    attr.value_size = 4;
    attr.max_entries = 1;
    return judge(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr), "use BPF");
}

static int try_keyctl(const char *unused)
{
    (void)unused;
    return judge_past_permission(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
                                         KEY_SPEC_USER_SESSION_KEYRING, 0),
                                 "the kernel's keyrings");
}

static int try_perf(const char *unused)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
                                   .size = sizeof attr,
                                   .config = PERF_COUNT_SW_CPU_CLOCK};

    (void)unused;
    return judge(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0), "watch a whole processor");
}

static int try_handle(const char *unused)
{
    struct {
        struct file_handle head;
        char bytes[8];
    } handle = {.head = {.handle_bytes = 8, .handle_type = 1}, .bytes = {2}};
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)unused; /* inode 2: the root directory of the file system below */
    return judge_past_permission(open_by_handle_at(root, &handle.head, O_RDONLY | O_CLOEXEC),
                                 "open a file of the host by its handle");
}

static int try_chroot(const char *unused)
{
    (void)unused;
    return judge(chroot("/tmp"), "change the root, the first step out of a chroot");
}

static int try_shared_memory(const char *key)
{
    return judge(shmget((key_t)strtol(key, NULL, 10), 0, 0), "shared memory of the host");
}

static int try_kernel_log(const char *unused)
{
    char text[64];

    (void)unused;
    return judge(syscall(SYS_syslog, 3, text, sizeof text), "read the kernel's log");
}

static int try_core_pattern(const char *unused)
{
    (void)unused;
    return open_only("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static int try_sysrq(const char *unused)
{
    (void)unused;
    return open_only("/proc/sysrq-trigger", O_WRONLY);
}

static int try_kernel_memory(const char *unused)
{
    char magic[4] = "";
    int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);

    (void)unused;
    if (fd < 0)
        return refused("open the kernel's memory");
    /* A mask opens too, and is empty: the memory itself begins as a core file does. */
    if (read(fd, magic, sizeof magic) != sizeof magic || memcmp(magic, "\177ELF", 4) != 0) {
        errno = ENODATA;
        return refused("read the kernel's memory");
    }
    return judge(fd, "read the kernel's memory");
}

static int try_kernel_symbols(const char *unused)
{
    char text[4096];
    int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);

    (void)unused;
    if (fd < 0 || read(fd, text, sizeof text) < 0)
        return refused("read the kernel's symbols");
    if (read(fd, text, sizeof text) <= 0) {
        errno = ENODATA;
        return refused("read the kernel's symbols");
    }
    return succeeded("read the kernel's symbols");
}

static int try_uevent_helper(const char *unused)
{
    (void)unused;
    return open_only("/sys/kernel/uevent_helper", O_WRONLY);
}

static const struct {
    const char *name;
    int (*run)(const char *argument);
} attempts[] = {
    {"host-file", try_host_file},
    {"engine-socket", try_engine_socket},
    {"host-process", try_host_process},
    {"host-port", try_host_port},
    {"host-abstract-socket", try_abstract_socket},
    {"host-shared-memory", try_shared_memory},
    {"internet", try_internet},
    {"write-root", try_write_root},
    {"ptrace", try_ptrace},
    {"process-memory", try_process_memory},
    {"mount", try_mount},
    {"fsopen", try_fsopen},
    {"cgroup-release-agent", try_cgroup_mount},
    {"chroot", try_chroot},
    {"user-namespace", try_user_namespace},
    {"user-namespace-clone3", try_clone3},
    {"file-handle", try_handle},
    {"disk-node", try_device},
    {"kernel-module", try_module},
    {"kexec", try_kexec},
    {"bpf", try_bpf},
    {"perf", try_perf},
    {"io-uring", try_io_uring},
    {"userfaultfd", try_userfaultfd},
    {"keyrings", try_keyctl},
    {"af-alg", try_af_alg},
    {"af-vsock", try_vsock},
    {"netlink-xfrm", try_xfrm},
    {"netlink-netfilter", try_netfilter},
    {"raw-socket", try_raw_socket},
    {"packet-socket", try_packet_socket},
    {"core-pattern", try_core_pattern},
    {"sysrq", try_sysrq},
    {"uevent-helper", try_uevent_helper},
    {"kernel-memory", try_kernel_memory},
    {"kernel-symbols", try_kernel_symbols},
    {"kernel-log", try_kernel_log},
    {"fork-bomb", try_fork_bomb},
    {"memory", try_memory},
};

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; argc > 1 && i < sizeof attempts / sizeof attempts[0]; i++)
        if (strcmp(argv[1], attempts[i].name) == 0)
            return attempts[i].run(argc > 2 ? argv[2] : "");
    fputs("usage: bulkhead-attacker ATTEMPT [ARGUMENT]\n", stderr);
    return 2;
}
