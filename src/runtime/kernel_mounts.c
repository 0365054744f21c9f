#include "runtime/start.h"
#include "sys/fd.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define KERNEL_ATTR (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static int mount_at(int root, const char *path, const char *type, uint64_t attr,
                    struct bh_error *err)
{
    BH_AUTO(bh_closep) int at = -1;
    BH_AUTO(bh_closep) int fs = -1;
    int r = bh_start_target(root, path, true, &at, err);

    if (r == 0)
        r = bh_mount_new(type, NULL, attr, &fs, err);
    return r ? r : bh_mount_attach(fs, at, err);
}

/* Opens a kernel path that this kernel may not have: *ret_fd stays -1 then. */
static int open_kernel_path(int root, const char *path, int *ret_fd, struct bh_error *err)
{
    int r = bh_open_in_root(root, path, O_PATH | O_NOFOLLOW, 0, ret_fd, err);

    return r == -BH_NOT_FOUND ? 0 : r;
}

static int cover(const struct bh_start *s, int at, struct bh_error *err)
{
    BH_AUTO(bh_closep) int mount_fd = -1;
    struct stat st;
    bool directory;
    int r;

    if (fstat(at, &st) < 0)
        return bh_fail_errno(err, "look at it");
    directory = S_ISDIR(st.st_mode);
    /* A file is covered by an empty one of ours and never by a device: a device node of an image
     * or a volume cannot slip in, and reading gives nothing rather than an error. */
    r = bh_mount_clone(s->skeleton, directory ? "empty" : "empty-file", false, &mount_fd, err);
    if (r == 0)
        r = bh_mount_set(mount_fd, KERNEL_ATTR | MOUNT_ATTR_RDONLY, false, err);
    return r ? r : bh_mount_attach(mount_fd, at, err);
}

static int make_read_only(int at, struct bh_error *err)
{
    BH_AUTO(bh_closep) int mount_fd = -1;
    int r = bh_mount_clone(at, "", false, &mount_fd, err);

    if (r == 0)
        r = bh_mount_set(mount_fd, KERNEL_ATTR | MOUNT_ATTR_RDONLY, false, err);
    return r ? r : bh_mount_attach(mount_fd, at, err);
}

static int each(const struct bh_start *s, int root, const char *const *paths, bool masked,
                struct bh_error *err)
{
    for (; *paths; paths++) {
        BH_AUTO(bh_closep) int at = -1;
        int r = open_kernel_path(root, *paths, &at, err);

        if (r == 0 && at >= 0)
            r = masked ? cover(s, at, err) : make_read_only(at, err);
        if (r)
            return bh_wrap(err, "%s %s", masked ? "mask" : "make read-only", *paths);
    }
    return 0;
}

/* A service that never was root may still listen on port 80 of its own network namespace. */
static int free_low_ports(const struct bh_start *s, int root, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    int r;

    if (s->launch->uid == 0 || s->launch->flags & BH_LAUNCH_HOST_NETWORK ||
        !bh_start_has(s, BH_WITHOUT_NETWORK_NAMESPACE))
        return 0;
    r = bh_open_in_root(root, "/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY, 0, &fd,
                        err);
    if (r == 0 && write(fd, "0", 1) != 1)
        r = bh_fail_errno(err, "allow low ports");
    return r;
}

int bh_start_kernel_mounts(const struct bh_start *s, int root, struct bh_error *err)
{
    int r = mount_at(root, "/proc", "proc", KERNEL_ATTR, err);

    if (r == 0 && s->launch->flags & BH_LAUNCH_SYSFS)
        r = mount_at(root, "/sys", "sysfs", KERNEL_ATTR | MOUNT_ATTR_RDONLY, err);
    if (r == 0)
        r = free_low_ports(s, root, err);
    if (r == 0 && bh_start_has(s, BH_WITHOUT_MASKS))
        r = each(s, root, s->launch->readonly_paths, false, err);
    if (r == 0 && bh_start_has(s, BH_WITHOUT_MASKS))
        r = each(s, root, s->launch->masked_paths, true, err);
    return r;
}
