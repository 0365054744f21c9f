/* oci:DIR and oci-archive:FILE. */
#include "base/mem.h"
#include "image/archive.h"
#include "image/reference.h"
#include "image/source_impl.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a directory ---- */

static int get_file(void *state, const char *path, struct bh_blob *ret, struct bh_error *err)
{
    const struct bh_image *i = state;
    BH_AUTO(bh_closep) int fd = -1;
    struct stat st;
    /* O_NONBLOCK: a FIFO in its place must not hold us. */
    int e = bh_open_in_root(i->fd, path, O_RDONLY | O_NONBLOCK, 0, &fd, err);

    if (e < 0)
        return e;
    if (fstat(fd, &st) < 0)
        return bh_fail_errno(err, "look at %s", path);
    if (!S_ISREG(st.st_mode))
        return bh_fail(err, BH_INVALID, "%s is no regular file", path);
    *ret = (struct bh_blob){.fd = BH_TAKE_FD(fd), .size_bytes = (uint64_t)st.st_size};
    return 0;
}

/* "latest" in /images/nginx is nginx:latest; whole references stand for themselves. */
static const char *suggest(struct bh_arena *a, const char *path, const char *name)
{
    BH_AUTO(bh_reference_freep) struct bh_reference *r = NULL;
    size_t len = strlen(path), start;
    char *text;

    if (strpbrk(name, "/:"))
        return name;
    while (len > 0 && path[len - 1] == '/')
        len--;
    for (start = len; start > 0 && path[start - 1] != '/';)
        start--;
    if (len - start > 4 && strncmp(path + len - 4, ".tar", 4) == 0)
        len -= 4;
    text = *name ? bh_arena_format(a, "%.*s:%s", (int)(len - start), path + start, name)
                 : bh_arena_strndup(a, path + start, len - start);
    return bh_reference_parse(text, strlen(text), &r, NULL) == 0 ? text : "";
}

static int open_directory(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                          struct bh_error *err)
{
    BH_AUTO(bh_image_closep) struct bh_image *i = bh_image_new("oci");
    BH_AUTO(bh_freep) char *path = NULL;
    const char *name;
    int e = bh_open_named(rest, O_RDONLY | O_DIRECTORY, &i->fd, &path, &name, err);

    if (e < 0 || (e = bh_layout_open(i, get_file, i, name, &o->platform, err)) < 0)
        return e;
    i->suggested_name = suggest(i->arena, path, i->suggested_name);
    *ret = BH_TAKE(i);
    return 0;
}

static bool is_layout(int fd, const char *path)
{
    struct stat st;

    (void)path;
    return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
           faccessat(fd, "oci-layout", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
           faccessat(fd, "index.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

const struct bh_source bh_source_oci = {
    .kind = "oci",
    .prefix = "oci:",
    .usage = "oci:DIR[:NAME]",
    .text = "An OCI image layout in a directory",
    .recognise = is_layout,
    .open = open_directory,
};

/* ---- an archive ---- */

static int get_member(void *state, const char *path, struct bh_blob *ret, struct bh_error *err)
{
    return bh_archive_find(state, path, ret, err);
}

static void close_archive(struct bh_image *i)
{
    bh_archive_close(i->state);
}

static int open_archive(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                        struct bh_error *err)
{
    BH_AUTO(bh_image_closep) struct bh_image *i = bh_image_new("oci-archive");
    BH_AUTO(bh_freep) char *path = NULL;
    struct bh_archive *archive = NULL;
    const char *name;
    int e = bh_open_named(rest, O_RDONLY | O_NONBLOCK, &i->fd, &path, &name, err);

    if (e < 0 || (e = bh_archive_open(i->fd, &archive, err)) < 0)
        return e;
    i->state = archive;
    i->close = close_archive;
    if ((e = bh_layout_open(i, get_member, archive, name, &o->platform, err)) < 0)
        return e;
    i->suggested_name = suggest(i->arena, path, i->suggested_name);
    *ret = BH_TAKE(i);
    return 0;
}

static bool is_archive(int fd, const char *path)
{
    BH_AUTO(bh_archive_closep) struct bh_archive *a = NULL;
    struct stat st;

    (void)path;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && bh_archive_open(fd, &a, NULL) == 0 &&
           bh_archive_has(a, "oci-layout") && bh_archive_has(a, "index.json") &&
           !bh_archive_has(a, "manifest.json");
}

const struct bh_source bh_source_oci_archive = {
    .kind = "oci-archive",
    .prefix = "oci-archive:",
    .usage = "oci-archive:FILE[:NAME]",
    .text = "An OCI image layout in a tar file",
    .recognise = is_archive,
    .open = open_archive,
};
