#include "image/source.h"

#include "base/mem.h"
#include "image/reference.h"
#include "image/source_impl.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 131072u

/* The order in which a bare path is recognised. */
static const struct bh_source *const sources[] = {
    &bh_source_oci,      &bh_source_oci_archive, &bh_source_docker_archive,
    &bh_source_dir,      &bh_source_tar,         &bh_source_store,
    &bh_source_registry, &bh_source_engine,      NULL,
};

const struct bh_source *const *bh_sources(void)
{
    return sources;
}

/* ---- blobs ---- */

void bh_blob_done(struct bh_blob *b)
{
    bh_closep(&b->fd);
    b->fd = -1;
}

/* Hands [offset, offset + size) to each piece by piece. */
static int walk_blob(const struct bh_blob *b, int (*each)(void *to, const void *data, size_t len),
                     void *to, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *piece = bh_new(PIECE_BYTES);
    uint64_t done = 0;

    while (done < b->size_bytes) {
        size_t want = (size_t)BH_MIN((uint64_t)PIECE_BYTES, b->size_bytes - done);
        ssize_t got = pread(b->fd, piece, want, (off_t)(b->offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bh_fail_errno(err, "read a blob");
        if (got == 0)
            return bh_fail(err, BH_CORRUPT, "blob is cut short: %llu of %llu bytes",
                           (unsigned long long)done, (unsigned long long)b->size_bytes);
        if (each(to, piece, (size_t)got) < 0)
            return bh_fail(err, BH_LIMIT, "blob is over its limit");
        done += (uint64_t)got;
    }
    return 0;
}

static int to_buf(void *to, const void *data, size_t len)
{
    return bh_buf_append(to, data, len, NULL);
}

static int to_hasher(void *to, const void *data, size_t len)
{
    bh_hasher_update(to, data, len);
    return 0;
}

int bh_blob_read(const struct bh_blob *b, size_t limit, struct bh_buf *out, struct bh_error *err)
{
    if (b->size_bytes > limit)
        return bh_fail(err, BH_LIMIT, "document of %llu bytes, limit %zu",
                       (unsigned long long)b->size_bytes, limit);
    return walk_blob(b, to_buf, out, err);
}

int bh_blob_digest(const struct bh_blob *b, enum bh_digest_algorithm algorithm,
                   struct bh_digest *ret, struct bh_error *err)
{
    BH_AUTO(bh_hasher_freep) struct bh_hasher *h = bh_hasher_new(algorithm);
    int e = walk_blob(b, to_hasher, h, err);

    if (e == 0)
        bh_hasher_finish(h, ret);
    return e;
}

int bh_sniff_layer(int fd, uint64_t offset, uint64_t size, enum bh_layer_format *ret,
                   struct bh_error *err)
{
    static const unsigned char gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
    unsigned char head[4] = {0};
    ssize_t got = pread(fd, head, (size_t)BH_MIN(sizeof head, size), (off_t)offset);

    if (got < 0)
        return bh_fail_errno(err, "read a layer");
    *ret = BH_LAYER_TAR;
    if (memcmp(head, gzip, sizeof gzip) == 0)
        *ret = BH_LAYER_TAR_GZIP;
    else if (memcmp(head, zstd, sizeof zstd) == 0)
        *ret = BH_LAYER_TAR_ZSTD;
    return 0;
}

const char *bh_layer_media_type(enum bh_layer_format format)
{
    switch (format) {
    case BH_LAYER_TAR_GZIP:
        return BH_MEDIA_OCI_LAYER_GZIP;
    case BH_LAYER_TAR_ZSTD:
        return BH_MEDIA_OCI_LAYER_ZSTD;
    default:
        return BH_MEDIA_OCI_LAYER;
    }
}

/* ---- images ---- */

struct bh_image *bh_image_new(const char *kind)
{
    struct bh_image *i = bh_new0(sizeof *i);

    i->arena = bh_arena_new();
    i->kind = kind;
    i->reference = i->suggested_name = "";
    i->root_fd = i->fd = -1;
    i->manifest_bytes = i->config_bytes = BH_BUF_INIT(BH_MANIFEST_MAX);
    return i;
}

void bh_image_close(struct bh_image *i)
{
    if (!i)
        return;
    if (i->close)
        i->close(i);
    bh_closep(&i->fd);
    bh_closep(&i->root_fd);
    bh_buf_done(&i->manifest_bytes);
    bh_buf_done(&i->config_bytes);
    bh_oci_config_free(i->owned_config);
    bh_lease_end(i->lease);
    bh_arena_free(i->arena);
    free(i);
}

int bh_image_check_config_type(const struct bh_manifest *m, struct bh_error *err)
{
    const char *type = m->artifact_type ? m->artifact_type : m->config.media_type;

    if (bh_media_type_is_config(m->config.media_type))
        return 0;
    return bh_fail(err, BH_UNSUPPORTED, "an artifact of type \"%s\", not a container image", type);
}

int bh_image_adopt(struct bh_image *i, const struct bh_descriptor *manifest_descriptor,
                   const struct bh_manifest *m, struct bh_oci_config **config, struct bh_error *err)
{
    const struct bh_oci_config *c = *config;

    if (c->diff_id_count != m->item_count)
        return bh_fail(err, BH_INVALID, "manifest has %zu layers, its configuration %zu diff_ids",
                       m->item_count, c->diff_id_count);
    i->manifest.media_type = bh_arena_strdup(i->arena, m->media_type);
    i->manifest.digest = manifest_descriptor->digest;
    i->manifest.size_bytes = manifest_descriptor->size_bytes;
    if (!bh_digest_is_set(&i->root.digest))
        i->root = i->manifest;
    i->config_digest = m->config.digest;
    i->layers = bh_arena_alloc(i->arena, (m->item_count + 1) * sizeof *i->layers);
    i->layer_count = m->item_count;
    for (size_t n = 0; n < m->item_count; n++) {
        struct bh_descriptor *d = &i->layers[n].blob;

        d->media_type = bh_arena_strdup(i->arena, m->items[n].media_type);
        d->digest = m->items[n].digest;
        d->size_bytes = m->items[n].size_bytes;
        i->layers[n].diff_id = c->diff_ids[n];
        i->layers[n].created_by = c->layer_created_by[n];
    }
    i->platform = (struct bh_platform){.os = c->image.os,
                                       .architecture = c->image.architecture,
                                       .variant = c->image.variant};
    i->owned_config = BH_TAKE(*config);
    i->config = i->owned_config;
    return 0;
}

int bh_image_open_layer(struct bh_image *i, size_t index, struct bh_blob *ret, struct bh_error *err)
{
    char text[BH_DIGEST_TEXT_SIZE] = "";
    const struct bh_descriptor *d = &i->layers[index].blob;
    struct bh_blob b;
    int e = i->open_layer(i, index, &b, err);

    if (bh_digest_is_set(&d->digest))
        bh_digest_format(&d->digest, text);
    if (e < 0)
        return bh_wrap(err, "layer %zu of %zu %s", index + 1, i->layer_count, text);
    if (b.size_bytes != d->size_bytes) {
        bh_blob_done(&b);
        return bh_fail(err, BH_CORRUPT,
                       "layer %zu of %zu %s has %llu bytes, its manifest says %llu", index + 1,
                       i->layer_count, text, (unsigned long long)b.size_bytes,
                       (unsigned long long)d->size_bytes);
    }
    *ret = b;
    return 0;
}

/* ---- TARGET ---- */

int bh_open_named(const char *rest, int flags, int *ret_fd, char **ret_path, const char **ret_name,
                  struct bh_error *err)
{
    size_t len = strlen(rest);

    while (len > 0) {
        char *path = bh_strndup(rest, len);
        int fd = open(path, flags | O_CLOEXEC);

        if (fd >= 0) {
            *ret_fd = fd;
            *ret_path = path;
            *ret_name = rest[len] == ':' && rest[len + 1] ? rest + len + 1 : NULL;
            return 0;
        }
        free(path);
        if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG)
            return bh_fail_errno(err, "open %.*s", (int)len, rest);
        do
            len--;
        while (len > 0 && rest[len] != ':');
    }
    errno = ENOENT;
    return bh_fail_errno(err, "open %s", rest);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int open_by(const struct bh_source *s, const struct bh_open_options *o, const char *rest,
                   struct bh_image **ret, struct bh_error *err)
{
    if (!*rest)
        return bh_fail(err, BH_USAGE, "\"%s\" names nothing; write %s", s->prefix, s->usage);
    if (s->needs_store && !o->store)
        return bh_fail(err, BH_UNSUPPORTED, "%s needs a store", s->prefix);
    return s->open(o, rest, ret, err);
}

static int open_path(const struct bh_open_options *o, const char *path, struct bh_image **ret,
                     struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return bh_fail_errno(err, "open %s", path);
    for (size_t i = 0; sources[i]; i++) {
        if (sources[i]->recognise && sources[i]->recognise(fd, path))
            return sources[i]->open(o, path, ret, err);
    }
    return bh_fail(err, BH_INVALID,
                   "%s is no image layout, no archive of images, no directory and no tar file",
                   path);
}

static bool is_path(const char *target)
{
    return target[0] == '/' || target[0] == '.';
}

static int open_target(const struct bh_open_options *o, const char *target, struct bh_image **ret,
                       struct bh_error *err)
{
    struct stat st;
    int e;

    for (size_t i = 0; sources[i]; i++) {
        if (sources[i]->prefix && has_prefix(target, sources[i]->prefix))
            return open_by(sources[i], o, target + strlen(sources[i]->prefix), ret, err);
    }
    if (is_path(target))
        return open_path(o, target, ret, err);
    if (!o->store)
        e = bh_fail(err, BH_NOT_FOUND, "no image \"%s\": there is no store yet", target);
    else
        e = bh_source_store.open(o, target, ret, err);
    if ((e == -BH_NOT_FOUND || e == -BH_INVALID) && stat(target, &st) == 0)
        return open_path(o, target, ret, err);
    return e;
}

int bh_image_open(const struct bh_open_options *o, const char *target, struct bh_image **ret,
                  struct bh_error *err)
{
    struct bh_open_options with = *o;
    struct bh_image *i = NULL;
    int e;

    if (!*target)
        return bh_fail(err, BH_USAGE, "empty image name");
    if (!with.platform.os)
        with.platform = bh_platform_host();
    e = open_target(&with, target, &i, err);
    if (e < 0)
        return bh_wrap(err, "%.200s", target);
    i->reference = bh_arena_strdup(i->arena, target);
    *ret = i;
    return 0;
}
