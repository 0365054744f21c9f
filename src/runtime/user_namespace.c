#include "base/buf.h"
#include "runtime/start.h"
#include "sys/fd.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int write_file(const char *path, const char *text, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        return bh_fail_errno(err, "write %s", path);
    return 0;
}

static void map_text(const struct bh_launch_id_map *maps, size_t count, struct bh_buf *out)
{
    for (size_t i = 0; i < count; i++)
        bh_buf_printf(out, "%u %u %u\n", maps[i].inside, maps[i].outside, maps[i].count);
}

static int write_maps(const struct bh_launch *l, const char *dir, bool groups, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf uids = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf gids = BH_BUF_INIT(0);
    char path[64];
    int r = 0;

    map_text(l->uid_maps, l->uid_map_count, &uids);
    map_text(l->gid_maps, l->gid_map_count, &gids);
    (void)snprintf(path, sizeof path, "%s/setgroups", dir);
    if (!groups)
        r = write_file(path, "deny", err);
    (void)snprintf(path, sizeof path, "%s/uid_map", dir);
    if (r == 0)
        r = write_file(path, bh_buf_text(&uids), err);
    (void)snprintf(path, sizeof path, "%s/gid_map", dir);
    return r ? r : write_file(path, bh_buf_text(&gids), err);
}

int bh_start_own_maps(const struct bh_launch *l, struct bh_error *err)
{
    return write_maps(l, "/proc/self", false, err);
}

/* newuidmap and newgidmap are set-user-ID programs of Debian's package uidmap: they check
 * /etc/subuid and write the map for us. */
static int helper(const char *program, pid_t pid, const struct bh_launch_id_map *maps, size_t count,
                  struct bh_error *err)
{
    char numbers[16][12], id[16], *argv[20];
    struct bh_spawn spawn = {
        .path = program, .argv = argv, .fds = (int[]){-1, -1, 2}, .fd_count = 3};
    BH_AUTO(bh_child_done) struct bh_child child = BH_CHILD_INIT;
    size_t n = 0, k = 0;
    int status = 0, r;

    if (count > 5)
        return bh_fail(err, BH_LIMIT, "%zu ranges of IDs, limit 5", count);
    (void)snprintf(id, sizeof id, "%ld", (long)pid);
    argv[n++] = strrchr(program, '/') + 1;
    argv[n++] = id;
    for (size_t i = 0; i < count; i++) {
        const uint32_t values[] = {maps[i].inside, maps[i].outside, maps[i].count};

        for (size_t v = 0; v < 3; v++, k++) {
            (void)snprintf(numbers[k], sizeof numbers[k], "%u", values[v]);
            argv[n++] = numbers[k];
        }
    }
    argv[n] = NULL;
    r = bh_spawn(&spawn, &child, err);
    if (r == 0)
        r = bh_child_wait(&child, 10000, &status, err);
    if (r == 0 && status != 0)
        r = bh_fail(err, BH_DENIED, "%s refused the range of IDs; see /etc/subuid", program);
    return r;
}

int bh_write_maps(const struct bh_launch *l, pid_t pid, struct bh_error *err)
{
    char dir[32];
    int r;

    if (!(l->flags & BH_LAUNCH_MAP_HELPERS)) {
        (void)snprintf(dir, sizeof dir, "/proc/%ld", (long)pid);
        return write_maps(l, dir, true, err);
    }
    r = helper("/usr/bin/newuidmap", pid, l->uid_maps, l->uid_map_count, err);
    return r ? r : helper("/usr/bin/newgidmap", pid, l->gid_maps, l->gid_map_count, err);
}
