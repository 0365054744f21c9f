#include "sys/probe_look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A directory that exists everywhere and that the child needs no more once it has its namespaces.
 */
#define SCRATCH "/proc"

void bh_look_openat2(struct bh_probe_result *ret)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int root = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = (int)syscall(SYS_openat2, root, "/../../status", &how, sizeof how);

    if (fd < 0)
        bh_probe_set_errno(ret, "openat2");
    else
        bh_probe_set(ret, BH_PROBE_YES, "\"..\" stayed inside");
}

/* The caller as user 0 of a new user namespace. */
static bool become_mapped_root(struct bh_probe_result *ret)
{
    static const char *const files[] = {"/proc/self/setgroups", "/proc/self/uid_map",
                                        "/proc/self/gid_map"};
    char texts[3][32] = {"deny"};

    (void)snprintf(texts[1], sizeof texts[1], "0 %u 1", geteuid());
    (void)snprintf(texts[2], sizeof texts[2], "0 %u 1", getegid());
    if (unshare(CLONE_NEWUSER)) {
        bh_probe_set_errno(ret, "user namespace");
        return false;
    }
    for (size_t i = 0; i < BH_COUNT_OF(files); i++) {
        int fd = open(files[i], O_WRONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : write(fd, texts[i], strlen(texts[i]));

        if (n < 0) {
            bh_probe_set_errno(ret, files[i]);
            return false;
        }
        (void)close(fd); /* the kernel took the text with the write */
    }
    return true;
}

/* A tmpfs at SCRATCH in a mount namespace of our own. */
static bool enter_scratch(struct bh_probe_result *ret)
{
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
        bh_probe_set_errno(ret, "mount namespace");
        return false;
    }
    if (mount("tmpfs", SCRATCH, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755")) {
        bh_probe_set_errno(ret, "tmpfs");
        return false;
    }
    return true;
}

static void try_overlay(struct bh_probe_result *ret, const char *more)
{
    static const char *const directories[] = {SCRATCH "/a", SCRATCH "/b", SCRATCH "/upper",
                                              SCRATCH "/work", SCRATCH "/all"};
    char options[256];

    if (!enter_scratch(ret))
        return;
    for (size_t i = 0; i < BH_COUNT_OF(directories); i++) {
        if (mkdir(directories[i], 0755)) {
            bh_probe_set(ret, BH_PROBE_UNKNOWN, "%s: %s", directories[i], strerror(errno));
            return;
        }
    }
    (void)snprintf(options, sizeof options,
                   "lowerdir=" SCRATCH "/a:" SCRATCH "/b,upperdir=" SCRATCH
                   "/upper,workdir=" SCRATCH "/work%s",
                   more);
    if (mount("overlay", SCRATCH "/all", "overlay", 0, options))
        bh_probe_set_errno(ret, "mount");
    else if (mkdir(SCRATCH "/all/x", 0755))
        bh_probe_set_errno(ret, "mounted, but not writable");
    else
        bh_probe_set(ret, BH_PROBE_YES, "two layers mounted and written to");
}

void bh_look_overlay(struct bh_probe_result *ret)
{
    if (geteuid() == 0)
        try_overlay(ret, "");
    else if (become_mapped_root(ret))
        try_overlay(ret, ",userxattr");
}

void bh_look_overlay_user(struct bh_probe_result *ret)
{
    if (become_mapped_root(ret))
        try_overlay(ret, ",userxattr");
}

static int new_tmpfs(void)
{
    int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

    if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
        return -1;
    return fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

void bh_look_mount_api(struct bh_probe_result *ret)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    int fd;

    if (geteuid() != 0 && (!become_mapped_root(ret) || unshare(CLONE_NEWNS)))
        return;
    fd = new_tmpfs();
    if (fd < 0)
        bh_probe_set_errno(ret, "fsopen and fsmount");
    else if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr))
        bh_probe_set_errno(ret, "mount_setattr");
    else
        bh_probe_set(ret, BH_PROBE_YES, "a mount was made and changed without a path");
}

