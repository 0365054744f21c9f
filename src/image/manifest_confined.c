/* Manifests and configurations read in a locked-up child; the declarations are in
 * image/manifest.h. */
#include "image/manifest.h"
#include "image/wire.h"
#include "sys/sandbox.h"

#include <string.h>

/* A list of empty strings takes 8 bytes here for 3 in JSON, the worst there is. */
#define ANSWER_MAX (4u * BH_MANIFEST_MAX)
#define TIMEOUT_MS 20000

struct document {
    const char *text, *media_type;
    size_t len;
};

static void put_annotations(struct bh_buf *b, const struct bh_annotation *list, size_t count)
{
    bh_wire_put_number(b, count);
    for (size_t i = 0; i < count; i++) {
        bh_wire_put_text(b, list[i].name);
        bh_wire_put_text(b, list[i].value);
    }
}

static struct bh_annotation *get_annotations(struct bh_wire *w, size_t *ret_count)
{
    size_t count = bh_wire_get_count(w, BH_MANIFEST_MAX);
    struct bh_annotation *list = bh_arena_alloc(w->arena, (count + 1) * sizeof *list);

    for (size_t i = 0; i < count; i++) {
        list[i].name = bh_wire_get_string(w);
        list[i].value = bh_wire_get_string(w);
    }
    *ret_count = count;
    return list;
}

static void put_descriptor(struct bh_buf *b, const struct bh_descriptor *d)
{
    bh_wire_put_text(b, d->media_type);
    bh_wire_put_digest(b, &d->digest);
    bh_wire_put_number(b, d->size_bytes);
    bh_wire_put_text(b, d->artifact_type);
    bh_wire_put_text(b, d->platform.os);
    bh_wire_put_text(b, d->platform.architecture);
    bh_wire_put_text(b, d->platform.variant);
    bh_wire_put_text(b, d->platform.os_version);
    put_annotations(b, d->annotations, d->annotation_count);
}

static void get_descriptor(struct bh_wire *w, struct bh_descriptor *d)
{
    d->media_type = bh_wire_get_string(w);
    bh_wire_get_digest(w, &d->digest);
    d->size_bytes = bh_wire_get_number(w);
    d->artifact_type = bh_wire_get_text(w);
    d->platform.os = bh_wire_get_text(w);
    d->platform.architecture = bh_wire_get_text(w);
    d->platform.variant = bh_wire_get_text(w);
    d->platform.os_version = bh_wire_get_text(w);
    d->annotations = get_annotations(w, &d->annotation_count);
    if (!bh_digest_is_set(&d->digest))
        w->bad = true;
}

static int manifest_work(void *arg, struct bh_buf *out, struct bh_error *err)
{
    const struct document *doc = arg;
    struct bh_manifest *m = NULL;
    struct bh_buf flat = BH_BUF_INIT(0);
    int e = bh_manifest_parse(doc->text, doc->len, doc->media_type, &m, err);

    if (e < 0)
        return e;
    bh_wire_put_number(&flat, m->is_index);
    bh_wire_put_text(&flat, m->media_type);
    bh_wire_put_text(&flat, m->artifact_type);
    bh_wire_put_number(&flat, m->has_subject);
    if (m->has_subject)
        put_descriptor(&flat, &m->subject);
    if (!m->is_index)
        put_descriptor(&flat, &m->config);
    bh_wire_put_number(&flat, m->item_count);
    for (size_t i = 0; i < m->item_count; i++)
        put_descriptor(&flat, &m->items[i]);
    put_annotations(&flat, m->annotations, m->annotation_count);
    return bh_buf_append(out, flat.data, flat.len, err);
}

static int run(bh_sandbox_work work, const char *text, size_t len, const char *media_type,
               struct bh_buf *out, struct bh_error *err)
{
    static const struct bh_sandbox sandbox = {.cpu_seconds = 15};
    struct document doc = {text, media_type, len};

    if (len > BH_MANIFEST_MAX)
        return bh_fail(err, BH_LIMIT, "document of %zu bytes, limit %u (4 MiB)", len,
                       BH_MANIFEST_MAX);
    return bh_sandbox_run(&sandbox, work, &doc, TIMEOUT_MS, out, err);
}

static struct bh_wire wire_of(const struct bh_buf *b, struct bh_arena *arena)
{
    const unsigned char *data = (const unsigned char *)bh_buf_text(b);

    return (struct bh_wire){.at = data, .end = data + b->len, .arena = arena};
}

int bh_manifest_parse_confined(const char *text, size_t len, const char *media_type,
                               struct bh_manifest **ret, struct bh_error *err)
{
    BH_AUTO(bh_manifest_freep) struct bh_manifest *m = bh_new0(sizeof *m);
    BH_AUTO(bh_buf_done) struct bh_buf answer = BH_BUF_INIT(ANSWER_MAX);
    struct bh_wire w;
    int e = run(manifest_work, text, len, media_type, &answer, err);

