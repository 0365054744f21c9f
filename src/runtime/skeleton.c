#include "runtime/skeleton.h"

#include "base/mem.h"
#include "profile/launch.h"
#include "runtime/device.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char hosts[] = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

static int make_file(int dir, const char *name, const char *text, mode_t mode, struct bh_error *err)
{
    BH_AUTO(bh_closep)
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);

    if (fd < 0)
        return bh_fail_errno(err, "make %s", name);
    return bh_write_full(fd, text, strlen(text), err);
}

/* Creates what leads to a mount point and the point itself, below fs. */
static int make_point(int fs, const struct bh_skeleton_point *p, struct bh_error *err)
{
    const char *path = p->path + strspn(p->path, "/");
    BH_AUTO(bh_freep) char *parent = bh_strdup(path);
    char *slash = strrchr(parent, '/');
    int r = 0;

    if (p->directory)
        return *path ? bh_mkdir_parents(fs, path, 0755, err) : 0;
    if (slash) {
        *slash = '\0';
        r = bh_mkdir_parents(fs, parent, 0755, err);
    }
    return r ? r : make_file(fs, path, "", 0644, err);
}

static int make_device(int dev, const struct bh_device *d, bool with_nodes, struct bh_error *err)
{
    if (!with_nodes)
        return make_file(dev, d->name, "", 0666, err);
    if (mknodat(dev, d->name, S_IFCHR | 0666, makedev(d->major, d->minor)) < 0)
        return bh_fail_errno(err, "make the device node %s", d->name);
    return 0;
}

static int make_dev(int dev, bool with_nodes, struct bh_error *err)
{
    static const char *const dirs[] = {"pts", "shm", "mqueue"};
    static const struct {
        const char *name, *to;
    } links[] = {{"fd", "/proc/self/fd"},
                 {"stdin", "/proc/self/fd/0"},
                 {"stdout", "/proc/self/fd/1"},
                 {"stderr", "/proc/self/fd/2"},
                 {"ptmx", "pts/ptmx"}};
    int r = 0;

    for (size_t i = 0; i < bh_device_count && !r; i++)
        r = make_device(dev, &bh_devices[i], with_nodes, err);
    for (size_t i = 0; i < BH_COUNT_OF(dirs) && !r; i++)
        if (mkdirat(dev, dirs[i], 0755) < 0)
            r = bh_fail_errno(err, "make /dev/%s", dirs[i]);
    for (size_t i = 0; i < BH_COUNT_OF(links) && !r; i++)
        if (symlinkat(links[i].to, dev, links[i].name) < 0)
            r = bh_fail_errno(err, "make /dev/%s", links[i].name);
    return r ? r : make_file(dev, "console", "", 0600, err);
}

static int fill(int at, const struct bh_skeleton_point *points, size_t count, bool with_nodes,
                struct bh_error *err)
{
    static const char *const dirs[] = {"fs",      "dev",    "root",   "upper",  "empty", "fs/dev",
                                       "fs/proc", "fs/sys", "fs/tmp", "fs/run", "fs/etc"};
    BH_AUTO(bh_closep) int fs = -1;
    BH_AUTO(bh_closep) int dev = -1;
    int r = 0;

    for (size_t i = 0; i < BH_COUNT_OF(dirs); i++)
        if (mkdirat(at, dirs[i], 0755) < 0)
            return bh_fail_errno(err, "make %s", dirs[i]);
    fs = openat(at, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dev = openat(at, "dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fs < 0 || dev < 0)
        return bh_fail_errno(err, "open the skeleton");
    r = make_file(fs, "etc/hosts", hosts, 0644, err);
    if (r == 0)
        r = make_file(at, "empty-file", "", 0444, err);
    for (size_t i = 0; i < count && !r; i++)
        r = make_point(fs, &points[i], err);
    return r ? r : make_dev(dev, with_nodes, err);
}

static int make_aside(const char *aside, const struct bh_skeleton_point *points, size_t count,
                      bool with_nodes, struct bh_error *err)
{
    BH_AUTO(bh_closep) int at = -1;
    int r = bh_remove_tree_at(AT_FDCWD, aside, err);

    if (r == 0)
        r = bh_mkdir_parents(AT_FDCWD, aside, 0755, err);
    if (r)
        return r;
    at = open(aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return at < 0 ? bh_fail_errno(err, "open %s", aside) : fill(at, points, count, with_nodes, err);
}

static int move_in(const char *root_path, const char *aside, const char *path, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *parent = bh_format("%s/skeleton", root_path);
    int r = bh_mkdir_parents(AT_FDCWD, parent, 0755, err);

    /* Another process may have made the same one meanwhile: as good as ours. */
    if (r == 0 && rename(aside, path) < 0 && errno != EEXIST && errno != ENOTEMPTY)
        r = bh_fail_errno(err, "rename %s to %s", aside, path);
    return r;
}

int bh_skeleton_make(const char *root_path, const struct bh_skeleton_point *points, size_t count,
                     bool with_nodes, char **ret_path, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    BH_AUTO(bh_freep) char *path = NULL;
    BH_AUTO(bh_freep) char *aside = NULL;
    char key[BH_LAUNCH_KEY_SIZE];
    struct stat st;
    mode_t mask;
    int r;

    bh_buf_printf(&text, "skeleton1 %d", with_nodes);
    for (size_t i = 0; i < count; i++)
        bh_buf_printf(&text, " %d%s", points[i].directory, points[i].path);
    path = bh_format("%s/skeleton/%s", root_path, bh_launch_key(bh_buf_text(&text), key));
    if (stat(path, &st) == 0) {
        *ret_path = BH_TAKE(path);
        return 0;
    }
    aside = bh_format("%s/tmp/skeleton.%ld", root_path, (long)getpid());
    mask = umask(0);
    r = make_aside(aside, points, count, with_nodes, err);
    (void)umask(mask);
    if (r == 0)
        r = move_in(root_path, aside, path, err);
    if (bh_remove_tree_at(AT_FDCWD, aside, r ? NULL : err) != 0 && r == 0)
        r = -BH_IO;
    if (r)
        return bh_wrap(err, "skeleton");
    *ret_path = BH_TAKE(path);
    return 0;
}
