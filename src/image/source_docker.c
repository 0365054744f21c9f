/* docker-archive:FILE, what `docker save` and `podman save` write.
 *
 * manifest.json decides, as it does for `docker load`; an OCI index that newer archives have beside
 * it is not looked at. There is no manifest with a digest, so one is made: OCI, with the layers as
 * they are in the archive, the same for the same archive at any time.
 * Source: moby image/tarexport (layout before Docker 25: <id>/layer.tar, possibly links; since:
 * blobs/sha256/<hex>). */
#include "base/json.h"
#include "base/mem.h"
#include "image/archive.h"
#include "image/read_node.h"
#include "image/source_impl.h"
#include "image/wire.h"
#include "sys/fd.h"
#include "sys/sandbox.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGES_MAX 1024u
#define ANSWER_MAX (4u * BH_MANIFEST_MAX)
#define TIMEOUT_MS 20000

/* One object of manifest.json. */
struct saved {
    const char *config;
    const char *const *tags, *const *layers;
};

/* ---- manifest.json, in the child ---- */

static int put_saved(struct bh_arena *a, const struct bh_node *n, struct bh_buf *out,
                     struct bh_error *err)
{
    const char *const *tags, *const *layers;
    const char *config;
    int e;

    if (!bh_node_is(n, BH_NODE_OBJECT))
        return bh_node_bad(n, "manifest.json", "a list of objects", err);
    if ((e = bh_read_text(a, n, "Config", &config, err)) < 0 ||
        (e = bh_read_list(a, n, "RepoTags", &tags, err)) < 0 ||
        (e = bh_read_list(a, n, "Layers", &layers, err)) < 0)
        return e;
    if (!config)
        return bh_fail(err, BH_INVALID, "an image without \"Config\" at line %u, column %u",
                       n->line, n->column);
    if (bh_list_length(layers) > BH_MANIFEST_LAYERS_MAX)
        return bh_fail(err, BH_LIMIT, "%zu layers, limit %u", bh_list_length(layers),
                       BH_MANIFEST_LAYERS_MAX);
    bh_wire_put_text(out, config);
    bh_wire_put_list(out, tags);
    bh_wire_put_list(out, layers);
    return 0;
}

static int saved_work(void *arg, struct bh_buf *out, struct bh_error *err)
{
    const struct bh_buf *text = arg;
    struct bh_arena *a = bh_arena_new();
    struct bh_buf flat = BH_BUF_INIT(0);
    struct bh_tree *tree = NULL;
    const struct bh_node *root;
    int e = bh_json_parse(bh_buf_text(text), text->len, NULL, &tree, err);

    if (e < 0)
        return e;
    root = bh_tree_root(tree);
    if (!bh_node_is(root, BH_NODE_ARRAY))
        return bh_node_bad(root, "manifest.json", "a list of objects", err);
    if (root->count > IMAGES_MAX)
        return bh_fail(err, BH_LIMIT, "%zu images, limit %u", root->count, IMAGES_MAX);
    bh_wire_put_number(&flat, root->count);
    for (const struct bh_node *n = bh_node_first(root); n; n = n->next) {
        if ((e = put_saved(a, n, &flat, err)) < 0)
            return e;
    }
    return bh_buf_append(out, flat.data, flat.len, err);
}

/* ---- which image ---- */

static int read_saved(struct bh_image *i, struct bh_archive *archive, struct saved **ret,
                      size_t *ret_count, struct bh_error *err)
{
    static const struct bh_sandbox sandbox = {.cpu_seconds = 15};
    BH_AUTO(bh_blob_done) struct bh_blob b = {.fd = -1};
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(BH_MANIFEST_MAX);
    BH_AUTO(bh_buf_done) struct bh_buf answer = BH_BUF_INIT(ANSWER_MAX);
    struct bh_wire w = {.arena = i->arena};
    int e = bh_archive_find(archive, "manifest.json", &b, err);

    if (e < 0)
        return bh_wrap(err, "no archive of `docker save`");
    if ((e = bh_blob_read(&b, BH_MANIFEST_MAX, &text, err)) < 0 ||
        (e = bh_sandbox_run(&sandbox, saved_work, &text, TIMEOUT_MS, &answer, err)) < 0)
        return bh_wrap(err, "manifest.json");
    w.at = (const unsigned char *)bh_buf_text(&answer);
    w.end = w.at + answer.len;
    *ret_count = bh_wire_get_count(&w, IMAGES_MAX);
    *ret = bh_arena_alloc(i->arena, (*ret_count + 1) * sizeof **ret);
    for (size_t n = 0; n < *ret_count; n++) {
        (*ret)[n].config = bh_wire_get_string(&w);
        (*ret)[n].tags = bh_wire_get_list(&w);
        (*ret)[n].layers = bh_wire_get_list(&w);
    }
    return bh_wire_end(&w, err);
}

