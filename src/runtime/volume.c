#include "runtime/start.h"
#include "sys/fd.h"
#include "sys/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t attributes(const struct bh_start *s, const struct bh_launch_mount *m)
{
    return bh_start_has(s, BH_WITHOUT_MOUNT_FLAGS) ? m->attr : m->attr & MOUNT_ATTR_RDONLY;
}

static int temporary(const struct bh_start *s, int root, const struct bh_launch_mount *m,
                     struct bh_error *err)
{
    char mode[16], size[24], inodes[24], uid[16], gid[16];
    const struct bh_mount_option options[] = {{"mode", mode}, {"size", size}, {"nr_inodes", inodes},
                                              {"uid", uid},   {"gid", gid},   {NULL, NULL}};
    BH_AUTO(bh_closep) int at = -1;
    BH_AUTO(bh_closep) int fs = -1;
    int r = bh_start_target(root, m->target, true, &at, err);

    if (r)
        return r;
    (void)snprintf(mode, sizeof mode, "0%o", m->mode);
    (void)snprintf(size, sizeof size, "%llu", (unsigned long long)m->size_bytes);
    /* It is the workload's: a service that never was root keeps its PID file in /run. */
    (void)snprintf(uid, sizeof uid, "%u", s->launch->uid);
    (void)snprintf(gid, sizeof gid, "%u", s->launch->gid);
    (void)snprintf(inodes, sizeof inodes, "%llu", (unsigned long long)m->inodes);
    r = bh_mount_new("tmpfs", options, attributes(s, m), &fs, err);
    return r ? r : bh_mount_attach(fs, at, err);
}

static int volume(const struct bh_start *s, int root, const struct bh_launch_mount *m,
                  struct bh_error *err)
{
    BH_AUTO(bh_closep) int source = -1;
    BH_AUTO(bh_closep) int mount_fd = -1;
    BH_AUTO(bh_closep) int at = -1;
    struct stat st;
    int r;

    /* The source is the user's own word about the host; it is opened once. */
    source = open(m->source, O_PATH | O_CLOEXEC);
    if (source < 0 || fstat(source, &st) < 0)
        return bh_fail_errno(err, "source %s", m->source);
    r = bh_start_target(root, m->target, S_ISDIR(st.st_mode), &at, err);
    if (r == 0) /* recursive: a user namespace may not uncover what is mounted below */
        r = bh_mount_clone(source, "", true, &mount_fd, err);
    if (r == 0)
        r = bh_mount_set(mount_fd, attributes(s, m), true, err);
    return r ? r : bh_mount_attach(mount_fd, at, err);
}

int bh_start_volumes(const struct bh_start *s, int root, struct bh_error *err)
{
    for (size_t i = 0; i < s->launch->mount_count; i++) {
        const struct bh_launch_mount *m = &s->launch->mounts[i];
        int r = m->kind == BH_MOUNT_TMPFS ? temporary(s, root, m, err) : volume(s, root, m, err);

        if (r)
            return bh_wrap(err, "%s at %s", m->kind == BH_MOUNT_TMPFS ? "tmpfs" : "volume",
                           m->target);
    }
    return 0;
}
