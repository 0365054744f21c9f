#include "sys/probe_look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/prctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_LSM_LIST_MODULES 461 /* Linux 6.8, all architectures; not in Debian 12's headers */
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#define SECURITY "/sys/kernel/security/"

/* Opens a file of securityfs, mounted or not: a mount of our own is attached nowhere. */
static bool read_security(const char *name, char *text, size_t size)
{
    char path[64];
    int fs, mounted, fd;
    ssize_t n;

    (void)snprintf(path, sizeof path, SECURITY "%s", name);
    if (bh_probe_read(path, text, size))
        return true;
    fs = fsopen("securityfs", FSOPEN_CLOEXEC);
    if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        return false;
    mounted = fsmount(fs, FSMOUNT_CLOEXEC, 0);
    fd = mounted < 0 ? -1 : openat(mounted, name, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, size - 1);
    if (n < 0)
        return false;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return true;
}

static bool has_module(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = list; (at = strstr(at, name)); at += len)
        if ((at == list || at[-1] == ',' || at[-1] == ' ') &&
            (at[len] == ',' || at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

/* include/uapi/linux/lsm.h: LSM_ID_*. */
static bool list_by_call(char *list, size_t size)
{
    static const char *const names[] = {"capability", "selinux", "smack",    "tomoyo",
                                        "apparmor",   "yama",    "loadpin",  "safesetid",
                                        "lockdown",   "bpf",     "landlock", "ima",
                                        "evm",        "ipe"};
    uint64_t ids[32];
    uint32_t bytes = sizeof ids;
    long count = syscall(SYS_LSM_LIST_MODULES, ids, &bytes, 0);

    *list = '\0';
    for (long i = 0; i < count; i++) {
        uint64_t id = ids[i] - 100;
        size_t len = strlen(list);

        (void)snprintf(list + len, size - len, "%s%s", len ? "," : "",
                       id < BH_COUNT_OF(names) ? names[id] : "another");
    }
    return count > 0;
}

void bh_look_modules(struct bh_probe_result *ret)
{
    char list[200];

    if (!list_by_call(list, sizeof list) && !read_security("lsm", list, sizeof list)) {
        bh_probe_set(ret, BH_PROBE_UNKNOWN, "securityfs cannot be read");
        return;
    }
    if (has_module(list, "apparmor") || has_module(list, "selinux") || has_module(list, "smack") ||
        has_module(list, "tomoyo"))
        bh_probe_set(ret, BH_PROBE_YES, "%s", list);
    else
        bh_probe_set(ret, BH_PROBE_PARTLY, "%s; none with mandatory access control", list);
}

/* "none [integrity] confidentiality" */
void bh_look_lockdown(struct bh_probe_result *ret)
{
    char text[80];

    if (!read_security("lockdown", text, sizeof text))
        bh_probe_set(ret, geteuid() == 0 ? BH_PROBE_NO : BH_PROBE_DENIED,
                     "not in this kernel, or securityfs cannot be read");
    else if (strstr(text, "[none]"))
        bh_probe_set(ret, BH_PROBE_NO, "built in, mode none");
    else
        bh_probe_set(ret, BH_PROBE_YES, "mode %s",
                     strstr(text, "[confidentiality]") ? "confidentiality" : "integrity");
}

void bh_look_ptrace_scope(struct bh_probe_result *ret)
{
    char text[16];

    if (!bh_probe_read("/proc/sys/kernel/yama/ptrace_scope", text, sizeof text))
        bh_probe_set(ret, BH_PROBE_NO, "Yama is not among the security modules");
    else
        bh_probe_set(ret, strcmp(text, "0") == 0 ? BH_PROBE_NO : BH_PROBE_YES,
                     "kernel.yama.ptrace_scope is %s", text);
}

void bh_look_memfd_secret(struct bh_probe_result *ret)
{
    int fd = (int)syscall(SYS_memfd_secret, 0);

    if (fd >= 0)
        bh_probe_set(ret, BH_PROBE_YES, "made");
    else if (errno == ENOSYS)
        bh_probe_set(ret, BH_PROBE_NO, "not enabled (boot with secretmem.enable=1)");
    else
        bh_probe_set_errno(ret, "memfd_secret");
}

void bh_look_core_sched(struct bh_probe_result *ret)
{
    uint64_t cookie = 0;

    if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, 0, (unsigned long)(uintptr_t)&cookie) == 0)
        bh_probe_set(ret, BH_PROBE_YES, "there");
    else if (errno == ENODEV)
        bh_probe_set(ret, BH_PROBE_YES, "not needed: no two threads share a core here");
    else
        bh_probe_set_errno(ret, "PR_SCHED_CORE");
}

void bh_look_io_uring(struct bh_probe_result *ret)
{
    struct io_uring_params params = {0};

    if (syscall(SYS_io_uring_setup, 1, &params) >= 0)
        bh_probe_set(ret, BH_PROBE_YES, "open to this user");
    else
        bh_probe_set_errno(ret, "io_uring_setup");
}

void bh_look_unprivileged_bpf(struct bh_probe_result *ret)
{
    char text[16];

    if (!bh_probe_read("/proc/sys/kernel/unprivileged_bpf_disabled", text, sizeof text))
        bh_probe_set(ret, BH_PROBE_NO, "no such setting");
    else
        bh_probe_set(ret, strcmp(text, "0") == 0 ? BH_PROBE_YES : BH_PROBE_NO,
                     "kernel.unprivileged_bpf_disabled is %s", text);
}

void bh_look_userfaultfd(struct bh_probe_result *ret)
{
    char text[16];

    if (!bh_probe_read("/proc/sys/vm/unprivileged_userfaultfd", text, sizeof text))
        bh_probe_set(ret, BH_PROBE_NO, "no such setting");
    else
        bh_probe_set(ret, strcmp(text, "1") == 0 ? BH_PROBE_YES : BH_PROBE_NO,
                     "vm.unprivileged_userfaultfd is %s", text);
}