static bool has_tag(const struct saved *s, const char *name)
{
    for (size_t t = 0; s->tags[t]; t++) {
        if (strcmp(s->tags[t], name) == 0)
            return true;
    }
    return strncmp(s->config, name, strlen(name)) == 0 && strlen(name) >= 12; /* image ID */
}

static int choose(const struct saved *all, size_t count, const char *name, const struct saved **ret,
                  struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf names = BH_BUF_INIT(0);

    if (!name && count == 1) {
        *ret = &all[0];
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (name && has_tag(&all[i], name)) {
            *ret = &all[i];
            return 0;
        }
        if (names.len < 250)
            bh_buf_printf(&names, "%s%.100s", names.len ? ", " : "",
                          all[i].tags[0] ? all[i].tags[0] : all[i].config);
    }
    if (count == 0)
        return bh_fail(err, BH_NOT_FOUND, "the archive is empty");
    if (name)
        return bh_fail(err, BH_NOT_FOUND, "no image \"%.100s\" in it; there are: %s", name,
                       bh_buf_text(&names));
    return bh_fail(err, BH_USAGE, "holds several images: append one of :%s", bh_buf_text(&names));
}

/* ---- the image ---- */

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The digest a member's name states: blobs/sha256/<hex>, or <hex>.json; false when it states none.
 */
static bool stated_digest(const char *path, struct bh_digest *ret)
{
    const char *hex = last_component(path);
    size_t len = strcspn(hex, ".");
    BH_AUTO(bh_freep) char *digits = bh_strndup(hex, BH_MIN(len, (size_t)64));
    BH_AUTO(bh_freep) char *text = bh_format("sha256:%s", digits);
    bool is_blob = strncmp(path, "blobs/sha256/", strlen("blobs/sha256/")) == 0;
    bool is_config = !strchr(path, '/') && strcmp(hex + len, ".json") == 0;

    return len == 64 && (is_blob || is_config) && bh_digest_parse(text, ret, NULL) == 0;
}

static int read_config(struct bh_image *i, const struct bh_archive *archive, const char *path,
                       struct bh_descriptor *ret, struct bh_oci_config **ret_config,
                       struct bh_error *err)
{
    BH_AUTO(bh_blob_done) struct bh_blob b = {.fd = -1};
    char text[BH_DIGEST_TEXT_SIZE];
    struct bh_digest stated;
    int e = bh_archive_find(archive, path, &b, err);

    if (e < 0 || (e = bh_blob_read(&b, BH_MANIFEST_MAX, &i->config_bytes, err)) < 0)
        return e;
    *ret = (struct bh_descriptor){.media_type = BH_MEDIA_OCI_CONFIG,
                                  .size_bytes = i->config_bytes.len};
    bh_digest_of(BH_SHA256, i->config_bytes.data, i->config_bytes.len, &ret->digest);
    if (stated_digest(path, &stated) && !bh_digest_equal(&stated, &ret->digest))
        return bh_fail(err, BH_CORRUPT, "%.200s has other content: its digest is %s", path,
                       bh_digest_format(&ret->digest, text));
    return bh_oci_config_parse_confined(bh_buf_text(&i->config_bytes), i->config_bytes.len,
                                        ret_config, err);
}

/* An uncompressed layer's digest is its diff_id; a compressed one's is stated, or computed. */
static int describe_layer(const struct bh_archive *archive, const char *path,
                          const struct bh_digest *diff_id, struct bh_descriptor *ret,
                          struct bh_error *err)
{
    BH_AUTO(bh_blob_done) struct bh_blob b = {.fd = -1};
    enum bh_layer_format format;
    int e = bh_archive_find(archive, path, &b, err);

    if (e < 0 || (e = bh_sniff_layer(b.fd, b.offset, b.size_bytes, &format, err)) < 0)
        return e;
    ret->media_type = bh_layer_media_type(format);
    ret->size_bytes = b.size_bytes;
    if (format == BH_LAYER_TAR)
        ret->digest = *diff_id;
    else if (!stated_digest(path, &ret->digest))
        return bh_blob_digest(&b, BH_SHA256, &ret->digest, err);
    return 0;
}

