#include "base/buf.h"
#include "base/mem.h"
#include "fact/facts.h"
#include "inspect/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 256u
#define READ_SIZE (128u * 1024)

struct level {
    DIR *dir;
    size_t path_len; /* of the directory's own path */
};

struct walk {
    struct bh_inspector *inspector;
    const struct bh_layer_sink *sink;
    const struct bh_layer_limits *limits;
    struct level levels[DEPTH_MAX];
    size_t depth;
    struct bh_buf path;
    dev_t device;
    uint64_t entries;
    char *read_buffer;
};

static void walk_done(struct walk *w)
{
    while (w->depth > 0)
        (void)closedir(w->levels[--w->depth].dir); /* read-only: nothing to lose */
    bh_buf_done(&w->path);
    free(w->read_buffer);
}

static enum bh_entry_type type_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return BH_ENTRY_DIRECTORY;
    case S_IFLNK:
        return BH_ENTRY_SYMLINK;
    case S_IFIFO:
    case S_IFSOCK: /* tar has no sockets; both are names without content */
        return BH_ENTRY_FIFO;
    case S_IFCHR:
        return BH_ENTRY_CHAR;
    case S_IFBLK:
        return BH_ENTRY_BLOCK;
    default:
        return BH_ENTRY_FILE;
    }
}

static int unreadable(struct walk *w, const char *what)
{
    char reason[160];

    (void)snprintf(reason, sizeof reason, "%s: %s", what, strerror(errno));
    bh_inspector_gap(w->inspector, true, BH_SUBJECT_FILES, bh_buf_text(&w->path), reason);
    return 0;
}

static int open_here(const struct walk *w, const char *name, int flags)
{
    return openat(dirfd(w->levels[w->depth - 1].dir), name,
                  flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static int read_content(struct walk *w, int fd, uint64_t size, struct bh_error *err)
{
    int r = 0;

    if (!w->read_buffer)
        w->read_buffer = bh_new(READ_SIZE);
    /* No more than was announced: a file that grows meanwhile must not go on for ever. */
    while (r == 0 && size > 0) {
        ssize_t n = read(fd, w->read_buffer, (size_t)BH_MIN(size, (uint64_t)READ_SIZE));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return unreadable(w, "cannot be read");
        if (n == 0)
            break;
        r = w->sink->data(w->sink->self, w->read_buffer, (size_t)n, err);
        size -= (uint64_t)n;
    }
    return r == 0 ? w->sink->end(w->sink->self, err) : r;
}

/* Only programs can have capabilities that matter: nothing else is opened to ask. */
static void ask_capabilities(const struct walk *w, const char *name, struct bh_layer_xattr *xattr,
                             uint8_t *value, size_t size)
{
    int fd = open_here(w, name, 0);
    ssize_t n = fd < 0 ? -1 : fgetxattr(fd, "security.capability", value, size);

    if (n > 0)
        *xattr = (struct bh_layer_xattr){"security.capability", value, (size_t)n};
    if (fd >= 0)
        (void)close(fd); /* read-only */
}

static int push(struct walk *w, const char *name)
{
    int fd;
    DIR *dir;

    if (w->depth == BH_MIN(DEPTH_MAX, w->limits->depth)) {
        errno = ENAMETOOLONG;
        return unreadable(w, "nested too deep");
    }
    fd = open_here(w, name, O_DIRECTORY);
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            (void)close(fd);
        return unreadable(w, "directory cannot be opened");
    }
    w->levels[w->depth++] = (struct level){.dir = dir, .path_len = w->path.len};
    return 0;
}

static int tell(struct walk *w, const char *name, const struct stat *st, struct bh_error *err)
{
    uint8_t value[64];
    struct bh_layer_xattr xattr = {0};
    struct bh_layer_entry e = {
        .path = bh_buf_text(&w->path),
        .path_len = w->path.len,
        .type = type_of(st->st_mode),
        .mode = st->st_mode & 07777,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
        .mtime = st->st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
        .link = "",
        .device_major = major(st->st_rdev),
        .device_minor = minor(st->st_rdev),
    };
    bool want = false;
    int r, fd;

    if (S_ISREG(st->st_mode) && (st->st_mode & 0111) && *name) {
        ask_capabilities(w, name, &xattr, value, sizeof value);
        e.xattrs = &xattr;
        e.xattr_count = xattr.name != NULL;
    }
    r = w->sink->entry(w->sink->self, &e, &want, err);
    if (r < 0 || !want)
        return r;
    fd = open_here(w, name, 0);
    if (fd < 0)
        return unreadable(w, "cannot be opened");
    r = read_content(w, fd, e.size, err);
    (void)close(fd); /* read-only */
    return r;
}

static int visit(struct walk *w, const char *name, struct bh_error *err)
{
    struct stat st;
    int r;

    if (w->entries++ >= w->limits->entries)
        return bh_fail(err, BH_LIMIT, "more than %llu files (--limit-entries)",
                       (unsigned long long)w->limits->entries);
    if (fstatat(dirfd(w->levels[w->depth - 1].dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : unreadable(w, "cannot be looked at");
    r = tell(w, name, &st, err);
    if (r < 0 || !S_ISDIR(st.st_mode))
        return r;
    if (st.st_dev != w->device) {
        bh_inspector_gap(w->inspector, true, BH_SUBJECT_FILES, bh_buf_text(&w->path),
                         "another file system is mounted here: not entered");
        return 0;
    }
    return push(w, name);
}

static int walk_all(struct walk *w, struct bh_error *err)
{
    int r = 0;

    while (r == 0 && w->depth > 0) {
        struct level *level = &w->levels[w->depth - 1];
        struct dirent *d;

        errno = 0;
        w->path.len = level->path_len;
        d = readdir(level->dir);
        if (!d) {
            bh_buf_put(&w->path, "", 0);
            if (errno != 0)
                r = unreadable(w, "directory cannot be read");
            (void)closedir(level->dir); /* read-only */
            w->depth--;
            continue;
        }
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (w->path.len > 0)
            bh_buf_putc(&w->path, '/');
        bh_buf_puts(&w->path, d->d_name);
        r = visit(w, d->d_name, err);
    }
    return r;
}

int bh_inspector_walk(struct bh_inspector *i, int dir_fd, const struct bh_layer_limits *limits,
                      struct bh_error *err)
{
    BH_AUTO(walk_done)
    struct walk w = {.inspector = i, .sink = bh_inspector_sink(i), .limits = limits};
    struct stat st;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        if (fd >= 0)
            (void)close(fd);
        return bh_fail_errno(err, "open the directory");
    }
    w.levels[w.depth++] = (struct level){.dir = dir, .path_len = 0};
    if (fstat(dirfd(dir), &st) < 0)
        return bh_fail_errno(err, "stat the directory");
    w.device = st.st_dev;
    return walk_all(&w, err);
}
