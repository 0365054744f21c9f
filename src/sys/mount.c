#include "sys/mount.h"

#include "base/mem.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel has to say about the last refused fsconfig call, "" when nothing. */
static const char *kernel_words(int fs_fd, char *text, size_t size)
{
    ssize_t n = read(fs_fd, text, size - 1);

    if (n <= 0)
        return "";
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static int refused(int fs_fd, const char *type, const char *what, struct bh_error *err)
{
    int number = errno;
    char text[200];
    const char *words = kernel_words(fs_fd, text, sizeof text);

    errno = number;
    return bh_fail_errno(err, "mount %s: %s%s%s%s", type, what, *words ? " (" : "", words,
                         *words ? ")" : "");
}

static int finish(int fs_fd, const char *type, uint64_t attr, int *ret_fd, struct bh_error *err)
{
    int fd;

    if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return refused(fs_fd, type, "create", err);
    fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned)attr);
    if (fd < 0)
        return refused(fs_fd, type, "mount", err);
    *ret_fd = fd;
    return 0;
}

int bh_mount_new(const char *type, const struct bh_mount_option *options, uint64_t attr,
                 int *ret_fd, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fs = fsopen(type, FSOPEN_CLOEXEC);

    if (fs < 0)
        return bh_fail_errno(err, "open file system %s", type);
    for (; options && options->key; options++)
        if (fsconfig(fs, options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options->key,
                     options->value, 0) < 0)
            return refused(fs, type, options->key, err);
    return finish(fs, type, attr, ret_fd, err);
}

/* Linux 6.13: every layer by descriptor. Older ones say EINVAL, or EOPNOTSUPP before 6.5. */
static int overlay_by_descriptor(const int *layers, size_t count, int upper, int work,
                                 bool user_xattr, uint64_t attr, int *ret_fd, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fs = fsopen("overlay", FSOPEN_CLOEXEC);

    if (fs < 0)
        return bh_fail_errno(err, "open file system overlay");
    for (size_t i = 0; i < count; i++)
        if (fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, layers[i]) < 0)
            return refused(fs, "overlay", "lower directory", err);
    if (upper >= 0 && (fsconfig(fs, FSCONFIG_SET_FD, "upperdir", NULL, upper) < 0 ||
                       fsconfig(fs, FSCONFIG_SET_FD, "workdir", NULL, work) < 0))
        return refused(fs, "overlay", "upper directory", err);
    if (user_xattr && fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
        return refused(fs, "overlay", "userxattr", err);
    return finish(fs, "overlay", attr, ret_fd, err);
}

/* Older kernels: mount(2) with the descriptors' names below /proc, which fit its one page. */
static int overlay_by_name(const int *layers, size_t count, int upper, int work, bool user_xattr,
                           uint64_t attr, const char *scratch, int *ret_fd, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf options = BH_BUF_INIT(4000);
    BH_AUTO(bh_closep) int fd = -1;
    char layer[40];
    int r = 0;

    for (size_t i = 0; i < count && !r; i++) {
        (void)snprintf(layer, sizeof layer, "%s/proc/self/fd/%d", i ? ":" : "lowerdir=", layers[i]);
        r = bh_buf_append(&options, layer, strlen(layer), err);
    }
    if (r)
        return bh_wrap(err, "overlay of %zu layers", count);
    if (upper >= 0)
        bh_buf_printf(&options, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", upper, work);
    bh_buf_puts(&options, user_xattr ? ",userxattr" : "");
    if (mount("overlay", scratch, "overlay", upper >= 0 ? 0 : MS_RDONLY, bh_buf_text(&options)) < 0)
        return bh_fail_errno(err, "mount overlay");
    fd = open_tree(AT_FDCWD, scratch, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return bh_fail_errno(err, "reach the overlay");
    if (umount2(scratch, MNT_DETACH) < 0)
        return bh_fail_errno(err, "release the overlay");
    r = bh_mount_set(fd, attr, false, err);
    if (r == 0)
        *ret_fd = BH_TAKE_FD(fd);
    return r;
}

int bh_mount_overlay(const int *layers, size_t layer_count, int upper, int work, bool user_xattr,
                     uint64_t attr, const char *scratch, int *ret_fd, struct bh_error *err)
{
    struct bh_error first = BH_ERROR_INIT;
    int r =
        overlay_by_descriptor(layers, layer_count, upper, work, user_xattr, attr, ret_fd, &first);

    if (r == 0)
        return 0;
    if (first.sys_errno != EINVAL && first.sys_errno != EOPNOTSUPP) {
        if (err)
            *err = first;
        return r;
    }
    return overlay_by_name(layers, layer_count, upper, work, user_xattr, attr, scratch, ret_fd,
                           err);
}

int bh_mount_clone(int dirfd, const char *path, bool recursive, int *ret_fd, struct bh_error *err)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
                     (*path ? 0u : (unsigned)AT_EMPTY_PATH) |
                     (recursive ? (unsigned)AT_RECURSIVE : 0u);
    int fd = open_tree(dirfd, path, flags);

    if (fd < 0)
        return bh_fail_errno(err, "clone the mount of %s", *path ? path : "a descriptor");
    *ret_fd = fd;
    return 0;
}

int bh_mount_set(int fd, uint64_t attr, bool recursive, struct bh_error *err)
{
    struct mount_attr a = {.attr_set = attr};

    if (mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? (unsigned)AT_RECURSIVE : 0u), &a,
                      sizeof a) < 0)
        return bh_fail_errno(err, "change a mount's attributes");
    return 0;
}

int bh_mount_attach(int fd, int target_fd, struct bh_error *err)
{
    if (move_mount(fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return bh_fail_errno(err, "attach a mount");
    return 0;
}

int bh_mount_make_private(struct bh_error *err)
{
    struct mount_attr a = {.propagation = MS_PRIVATE};

    if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &a, sizeof a) < 0)
        return bh_fail_errno(err, "make the mounts private");
    return 0;
}

int bh_mount_pivot(int root_fd, struct bh_error *err)
{
    /* The old root ends up below the new one's ".", stacked, and is let go of at once. */
    if (fchdir(root_fd) < 0)
        return bh_fail_errno(err, "enter the new root");
    if (syscall(SYS_pivot_root, ".", ".") < 0)
        return bh_fail_errno(err, "pivot_root");
    if (umount2(".", MNT_DETACH) < 0)
        return bh_fail_errno(err, "let go of the old root");
    if (chdir("/") < 0)
        return bh_fail_errno(err, "enter the new root");
    return 0;
}