static void write_descriptor(struct bh_json_writer *w, const char *key,
                             const struct bh_descriptor *d)
{
    char text[BH_DIGEST_TEXT_SIZE];

    bh_json_object(w, key);
    bh_json_string(w, "mediaType", d->media_type);
    bh_json_string(w, "digest", bh_digest_format(&d->digest, text));
    bh_json_int(w, "size", (int64_t)d->size_bytes);
    bh_json_end_object(w);
}

void bh_manifest_write(const struct bh_manifest *m, struct bh_buf *out)
{
    struct bh_json_writer w = BH_JSON_TO_BUF(out, 0);

    bh_json_object(&w, NULL);
    bh_json_int(&w, "schemaVersion", 2);
    bh_json_string(&w, "mediaType", BH_MEDIA_OCI_MANIFEST);
    write_descriptor(&w, "config", &m->config);
    bh_json_array(&w, "layers");
    for (size_t n = 0; n < m->item_count; n++)
        write_descriptor(&w, NULL, &m->items[n]);
    bh_json_end_array(&w);
    bh_json_end_object(&w);
}

static int open_saved_layer(struct bh_image *i, size_t index, struct bh_blob *ret,
                            struct bh_error *err)
{
    const struct saved *s = i->layout;

    return bh_archive_find(i->state, s->layers[index], ret, err);
}

static int fill(struct bh_image *i, const struct bh_archive *archive, const struct saved *s,
                struct bh_error *err)
{
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *config = NULL;
    struct bh_manifest m = {.media_type = BH_MEDIA_OCI_MANIFEST};
    struct bh_descriptor d = {.media_type = BH_MEDIA_OCI_MANIFEST};
    int e = read_config(i, archive, s->config, &m.config, &config, err);

    if (e < 0)
        return bh_wrap(err, "image configuration");
    m.item_count = bh_list_length(s->layers);
    if (m.item_count != config->diff_id_count)
        return bh_fail(err, BH_INVALID,
                       "manifest.json has %zu layers, the configuration %zu "
                       "diff_ids",
                       m.item_count, config->diff_id_count);
    m.items = bh_arena_alloc(i->arena, (m.item_count + 1) * sizeof *m.items);
    for (size_t n = 0; n < m.item_count; n++) {
        e = describe_layer(archive, s->layers[n], &config->diff_ids[n], &m.items[n], err);
        if (e < 0)
            return bh_wrap(err, "layer %zu of %zu", n + 1, m.item_count);
    }
    bh_manifest_write(&m, &i->manifest_bytes);
    d.size_bytes = i->manifest_bytes.len;
    bh_digest_of(BH_SHA256, i->manifest_bytes.data, i->manifest_bytes.len, &d.digest);
    return bh_image_adopt(i, &d, &m, &config, err);
}

static void close_archive(struct bh_image *i)
{
    bh_archive_close(i->state);
}

static int open_archive(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                        struct bh_error *err)
{
    BH_AUTO(bh_image_closep) struct bh_image *i = bh_image_new("docker-archive");
    BH_AUTO(bh_freep) char *path = NULL;
    struct bh_archive *archive = NULL;
    const struct saved *chosen;
    struct saved *all;
    const char *name;
    size_t count;
    int e = bh_open_named(rest, O_RDONLY | O_NONBLOCK, &i->fd, &path, &name, err);

    (void)o; /* an archive holds one platform */
    if (e < 0 || (e = bh_archive_open(i->fd, &archive, err)) < 0)
        return e;
    i->state = archive;
    i->close = close_archive;
    if ((e = read_saved(i, archive, &all, &count, err)) < 0 ||
        (e = choose(all, count, name, &chosen, err)) < 0 || (e = fill(i, archive, chosen, err)) < 0)
        return e;
    i->layout = chosen;
    i->open_layer = open_saved_layer;
    i->suggested_name = name && strchr(name, ':') ? bh_arena_strdup(i->arena, name)
                        : chosen->tags[0]         ? chosen->tags[0]
                                                  : "";
    *ret = BH_TAKE(i);
    return 0;
}

static bool is_archive(int fd, const char *path)
{
    BH_AUTO(bh_archive_closep) struct bh_archive *a = NULL;
    struct stat st;

    (void)path;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && bh_archive_open(fd, &a, NULL) == 0 &&
           bh_archive_has(a, "manifest.json");
}

const struct bh_source bh_source_docker_archive = {
    .kind = "docker-archive",
    .prefix = "docker-archive:",
    .usage = "docker-archive:FILE[:NAME:TAG]",
    .text = "A tar file as `docker save` and `podman save` write it",
    .recognise = is_archive,
    .open = open_archive,
};
