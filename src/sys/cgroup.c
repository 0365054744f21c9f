#include "sys/cgroup.h"

#include "base/buf.h"
#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define MOUNT "/sys/fs/cgroup"
#define PERIOD_US 100000u
#define SWEEP_AGE_SECONDS 60
#define REMOVE_TRIES                                                                               \
    200 /* of 1 ms: a dying process leaves its cgroup a moment after it is reaped */

bool bh_cgroup_path(const char *text, const char *controller, char *path, size_t size)
{
    size_t want = strlen(controller);

    for (const char *line = text; *line;) {
        const char *end = strchrnul(line, '\n'), *names = strchr(line, ':'), *at;

        at = names && names < end ? strchr(names + 1, ':') : NULL;
        if (at && at < end) {
            for (const char *n = names + 1; n <= at;) {
                size_t len = strcspn(n, ",:");

                if (len == want && strncmp(n, controller, len) == 0) {
                    if ((size_t)(end - at) > size)
                        return false;
                    memcpy(path, at + 1, (size_t)(end - at - 1));
                    path[end - at - 1] = '\0';
                    return path[0] == '/';
                }
                n += len + 1;
            }
        }
        line = *end ? end + 1 : end;
    }
    return false;
}

long bh_cgroup_name_pid(const char *name)
{
    static const char prefix[] = "bulkhead-";
    char *end;
    long pid;

    if (strncmp(name, prefix, sizeof prefix - 1) != 0 || name[sizeof prefix - 1] < '1' ||
        name[sizeof prefix - 1] > '9')
        return 0;
    pid = strtol(name + sizeof prefix - 1, &end, 10);
    if (*end != '-' || strspn(end + 1, "0123456789") != strlen(end + 1) || !end[1])
        return 0;
    return pid;
}

static bool put(int dir, const char *file, const char *value)
{
    BH_AUTO(bh_closep) int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
}

static bool put_number(int dir, const char *file, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return put(dir, file, text);
}

static void miss(struct bh_cgroup *c, unsigned which, const char *why)
{
    if (!c->missing)
        (void)snprintf(c->reason, sizeof c->reason, "%s", why);
    c->missing |= which;
}

/* Opens the caller's cgroup in a hierarchy and makes ours in it. -1: not possible, said. */
static int make_below(struct bh_cgroup *c, const char *mount_point, const char *own, long kind,
                      unsigned limits)
{
    char path[4200], why[sizeof c->reason];
    struct statfs fs;
    BH_AUTO(bh_closep) int parent = -1;
    int dir;

    (void)snprintf(path, sizeof path, "%s%s", mount_point, own);
    parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (parent < 0 || fstatfs(parent, &fs) < 0 || fs.f_type != kind) {
        (void)snprintf(why, sizeof why, "no cgroup at %.80s", path);
        miss(c, limits, why);
        return -1;
    }
    if (mkdirat(parent, c->name, 0755) < 0) {
        (void)snprintf(why, sizeof why, "cgroup below %.60s: %s", path, strerror(errno));
        miss(c, limits, why);
        return -1;
    }
    dir = openat(parent, c->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0) {
        miss(c, limits, "the new cgroup cannot be opened");
        (void)unlinkat(parent, c->name, AT_REMOVEDIR);
        return -1;
    }
    c->parts[c->count].parent = BH_TAKE_FD(parent);
    c->parts[c->count++].join = -1;
    return dir;
}

static void limit_memory_v1(struct bh_cgroup *c, int dir, const struct bh_cgroup_limits *l)
{
    if (!put_number(dir, "memory.limit_in_bytes", l->memory_bytes))
        miss(c, BH_CGROUP_MEMORY, "memory.limit_in_bytes is refused");
    if (l->swap_bytes != UINT64_MAX &&
        !put_number(dir, "memory.memsw.limit_in_bytes", l->memory_bytes + l->swap_bytes))
        miss(c, BH_CGROUP_SWAP, "the kernel does not account swap");
}

static void limit_pids(struct bh_cgroup *c, int dir, const struct bh_cgroup_limits *l)
{
    if (!put_number(dir, "pids.max", l->pids))
        miss(c, BH_CGROUP_PIDS, "pids.max is refused");
}

