#include "image/layer_apply.h"

#include "base/mem.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define IMPLICIT_MODE 0755u /* of directories that only the names of members speak of */
#define OPAQUE_XATTR "user.overlay.opaque"

struct directory_time {
    char *path;
    struct timespec mtime;
};

struct bh_apply {
    struct bh_layer_sink sink;
    int root_fd;
    bool privileged; /* owners, setid bits and capabilities can be kept */
    struct bh_apply_report report;

    /* The directory of the last entry, which mostly is that of the next one. */
    char parent[PATH_MAX];
    int parent_fd;
    bool parent_stale; /* a link was made or replaced: names may lead elsewhere now */

    /* The file being written. */
    int file_fd;
    uint64_t position, written;
    struct bh_layer_entry entry; /* path and link are gone, attributes are in kept */
    struct bh_arena *kept;       /* NULL for most files */
    char name[NAME_MAX + 1];

    struct directory_time *times; /* set at the end: making children changes them */
    size_t time_count, time_cap;
};

/* ---- parents ---- */

static int set_opaque(int dir_fd, const char *path, struct bh_error *err)
{
    if (fsetxattr(dir_fd, OPAQUE_XATTR, "y", 1, 0) < 0)
        return bh_fail_errno(err,
                             "mark \"%.200s\" opaque (the store's file system must support "
                             "user extended attributes)",
                             path);
    return 0;
}

static bool is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* Makes name in parent_fd a directory that the layer speaks of only as part of names. A whiteout
 * that is there hides lower layers: the directory that takes its place must do the same. */
static int make_implicit(int parent_fd, const char *name, const char *path, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    struct stat st;
    bool opaque = false;

    if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISLNK(st.st_mode))
            return bh_fail(err, BH_INVALID,
                           "\"%.300s\" lies behind a symbolic link to nothing in its layer", path);
        if (!is_whiteout(&st))
            return bh_fail(err, BH_INVALID,
                           "a part of \"%.300s\" is a file where a directory is "
                           "needed",
                           path);
        if (unlinkat(parent_fd, name, 0) < 0)
            return bh_fail_errno(err, "replace a whiteout by a part of \"%.200s\"", path);
        opaque = true;
    }
    if (mkdirat(parent_fd, name, 0700) < 0)
        return bh_fail_errno(err, "make a parent of \"%.200s\"", path);
    fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, IMPLICIT_MODE) < 0)
        return bh_fail_errno(err, "make a parent of \"%.200s\"", path);
    return opaque ? set_opaque(fd, path, err) : 0;
}

/* Opens path[0..len) below the root, making what is missing of it. */
static int open_or_make(struct bh_apply *a, const char *path, size_t len, int *ret_fd,
                        struct bh_error *err)
{
    BH_AUTO(bh_closep) int at = -1;
    char prefix[PATH_MAX];
    int r = bh_open_in_root(a->root_fd, ".", O_PATH | O_DIRECTORY, 0, &at, err);

    for (size_t start = 0, end; r == 0 && start < len; start = end + 1) {
        struct bh_error quiet = BH_ERROR_INIT;
        int next = -1;

        for (end = start; end < len && path[end] != '/'; end++)
            ;
        memcpy(prefix, path, end);
        prefix[end] = '\0';
        r = bh_open_in_root(a->root_fd, prefix, O_PATH | O_DIRECTORY, 0, &next, &quiet);
        /* Nothing, a whiteout, a file or a link to nothing: make_implicit looks closer. */
        if (r < 0 && quiet.sys_errno != ENOENT && quiet.sys_errno != ENOTDIR &&
            quiet.sys_errno != ELOOP)
            return bh_error_set(err, quiet.code, quiet.sys_errno, __FILE__, __LINE__, "%s",
                                quiet.message);
        if (r < 0) {
            r = make_implicit(at, prefix + start, path, err);
            if (r == 0)
                r = bh_open_in_root(a->root_fd, prefix, O_PATH | O_DIRECTORY, 0, &next, err);
        }
        if (r == 0) {
            bh_closep(&at);
            at = next;
        }
    }
    if (r == 0)
        *ret_fd = BH_TAKE_FD(at);
    return r;
}

