#include "runtime/device.h"

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

const struct bh_device bh_devices[] = {
    {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
    {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};
const size_t bh_device_count = BH_COUNT_OF(bh_devices);

static int is_device(const struct stat *st, const struct bh_device *d, struct bh_error *err)
{
    if (!S_ISCHR(st->st_mode) || st->st_rdev != makedev(d->major, d->minor))
        return bh_fail(err, BH_INVALID, "%s is not the character device %u:%u", d->name, d->major,
                       d->minor);
    return 0;
}

int bh_device_check(int dirfd, const struct bh_device *d, struct bh_error *err)
{
    struct stat st;

    if (fstatat(dirfd, d->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return bh_fail_errno(err, "device %s", d->name);
    return is_device(&st, d, err);
}

/* Without the right to make nodes the host's own are bound over empty files, checked after they
 * were opened. */
static int bind_node(int dev, int host, const struct bh_device *d, struct bh_error *err)
{
    BH_AUTO(bh_closep) int node = -1;
    BH_AUTO(bh_closep) int mount_fd = -1;
    BH_AUTO(bh_closep) int at = -1;
    struct stat st;
    int r;

    node = openat(host, d->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (node < 0 || fstat(node, &st) < 0)
        return bh_fail_errno(err, "the host's /dev/%s", d->name);
    r = is_device(&st, d, err);
    if (r)
        return bh_wrap(err, "the host's /dev");
    at = openat(dev, d->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return bh_fail_errno(err, "place of /dev/%s", d->name);
    r = bh_mount_clone(node, "", false, &mount_fd, err);
    if (r == 0)
        r = bh_mount_set(mount_fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false, err);
    return r ? r : bh_mount_attach(mount_fd, at, err);
}

static int devices(const struct bh_start *s, int dev, struct bh_error *err)
{
    BH_AUTO(bh_closep) int host = -1;
    int r = 0;

    if (s->privileged && !(s->launch->flags & BH_LAUNCH_USER_NAMESPACE)) {
        for (size_t i = 0; i < bh_device_count && !r; i++)
            r = bh_device_check(dev, &bh_devices[i], err);
        return r;
    }
    host = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (host < 0)
        return bh_fail_errno(err, "the host's /dev");
    for (size_t i = 0; i < bh_device_count && !r; i++)
        r = bind_node(dev, host, &bh_devices[i], err);
    return r;
}

static int mount_in(int dev, const char *name, const char *type,
                    const struct bh_mount_option *options, int *ret_fs, struct bh_error *err)
{
    BH_AUTO(bh_closep) int at = openat(dev, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    BH_AUTO(bh_closep) int fs = -1;
    uint64_t attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    int r;

    if (at < 0)
        return bh_fail_errno(err, "place of /dev/%s", name);
    /* devpts holds device nodes and nothing but; the others hold none. */
    r = bh_mount_new(type, options, ret_fs ? attr : attr | MOUNT_ATTR_NODEV, &fs, err);
    if (r == 0)
        r = bh_mount_attach(fs, at, err);
    if (r == 0 && ret_fs)
        *ret_fs = BH_TAKE_FD(fs);
    return r;
}

static int console(int dev, int devpts, const struct bh_start *s, int *ret_slave,
                   struct bh_error *err)
{
    BH_AUTO(bh_closep) int master = -1;
    BH_AUTO(bh_closep) int slave = -1;
    BH_AUTO(bh_closep) int mount_fd = -1;
    BH_AUTO(bh_closep) int at = -1;
    int r = bh_terminal_open(devpts, &master, &slave, err);

    if (r)
        return r;
    at = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (at < 0)
        return bh_fail_errno(err, "place of /dev/console");
    r = bh_mount_clone(slave, "", false, &mount_fd, err);
    if (r == 0)
        r = bh_mount_attach(mount_fd, at, err);
    if (r == 0)
        r = bh_send_fd(s->terminal, master, err);
    if (r == 0)
        *ret_slave = BH_TAKE_FD(slave);
    return r;
}

int bh_start_devices(const struct bh_start *s, int root, int *ret_console, struct bh_error *err)
{
    /* The group of terminals is 5 wherever Linux is; a single mapped ID cannot name it. */
    static const struct bh_mount_option pts[] = {
        {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}, {NULL, NULL}};
    static const struct bh_mount_option pts_unmapped[] = {{"ptmxmode", "0666"},
                                                          {"mode", "0620"},
                                                          {NULL, NULL}};
    static const struct bh_mount_option shm[] = {
        {"mode", "1777"}, {"size", "64m"}, {"nr_inodes", "16k"}, {NULL, NULL}};
    bool own_ids =
        s->launch->flags & BH_LAUNCH_USER_NAMESPACE && !(s->launch->flags & BH_LAUNCH_MAP_HELPERS);
    BH_AUTO(bh_closep) int at = -1;
    BH_AUTO(bh_closep) int dev = -1;
    BH_AUTO(bh_closep) int devpts = -1;
    int r = bh_start_target(root, "/dev", true, &at, err);

    if (r == 0)
        r = bh_mount_clone(s->skeleton, "dev", false, &dev, err);
    if (r == 0)
        r = bh_mount_set(dev, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false,
                         err);
    if (r == 0)
        r = bh_mount_attach(dev, at, err);
    if (r == 0)
        r = devices(s, dev, err);
    if (r == 0)
        r = mount_in(dev, "pts", "devpts", own_ids ? pts_unmapped : pts, &devpts, err);
    if (r == 0)
        r = mount_in(dev, "shm", "tmpfs", shm, NULL, err);
    if (r == 0)
        r = mount_in(dev, "mqueue", "mqueue", NULL, NULL, err);
    if (r == 0 && s->container->terminal)
        r = console(dev, devpts, s, ret_console, err);
    return r ? bh_wrap(err, "/dev") : 0;
}
