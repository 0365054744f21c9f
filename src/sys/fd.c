#include "sys/fd.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_CHUNK (64u * 1024u)
#define TREE_DEPTH_MAX 512u /* deeper trees are not ours: the store limits nesting far below */

void bh_closep(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

int bh_read_full(int fd, void *data, size_t len, size_t *ret_len, struct bh_error *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = read(fd, (char *)data + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "read");
        if (n == 0)
            break;
        done += (size_t)n;
    }
    *ret_len = done;
    return 0;
}

int bh_write_full(int fd, const void *data, size_t len, struct bh_error *err)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, (const char *)data + done, len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "write");
        done += (size_t)n;
    }
    return 0;
}

int bh_read_all(int fd, struct bh_buf *out, struct bh_error *err)
{
    for (;;) {
        size_t room = out->limit ? out->limit - BH_MIN(out->limit, out->len) : READ_CHUNK;
        char *to;
        ssize_t n;

        if (room == 0) {
            char one;

            n = read(fd, &one, 1);
            if (n < 0 && errno == EINTR)
                continue;
            if (n > 0)
                return bh_fail(err, BH_LIMIT, "more than %zu bytes", out->limit);
            return n < 0 ? bh_fail_errno(err, "read") : 0;
        }
        to = bh_buf_reserve(out, BH_MIN(room, READ_CHUNK));
        n = read(fd, to, BH_MIN(room, READ_CHUNK));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "read");
        if (n == 0) {
            *to = '\0';
            return 0;
        }
        out->len += (size_t)n;
        out->data[out->len] = '\0';
    }
}

int bh_read_file_at(int dirfd, const char *path, struct bh_buf *out, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return bh_fail_errno(err, "open %s", path);
    if (bh_read_all(fd, out, err) < 0)
        return bh_wrap(err, "%s", path);
    return 0;
}

static int fill_and_rename(int dirfd, int fd, const char *temporary, const char *name,
                           const void *data, size_t len, struct bh_error *err)
{
    int r = bh_write_full(fd, data, len, err);

    if (r < 0)
        return r;
    if (fsync(fd) < 0)
        return bh_fail_errno(err, "fsync");
    if (renameat(dirfd, temporary, dirfd, name) < 0)
        return bh_fail_errno(err, "rename");
    if (fsync(dirfd) < 0)
        return bh_fail_errno(err, "fsync of the directory");
    return 0;
}

int bh_write_file_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
                     struct bh_error *err)
{
    static unsigned serial;
    char temporary[64];
    BH_AUTO(bh_closep) int fd = -1;
    int r;

    /* A thread or process never shares a name: pid and serial; a leftover of a dead process with
     * our pid is simply replaced. */
    (void)snprintf(temporary, sizeof temporary, ".tmp-%ld-%u", (long)getpid(),
                   __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
    (void)unlinkat(dirfd, temporary, 0); /* absent is the ordinary case */
    fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return bh_wrap((bh_fail_errno(err, "create"), err), "write %s", name);
    r = fill_and_rename(dirfd, fd, temporary, name, data, len, err);
    if (r < 0) {
        (void)unlinkat(dirfd, temporary, 0); /* gone already when the rename was done */
        return bh_wrap(err, "write %s", name);
    }
    return 0;
}

int bh_mkdir_parents(int dirfd, const char *path, mode_t mode, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *copy = bh_strdup(path);
    size_t len = strlen(copy);

    for (size_t i = 1; i <= len; i++) {
        if (copy[i] != '/' && copy[i] != '\0')
            continue;
        copy[i] = '\0';
        if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
            return bh_fail_errno(err, "create directory %s", copy);
        copy[i] = i < len ? '/' : '\0';
    }
    return 0;
}

/* Opens a directory for removal; a plain file leaves *ret_fd at -1. Mounts are not entered. */
static int open_subdirectory(int dirfd, const char *name, int *ret_fd)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
    };

    *ret_fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof how);
    return *ret_fd < 0 ? -1 : 0;
}

struct level {
    DIR *dir;
    char name[256];
};

/* One step at the deepest open directory: removes an entry or descends. 1 when the level is done.
 */
static int remove_step(struct level *levels, unsigned *depth, struct bh_error *err)
{
    struct level *at = &levels[*depth - 1];
    struct dirent *entry;
    int fd;

    errno = 0;
    entry = readdir(at->dir);
    if (!entry)
        return errno ? bh_fail_errno(err, "read directory %s", at->name) : 1;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
        return 0;
    if (unlinkat(dirfd(at->dir), entry->d_name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return bh_fail_errno(err, "remove %s", entry->d_name);
    if (*depth == TREE_DEPTH_MAX)
        return bh_fail(err, BH_LIMIT, "remove %s: nested deeper than %u", entry->d_name,
                       TREE_DEPTH_MAX);
    if (open_subdirectory(dirfd(at->dir), entry->d_name, &fd) < 0) {
        if (errno != EACCES)
            return bh_fail_errno(err, "remove %s", entry->d_name);
        /* A directory without permission for its owner: an unpacked layer can hold one. */
        if (fchmodat(dirfd(at->dir), entry->d_name, 0700, 0) < 0 ||
            open_subdirectory(dirfd(at->dir), entry->d_name, &fd) < 0)
            return bh_fail_errno(err, "remove %s", entry->d_name);
    }
    (void)fchmod(fd, 0700); /* entries cannot be removed from a read-only directory by its owner */
    levels[*depth].dir = fdopendir(fd);
    (void)snprintf(levels[*depth].name, sizeof levels[*depth].name, "%s", entry->d_name);
    (*depth)++;
    return 0;
}

static int remove_children(int fd, const char *name, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct level *levels = bh_new_array(TREE_DEPTH_MAX, sizeof *levels);
    unsigned depth = 1;
    int r = 0;

    (void)fchmod(fd, 0700); /* as above; a failure shows at the first unlink */
    levels[0].dir = fdopendir(fd);
    (void)snprintf(levels[0].name, sizeof levels[0].name, "%s", name);
    while (depth > 0 && r >= 0) {
        r = remove_step(levels, &depth, err);
        if (r != 1)
            continue;
        depth--;
        closedir(levels[depth].dir);
        if (depth > 0 &&
            unlinkat(dirfd(levels[depth - 1].dir), levels[depth].name, AT_REMOVEDIR) < 0)
            r = bh_fail_errno(err, "remove %s", levels[depth].name);
    }
    while (depth > 0)
        closedir(levels[--depth].dir);
    return r < 0 ? r : 0;
}

int bh_remove_tree_at(int dirfd, const char *name, struct bh_error *err)
{
    int fd, r;

    if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return bh_fail_errno(err, "remove %s", name);
    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
        fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return bh_fail_errno(err, "remove %s", name);
    r = remove_children(fd, name, err);
    if (r < 0)
        return r;
    if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return bh_fail_errno(err, "remove %s", name);
    return 0;
}