/* Puts the directory of path into a->parent_fd and its last component into a->name. */
static int enter_parent(struct bh_apply *a, const char *path, size_t len, struct bh_error *err)
{
    size_t start = len;
    struct bh_error quiet = BH_ERROR_INIT;
    int fd = -1, r;

    if (len >= PATH_MAX)
        return bh_fail(err, BH_LIMIT, "name of %zu bytes, limit %d", len, PATH_MAX - 1);
    while (start > 0 && path[start - 1] != '/')
        start--;
    if (len - start > NAME_MAX)
        return bh_fail(err, BH_LIMIT, "\"%.200s\": a component of %zu bytes, limit %d", path,
                       len - start, NAME_MAX);
    memcpy(a->name, path + start, len - start);
    a->name[len - start] = '\0';
    start -= start > 0;
    if (a->parent_fd >= 0 && !a->parent_stale && strlen(a->parent) == start &&
        memcmp(a->parent, path, start) == 0)
        return 0;
    bh_closep(&a->parent_fd);
    a->parent_stale = false;
    memcpy(a->parent, path, start);
    a->parent[start] = '\0';
    r = bh_open_in_root(a->root_fd, a->parent, O_PATH | O_DIRECTORY, 0, &fd, &quiet);
    if (r < 0)
        r = open_or_make(a, path, start, &fd, err);
    if (r == 0)
        a->parent_fd = fd;
    return r;
}

/* ---- owners, modes, times, attributes ---- */

static mode_t allowed_mode(struct bh_apply *a, const struct bh_layer_entry *e, bool owner_kept)
{
    mode_t mode = e->mode;

    if (e->type == BH_ENTRY_DIRECTORY)
        return a->privileged ? mode : mode | 0700; /* else the user could not remove it again */
    if (mode & 06000 && !owner_kept) {
        a->report.setid_bits++;
        mode &= ~(mode_t)06000;
    }
    return mode;
}

/* name "" and AT_EMPTY_PATH for the open descriptor itself. */
static int take_owner(struct bh_apply *a, int fd, const char *name, int flags,
                      const struct bh_layer_entry *e, bool *ret_kept, struct bh_error *err)
{
    *ret_kept = false;
    if (!a->privileged) {
        a->report.owners += e->uid != 0 || e->gid != 0;
        return 0;
    }
    *ret_kept = fchownat(fd, name, e->uid, e->gid, flags) == 0;
    if (*ret_kept)
        return 0;
    if (errno != EINVAL && errno != EPERM) /* an id that this user namespace does not have */
        return bh_fail_errno(err, "change the owner of \"%.200s\"", a->name);
    a->report.owners++;
    return 0;
}

static bool keeps_xattr(const struct bh_apply *a, const char *name)
{
    if (strcmp(name, "security.capability") == 0)
        return a->privileged;
    return strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0;
}

static int take_xattrs(struct bh_apply *a, int fd, const struct bh_layer_entry *e,
                       struct bh_error *err)
{
    for (size_t i = 0; i < e->xattr_count; i++) {
        const struct bh_layer_xattr *x = &e->xattrs[i];

        if (!keeps_xattr(a, x->name)) {
            a->report.xattrs++;
            continue;
        }
        if (fsetxattr(fd, x->name, x->value, x->len, 0) == 0)
            continue;
        if (errno != ENOTSUP && errno != EPERM && errno != E2BIG && errno != ENOSPC &&
            errno != ERANGE)
            return bh_fail_errno(err, "set %.60s of \"%.200s\"", x->name, a->name);
        a->report.xattrs++; /* this file system or user cannot have it */
    }
    return 0;
}

static struct timespec time_of(const struct bh_layer_entry *e)
{
    return (struct timespec){.tv_sec = e->mtime, .tv_nsec = e->mtime_nsec};
}

/* ---- kinds of entries ---- */

