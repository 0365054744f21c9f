#include "sys/sandbox.h"

#include "sys/fd.h"
#include "sys/landlock.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The address sanitizer's shadow memory alone is 20 TiB of address space. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

#define NOBODY 65534u
#define DEFAULT_MEMORY (1024ull << 20)
#define DEFAULT_DESCRIPTORS 64u

/* What any worker needs to use memory and the descriptors it was given. */
static const char *const basic_calls[] = {"read",
                                          "write",
                                          "readv",
                                          "writev",
                                          "pread64",
                                          "pwrite64",
                                          "preadv",
                                          "pwritev",
                                          "lseek",
                                          "close",
                                          "fstat",
                                          "fadvise64",
                                          "poll",
                                          "ppoll",
                                          "recvmsg",
                                          "sendmsg",
                                          "recvfrom",
                                          "sendto",
                                          "shutdown",
                                          "munmap",
                                          "mremap",
                                          "brk",
                                          "madvise",
                                          "futex",
                                          "rt_sigreturn",
                                          "rt_sigaction",
                                          "rt_sigprocmask",
                                          "sigaltstack",
                                          "restart_syscall",
                                          "exit",
                                          "exit_group",
                                          "getrandom",
                                          "clock_gettime",
                                          "clock_getres",
                                          "clock_nanosleep",
                                          "nanosleep",
                                          "gettimeofday",
                                          "time",
                                          "getpid",
                                          "gettid",
                                          "sched_yield",
                                          "getrusage",
                                          "rseq",
                                          "set_robust_list",
                                          NULL};

/* Libraries ask these in passing and live with a refusal. */
static const char *const refused_calls[] = {"open",
                                            "openat",
                                            "openat2",
                                            "creat",
                                            "access",
                                            "faccessat",
                                            "faccessat2",
                                            "readlink",
                                            "readlinkat",
                                            "stat",
                                            "lstat",
                                            "newfstatat",
                                            "statx",
                                            "getcwd",
                                            "ioctl",
                                            "prctl",
                                            "sysinfo",
                                            "uname",
                                            "sched_getaffinity",
                                            "sched_setaffinity",
                                            "sched_getparam",
                                            "sched_getscheduler",
                                            "prlimit64",
                                            "getrlimit",
                                            "getuid",
                                            "geteuid",
                                            "getgid",
                                            "getegid",
                                            "getppid",
                                            "membarrier",
                                            "get_mempolicy",
                                            "fcntl",
                                            "dup",
                                            "socket",
                                            NULL};

static const char *const path_calls[] = {"open",      "openat",     "openat2",    "access",
                                         "faccessat", "faccessat2", "readlink",   "readlinkat",
                                         "stat",      "lstat",      "newfstatat", "statx",
                                         "getcwd",    "getdents64", "fcntl",      "flock",
                                         "fstatfs",   "dup",        "uname",      "getuid",
                                         "geteuid",   "getgid",     "getegid",    NULL};

static const char *const write_calls[] = {"ftruncate", "fsync",    "fdatasync", "fallocate",
                                          "unlink",    "unlinkat", "mkdir",     "mkdirat",
                                          "rename",    "renameat", "renameat2", "fchmod",
                                          NULL};

static const char *const network_calls[] = {
    "connect",       "bind",           "getsockname",     "getpeername", "getsockopt",
    "setsockopt",    "sendmmsg",       "recvmmsg",        "select",      "pselect6",
    "epoll_create1", "epoll_ctl",      "epoll_wait",      "epoll_pwait", "eventfd2",
    "pipe2",         "pipe",           "socketpair",      "fcntl",       "dup",
    "uname",         "getuid",         "geteuid",         "getgid",      "getegid",
    "sysinfo",       "timerfd_create", "timerfd_settime", NULL};

struct conditional {
    const char *name;
    bool wanted;
    uint32_t action;
    struct bh_seccomp_arg arg;
};

static int add_conditional(struct bh_seccomp *policy, const struct conditional *c,
                           struct bh_error *err)
{
    int number = bh_syscall_number(c->name);
    struct bh_seccomp_rule rule = {
        .number = (uint32_t)number, .action = c->action, .args = &c->arg, .arg_count = 1};

    return number < 0 || !c->wanted ? 0 : bh_seccomp_add(policy, &rule, err);
}

/* Calls that are allowed for some arguments only. Added before the plain lists, since the first
 * rule that holds decides. */
