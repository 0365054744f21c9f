#include "sys/probe_look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TREE "/sys/fs/cgroup"

static bool is_kind(const char *path, long magic)
{
    struct statfs fs;

    return statfs(path, &fs) == 0 && (long)fs.f_type == magic;
}

/* Where the unified hierarchy is mounted; NULL when nowhere. */
static const char *unified(void)
{
    static const char *const places[] = {TREE, TREE "/unified"};

    for (size_t i = 0; i < BH_COUNT_OF(places); i++)
        if (is_kind(places[i], CGROUP2_SUPER_MAGIC))
            return places[i];
    return NULL;
}

static bool has_v1(void)
{
    return is_kind(TREE "/memory", CGROUP_SUPER_MAGIC) || is_kind(TREE "/pids", CGROUP_SUPER_MAGIC);
}

void bh_look_cgroup_version(struct bh_probe_result *ret)
{
    const char *place = unified();

    if (place && strcmp(place, TREE) == 0)
        bh_probe_set(ret, BH_PROBE_YES, "version 2 at %s", place);
    else if (place)
        bh_probe_set(ret, BH_PROBE_YES,
                     "hybrid: controllers of version 1 in " TREE ", version 2 at %s", place);
    else if (has_v1())
        bh_probe_set(ret, BH_PROBE_YES, "version 1 in " TREE);
    else
        bh_probe_set(ret, BH_PROBE_NO, "no hierarchy is mounted at " TREE);
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; (at = strstr(at, word)); at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static bool has_controller(const char *name)
{
    char path[64], list[256];

    (void)snprintf(path, sizeof path, TREE "/%s", name);
    if (is_kind(path, CGROUP_SUPER_MAGIC))
        return true;
    (void)snprintf(path, sizeof path, "%s/cgroup.controllers", unified() ? unified() : TREE);
    return bh_probe_read(path, list, sizeof list) && has_word(list, name);
}

void bh_look_cgroup_controllers(struct bh_probe_result *ret)
{
    static const char *const needed[] = {"memory", "pids", "cpu"};
    static const char *const others[] = {"io", "blkio", "cpuset", "devices", "freezer", "hugetlb"};
    char have[128] = "", missing[64] = "";

    for (size_t i = 0; i < BH_COUNT_OF(needed); i++) {
        char *list = has_controller(needed[i]) ? have : missing;
        size_t size = list == have ? sizeof have : sizeof missing, len = strlen(list);

        (void)snprintf(list + len, size - len, "%s%s", len ? " " : "", needed[i]);
    }
    for (size_t i = 0; i < BH_COUNT_OF(others); i++) {
        size_t len = strlen(have);

        if (has_controller(others[i]))
            (void)snprintf(have + len, sizeof have - len, "%s%s", len ? " " : "", others[i]);
    }
    if (!*missing)
        bh_probe_set(ret, BH_PROBE_YES, "%s", have);
    else if (*have)
        bh_probe_set(ret, BH_PROBE_PARTLY, "%s; missing: %s", have, missing);
    else
        bh_probe_set(ret, BH_PROBE_NO, "missing: %s", missing);
}

/* This process's directory in the unified hierarchy, else in that of version 1's memory. */
static bool own_directory(char *path, size_t size)
{
    char line[4096];
    FILE *f = fopen("/proc/self/cgroup", "re");
    bool found = false;

    while (f && !found && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        char *at = colon ? strchr(colon + 1, ':') : NULL;

        if (!at)
            continue;
        *at++ = '\0';
        at[strcspn(at, "\n")] = '\0';
        if (unified() && colon[1] == '\0' && !has_v1())
            found = snprintf(path, size, "%s%s", unified(), at) < (int)size;
        else if (strcmp(colon + 1, "memory") == 0)
            found = snprintf(path, size, TREE "/memory%s", at) < (int)size;
    }
    if (f)
        (void)fclose(f); /* it was only read */
    return found;
}

/* Asked of the kernel's permission check, not by making a group that others could see. */
void bh_look_cgroup_own(struct bh_probe_result *ret)
{
    char path[4160];

    if (!own_directory(path, sizeof path))
        bh_probe_set(ret, BH_PROBE_NO, "this process is in no group that bounds memory");
    else if (access(path, W_OK) == 0)
        bh_probe_set(ret, BH_PROBE_YES, "groups can be made below %.200s", path);
    else
        bh_probe_set(ret, errno == EACCES ? BH_PROBE_DENIED : BH_PROBE_NO,
                     "%.180s: %s (systemd: user@.service with Delegate=)", path, strerror(errno));
}

/* CLONE_INTO_CGROUP with the group we are in already: nothing moves. */
void bh_look_cgroup_clone(struct bh_probe_result *ret)
{
    char path[4160], line[4096] = "";
    struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
    const char *place = unified();
    FILE *f = fopen("/proc/self/cgroup", "re");
    long pid;
    int fd;

    while (f && fgets(line, sizeof line, f) && strncmp(line, "0::", 3) != 0)
        continue;
    if (f)
        (void)fclose(f); /* it was only read */
    if (!place || strncmp(line, "0::", 3) != 0) {
        bh_probe_set(ret, BH_PROBE_NO, "needs the hierarchy of version 2");
        return;
    }
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(path, sizeof path, "%s%s", place, line + 3);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        bh_probe_set_errno(ret, "the group of this process");
        return;
    }
    args.cgroup = (uint64_t)fd;
    pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        _exit(0);
    if (pid < 0) {
        bh_probe_set_errno(ret, "clone3 with CLONE_INTO_CGROUP");
        return;
    }
    (void)waitpid((pid_t)pid, NULL, 0); /* it has nothing to say */
    bh_probe_set(ret, BH_PROBE_YES, "done");
}
