#include "sys/path.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel answers EAGAIN when a rename elsewhere raced the walk; a few tries are enough unless
 * somebody renames without end, and then failing is right. */
#define RACE_TRIES 32

int bh_open_in_root(int root_fd, const char *path, int flags, mode_t mode, int *ret_fd,
                    struct bh_error *err)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd = -1;

    if (!*path)
        path = ".";
    for (int i = 0; i < RACE_TRIES; i++) {
        fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof how);
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    if (fd < 0)
        return bh_fail_errno(err, "open %s", path);
    *ret_fd = fd;
    return 0;
}

int bh_open_parent_in_root(int root_fd, const char *path, int *ret_fd, char *name, size_t size,
                           struct bh_error *err)
{
    size_t len = strlen(path), start;
    char parent[PATH_MAX];

    while (len > 0 && path[len - 1] == '/')
        len--;
    start = len;
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (len >= sizeof parent || len - start >= size)
        return bh_fail(err, BH_LIMIT, "path of %zu bytes is too long", len);
    if (len == start || (len - start == 1 && path[start] == '.') ||
        (len - start == 2 && memcmp(path + start, "..", 2) == 0))
        return bh_fail(err, BH_INVALID, "path \"%s\" has no last component", path);
    memcpy(parent, path, start);
    parent[start] = '\0';
    if (bh_open_in_root(root_fd, parent, O_PATH | O_DIRECTORY, 0, ret_fd, err) < 0)
        return -err->code;
    memcpy(name, path + start, len - start);
    name[len - start] = '\0';
    return 0;
}

int bh_path_clean(const char *path, size_t len, char *out, struct bh_error *err)
{
    size_t o = 0;

    if (memchr(path, '\0', len))
        return bh_fail(err, BH_INVALID, "path holds a NUL byte");
    for (size_t i = 0; i < len;) {
        size_t end = i;

        while (end < len && path[end] != '/')
            end++;
        if (end - i == 2 && memcmp(path + i, "..", 2) == 0) {
            if (o == 0)
                return bh_fail(err, BH_INVALID, "path \"%.*s\" leaves the root through \"..\"",
                               (int)BH_MIN(len, (size_t)200), path);
            while (o > 0 && out[--o] != '/')
                ;
        } else if (end > i && !(end - i == 1 && path[i] == '.')) {
            if (o > 0)
                out[o++] = '/';
            memcpy(out + o, path + i, end - i);
            o += end - i;
        }
        i = end + 1;
    }
    out[o] = '\0';
    return 0;
}