static void limit_cpu_v1(struct bh_cgroup *c, int dir, const struct bh_cgroup_limits *l)
{
    if (!put_number(dir, "cpu.cfs_quota_us", l->cpu_milli * (PERIOD_US / 1000)))
        miss(c, BH_CGROUP_CPU, "cpu.cfs_quota_us is refused");
}

static const struct {
    const char *controller;
    unsigned limits;
    void (*set)(struct bh_cgroup *, int, const struct bh_cgroup_limits *);
} controllers[] = {
    {"memory", BH_CGROUP_MEMORY | BH_CGROUP_SWAP, limit_memory_v1},
    {"pids", BH_CGROUP_PIDS, limit_pids},
    {"cpu", BH_CGROUP_CPU, limit_cpu_v1},
};

static unsigned wanted(const struct bh_cgroup_limits *l)
{
    return (l->memory_bytes ? BH_CGROUP_MEMORY : 0) |
           (l->memory_bytes && l->swap_bytes != UINT64_MAX ? BH_CGROUP_SWAP : 0) |
           (l->pids ? BH_CGROUP_PIDS : 0) | (l->cpu_milli ? BH_CGROUP_CPU : 0);
}

static void create_v1(struct bh_cgroup *c, const char *own, const struct bh_cgroup_limits *l)
{
    for (size_t i = 0; i < BH_COUNT_OF(controllers); i++) {
        unsigned which = controllers[i].limits & wanted(l);
        BH_AUTO(bh_closep) int dir = -1;
        char path[4000], mount_point[64];

        if (!which)
            continue;
        if (!bh_cgroup_path(own, controllers[i].controller, path, sizeof path)) {
            miss(c, which, "the kernel has no such cgroup controller");
            continue;
        }
        (void)snprintf(mount_point, sizeof mount_point, MOUNT "/%s", controllers[i].controller);
        dir = make_below(c, mount_point, path, CGROUP_SUPER_MAGIC, which);
        if (dir < 0)
            continue;
        controllers[i].set(c, dir, l);
        /* "tasks" and not cgroup.procs: the latter waits for an RCU grace period, 9 ms and more. */
        c->parts[c->count - 1].join = openat(dir, "tasks", O_WRONLY | O_CLOEXEC);
        if (c->parts[c->count - 1].join < 0)
            miss(c, which, "the new cgroup cannot be joined");
    }
}

/* May the cgroup at own hand out the controllers we need? Writing what is on already succeeds. */
static bool hands_out(const char *own)
{
    char path[4200];
    BH_AUTO(bh_closep) int dir = -1;

    (void)snprintf(path, sizeof path, MOUNT "%s", own);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir >= 0 && put(dir, "cgroup.subtree_control", "+memory +pids +cpu");
}

static void limits_v2(struct bh_cgroup *c, int dir, const struct bh_cgroup_limits *l)
{
    unsigned want = wanted(l);
    char text[64];

    if (want & BH_CGROUP_MEMORY && !put_number(dir, "memory.max", l->memory_bytes))
        miss(c, BH_CGROUP_MEMORY, "memory.max is refused");
    if (want & BH_CGROUP_SWAP && !put_number(dir, "memory.swap.max", l->swap_bytes))
        miss(c, BH_CGROUP_SWAP, "the kernel does not account swap");
    if (want & BH_CGROUP_PIDS)
        limit_pids(c, dir, l);
    (void)snprintf(text, sizeof text, "%llu %u",
                   (unsigned long long)(l->cpu_milli * (PERIOD_US / 1000)), PERIOD_US);
    if (want & BH_CGROUP_CPU && !put(dir, "cpu.max", text))
        miss(c, BH_CGROUP_CPU, "cpu.max is refused");
}