/* Clears the way for a new entry; *ret_hid: a whiteout was there. Directories stay. */
static int clear_place(struct bh_apply *a, const struct bh_layer_entry *e, bool *ret_hid,
                       bool *ret_directory, struct bh_error *err)
{
    struct stat st;

    *ret_hid = *ret_directory = false;
    if (fstatat(a->parent_fd, a->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return 0;
        return bh_fail_errno(err, "look at \"%.200s\"", e->path);
    }
    *ret_directory = S_ISDIR(st.st_mode);
    if (*ret_directory && e->type != BH_ENTRY_DIRECTORY)
        return bh_fail(err, BH_INVALID, "\"%.300s\" is a directory and something else in one layer",
                       e->path);
    if (*ret_directory)
        return 0;
    *ret_hid = is_whiteout(&st);
    a->parent_stale |= S_ISLNK(st.st_mode);
    if (unlinkat(a->parent_fd, a->name, 0) < 0)
        return bh_fail_errno(err, "replace \"%.200s\"", e->path);
    return 0;
}

static int finish_directory(struct bh_apply *a, int fd, const struct bh_layer_entry *e,
                            struct bh_error *err)
{
    bool kept = false;
    int r = take_owner(a, fd, "", AT_EMPTY_PATH, e, &kept, err);

    if (r == 0 && fchmod(fd, allowed_mode(a, e, kept)) < 0)
        r = bh_fail_errno(err, "set the mode of \"%.200s\"", e->path);
    if (r == 0)
        r = take_xattrs(a, fd, e, err);
    bh_grow(a->times, a->time_count, a->time_cap);
    a->times[a->time_count++] =
        (struct directory_time){.path = bh_strndup(e->path, e->path_len), .mtime = time_of(e)};
    return r;
}

static int apply_directory(struct bh_apply *a, const struct bh_layer_entry *e, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    bool hid = false, there = false;
    int r = clear_place(a, e, &hid, &there, err);

    if (r < 0)
        return r;
    if (!there && mkdirat(a->parent_fd, a->name, 0700) < 0)
        return bh_fail_errno(err, "make \"%.200s\"", e->path);
    fd = openat(a->parent_fd, a->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return bh_fail_errno(err, "open \"%.200s\"", e->path);
    if (hid)
        r = set_opaque(fd, e->path, err);
    return r == 0 ? finish_directory(a, fd, e, err) : r;
}

static int apply_root(struct bh_apply *a, const struct bh_layer_entry *e, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = openat(a->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return bh_fail_errno(err, "open the layer's root");
    return finish_directory(a, fd, e, err);
}

/* Attributes are set when the file is complete: writing and changing the owner take capabilities
 * away. */
static void keep_xattrs(struct bh_apply *a, const struct bh_layer_entry *e)
{
    struct bh_layer_xattr *copies;

    a->entry.xattrs = NULL;
    if (e->xattr_count == 0)
        return;
    a->kept = bh_arena_new();
    copies = bh_arena_alloc(a->kept, e->xattr_count * sizeof *copies);
    for (size_t i = 0; i < e->xattr_count; i++)
        copies[i] = (struct bh_layer_xattr){.name = bh_arena_strdup(a->kept, e->xattrs[i].name),
                                            .value = bh_arena_strndup(a->kept, e->xattrs[i].value,
                                                                      e->xattrs[i].len),
                                            .len = e->xattrs[i].len};
    a->entry.xattrs = copies;
}

static int apply_file(struct bh_apply *a, const struct bh_layer_entry *e, struct bh_error *err)
{
    bool hid, there;
    int r;

    a->file_fd =
        openat(a->parent_fd, a->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (a->file_fd < 0 && errno == EEXIST) {
        r = clear_place(a, e, &hid, &there, err);
        if (r < 0)
            return r;
        a->file_fd = openat(a->parent_fd, a->name,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (a->file_fd < 0)
        return bh_fail_errno(err, "make \"%.200s\"", e->path);
    a->entry = *e;
    a->position = a->written = 0;
    keep_xattrs(a, e);
    return 0;
}

static int apply_symlink(struct bh_apply *a, const struct bh_layer_entry *e, struct bh_error *err)
{
    const struct timespec times[2] = {time_of(e), time_of(e)};
    bool hid, there, kept;
    int r = clear_place(a, e, &hid, &there, err);

    if (r < 0)
        return r;
    if (symlinkat(e->link, a->parent_fd, a->name) < 0)
        return bh_fail_errno(err, "make symbolic link \"%.200s\"", e->path);
    a->parent_stale = true;
    a->report.xattrs += e->xattr_count; /* links have none that we keep */
    r = take_owner(a, a->parent_fd, a->name, AT_SYMLINK_NOFOLLOW, e, &kept, err);
    if (r == 0 && utimensat(a->parent_fd, a->name, times, AT_SYMLINK_NOFOLLOW) < 0)
        r = bh_fail_errno(err, "set the time of \"%.200s\"", e->path);
    return r;
}

static int apply_hard_link(struct bh_apply *a, const struct bh_layer_entry *e, struct bh_error *err)
{
    BH_AUTO(bh_closep) int from_fd = -1;
    char from[NAME_MAX + 1];
    struct stat target, old;
    bool hid, there;
    int r = bh_open_parent_in_root(a->root_fd, e->link, &from_fd, from, sizeof from, err);

    if (r < 0 && r != -BH_NOT_FOUND)
        return bh_wrap(err, "hard link \"%.200s\"", e->path);
    if (r < 0 || fstatat(from_fd, from, &target, AT_SYMLINK_NOFOLLOW) < 0 || is_whiteout(&target))
        return bh_fail(err, BH_INVALID,
                       "hard link \"%.200s\" to \"%.200s\", which is not in this layer", e->path,
                       e->link);
    if (S_ISDIR(target.st_mode))
        return bh_fail(err, BH_INVALID, "hard link \"%.200s\" to a directory", e->path);
    if (fstatat(a->parent_fd, a->name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
        old.st_dev == target.st_dev && old.st_ino == target.st_ino)
        return 0; /* to itself: clearing its place would lose it */
    r = clear_place(a, e, &hid, &there, err);
    if (r == 0 && linkat(from_fd, from, a->parent_fd, a->name, 0) < 0)
        r = bh_fail_errno(err, "hard link \"%.200s\" to \"%.200s\"", e->path, e->link);
    return r;
}

static int apply_fifo(struct bh_apply *a, const struct bh_layer_entry *e, struct bh_error *err)
{
    const struct timespec times[2] = {time_of(e), time_of(e)};
    bool hid, there, kept;
    int r = clear_place(a, e, &hid, &there, err);

    if (r < 0)
        return r;
    if (mknodat(a->parent_fd, a->name, S_IFIFO | 0600, 0) < 0)
        return bh_fail_errno(err, "make fifo \"%.200s\"", e->path);
    a->report.xattrs += e->xattr_count;
    r = take_owner(a, a->parent_fd, a->name, AT_SYMLINK_NOFOLLOW, e, &kept, err);
    if (r == 0 && (fchmodat(a->parent_fd, a->name, allowed_mode(a, e, kept), 0) < 0 ||
                   utimensat(a->parent_fd, a->name, times, AT_SYMLINK_NOFOLLOW) < 0))
        r = bh_fail_errno(err, "set mode and time of \"%.200s\"", e->path);
    return r;
}

static int leave_device_out(struct bh_apply *a, const struct bh_layer_entry *e,
                            struct bh_error *err)
{
    bool hid, there;

    if (a->report.devices++ == 0)
        (void)snprintf(a->report.first_device, sizeof a->report.first_device, "%s", e->path);
    return clear_place(a, e, &hid, &there, err); /* what it replaces goes all the same */
}

static int apply_whiteout(struct bh_apply *a, const struct bh_layer_entry *e, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    struct stat st;

    if (fstatat(a->parent_fd, a->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (mknodat(a->parent_fd, a->name, S_IFCHR, makedev(0, 0)) < 0)
            return bh_fail_errno(err, "make the whiteout of \"%.200s\"", e->path);
        return 0;
    }
    if (!S_ISDIR(st.st_mode))
        return 0; /* the layer's own file hides the lower one already */
    fd = openat(a->parent_fd, a->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return bh_fail_errno(err, "open \"%.200s\"", e->path);
    return set_opaque(fd, e->path, err);
}

static int apply_opaque(struct bh_apply *a, const struct bh_layer_entry *e, struct bh_error *err)
{
    BH_AUTO(bh_closep) int dir = -1;
    BH_AUTO(bh_closep) int fd = -1;
    int r;

    if (e->path_len == 0) /* an overlay merges the roots of its layers whatever they say */
        return bh_fail(err, BH_UNSUPPORTED,
                       "the layer hides everything below it (an opaque root), which an overlay "
                       "cannot express; rebuild the image without the layers below");
    if (e->path_len >= PATH_MAX)
        return bh_fail(err, BH_LIMIT, "name of %zu bytes, limit %d", e->path_len, PATH_MAX - 1);
    r = open_or_make(a, e->path, e->path_len, &dir, err);
    if (r < 0)
        return r;
    fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bh_fail_errno(err, "open \"%.200s\"", e->path);
    return set_opaque(fd, e->path, err);
}

static int apply_entry(void *self, const struct bh_layer_entry *e, bool *want, struct bh_error *err)
{
    struct bh_apply *a = self;
    int r;

    a->report.entries++;
    *want = e->type == BH_ENTRY_FILE && e->whiteout == BH_WHITEOUT_NONE;
    if (e->whiteout == BH_WHITEOUT_OPAQUE)
        return apply_opaque(a, e, err);
    if (e->path_len == 0)
        return apply_root(a, e, err);
    r = enter_parent(a, e->path, e->path_len, err);
    if (r < 0)
        return r;
    if (e->whiteout == BH_WHITEOUT_PATH)
        return apply_whiteout(a, e, err);
    switch (e->type) {
    case BH_ENTRY_DIRECTORY:
        return apply_directory(a, e, err);
    case BH_ENTRY_SYMLINK:
        return apply_symlink(a, e, err);
    case BH_ENTRY_HARDLINK:
        return apply_hard_link(a, e, err);
    case BH_ENTRY_FIFO:
        return apply_fifo(a, e, err);
    case BH_ENTRY_CHAR:
    case BH_ENTRY_BLOCK:
        return leave_device_out(a, e, err);
    case BH_ENTRY_FILE:
        break;
    }
    return apply_file(a, e, err);
}

/* ---- content ---- */

static int apply_data(void *self, const void *data, size_t len, struct bh_error *err)
{
    struct bh_apply *a = self;
    int r = bh_write_full(a->file_fd, data, len, err);

    a->position += len;
    a->written = a->position;
    a->report.file_bytes += len;
    return r < 0 ? bh_wrap(err, "write \"%.200s\"", a->name) : 0;
}

static int apply_hole(void *self, uint64_t len, struct bh_error *err)
{
    struct bh_apply *a = self;

    a->position += len;
    if (lseek(a->file_fd, (off_t)len, SEEK_CUR) < 0)
        return bh_fail_errno(err, "leave a hole in \"%.200s\"", a->name);
    return 0;
}

static int apply_end(void *self, struct bh_error *err)
{
    struct bh_apply *a = self;
    const struct bh_layer_entry *e = &a->entry;
    const struct timespec times[2] = {time_of(e), time_of(e)};
    bool kept = false;
    int r = take_owner(a, a->file_fd, "", AT_EMPTY_PATH, e, &kept, err);

    if (r == 0 && a->position != a->written && ftruncate(a->file_fd, (off_t)a->position) < 0)
        r = bh_fail_errno(err, "write \"%.200s\"", a->name);
    if (r == 0)
        r = take_xattrs(a, a->file_fd, e, err);
    /* The mode last: changing the owner takes setuid away. */
    if (r == 0 && fchmod(a->file_fd, allowed_mode(a, e, kept)) < 0)
        r = bh_fail_errno(err, "set the mode of \"%.200s\"", a->name);
    if (r == 0 && futimens(a->file_fd, times) < 0)
        r = bh_fail_errno(err, "set the time of \"%.200s\"", a->name);
    bh_closep(&a->file_fd);
    bh_arena_free(a->kept);
    a->kept = NULL;
    return r;
}

/* ---- whole layers ---- */

int bh_apply_new(int dir_fd, struct bh_apply **ret, struct bh_error *err)
{
    struct bh_apply *a;
    int root = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (root < 0)
        return bh_fail_errno(err, "open the directory a layer is written to");
    a = bh_new0(sizeof *a);
    a->root_fd = root;
    a->parent_fd = a->file_fd = -1;
    a->privileged = geteuid() == 0;
    a->sink = (struct bh_layer_sink){
        .self = a, .entry = apply_entry, .data = apply_data, .hole = apply_hole, .end = apply_end};
    *ret = a;
    return 0;
}

void bh_apply_free(struct bh_apply *a)
{
    if (!a)
        return;
    bh_closep(&a->file_fd);
    bh_closep(&a->parent_fd);
    bh_closep(&a->root_fd);
    bh_arena_free(a->kept);
    for (size_t i = 0; i < a->time_count; i++)
        free(a->times[i].path);
    free(a->times);
    free(a);
}

const struct bh_layer_sink *bh_apply_sink(struct bh_apply *a)
{
    return &a->sink;
}

int bh_apply_finish(struct bh_apply *a, struct bh_apply_report *ret, struct bh_error *err)
{
    assert(a->file_fd < 0); /* the receiver ends every file */
    for (size_t i = 0; i < a->time_count; i++) {
        const struct timespec times[2] = {a->times[i].mtime, a->times[i].mtime};
        BH_AUTO(bh_closep) int fd = -1;
        int r = bh_open_in_root(a->root_fd, a->times[i].path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                0, &fd, NULL);

        /* A name that went through a link which was replaced later is gone; its time as well. */
        if (r == 0 && futimens(fd, times) < 0)
            return bh_fail_errno(err, "set the time of \"%.200s\"", a->times[i].path);
    }
    *ret = a->report;
    return 0;
}