static int add_conditionals(struct bh_seccomp *policy, const struct bh_sandbox *s,
                            struct bh_error *err)
{
    static const uint64_t families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    static const uint64_t file_commands[] = {F_GETFL, F_SETFL, F_GETFD, F_SETFD};
    const struct conditional list[] = {
        {"mmap",
         true,
         BH_SECCOMP_ALLOW,
         {.index = 2, .test = BH_SECCOMP_MASKED_EQUAL, .mask = PROT_EXEC}},
        {"mprotect",
         true,
         BH_SECCOMP_ALLOW,
         {.index = 2, .test = BH_SECCOMP_MASKED_EQUAL, .mask = PROT_EXEC}},
        /* fstat(3) of glibc; an empty root directory and Landlock stand behind it. */
        {"newfstatat",
         true,
         BH_SECCOMP_ALLOW,
         {.index = 3, .test = BH_SECCOMP_EQUAL, .value = AT_EMPTY_PATH}},
        {"tgkill",
         true,
         BH_SECCOMP_ALLOW, /* abort(3) */
         {.index = 0, .test = BH_SECCOMP_EQUAL, .value = (uint32_t)getpid()}},
        {"fcntl",
         true,
         BH_SECCOMP_ALLOW,
         {.index = 1,
          .test = BH_SECCOMP_IN,
          .list = file_commands,
          .list_count = BH_COUNT_OF(file_commands)}},
        {"clone",
         s->threads,
         BH_SECCOMP_ALLOW,
         {.index = 0,
          .test = BH_SECCOMP_MASKED_EQUAL,
          .mask = CLONE_THREAD | CLONE_NEWUSER,
          .value = CLONE_THREAD}},
        {"clone3",
         s->threads,
         BH_SECCOMP_ERRNO(ENOSYS), /* libc falls back to clone */
         {.index = 0, .test = BH_SECCOMP_GREATER_EQUAL, .value = 0}},
        {"socket",
         s->network,
         BH_SECCOMP_ALLOW,
         {.index = 0,
          .test = BH_SECCOMP_IN,
          .list = families,
          .list_count = BH_COUNT_OF(families)}},
        {"ioctl",
         s->network,
         BH_SECCOMP_ALLOW,
         {.index = 1, .test = BH_SECCOMP_EQUAL, .value = 0x5421 /* FIONBIO */}},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < BH_COUNT_OF(list); i++)
        r = add_conditional(policy, &list[i], err);
    return r;
}

static bool any_writable(const struct bh_sandbox *s)
{
    for (size_t i = 0; i < s->path_count; i++)
        if (s->paths[i].write)
            return true;
    return false;
}

static int enter_seccomp(const struct bh_sandbox *s, struct bh_error *err)
{
    BH_AUTO(bh_seccomp_freep)
    struct bh_seccomp *policy = bh_seccomp_new(BH_SECCOMP_KILL, BH_SECCOMP_KILL);
    BH_AUTO(bh_seccomp_program_done) struct bh_seccomp_program program = {0};
    int r = add_conditionals(policy, s, err);

    if (r < 0)
        return r;
    bh_seccomp_add_names(policy, basic_calls, BH_SECCOMP_ALLOW);
    if (s->path_count)
        bh_seccomp_add_names(policy, path_calls, BH_SECCOMP_ALLOW);
    if (any_writable(s))
        bh_seccomp_add_names(policy, write_calls, BH_SECCOMP_ALLOW);
    if (s->network)
        bh_seccomp_add_names(policy, network_calls, BH_SECCOMP_ALLOW);
    if (s->extra_calls)
        bh_seccomp_add_names(policy, s->extra_calls, BH_SECCOMP_ALLOW);
    bh_seccomp_add_names(policy, refused_calls, BH_SECCOMP_ERRNO(EPERM));
    r = bh_seccomp_compile(policy, 0, &program, err);
    return r < 0 ? r : bh_seccomp_load(&program, 0, NULL, err);
}

static int allow_path(int ruleset, const struct bh_sandbox_path *p, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = open(p->path, O_PATH | O_CLOEXEC);
    uint64_t access = BH_LANDLOCK_READ_FILE | BH_LANDLOCK_READ_DIR;

    if (fd < 0)
        return errno == ENOENT ? 0 : bh_fail_errno(err, "sandbox: open %s", p->path);
    if (p->write)
        access = BH_LANDLOCK_FS_ALL & ~(BH_LANDLOCK_EXECUTE | BH_LANDLOCK_IOCTL_DEV);
    return bh_landlock_allow_path(ruleset, fd, access, err);
}

