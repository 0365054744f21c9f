/* Name records: see docs/store.md. They are written by us, and read back without a confined child;
 * a record that does not make sense is damage, not input. */
#include "base/json.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/time.h"
#include "image/read_node.h"
#include "image/reference.h"
#include "image/store_impl.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME_MAX 200u
#define RECORD_SCHEMA 1

/* ---- names and file names ---- */

static bool is_plain(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || (c == '.' && !first);
}

static void escape(const char *name, struct bh_buf *out)
{
    for (const char *c = name; *c; c++) {
        if (is_plain(*c, c == name))
            bh_buf_putc(out, *c);
        else
            bh_buf_printf(out, "%%%02X", (unsigned char)*c);
    }
    if (out->len > FILE_NAME_MAX) {
        char hex[BH_DIGEST_TEXT_SIZE];
        struct bh_digest d;

        bh_digest_of(BH_SHA256, name, strlen(name), &d);
        out->len = 0;
        bh_buf_printf(out, "%%sha256-%s", bh_digest_hex(&d, hex));
    }
}

/* The canonical name and its file; both outputs are appended to and may be NULL. */
static int canonical(const char *name, struct bh_buf *ret_name, struct bh_buf *ret_file,
                     struct bh_error *err)
{
    BH_AUTO(bh_reference_freep) struct bh_reference *r = NULL;
    int e = bh_reference_parse(name, strlen(name), &r, err);

    if (e < 0)
        return bh_wrap(err, "name \"%.200s\"", name);
    if (ret_name)
        bh_buf_puts(ret_name, bh_reference_store_name(r));
    if (ret_file)
        escape(bh_reference_store_name(r), ret_file);
    return 0;
}

int bh_store_name_path(const char *name, char *out, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf file = BH_BUF_INIT(0);
    int e = canonical(name, NULL, &file, err);

    if (e < 0)
        return e;
    (void)snprintf(out, BH_NAME_PATH_SIZE, "names/%s", bh_buf_text(&file));
    return 0;
}

/* ---- writing ---- */

static void write_descriptor(struct bh_json_writer *w, const char *key,
                             const struct bh_descriptor *d)
{
    char text[BH_DIGEST_TEXT_SIZE];

    if (key)
        bh_json_object(w, key);
    bh_json_string(w, "mediaType", d->media_type);
    bh_json_string(w, "digest", bh_digest_format(&d->digest, text));
    bh_json_int(w, "size", (int64_t)d->size_bytes);
    if (key)
        bh_json_end_object(w);
}

static void write_record(const struct bh_name_record *r, struct bh_buf *out)
{
    struct bh_json_writer w = BH_JSON_TO_BUF(out, 1);
    char text[BH_DIGEST_TEXT_SIZE];

    bh_json_object(&w, NULL);
    bh_json_int(&w, "schema", RECORD_SCHEMA);
    bh_json_string(&w, "name", r->name);
    bh_json_string(&w, "source", r->source);
    bh_json_string(&w, "imported", r->imported);
    write_descriptor(&w, "root", &r->root);
    write_descriptor(&w, "manifest", &r->manifest);
    write_descriptor(&w, "config", &r->config);
    bh_json_object(&w, "platform");
    bh_json_string_opt(&w, "os", r->platform.os);
    bh_json_string_opt(&w, "architecture", r->platform.architecture);
    bh_json_string_opt(&w, "variant", r->platform.variant);
    bh_json_end_object(&w);
    bh_json_array(&w, "layers");
    for (size_t i = 0; i < r->layer_count; i++) {
        bh_json_object(&w, NULL);
        write_descriptor(&w, NULL, &r->layers[i].blob);
        if (bh_digest_is_set(&r->layers[i].diff_id))
            bh_json_string(&w, "diff_id", bh_digest_format(&r->layers[i].diff_id, text));
        bh_json_string(&w, "created_by", r->layers[i].created_by);
        bh_json_end_object(&w);
    }
    bh_json_end_array(&w);
    bh_json_end_object(&w);
    bh_buf_putc(out, '\n');
}

