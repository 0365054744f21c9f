#include "profile/confinement.h"

#include "sys/landlock.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Grouped as in the kernel's manual. Left out on purpose, beside the plainly privileged ones:
 * ptrace, process_vm_*, pidfd_getfd (other processes' memory); io_uring_*, userfaultfd, bpf,
 * perf_event_open, keyctl, add_key, request_key, modify_ldt, vmsplice (kernel code with a history
 * of holes and few users); mount, fsopen, open_tree, move_mount, mount_setattr, pivot_root, chroot,
 * setns, *_handle_at (the file tree); syslog, memfd_secret, migrate_pages, move_pages. */
static const char *const files[] = {
    "access",
    "chdir",
    "chmod",
    "chown",
    "close",
    "close_range",
    "copy_file_range",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fallocate",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "fchown",
    "fchownat",
    "fcntl",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fremovexattr",
    "fsetxattr",
    "fstat",
    "fstatfs",
    "fsync",
    "ftruncate",
    "futimesat",
    "getcwd",
    "getdents",
    "getdents64",
    "getxattr",
    "getxattrat",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "lchown",
    "lgetxattr",
    "link",
    "linkat",
    "listxattr",
    "listxattrat",
    "llistxattr",
    "lremovexattr",
    "lseek",
    "lsetxattr",
    "lstat",
    "memfd_create",
    "mkdir",
    "mkdirat",
    "newfstatat",
    "open",
    "openat",
    "openat2",
    "pread64",
    "preadv",
    "preadv2",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "removexattr",
    "removexattrat",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "sendfile",
    "setxattr",
    "setxattrat",
    "splice",
    "stat",
    "statfs",
    "statx",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "tee",
    "truncate",
    "umask",
    "unlink",
    "unlinkat",
    "utime",
    "utimensat",
    "utimes",
    "write",
    "writev",
    "cachestat",
};
static const char *const waiting[] = {
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_ctl_old",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "epoll_wait_old",
    "eventfd",
    "eventfd2",
    "futex",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "getitimer",
    "gettimeofday",
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_setup",
    "io_submit",
    "nanosleep",
    "pause",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "pselect6",
    "select",
    "setitimer",
    "signalfd",
    "signalfd4",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_settime",
};
static const char *const processes[] = {
    "alarm",
    "arch_prctl",
    "brk",
    "capget",
    "capset",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "fork",
    "get_mempolicy",
    "get_robust_list",
    "get_thread_area",
    "getcpu",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getrandom",
    "getresgid",
    "getresuid",
    "getrlimit",
    "getrusage",
    "getsid",
    "gettid",
    "getuid",
    "ioprio_get",
    "ioprio_set",
    "kill",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "madvise",
    "map_shadow_stack",
    "mbind",
    "membarrier",
    "mincore",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "mprotect",
    "mremap",
    "mseal",
    "msync",
    "munlock",
    "munlockall",
    "munmap",
    "pidfd_open",
    "pidfd_send_signal",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "prctl",
    "prlimit64",
    "process_mrelease",
    "remap_file_pages",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_tgsigqueueinfo",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "sched_yield",
    "seccomp",
    "set_mempolicy",
    "set_robust_list",
    "set_thread_area",
    "set_tid_address",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setpgid",
    "setpriority",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setrlimit",
    "setsid",
    "setuid",
    "sigaltstack",
    "sysinfo",
    "tgkill",
    "times",
    "tkill",
    "uname",
    "vfork",
    "wait4",
    "waitid",
};
static const char *const messages[] = {
    "accept",       "accept4",   "bind",          "connect",   "getpeername", "getsockname",
    "getsockopt",   "listen",    "mq_getsetattr", "mq_notify", "mq_open",     "mq_timedreceive",
    "mq_timedsend", "mq_unlink", "msgctl",        "msgget",    "msgrcv",      "msgsnd",
    "recvfrom",     "recvmmsg",  "recvmsg",       "semctl",    "semget",      "semop",
    "semtimedop",   "sendmmsg",  "sendmsg",       "sendto",    "setsockopt",  "shmat",
    "shmctl",       "shmdt",     "shmget",        "shutdown",
};

#define CALL_COUNT                                                                                 \
    (BH_COUNT_OF(files) + BH_COUNT_OF(waiting) + BH_COUNT_OF(processes) + BH_COUNT_OF(messages))

static const struct {
    const char *const *names;
    size_t count;
} groups[] = {
    {files, BH_COUNT_OF(files)},
    {waiting, BH_COUNT_OF(waiting)},
    {processes, BH_COUNT_OF(processes)},
    {messages, BH_COUNT_OF(messages)},
};

#define NAMESPACE_FLAGS                                                                            \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)

static const uint64_t plain_families[] = {AF_UNIX, AF_INET, AF_INET6};
static const uint64_t personalities[] = {PER_LINUX, PER_LINUX32, UNAME26, UNAME26 | PER_LINUX32,
                                         0xffffffff};
/* Bytes pushed into a terminal's input are typed by whoever owns it (CVE-2017-5226); line
 * disciplines are modules loaded on demand. */
static const uint64_t terminal_tricks[] = {TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS};

static const struct bh_seccomp_arg family_is_plain[] = {
    {.index = 0, .test = BH_SECCOMP_IN, .list = plain_families, .list_count = 3}};
static const struct bh_seccomp_arg netlink_route[] = {
    {.index = 0, .test = BH_SECCOMP_EQUAL, .value = AF_NETLINK},
    {.index = 2, .test = BH_SECCOMP_EQUAL, .value = NETLINK_ROUTE}};
static const struct bh_seccomp_arg family_is_unix[] = {
    {.index = 0, .test = BH_SECCOMP_EQUAL, .value = AF_UNIX}};
static const struct bh_seccomp_arg no_namespace[] = {
    {.index = 0, .test = BH_SECCOMP_MASKED_EQUAL, .mask = NAMESPACE_FLAGS, .value = 0}};
static const struct bh_seccomp_arg no_namespace_nor_time[] = {
    {.index = 0, .test = BH_SECCOMP_MASKED_EQUAL, .mask = NAMESPACE_FLAGS | CLONE_NEWTIME}};
static const struct bh_seccomp_arg known_personality[] = {
    {.index = 0,
     .test = BH_SECCOMP_IN,
     .list = personalities,
     .list_count = BH_COUNT_OF(personalities)}};
static const struct bh_seccomp_arg no_terminal_trick[] = {
    {.index = 1,
     .test = BH_SECCOMP_NOT_IN,
     .list = terminal_tricks,
     .list_count = BH_COUNT_OF(terminal_tricks)}};

struct conditional {
    const char *name;
    uint32_t action;
    const struct bh_seccomp_arg *args;
    size_t arg_count;
};
#define WHEN(condition) BH_SECCOMP_ALLOW, (condition), BH_COUNT_OF(condition)
#define OTHERWISE(number) BH_SECCOMP_ERRNO(number), NULL, 0

static const struct conditional conditionals[] = {
    {"socket", WHEN(family_is_plain)},
    {"socket", WHEN(netlink_route)},
    {"socket", OTHERWISE(EAFNOSUPPORT)},
    {"socketpair", WHEN(family_is_unix)},
    {"socketpair", OTHERWISE(EAFNOSUPPORT)},
    {"clone", WHEN(no_namespace)},
    {"unshare", WHEN(no_namespace_nor_time)},
    {"personality", WHEN(known_personality)},
    {"ioctl", WHEN(no_terminal_trick)},
    {"clone3", OTHERWISE(ENOSYS)}, /* its flags are in memory, where a filter cannot look */
    {"statmount", OTHERWISE(ENOSYS)},
    {"listmount", OTHERWISE(ENOSYS)},
};

const char *const *bh_confinement_calls(struct bh_arena *a)
{
    const char **all = bh_arena_alloc(a, (CALL_COUNT + 1) * sizeof *all);
    size_t n = 0;

    for (size_t g = 0; g < BH_COUNT_OF(groups); g++)
        for (size_t i = 0; i < groups[g].count; i++)
            all[n++] = groups[g].names[i];
    return all;
}

static int add(struct bh_seccomp *s, const struct conditional *c, struct bh_error *err)
{
    int number = bh_syscall_number(c->name);
    const struct bh_seccomp_rule rule = {.number = (uint32_t)number,
                                         .action = c->action,
                                         .args = c->args,
                                         .arg_count = c->arg_count};

    return number < 0 ? 0 : bh_seccomp_add(s, &rule, err);
}

/* Pipes, sockets and files may be made with mknod, devices may not. */
static int add_mknod(struct bh_seccomp *s, const char *name, uint8_t mode_index,
                     struct bh_error *err)
{
    static const uint64_t kinds[] = {0, S_IFREG, S_IFIFO, S_IFSOCK};
    int r = 0;

    for (size_t i = 0; i < BH_COUNT_OF(kinds) && !r; i++) {
        const struct bh_seccomp_arg arg = {.index = mode_index,
                                           .test = BH_SECCOMP_MASKED_EQUAL,
                                           .mask = S_IFMT,
                                           .value = kinds[i]};
        const struct conditional c = {name, BH_SECCOMP_ALLOW, &arg, 1};

        r = add(s, &c, err);
    }
    return r;
}

int bh_confinement_seccomp(struct sock_filter **ret_program, size_t *ret_count,
                           struct bh_error *err)
{
    BH_AUTO(bh_seccomp_freep)
    struct bh_seccomp *s = bh_seccomp_new(BH_SECCOMP_ERRNO(EPERM), BH_SECCOMP_ERRNO(ENOSYS));
    BH_AUTO(bh_arena_freep) struct bh_arena *names = bh_arena_new();
    struct bh_seccomp_program program = {0};
    int r = 0;

    bh_seccomp_add_names(s, bh_confinement_calls(names), BH_SECCOMP_ALLOW);
    for (size_t i = 0; i < BH_COUNT_OF(conditionals) && !r; i++)
        r = add(s, &conditionals[i], err);
    if (r == 0)
        r = add_mknod(s, "mknod", 1, err);
    if (r == 0)
        r = add_mknod(s, "mknodat", 2, err);
    bh_seccomp_set_unknown(s, bh_syscall_end(), BH_SECCOMP_ERRNO(ENOSYS));
    if (r == 0)
        r = bh_seccomp_compile(s, 0, &program, err);
    if (r)
        return bh_wrap(err, "default system call list");
    *ret_program = program.code;
    *ret_count = program.len;
    return 0;
}

uint64_t bh_confinement_capabilities(uint32_t uid)
{
    /* What services do that start as root and then become somebody else. */
    static const int for_root[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,          CAP_KILL,
                                   CAP_SETGID, CAP_SETUID,       CAP_NET_BIND_SERVICE};
    uint64_t set = 0;

    for (size_t i = 0; uid == 0 && i < BH_COUNT_OF(for_root); i++)
        set |= UINT64_C(1) << for_root[i];
    return set;
}

#define WRITABLE                                                                                   \
    (BH_LANDLOCK_FS_ALL & ~(BH_LANDLOCK_MAKE_CHAR | BH_LANDLOCK_MAKE_BLOCK |                       \
                            BH_LANDLOCK_IOCTL_DEV | BH_LANDLOCK_EXECUTE))

static void allow_files(struct bh_launch *l, struct bh_arena *a)
{
    static const struct bh_launch_landlock always[] = {
        {"/proc", BH_LANDLOCK_FS_READ | BH_LANDLOCK_WRITE_FILE | BH_LANDLOCK_TRUNCATE},
        {"/dev", BH_LANDLOCK_READ_FILE | BH_LANDLOCK_READ_DIR | BH_LANDLOCK_WRITE_FILE |
                     BH_LANDLOCK_TRUNCATE | BH_LANDLOCK_IOCTL_DEV},
        {"/dev/shm", WRITABLE},
        {"/dev/mqueue", WRITABLE},
    };
    size_t n = 0;

    l->landlock =
        bh_arena_alloc(a, (1 + BH_COUNT_OF(always) + l->mount_count) * sizeof *l->landlock);
    l->landlock[n++] =
        (struct bh_launch_landlock){"/", BH_LANDLOCK_FS_READ |
                                             (l->flags & BH_LAUNCH_READ_ONLY ? 0 : WRITABLE)};
    for (size_t i = 0; i < BH_COUNT_OF(always); i++)
        l->landlock[n++] = always[i];
    for (size_t i = 0; i < l->mount_count; i++)
        if (!(l->mounts[i].attr & MOUNT_ATTR_RDONLY))
            l->landlock[n++] = (struct bh_launch_landlock){l->mounts[i].target, WRITABLE};
    l->landlock_count = n;
}

int bh_confinement_default(struct bh_launch *l, struct bh_arena *a, struct bh_error *err)
{
    static const char *const masked[] = {"/proc/acpi",
                                         "/proc/asound",
                                         "/proc/config.gz",
                                         "/proc/kcore",
                                         "/proc/kallsyms",
                                         "/proc/keys",
                                         "/proc/kmsg",
                                         "/proc/latency_stats",
                                         "/proc/sched_debug",
                                         "/proc/scsi",
                                         "/proc/timer_list",
                                         "/proc/timer_stats",
                                         "/proc/kpagecount",
                                         "/proc/kpageflags",
                                         "/proc/slabinfo",
                                         "/proc/vmallocinfo",
                                         "/sys/firmware",
                                         "/sys/kernel",
                                         "/sys/fs/bpf",
                                         "/sys/devices/virtual/powercap",
                                         NULL};
    static const char *const read_only[] = {"/proc/bus",           "/proc/fs",
                                            "/proc/irq",           "/proc/sys",
                                            "/proc/sysrq-trigger", NULL};
    struct sock_filter *program = NULL;
    int r = bh_confinement_seccomp(&program, &l->seccomp_count, err);

    if (r)
        return r;
    l->seccomp = bh_arena_alloc(a, l->seccomp_count * sizeof *program);
    memcpy(l->seccomp, program, l->seccomp_count * sizeof *program);
    free(program);
    l->capabilities = bh_confinement_capabilities(l->uid);
    l->masked_paths = masked;
    l->readonly_paths = read_only;
    allow_files(l, a);
    return 0;
}