/* Maps 0 to 100000 in the user namespace of a child. */
static bool write_map(pid_t child, const char *file)
{
    static const char map[] = "0 100000 65536";
    char path[64];
    int fd;
    bool done;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)child, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    done = fd >= 0 && write(fd, map, sizeof map - 1) == (ssize_t)sizeof map - 1;
    if (fd >= 0)
        (void)close(fd); /* the kernel took the text with the write */
    return done;
}

/* A user namespace with other owners, held by a child that waits to be killed; -1 on failure. */
static int other_user_namespace(pid_t *ret_child)
{
    char path[64];
    int ends[2];
    char byte;

    if (pipe2(ends, O_CLOEXEC))
        return -1;
    *ret_child = fork();
    if (*ret_child == 0) {
        if (unshare(CLONE_NEWUSER) == 0 && write(ends[1], "x", 1) == 1)
            (void)pause(); /* until killed */
        _exit(1);
    }
    (void)close(ends[1]); /* so that a child that failed is the end of the pipe */
    if (*ret_child < 0 || read(ends[0], &byte, 1) != 1 || !write_map(*ret_child, "uid_map") ||
        !write_map(*ret_child, "gid_map"))
        return -1;
    (void)snprintf(path, sizeof path, "/proc/%d/ns/user", (int)*ret_child);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool map_owners(int mount_fd, int user_fd)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned)user_fd};

    return mount_fd >= 0 && mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0;
}

void bh_look_idmap(struct bh_probe_result *ret)
{
    pid_t child = -1;
    int user_fd;
    bool on_tmpfs, on_root;

    if (geteuid() != 0) {
        bh_probe_set(ret, BH_PROBE_DENIED, "root only, on the file systems of the host");
        return;
    }
    user_fd = other_user_namespace(&child);
    if (user_fd < 0) {
        bh_probe_set_errno(ret, "user namespace");
    } else {
        on_root =
            map_owners(open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), user_fd);
        on_tmpfs = map_owners(new_tmpfs(), user_fd);
        if (on_root && on_tmpfs)
            bh_probe_set(ret, BH_PROBE_YES, "on the root file system and on tmpfs");
        else if (on_root || on_tmpfs)
            bh_probe_set(ret, BH_PROBE_PARTLY, "on %s, not on %s",
                         on_root ? "the root file system" : "tmpfs",
                         on_root ? "tmpfs" : "the root file system");
        else
            bh_probe_set_errno(ret, "mount_setattr");
    }
    if (child > 0) {
        (void)kill(child, SIGKILL); /* it waits for this */
        (void)waitpid(child, NULL, 0);
    }
}

/* Only a file that nobody else can open is marked. */
void bh_look_fanotify_permission(struct bh_probe_result *ret)
{
    int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
    int file = memfd_create("bulkhead-doctor", MFD_CLOEXEC);

    if (group < 0 || file < 0) {
        bh_probe_set_errno(ret, "fanotify_init");
        return;
    }
    if (fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM, file, NULL))
        bh_probe_set_errno(ret, "fanotify_mark");
    else
        bh_probe_set(ret, BH_PROBE_YES, "opens and executions");
}

void bh_look_fanotify_user(struct bh_probe_result *ret)
{
    const uid_t nobody = 65534;
    int group;

    if (geteuid() == 0 && setresuid(nobody, nobody, nobody)) {
        bh_probe_set(ret, BH_PROBE_UNKNOWN, "cannot become user 65534: %s", strerror(errno));
        return;
    }
    group = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
    if (group >= 0)
        bh_probe_set(ret, BH_PROBE_YES, "events without permission decisions");
    else
        bh_probe_set(ret, BH_PROBE_NO, "fanotify_init: %s", strerror(errno));
}