static void create_v2(struct bh_cgroup *c, const char *own, const struct bh_cgroup_limits *l)
{
    char path[4000];

    if (!bh_cgroup_path(own, "", path, sizeof path)) {
        miss(c, wanted(l), "this process is in no cgroup of the unified hierarchy");
        return;
    }
    if (!hands_out(path)) {
        if (geteuid() != 0 || !hands_out("/")) {
            miss(c, wanted(l), "the cgroup controllers are not delegated to this user");
            return;
        }
        path[0] = '\0';
    }
    c->into = make_below(c, MOUNT, path, CGROUP2_SUPER_MAGIC, wanted(l));
    if (c->into >= 0)
        limits_v2(c, c->into, l);
    c->memory_v2 = true;
}

void bh_cgroup_create(const struct bh_cgroup_limits *limits, struct bh_cgroup *ret)
{
    BH_AUTO(bh_buf_done) struct bh_buf own = BH_BUF_INIT(64u << 10);
    struct timespec now = {0};
    struct statfs fs;

    *ret = BH_CGROUP_INIT;
    if (!wanted(limits))
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(ret->name, sizeof ret->name, "bulkhead-%ld-%09ld", (long)getpid(), now.tv_nsec);
    if (statfs(MOUNT, &fs) < 0 || bh_read_file_at(AT_FDCWD, "/proc/self/cgroup", &own, NULL) != 0) {
        miss(ret, wanted(limits), "no cgroups at " MOUNT);
        return;
    }
    if (fs.f_type == CGROUP2_SUPER_MAGIC)
        create_v2(ret, bh_buf_text(&own), limits);
    else
        create_v1(ret, bh_buf_text(&own), limits);
}

int bh_cgroup_join(const struct bh_cgroup *c, struct bh_error *err)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->parts[i].join >= 0 && write(c->parts[i].join, "0", 1) != 1)
            return bh_fail_errno(err, "join cgroup %s", c->name);
    return 0;
}

static uint64_t read_counter(int parent, const char *name, const char *file, const char *key)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(4096);
    char path[96];
    const char *at;

    (void)snprintf(path, sizeof path, "%s/%s", name, file);
    if (bh_read_file_at(parent, path, &b, NULL) != 0)
        return 0;
    at = strstr(bh_buf_text(&b), key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

uint64_t bh_cgroup_oom_kills(const struct bh_cgroup *c)
{
    /* On v1 the memory hierarchy is the first we make; elsewhere the file is not there: 0. */
    if (c->count == 0)
        return 0;
    return read_counter(c->parts[0].parent, c->name,
                        c->memory_v2 ? "memory.events" : "memory.oom_control", "oom_kill ");
}

static bool remove_one(int parent, const char *name)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int i = 0; i < REMOVE_TRIES; i++) {
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return true;
        if (errno != EBUSY)
            return false;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

bool bh_cgroup_remove(struct bh_cgroup *c)
{
    bool all = true;

    for (size_t i = 0; i < c->count; i++) {
        bh_closep(&c->parts[i].join);
        all = remove_one(c->parts[i].parent, c->name) && all;
        bh_closep(&c->parts[i].parent);
    }
    bh_closep(&c->into);
    c->count = 0;
    return all;
}

/* Its maker is gone, and it is old enough not to be about to be joined by somebody whose pid we
 * cannot see. Only an empty cgroup can be removed, so a reused pid costs nothing but patience. */
static bool abandoned(int parent, const char *name, pid_t pid)
{
    struct stat st;

    return kill(pid, 0) < 0 && errno == ESRCH && fstatat(parent, name, &st, 0) == 0 &&
           time(NULL) - st.st_ctim.tv_sec > SWEEP_AGE_SECONDS;
}

void bh_cgroup_sweep(const struct bh_cgroup *c)
{
    for (size_t i = 0; i < c->count; i++) {
        int fd = openat(c->parts[i].parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

        if (!d) {
            bh_closep(&fd);
            continue;
        }
        for (struct dirent *e = readdir(d); e; e = readdir(d)) {
            long pid = bh_cgroup_name_pid(e->d_name);

            if (pid > 0 && abandoned(c->parts[i].parent, e->d_name, (pid_t)pid))
                (void)unlinkat(c->parts[i].parent, e->d_name, AT_REMOVEDIR);
        }
        closedir(d);
    }
}
