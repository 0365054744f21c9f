/* dir:PATH and tar:FILE, root file systems without manifest and configuration. */
#include "base/mem.h"
#include "image/source_impl.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_tar(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                    struct bh_error *err);

static int no_layer(struct bh_image *i, size_t index, struct bh_blob *ret, struct bh_error *err)
{
    (void)i;
    (void)index;
    (void)ret;
    return bh_fail(err, BH_NOT_FOUND, "a directory has no layers");
}

static int open_dir(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                    struct bh_error *err)
{
    BH_AUTO(bh_image_closep) struct bh_image *i = bh_image_new("dir");
    BH_AUTO(bh_freep) char *real = realpath(rest, NULL);
    struct stat st;

    if (!real || stat(real, &st) < 0)
        return bh_fail_errno(err, "open %s", rest);
    if (S_ISREG(st.st_mode))
        return open_tar(o, rest, ret, err);
    i->root_fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (i->root_fd < 0)
        return bh_fail_errno(err, "open %s", rest);
    i->root_path = bh_arena_strdup(i->arena, real);
    i->platform = o->platform;
    i->open_layer = no_layer;
    *ret = BH_TAKE(i);
    return 0;
}

/* Any other directory is taken for a root file system only when it looks like one. */
static bool is_rootfs(int fd, const char *path)
{
    static const char *const signs[] = {"bin", "etc", "usr", "lib", "var"};
    struct stat st;

    (void)path;
    if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
        return false;
    for (size_t i = 0; i < BH_COUNT_OF(signs); i++) {
        if (faccessat(fd, signs[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    }
    return false;
}

const struct bh_source bh_source_dir = {
    .kind = "dir",
    .prefix = "dir:",
    .usage = "dir:PATH",
    .text = "A plain root file system: a directory, or a tar file",
    .recognise = is_rootfs,
    .open = open_dir,
};

static int open_tar_layer(struct bh_image *i, size_t index, struct bh_blob *ret,
                          struct bh_error *err)
{
    int fd = fcntl(i->fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return bh_fail_errno(err, "duplicate a descriptor");
    *ret = (struct bh_blob){.fd = fd, .size_bytes = i->layers[index].blob.size_bytes};
    return 0;
}

static int open_tar(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                    struct bh_error *err)
{
    BH_AUTO(bh_image_closep) struct bh_image *i = bh_image_new("tar");
    enum bh_layer_format format;
    struct stat st;
    int e;

    i->fd = open(rest, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (i->fd < 0 || fstat(i->fd, &st) < 0)
        return bh_fail_errno(err, "open %s", rest);
    if (!S_ISREG(st.st_mode))
        return bh_fail(err, BH_INVALID, "%s is no regular file", rest);
    if ((e = bh_sniff_layer(i->fd, 0, UINT64_MAX, &format, err)) < 0)
        return e;
    i->layers = bh_arena_alloc(i->arena, sizeof *i->layers);
    i->layer_count = 1;
    i->layers[0].blob.media_type = bh_layer_media_type(format);
    i->layers[0].blob.size_bytes = (uint64_t)st.st_size;
    i->layers[0].created_by = "";
    i->platform = o->platform;
    i->open_layer = open_tar_layer;
    *ret = BH_TAKE(i);
    return 0;
}

/* gzip, zstd, or the magic of ustar and GNU tar. */
static bool is_tar(int fd, const char *path)
{
    enum bh_layer_format format;
    char magic[5] = {0};
    struct stat st;

    (void)path;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        bh_sniff_layer(fd, 0, UINT64_MAX, &format, NULL) < 0)
        return false;
    return format != BH_LAYER_TAR || (pread(fd, magic, sizeof magic, 257) == sizeof magic &&
                                      memcmp(magic, "ustar", sizeof magic) == 0);
}

const struct bh_source bh_source_tar = {
    .kind = "tar",
    .prefix = "tar:",
    .usage = "tar:FILE",
    .text = "A root file system in a tar file, plain or compressed with gzip or zstd",
    .recognise = is_tar,
    .open = open_tar,
};