    if (e < 0)
        return e;
    m->arena = bh_arena_new();
    w = wire_of(&answer, m->arena);
    m->is_index = bh_wire_get_number(&w) == 1;
    m->media_type = bh_wire_get_string(&w);
    m->artifact_type = bh_wire_get_text(&w);
    m->has_subject = bh_wire_get_number(&w) == 1;
    if (m->has_subject)
        get_descriptor(&w, &m->subject);
    if (!m->is_index)
        get_descriptor(&w, &m->config);
    m->item_count =
        bh_wire_get_count(&w, m->is_index ? BH_INDEX_ENTRIES_MAX : BH_MANIFEST_LAYERS_MAX);
    m->items = bh_arena_alloc(m->arena, (m->item_count + 1) * sizeof *m->items);
    for (size_t i = 0; i < m->item_count; i++)
        get_descriptor(&w, &m->items[i]);
    m->annotations = get_annotations(&w, &m->annotation_count);
    if ((e = bh_wire_end(&w, err)) < 0)
        return e;
    *ret = BH_TAKE(m);
    return 0;
}

static int config_work(void *arg, struct bh_buf *out, struct bh_error *err)
{
    const struct document *doc = arg;
    struct bh_oci_config *c = NULL;
    struct bh_buf flat = BH_BUF_INIT(0);
    const struct bh_image_config *i;
    int e = bh_oci_config_parse(doc->text, doc->len, &c, err);

    if (e < 0)
        return e;
    i = &c->image;
    bh_wire_put_text(&flat, i->user);
    bh_wire_put_text(&flat, i->working_dir);
    bh_wire_put_text(&flat, i->stop_signal);
    bh_wire_put_text(&flat, i->created);
    bh_wire_put_text(&flat, i->author);
    bh_wire_put_text(&flat, i->os);
    bh_wire_put_text(&flat, i->architecture);
    bh_wire_put_text(&flat, i->variant);
    bh_wire_put_number(&flat, i->has_healthcheck);
    bh_wire_put_list(&flat, i->entrypoint);
    bh_wire_put_list(&flat, i->cmd);
    bh_wire_put_list(&flat, i->env);
    bh_wire_put_list(&flat, i->exposed_ports);
    bh_wire_put_list(&flat, i->volumes);
    bh_wire_put_list(&flat, i->label_names);
    bh_wire_put_list(&flat, i->label_values);
    bh_wire_put_list(&flat, i->history);
    bh_wire_put_number(&flat, c->diff_id_count);
    for (size_t n = 0; n < c->diff_id_count; n++) {
        bh_wire_put_digest(&flat, &c->diff_ids[n]);
        bh_wire_put_text(&flat, c->layer_created_by[n]);
    }
    return bh_buf_append(out, flat.data, flat.len, err);
}

static void get_layers(struct bh_wire *w, struct bh_oci_config *c)
{
    c->diff_id_count = bh_wire_get_count(w, BH_MANIFEST_LAYERS_MAX);
    c->diff_ids = bh_arena_alloc(c->arena, (c->diff_id_count + 1) * sizeof *c->diff_ids);
    c->layer_created_by = bh_arena_alloc(c->arena, (c->diff_id_count + 1) * sizeof(char *));
    for (size_t n = 0; n < c->diff_id_count; n++) {
        bh_wire_get_digest(w, &c->diff_ids[n]);
        c->layer_created_by[n] = bh_wire_get_string(w);
        if (!bh_digest_is_set(&c->diff_ids[n]))
            w->bad = true;
    }
}

int bh_oci_config_parse_confined(const char *text, size_t len, struct bh_oci_config **ret,
                                 struct bh_error *err)
{
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *c = bh_new0(sizeof *c);
    BH_AUTO(bh_buf_done) struct bh_buf answer = BH_BUF_INIT(ANSWER_MAX);
    struct bh_image_config *i = &c->image;
    struct bh_wire w;
    int e = run(config_work, text, len, NULL, &answer, err);

    if (e < 0)
        return e;
    c->arena = bh_arena_new();
    w = wire_of(&answer, c->arena);
    i->known = true;
    i->user = bh_wire_get_string(&w);
    i->working_dir = bh_wire_get_text(&w);
    i->stop_signal = bh_wire_get_text(&w);
    i->created = bh_wire_get_text(&w);
    i->author = bh_wire_get_text(&w);
    i->os = bh_wire_get_text(&w);
    i->architecture = bh_wire_get_text(&w);
    i->variant = bh_wire_get_text(&w);
    i->has_healthcheck = bh_wire_get_number(&w) == 1;
    i->entrypoint = bh_wire_get_list(&w);
    i->cmd = bh_wire_get_list(&w);
    i->env = bh_wire_get_list(&w);
    i->exposed_ports = bh_wire_get_list(&w);
    i->volumes = bh_wire_get_list(&w);
    i->label_names = bh_wire_get_list(&w);
    i->label_values = bh_wire_get_list(&w);
    i->history = bh_wire_get_list(&w);
    get_layers(&w, c);
    if (bh_list_length(i->label_names) != bh_list_length(i->label_values))
        w.bad = true;
    if ((e = bh_wire_end(&w, err)) < 0)
        return e;
    *ret = BH_TAKE(c);
    return 0;
}
