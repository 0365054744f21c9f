#include "sys/probe_look.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#define LANDLOCK_VERSION_FLAG 1u /* LANDLOCK_CREATE_RULESET_VERSION */

static bool has_action(uint32_t action)
{
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static int load_allow_all(unsigned flags)
{
    struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = 1, .filter = code};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

void bh_look_seccomp(struct bh_probe_result *ret)
{
    static const struct {
        uint32_t action;
        const char *name;
    } actions[] = {{SECCOMP_RET_KILL_PROCESS, "kill"},
                   {SECCOMP_RET_ERRNO, "errno"},
                   {SECCOMP_RET_TRAP, "trap"},
                   {SECCOMP_RET_LOG, "log"},
                   {SECCOMP_RET_TRACE, "trace"}};
    char have[64] = "", missing[64] = "";

    if (load_allow_all(0)) {
        bh_probe_set_errno(ret, "seccomp");
        return;
    }
    for (size_t i = 0; i < BH_COUNT_OF(actions); i++) {
        char *list = has_action(actions[i].action) ? have : missing;
        size_t len = strlen(list);

        (void)snprintf(list + len, sizeof have - len, "%s%s", len ? " " : "", actions[i].name);
    }
    bh_probe_set(ret, *missing ? BH_PROBE_PARTLY : BH_PROBE_YES, "actions: %s%s%s", have,
                 *missing ? "; missing: " : "", missing);
}

void bh_look_seccomp_notify(struct bh_probe_result *ret)
{
    struct seccomp_notif_sizes sizes;
    int fd;

    if (!has_action(SECCOMP_RET_USER_NOTIF) ||
        syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes)) {
        bh_probe_set_errno(ret, "user notification");
        return;
    }
    fd = load_allow_all(SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (fd < 0)
        bh_probe_set_errno(ret, "listener");
    else
        bh_probe_set(ret, BH_PROBE_YES, "a listener was opened");
}

void bh_look_seccomp_tsync(struct bh_probe_result *ret)
{
    if (load_allow_all(SECCOMP_FILTER_FLAG_TSYNC))
        bh_probe_set_errno(ret, "TSYNC");
    else
        bh_probe_set(ret, BH_PROBE_YES, "loaded");
}

static long landlock_abi(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
}

/* Documentation/userspace-api/landlock.rst, "Previous limitations". */
void bh_look_landlock(struct bh_probe_result *ret)
{
    static const char *const brings[] = {"files",        "links and renames",
                                         "truncation",   "TCP ports",
                                         "ioctl",        "signals and abstract sockets",
                                         "audit records"};
    char list[160] = "";
    long abi = landlock_abi();

    if (abi < 0) {
        if (errno == EOPNOTSUPP)
            bh_probe_set(ret, BH_PROBE_NO, "built in, but not enabled at boot (lsm=)");
        else
            bh_probe_set_errno(ret, "landlock_create_ruleset");
        return;
    }
    for (size_t i = 0; i < BH_COUNT_OF(brings) && (long)i < abi; i++) {
        size_t len = strlen(list);

        (void)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", brings[i]);
    }
    bh_probe_set(ret, BH_PROBE_YES, "ABI %ld: %s", abi, list);
}

void bh_look_landlock_network(struct bh_probe_result *ret)
{
    long abi = landlock_abi();

    if (abi >= 4)
        bh_probe_set(ret, BH_PROBE_YES, "ABI %ld", abi);
    else if (abi >= 0)
        bh_probe_set(ret, BH_PROBE_NO, "ABI %ld; TCP ports came with ABI 4 (Linux 6.7)", abi);
    else
        bh_probe_set(ret, BH_PROBE_NO, "no Landlock");
}