/* Without paths seccomp refuses every opening, so a kernel without Landlock is no reason to stop;
 * with paths Landlock is the only thing that confines them. */
static int make_ruleset(const struct bh_sandbox *s, int *ret_fd, struct bh_error *err)
{
    struct bh_landlock_handled all = {.fs = BH_LANDLOCK_FS_ALL, .scoped = BH_LANDLOCK_SCOPE_ALL};
    int r = 0;

    if (!s->network)
        all.net = BH_LANDLOCK_NET_ALL;
    if (bh_landlock_abi() == 0 && s->path_count == 0)
        return 0;
    r = bh_landlock_create(&all, ret_fd, err);
    for (size_t i = 0; r == 0 && i < s->path_count; i++)
        r = allow_path(*ret_fd, &s->paths[i], err);
    return r;
}

/* Failure is no error: seccomp keeps these doors shut as well. */
static void enter_namespaces(const struct bh_sandbox *s, struct bh_sandbox_report *report)
{
    int flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;

    if (s->keep_identity)
        return; /* owners must mean what they mean outside */
    if (!s->network)
        flags |= CLONE_NEWNET;
    if (geteuid() != 0)
        flags |= CLONE_NEWUSER;
    report->namespaces = unshare(flags) == 0;
    /* The directory's contents vanish for us once it is no longer below /proc/self: nothing can be
     * found or made in it. */
    if (s->path_count == 0 && chroot("/proc/self/fdinfo") == 0 && chdir("/") == 0)
        report->empty_root = true;
}

static int drop_identity(const struct bh_sandbox *s, struct bh_sandbox_report *report,
                         struct bh_error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct kept[2] = {0};

    if (s->keep_identity)
        return 0;
    if (s->keep_capabilities && geteuid() == 0) {
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
            return bh_fail_errno(err, "sandbox: keep capabilities");
        kept[0].effective = kept[0].permitted = (uint32_t)s->keep_capabilities;
        kept[1].effective = kept[1].permitted = (uint32_t)(s->keep_capabilities >> 32);
    }
    /* A root that is root of a small user namespace only may have no "nobody" to become: then
     * losing every capability has to do. */
    if (geteuid() == 0)
        report->user_changed = setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                               setresuid(NOBODY, NOBODY, NOBODY) == 0;
    if (syscall(SYS_capset, &header, kept) < 0)
        return bh_fail_errno(err, "sandbox: drop capabilities");
    return 0;
}

static int set_limit(int which, uint64_t value, struct bh_error *err)
{
    struct rlimit old, l;

    if (getrlimit(which, &old) < 0)
        return bh_fail_errno(err, "sandbox: read limit %d", which);
    l.rlim_max = l.rlim_cur = BH_MIN((rlim_t)value, old.rlim_max);
    if (setrlimit(which, &l) < 0)
        return bh_fail_errno(err, "sandbox: set limit %d", which);
    return 0;
}

static int set_limits(const struct bh_sandbox *s, struct bh_error *err)
{
    int r = set_limit(RLIMIT_CORE, 0, err);

#ifndef SANITIZED
    if (r == 0)
        r = set_limit(RLIMIT_AS, s->memory_bytes ? s->memory_bytes : DEFAULT_MEMORY, err);
#endif
    if (r == 0)
        r = set_limit(RLIMIT_FSIZE, s->file_bytes, err);
    if (r == 0 && s->cpu_seconds)
        r = set_limit(RLIMIT_CPU, s->cpu_seconds, err);
    if (r == 0)
        r = set_limit(RLIMIT_NOFILE, s->descriptors ? s->descriptors : DEFAULT_DESCRIPTORS, err);
    return r;
}

int bh_sandbox_enter(const struct bh_sandbox *s, struct bh_sandbox_report *ret_report,
                     struct bh_error *err)
{
    struct bh_sandbox_report report = {.landlock_abi = bh_landlock_abi()};
    BH_AUTO(bh_closep) int ruleset = -1;
    int r = make_ruleset(s, &ruleset, err);

    if (r < 0)
        return r;
    enter_namespaces(s, &report);
    r = drop_identity(s, &report, err);
    if (r == 0)
        r = set_limits(s, err);
    if (r < 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return bh_fail_errno(err, "sandbox: no_new_privs");
    if (ruleset >= 0) {
        r = bh_landlock_enforce(ruleset, err);
        report.landlock = r == 0;
    }
    if (r == 0)
        r = enter_seccomp(s, err);
    if (r == 0 && ret_report)
        *ret_report = report;
    return r;
}
