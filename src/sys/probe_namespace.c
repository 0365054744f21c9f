#include "sys/probe_look.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static bool enter_user_namespace(void)
{
    return unshare(CLONE_NEWUSER) == 0;
}

/* AppArmor can let the namespace be made and take its capabilities away (Ubuntu 24.04): only using
 * one tells. */
static void look_user(struct bh_probe_result *ret)
{
    char most[32];

    if (!enter_user_namespace()) {
        if (bh_probe_read("/proc/sys/user/max_user_namespaces", most, sizeof most) &&
            strcmp(most, "0") == 0)
            bh_probe_set(ret, BH_PROBE_NO, "user.max_user_namespaces is 0");
        else
            bh_probe_set_errno(ret, "unshare");
        return;
    }
    if (unshare(CLONE_NEWUTS)) {
        bh_probe_set(ret, BH_PROBE_NO,
                     "made, but without capabilities (see "
                     "kernel.apparmor_restrict_unprivileged_userns)");
        return;
    }
    bh_probe_set(ret, BH_PROBE_YES, "made and used by user %u",
                 geteuid() == 65534 ? 65534 : getuid());
}

void bh_look_user_namespace(struct bh_probe_result *ret)
{
    uid_t uid = geteuid();

    look_user(ret);
    if (ret->state == BH_PROBE_YES)
        bh_probe_set(ret, BH_PROBE_YES, uid ? "for this user" : "for root");
}

void bh_look_user_namespace_others(struct bh_probe_result *ret)
{
    const uid_t nobody = 65534;

    if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(nobody, nobody, nobody) ||
                           setresuid(nobody, nobody, nobody))) {
        bh_probe_set(ret, BH_PROBE_UNKNOWN, "cannot become user 65534: %s", strerror(errno));
        return;
    }
    look_user(ret);
    if (ret->state == BH_PROBE_DENIED)
        ret->state = BH_PROBE_NO; /* it was asked for as such a user */
    if (ret->state == BH_PROBE_YES)
        bh_probe_set(ret, BH_PROBE_YES, "tried as user %u", getuid() == nobody ? nobody : getuid());
}

void bh_look_namespaces(struct bh_probe_result *ret)
{
    static const struct {
        int flag;
        const char *name;
    } kinds[] = {{CLONE_NEWNS, "mount"}, {CLONE_NEWPID, "pid"}, {CLONE_NEWNET, "network"},
                 {CLONE_NEWIPC, "ipc"},  {CLONE_NEWUTS, "uts"}, {CLONE_NEWCGROUP, "cgroup"}};
    bool root = geteuid() == 0;

    if (!root && !enter_user_namespace()) {
        bh_probe_set_errno(ret, "user namespace");
        return;
    }
    for (size_t i = 0; i < BH_COUNT_OF(kinds); i++) {
        if (unshare(kinds[i].flag)) {
            bh_probe_set_errno(ret, kinds[i].name);
            return;
        }
    }
    bh_probe_set(ret, BH_PROBE_YES, "all six%s", root ? "" : ", inside a user namespace");
}

void bh_look_time_namespace(struct bh_probe_result *ret)
{
    if (geteuid() != 0 && !enter_user_namespace())
        bh_probe_set_errno(ret, "user namespace");
    else if (unshare(CLONE_NEWTIME))
        bh_probe_set_errno(ret, "unshare");
    else
        bh_probe_set(ret, BH_PROBE_YES, "made");
}

static const char *user_name(char *text, size_t size)
{
    char line[512];
    unsigned uid;
    FILE *f = fopen("/etc/passwd", "re");

    (void)snprintf(text, size, "%u", getuid());
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        char *second = colon ? strchr(colon + 1, ':') : NULL;
        char *end;

        if (!second)
            continue;
        uid = (unsigned)strtoul(second + 1, &end, 10);
        *colon = '\0';
        if (*end == ':' && uid == getuid()) {
            (void)snprintf(text, size, "%.32s", line); /* useradd(8): 32 at most */
            break;
        }
    }
    if (f)
        (void)fclose(f); /* it was only read */
    return text;
}

/* Lines of subuid(5): name or number, first ID, count. */
static unsigned long count_range(const char *path, const char *name)
{
    char line[512], number[16];
    unsigned long count = 0;
    FILE *f = fopen(path, "re");

    (void)snprintf(number, sizeof number, "%u", getuid());
    while (f && fgets(line, sizeof line, f)) {
        char *first = strchr(line, ':');
        char *second = first ? strchr(first + 1, ':') : NULL;

        if (!second)
            continue;
        *first = '\0';
        if (strcmp(line, name) == 0 || strcmp(line, number) == 0)
            count += strtoul(second + 1, NULL, 10);
    }
    if (f)
        (void)fclose(f); /* it was only read */
    return count;
}

void bh_look_id_ranges(struct bh_probe_result *ret)
{
    char name[64];
    unsigned long users, groups;

    user_name(name, sizeof name);
    if (getuid() == 0) {
        bh_probe_set(ret, BH_PROBE_YES, "root may map any");
        return;
    }
    users = count_range("/etc/subuid", name);
    groups = count_range("/etc/subgid", name);
    if (!users || !groups)
        bh_probe_set(ret, BH_PROBE_NO, "no line for %s in /etc/subuid and /etc/subgid", name);
    else if (access("/usr/bin/newuidmap", X_OK) || access("/usr/bin/newgidmap", X_OK))
        bh_probe_set(ret, BH_PROBE_NO, "%lu in /etc/subuid, but no newuidmap (package uidmap)",
                     users);
    else
        bh_probe_set(ret, BH_PROBE_YES, "%lu users, %lu groups", users, groups);
}

void bh_look_clone3(struct bh_probe_result *ret)
{
    /* No size is valid: EINVAL proves that the call is there without making a process. */
    (void)syscall(SYS_clone3, NULL, 0);
    if (errno == EINVAL)
        bh_probe_set(ret, BH_PROBE_YES, "there");
    else
        bh_probe_set_errno(ret, "clone3");
}

void bh_look_pidfd(struct bh_probe_result *ret)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

    if (fd < 0)
        bh_probe_set_errno(ret, "pidfd_open");
    else if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0))
        bh_probe_set_errno(ret, "pidfd_send_signal");
    else
        bh_probe_set(ret, BH_PROBE_YES, "opened and signalled");
}
