#include "base/mem.h"
#include "runtime/start.h"
#include "sys/fd.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int bh_start_target(int root, const char *path, bool directory, int *ret_fd, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    struct stat st;
    int r = bh_open_in_root(root, path, O_PATH | O_NOFOLLOW, 0, &fd, err);

    if (r)
        return bh_wrap(err, "mount point %s in the image", path);
    if (fstat(fd, &st) < 0)
        return bh_fail_errno(err, "mount point %s", path);
    if (directory && !S_ISDIR(st.st_mode))
        return bh_fail(err, BH_INVALID, "the image's %s is %s, not a directory", path,
                       S_ISLNK(st.st_mode) ? "a symbolic link" : "a file");
    if (!directory && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
        return bh_fail(err, BH_INVALID, "the image's %s is not a regular file", path);
    *ret_fd = BH_TAKE_FD(fd);
    return 0;
}

int bh_start_layers(struct bh_start *s, struct bh_error *err)
{
    const struct bh_launch *l = s->launch;

    s->skeleton = open(l->skeleton, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->skeleton < 0)
        return bh_fail_errno(err, "skeleton %s", l->skeleton);
    s->layers = bh_new_array(l->layer_count + 1, sizeof *s->layers);
    for (size_t i = 0; i < l->layer_count; i++) {
        s->layers[i] = open(l->layers[i].dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (s->layers[i] < 0)
            return bh_fail_errno(err, "layer %s", l->layers[i].dir);
    }
    s->layers[l->layer_count] = openat(s->skeleton, "fs", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->layers[l->layer_count] < 0)
        return bh_fail_errno(err, "skeleton %s/fs", l->skeleton);
    s->layer_count = l->layer_count + 1;
    return 0;
}

/* Where changes of a writable root go: memory, gone with the container. Attached, because kernels
 * before 6.15 refuse an overlay over a mount that is in no namespace. */
static int make_upper(const struct bh_start *s, int *ret_upper, int *ret_work, struct bh_error *err)
{
    static const struct bh_mount_option options[] = {{"mode", "0755"},
                                                     {"size", "50%"},
                                                     {NULL, NULL}};
    BH_AUTO(bh_closep) int fs = -1;
    BH_AUTO(bh_closep) int at = -1;
    int r = bh_mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &fs, err);

    if (r)
        return r;
    at = openat(s->skeleton, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return bh_fail_errno(err, "open the skeleton's upper");
    r = bh_mount_attach(fs, at, err);
    if (r)
        return r;
    if (mkdirat(fs, "upper", 0755) < 0 || mkdirat(fs, "work", 0700) < 0)
        return bh_fail_errno(err, "make the writable layer");
    *ret_upper = openat(fs, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
    *ret_work = openat(fs, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_upper < 0 || *ret_work < 0)
        return bh_fail_errno(err, "open the writable layer");
    return 0;
}

int bh_start_root(const struct bh_start *s, int *ret_root, struct bh_error *err)
{
    bool read_only =
        s->launch->flags & BH_LAUNCH_READ_ONLY && bh_start_has(s, BH_WITHOUT_READ_ONLY_ROOT);
    uint64_t attr =
        bh_start_has(s, BH_WITHOUT_MOUNT_FLAGS) ? MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV : 0;
    BH_AUTO(bh_closep) int upper = -1;
    BH_AUTO(bh_closep) int work = -1;
    BH_AUTO(bh_closep) int root = -1;
    BH_AUTO(bh_closep) int at = -1;
    char scratch[4200];
    int r = 0;

    (void)snprintf(scratch, sizeof scratch, "%s/root", s->launch->skeleton);
    if (read_only)
        attr |= MOUNT_ATTR_RDONLY;
    else
        r = make_upper(s, &upper, &work, err);
    if (r == 0)
        r = bh_mount_overlay(s->layers, s->layer_count, upper, work, true, attr, scratch, &root,
                             err);
    if (r)
        return bh_wrap(err, "root file system");
    at = openat(s->skeleton, "root", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return bh_fail_errno(err, "open the skeleton's root");
    r = bh_mount_attach(root, at, err);
    if (r == 0)
        *ret_root = BH_TAKE_FD(root);
    return r;
}