static int store_record(struct bh_store *s, const struct bh_name_record *r, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf file = BH_BUF_INIT(0);
    BH_AUTO(bh_closep) int lock = -1;
    BH_AUTO(bh_closep) int fd = -1;
    char name[64];
    int e;

    write_record(r, &text);
    escape(r->name, &file);
    bh_store_temporary_name("name", name, sizeof name);
    if ((e = bh_store_lock(s, LOCK_SH, &lock, err)) < 0)
        return e;
    fd = openat(s->tmp_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return bh_fail_errno(err, "make a file in store %s", s->path);
    if ((e = bh_store_write(s, fd, text.data, text.len, err)) < 0 ||
        (e = bh_store_fsync(s, fd, "a name", err)) < 0 ||
        (e = bh_store_rename(s, s->tmp_fd, name, s->names_fd, bh_buf_text(&file), err)) < 0) {
        (void)unlinkat(s->tmp_fd, name, 0); /* collection would find it, too */
        return e;
    }
    return bh_store_fsync(s, s->names_fd, "names", err);
}

/* ---- making a record ---- */

/* The lease holds the blob from here on; an absent one is an error. */
static int require_blob(struct bh_lease *l, const struct bh_digest *d, struct bh_error *err)
{
    char text[BH_DIGEST_TEXT_SIZE];
    bool there = false;
    int e = bh_store_has(l, d, &there, err);

    if (e == 0 && !there)
        return bh_fail(err, BH_NOT_FOUND, "blob %s is not in the store", bh_digest_format(d, text));
    return e;
}

static int read_manifest(struct bh_lease *l, const struct bh_descriptor *d,
                         struct bh_manifest **ret, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(BH_MANIFEST_MAX);
    char digest[BH_DIGEST_TEXT_SIZE];
    int e = require_blob(l, &d->digest, err);

    if (e < 0 || (e = bh_store_read_blob(l->store, &d->digest, BH_MANIFEST_MAX, &text, err)) < 0)
        return e;
    e = bh_manifest_parse_confined(bh_buf_text(&text), text.len, d->media_type, ret, err);
    return e < 0 ? bh_wrap(err, "manifest %s", bh_digest_format(&d->digest, digest)) : 0;
}

static struct bh_descriptor copy_descriptor(struct bh_arena *a, const struct bh_descriptor *d)
{
    return (struct bh_descriptor){.media_type = bh_arena_strdup(a, d->media_type),
                                  .digest = d->digest,
                                  .size_bytes = d->size_bytes};
}

/* From root down to the image for the platform. */
static int resolve(struct bh_lease *l, struct bh_name_record *r, const struct bh_platform *wanted,
                   struct bh_manifest **ret, struct bh_error *err)
{
    r->manifest = r->root;
    for (unsigned depth = 0; depth <= BH_INDEX_DEPTH_MAX; depth++) {
        BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
        const struct bh_descriptor *next;
        int e = read_manifest(l, &r->manifest, &m, err);

        if (e < 0)
            return e;
        if (!m->is_index) {
            r->manifest.media_type = bh_arena_strdup(r->arena, m->media_type);
            *ret = BH_TAKE(m);
            return 0;
        }
        if ((e = bh_index_choose(m, wanted, &next, err)) < 0)
            return e;
        r->manifest = copy_descriptor(r->arena, next);
    }
    return bh_fail(err, BH_LIMIT, "indexes nested deeper than %u", BH_INDEX_DEPTH_MAX);
}

static const char *copy_text(struct bh_arena *a, const char *text)
{
    return text ? bh_arena_strdup(a, text) : NULL;
}

/* diff_ids, platform and history, when the configuration is one of an image. */
static int add_config(struct bh_lease *l, struct bh_name_record *r, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(BH_MANIFEST_MAX);
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *c = NULL;
    int e;

    if (!bh_media_type_is_config(r->config.media_type))
        return 0; /* an artifact: kept, never unpacked */
    e = bh_store_read_blob(l->store, &r->config.digest, BH_MANIFEST_MAX, &text, err);
    if (e < 0)
        return e;
    if ((e = bh_oci_config_parse_confined(bh_buf_text(&text), text.len, &c, err)) < 0)
        return bh_wrap(err, "image configuration");
    if (c->diff_id_count != r->layer_count)
        return bh_fail(err, BH_INVALID, "manifest has %zu layers, its configuration %zu diff_ids",
                       r->layer_count, c->diff_id_count);
    for (size_t i = 0; i < r->layer_count; i++) {
        r->layers[i].diff_id = c->diff_ids[i];
        r->layers[i].created_by = bh_arena_strdup(r->arena, c->layer_created_by[i]);
    }
    r->platform.os = copy_text(r->arena, c->image.os);
    r->platform.architecture = copy_text(r->arena, c->image.architecture);
    r->platform.variant = copy_text(r->arena, c->image.variant);
    return 0;
}

static int fill_record(struct bh_lease *l, struct bh_name_record *r,
                       const struct bh_platform *wanted, struct bh_error *err)
{
    BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
    int e = resolve(l, r, wanted, &m, err);

    if (e < 0 || (e = require_blob(l, &m->config.digest, err)) < 0)
        return e;
    r->config = copy_descriptor(r->arena, &m->config);
    r->layer_count = m->item_count;
    r->layers = bh_arena_alloc(r->arena, (m->item_count + 1) * sizeof *r->layers);
    for (size_t i = 0; i < m->item_count; i++) {
        r->layers[i].blob = copy_descriptor(r->arena, &m->items[i]);
        r->layers[i].created_by = "";
        if ((e = require_blob(l, &m->items[i].digest, err)) < 0)
            return e;
    }
    return add_config(l, r, err);
}

/* A name that states a digest must tell the truth. */
static int check_pin(const struct bh_name_record *r, struct bh_error *err)
{
    BH_AUTO(bh_reference_freep) struct bh_reference *reference = NULL;
    const struct bh_digest *pin;
    char text[BH_DIGEST_TEXT_SIZE];
    int e = bh_reference_parse(r->name, strlen(r->name), &reference, err);

    if (e < 0)
        return e;
    pin = bh_reference_digest(reference);
    if (!pin || bh_digest_equal(pin, &r->root.digest) || bh_digest_equal(pin, &r->manifest.digest))
        return 0;
    return bh_fail(err, BH_CORRUPT, "name \"%.300s\" pins another image: this one is %s", r->name,
                   bh_digest_format(&r->manifest.digest, text));
}

int bh_store_set_name(struct bh_lease *l, const char *name, const struct bh_descriptor *root,
                      const struct bh_platform *platform, const char *source, struct bh_error *err)
{
    BH_AUTO(bh_name_record_freep) struct bh_name_record *r = bh_new0(sizeof *r);
    BH_AUTO(bh_buf_done) struct bh_buf full = BH_BUF_INIT(0);
    struct bh_platform host = bh_platform_host();
    char now[BH_TIME_TEXT_SIZE];
    int e = canonical(name, &full, NULL, err);

    if (e < 0)
        return e;
    r->arena = bh_arena_new();
    r->name = bh_buf_text(&full);
    r->source = source;
    r->imported = bh_time_format(bh_time_now(), now);
    r->root = copy_descriptor(r->arena, root);
    if ((e = fill_record(l, r, platform && platform->os ? platform : &host, err)) < 0 ||
        (e = check_pin(r, err)) < 0)
        return e;
    return store_record(l->store, r, err);
}

/* ---- reading ---- */

static int read_descriptor(struct bh_arena *a, const struct bh_node *n, struct bh_descriptor *ret,
                           struct bh_error *err)
{
    const char *media_type, *digest;
    const struct bh_node *size;
    int e;

    if ((e = bh_read_text(a, n, "mediaType", &media_type, err)) < 0 ||
        (e = bh_read_text(a, n, "digest", &digest, err)) < 0 ||
        (e = bh_read_member(n, "size", BH_NODE_INT, &size, err)) < 0)
        return e;
    if (!media_type || !digest || !size)
        return bh_fail(err, BH_INVALID, "incomplete descriptor");
    ret->media_type = media_type;
    ret->size_bytes = (uint64_t)size->integer;
    return bh_digest_parse(digest, &ret->digest, err);
}

static int read_layers(struct bh_name_record *r, const struct bh_node *root, struct bh_error *err)
{
    const struct bh_node *list;
    int e = bh_read_member(root, "layers", BH_NODE_ARRAY, &list, err);

    if (e < 0 || !list)
        return e;
    r->layers = bh_arena_alloc(r->arena, (list->count + 1) * sizeof *r->layers);
    for (const struct bh_node *n = bh_node_first(list); n; n = n->next) {
        struct bh_record_layer *layer = &r->layers[r->layer_count];
        const char *diff_id;

        if ((e = read_descriptor(r->arena, n, &layer->blob, err)) < 0 ||
            (e = bh_read_text(r->arena, n, "diff_id", &diff_id, err)) < 0 ||
            (e = bh_read_text(r->arena, n, "created_by", &layer->created_by, err)) < 0)
            return e;
        if (diff_id && (e = bh_digest_parse(diff_id, &layer->diff_id, err)) < 0)
            return e;
        if (!layer->created_by)
            layer->created_by = "";
        r->layer_count++;
    }
    return 0;
}

static int read_record(struct bh_name_record *r, const struct bh_node *root, struct bh_error *err)
{
    struct bh_arena *a = r->arena;
    const struct bh_node *platform = bh_node_get(root, "platform");
    int e;

    if (bh_node_int_or(bh_node_get(root, "schema"), 0) != RECORD_SCHEMA)
        return bh_fail(err, BH_INVALID, "\"schema\" is not %d", RECORD_SCHEMA);
    if ((e = bh_read_text(a, root, "name", &r->name, err)) < 0 ||
        (e = bh_read_text(a, root, "source", &r->source, err)) < 0 ||
        (e = bh_read_text(a, root, "imported", &r->imported, err)) < 0 ||
        (e = read_descriptor(a, bh_node_get(root, "root"), &r->root, err)) < 0 ||
        (e = read_descriptor(a, bh_node_get(root, "manifest"), &r->manifest, err)) < 0 ||
        (e = read_descriptor(a, bh_node_get(root, "config"), &r->config, err)) < 0 ||
        (e = bh_read_text(a, platform, "os", &r->platform.os, err)) < 0 ||
        (e = bh_read_text(a, platform, "architecture", &r->platform.architecture, err)) < 0 ||
        (e = bh_read_text(a, platform, "variant", &r->platform.variant, err)) < 0)
        return e;
    if (!r->name || !r->source || !r->imported)
        return bh_fail(err, BH_INVALID, "incomplete record");
    return read_layers(r, root, err);
}

int bh_store_read_record(struct bh_store *s, const char *file, struct bh_name_record **ret,
                         struct bh_error *err)
{
    BH_AUTO(bh_name_record_freep) struct bh_name_record *r = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(BH_MANIFEST_MAX);
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    int e = bh_read_file_at(s->names_fd, file, &text, err);

    if (e < 0)
        return e;
    e = bh_json_parse(bh_buf_text(&text), text.len, NULL, &tree, err);
    if (e == 0) {
        r = bh_new0(sizeof *r);
        r->arena = bh_arena_new();
        e = read_record(r, bh_tree_root(tree), err);
    }
    if (e < 0) {
        (void)bh_wrap(err, "%s/names/%s is damaged: remove the file, then pull the image again",
                      s->path, file);
        return e;
    }
    *ret = BH_TAKE(r);
    return 0;
}

void bh_name_record_free(struct bh_name_record *r)
{
    if (!r)
        return;
    bh_arena_free(r->arena);
    free(r);
}

struct suggestion {
    struct bh_nearest nearest;
    char *name; /* the whole name of the best so far */
};

static int offer(const struct bh_name_record *r, void *data, struct bh_error *err)
{
    struct suggestion *g = data;
    const char *slash = strrchr(r->name, '/');
    const char *known = r->name;

    (void)err;
    /* "nginx" shall find "docker.io/library/nginx:latest", so the last component is offered. */
    if (slash && !strchr(g->nearest.word, '/'))
        known = slash + 1;
    bh_nearest_offer(&g->nearest, known);
    if (g->nearest.best == known) {
        free(g->name);
        g->name = bh_strdup(r->name);
        g->nearest.best = ""; /* known dies with the record */
    }
    return 0;
}

static int not_found(struct bh_store *s, const char *name, struct bh_error *err)
{
    struct suggestion g = {.name = NULL};
    int e;

    bh_nearest_init(&g.nearest, name, strlen(name));
    e = bh_store_each_name(s, offer, &g, err);
    if (e == 0 && g.name)
        e = bh_fail(err, BH_NOT_FOUND, "no image \"%s\" in the store; did you mean \"%s\"?", name,
                    g.name);
    else if (e == 0)
        e = bh_fail(err, BH_NOT_FOUND,
                    "no image \"%s\" in the store; `bulkhead images` lists what there is", name);
    free(g.name);
    return e;
}

/* NAME@DIGEST finds the image of that digest under any tag of NAME; NAME:TAG@DIGEST under that tag.
 */
struct pinned {
    const struct bh_reference *wanted;
    char *name; /* the record's, once found */
};

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int match_pin(const struct bh_name_record *r, void *data, struct bh_error *err)
{
    struct pinned *p = data;
    BH_AUTO(bh_reference_freep) struct bh_reference *have = NULL;
    const struct bh_digest *pin = bh_reference_digest(p->wanted);
    const char *tag = bh_reference_tag(p->wanted);

    (void)err;
    if (!bh_digest_equal(pin, &r->root.digest) && !bh_digest_equal(pin, &r->manifest.digest))
        return 0;
    if (bh_reference_parse(r->name, strlen(r->name), &have, NULL) < 0 ||
        !same_text(bh_reference_registry(have), bh_reference_registry(p->wanted)) ||
        !same_text(bh_reference_repository(have), bh_reference_repository(p->wanted)) ||
        (tag && !same_text(bh_reference_tag(have), tag)))
        return 0;
    p->name = bh_strdup(r->name);
    return 1;
}

static int get_pinned(struct bh_store *s, const char *name, struct bh_name_record **ret,
                      struct bh_error *err)
{
    BH_AUTO(bh_reference_freep) struct bh_reference *wanted = NULL;
    struct pinned p = {.name = NULL};
    int e = bh_reference_parse(name, strlen(name), &wanted, err);

    if (e < 0)
        return e;
    p.wanted = wanted;
    if (bh_reference_digest(wanted))
        e = bh_store_each_name(s, match_pin, &p, err);
    if (e < 0)
        return e;
    e = p.name ? bh_store_get_name(s, p.name, ret, err) : not_found(s, name, err);
    free(p.name);
    return e;
}

int bh_store_get_name(struct bh_store *s, const char *name, struct bh_name_record **ret,
                      struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf full = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf file = BH_BUF_INIT(0);
    int e = canonical(name, &full, &file, err);

    if (e < 0)
        return e;
    if (faccessat(s->names_fd, bh_buf_text(&file), F_OK, 0) < 0 && errno == ENOENT)
        return get_pinned(s, bh_buf_text(&full), ret, err);
    return bh_store_read_record(s, bh_buf_text(&file), ret, err);
}

int bh_store_remove_name(struct bh_store *s, const char *name, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf full = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf file = BH_BUF_INIT(0);
    BH_AUTO(bh_closep) int lock = -1;
    int e = canonical(name, &full, &file, err);

    if (e < 0 || (e = bh_store_lock(s, LOCK_EX, &lock, err)) < 0)
        return e;
    if (unlinkat(s->names_fd, bh_buf_text(&file), 0) < 0)
        return errno == ENOENT ? not_found(s, bh_buf_text(&full), err)
                               : bh_fail_errno(err, "remove name %s", bh_buf_text(&full));
    return bh_store_fsync(s, s->names_fd, "names", err);
}

struct listing {
    struct bh_store *store;
    struct bh_name_record **records;
    size_t count, cap;
};

static int collect_record(const char *file, void *data, struct bh_error *err)
{
    struct listing *l = data;
    struct bh_name_record *r = NULL;
    int e = bh_store_read_record(l->store, file, &r, err);

    if (e == -BH_NOT_FOUND)
        return 0; /* removed since the directory was read */
    if (e < 0)
        return e;
    bh_grow(l->records, l->count, l->cap);
    l->records[l->count++] = r;
    return 0;
}

static int compare_records(const void *a, const void *b)
{
    return strcmp((*(struct bh_name_record *const *)a)->name,
                  (*(struct bh_name_record *const *)b)->name);
}

int bh_store_each_name(struct bh_store *s,
                       int (*each)(const struct bh_name_record *r, void *data,
                                   struct bh_error *err),
                       void *data, struct bh_error *err)
{
    struct listing l = {.store = s};
    int e = bh_store_each_entry(s->names_fd, collect_record, &l, err);

    if (l.count > 0)
        qsort(l.records, l.count, sizeof(struct bh_name_record *), compare_records);
    for (size_t i = 0; e == 0 && i < l.count; i++)
        e = each(l.records[i], data, err);
    for (size_t i = 0; i < l.count; i++)
        bh_name_record_free(l.records[i]);
    free(l.records);
    return e;
}
