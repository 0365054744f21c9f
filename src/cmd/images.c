/* bulkhead images, bulkhead rmi, bulkhead gc: what is in the store. */
#include "base/json.h"
#include "base/mem.h"
#include "cmd/command.h"
#include "image/store.h"

#include <string.h>

struct images_options {
    int format;
    bool quiet;
};

#define FORMAT_ROW(type)                                                                           \
    {                                                                                              \
        .name = "format", .kind = BH_OPTION_CHOICE, .offset = offsetof(type, format),              \
        .value = "FORMAT", .choices = bh_format_names, .fallback = "table",                        \
        .text = "Print the result in this form"                                                    \
    }

/* ---- images ---- */

static const struct bh_option images_table[] = {
    FORMAT_ROW(struct images_options),
    {
        .name = "quiet",
        .letter = 'q',
        .kind = BH_OPTION_FLAG,
        .offset = offsetof(struct images_options, quiet),
        .text = "Print the names alone, one a line",
    },
    BH_OPTION_END,
};

static uint64_t size_of(const struct bh_name_record *r)
{
    uint64_t size = r->manifest.size_bytes + r->config.size_bytes;

    for (size_t i = 0; i < r->layer_count; i++)
        size += r->layers[i].blob.size_bytes;
    return size;
}

static int add_row(const struct bh_name_record *r, void *data, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf platform = BH_BUF_INIT(0);
    char hex[BH_DIGEST_TEXT_SIZE], bytes[16];
    struct bh_table *t = data;

    (void)err;
    bh_platform_format(&r->platform, &platform);
    bh_table_cell(t, BH_BOLD, r->name);
    bh_table_cellf(t, BH_PLAIN, "%.12s", bh_digest_hex(&r->manifest.digest, hex));
    bh_table_cell(t, BH_PLAIN, bh_buf_text(&platform));
    bh_table_cellf(t, BH_PLAIN, "%zu", r->layer_count);
    bh_table_cell(t, BH_PLAIN, bh_text_bytes(size_of(r), bytes));
    bh_table_cell(t, BH_DIM, r->imported);
    return 0;
}

static int add_object(const struct bh_name_record *r, void *data, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf platform = BH_BUF_INIT(0);
    char digest[BH_DIGEST_TEXT_SIZE];
    struct bh_json_writer *w = data;

    (void)err;
    bh_platform_format(&r->platform, &platform);
    bh_json_object(w, NULL);
    bh_json_string(w, "name", r->name);
    bh_json_string(w, "digest", bh_digest_format(&r->manifest.digest, digest));
    bh_json_string(w, "media_type", r->manifest.media_type);
    bh_json_string(w, "platform", bh_buf_text(&platform));
    bh_json_int(w, "size_bytes", (int64_t)size_of(r));
    bh_json_string(w, "source", r->source);
    bh_json_string(w, "imported", r->imported);
    bh_json_array(w, "layers");
    for (size_t i = 0; i < r->layer_count; i++) {
        const struct bh_record_layer *l = &r->layers[i];

        bh_json_object(w, NULL);
        bh_json_string(w, "digest", bh_digest_format(&l->blob.digest, digest));
        if (bh_digest_is_set(&l->diff_id))
            bh_json_string(w, "diff_id", bh_digest_format(&l->diff_id, digest));
        bh_json_string(w, "media_type", l->blob.media_type);
        bh_json_int(w, "size_bytes", (int64_t)l->blob.size_bytes);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
    bh_json_end_object(w);
    return 0;
}

static int list_json(const struct bh_call *call, struct bh_store *s, struct bh_error *err)
{
    struct bh_json_writer w = BH_JSON_TO_STREAM(call->out->stream, 2);
    int e;

    bh_json_object(&w, NULL);
    bh_json_string(&w, "schema", "bulkhead/images/1");
    bh_json_array(&w, "images");
    e = s ? bh_store_each_name(s, add_object, &w, err) : 0;
    bh_json_end_array(&w);
    bh_json_end_object(&w);
    return e;
}

static int list_table(const struct bh_call *call, struct bh_store *s, struct bh_error *err)
{
    static const struct bh_column columns[] = {
        {"NAME", BH_COLUMN_WRAP},    {"DIGEST", BH_COLUMN_LEFT}, {"PLATFORM", BH_COLUMN_LEFT},
        {"LAYERS", BH_COLUMN_RIGHT}, {"SIZE", BH_COLUMN_RIGHT},  {"IMPORTED", BH_COLUMN_LEFT},
    };
    BH_AUTO(bh_table_freep)
    struct bh_table *t = bh_table_new(columns, BH_COUNT_OF(columns));
    int e = s ? bh_store_each_name(s, add_row, t, err) : 0;

    if (e == 0)
        bh_table_print(t, call->out);
    return e;
}

static int print_name(const struct bh_name_record *r, void *data, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf safe = BH_BUF_INIT(0);

    (void)err;
    bh_text_safe(&safe, r->name);
    fprintf(data, "%s\n", bh_buf_text(&safe));
    return 0;
}

/* No store yet is an empty one; *ret is NULL then. */
static int open_existing(const struct bh_call *call, struct bh_store **ret, struct bh_error *err)
{
    int e = bh_store_open(call->root, false, ret, err);

    return e == -BH_NOT_FOUND ? 0 : e;
}

static int run_images(const struct bh_call *call, struct bh_error *err)
{
    const struct images_options *o = call->options;
    BH_AUTO(bh_store_closep) struct bh_store *s = NULL;
    int e = open_existing(call, &s, err);

    if (e == 0 && o->quiet)
        e = s ? bh_store_each_name(s, print_name, call->out->stream, err) : 0;
    else if (e == 0)
        e = o->format == BH_FORMAT_JSON ? list_json(call, s, err) : list_table(call, s, err);
    return e < 0 ? e : BH_EXIT_DONE;
}

static const struct bh_example images_examples[] = {
    {"bulkhead images", "Names, digests and sizes"},
    {"bulkhead images --format json", "The same with layers, for programs"},
    {NULL, NULL},
};

extern const struct bh_command bh_cmd_images;
const struct bh_command bh_cmd_images = {
    .name = "images",
    .group = BH_GROUP_IMAGES,
    .summary = "List the images in the store",
    .text = "The size is that of the compressed layers; images share the layers they have in "
            "common.",
    .options = images_table,
    .options_size = sizeof(struct images_options),
    .examples = images_examples,
    .run = run_images,
};

/* ---- gc ---- */

struct gc_options {
    int format;
    bool all, verify;
};

static const struct bh_option gc_table[] = {
    FORMAT_ROW(struct gc_options),
    {.name = "all",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct gc_options, all),
     .text = "Remove interrupted downloads of the last 24 hours as well"},
    {.name = "verify",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct gc_options, verify),
     .text = "Hash everything that stays, and remove what is damaged"},
    BH_OPTION_END,
};

static void show_result(const struct bh_call *call, const struct bh_gc_result *r, int format)
{
    char bytes[16];

    if (format == BH_FORMAT_JSON) {
        struct bh_json_writer w = BH_JSON_TO_STREAM(call->out->stream, 2);

        bh_json_object(&w, NULL);
        bh_json_string(&w, "schema", "bulkhead/gc/1");
        bh_json_int(&w, "blobs", (int64_t)r->blobs);
        bh_json_int(&w, "bytes", (int64_t)r->bytes);
        bh_json_int(&w, "layers", (int64_t)r->layers);
        bh_json_int(&w, "temporaries", (int64_t)r->temporaries);
        bh_json_int(&w, "damaged", (int64_t)r->damaged);
        bh_json_int(&w, "busy_layers", (int64_t)r->busy_layers);
        bh_json_int(&w, "cached", (int64_t)r->cached);
        bh_json_end_object(&w);
        return;
    }
    fprintf(call->out->stream,
            "removed %llu blobs (%s), %llu unpacked layers, %llu temporary files\n",
            (unsigned long long)r->blobs, bh_text_bytes(r->bytes, bytes),
            (unsigned long long)r->layers, (unsigned long long)r->temporaries);
    if (r->busy_layers)
        fprintf(call->out->stream, "%llu unpacked layers without a name are in use and stay\n",
                (unsigned long long)r->busy_layers);
}

static int run_gc(const struct bh_call *call, struct bh_error *err)
{
    const struct gc_options *o = call->options;
    const struct bh_gc_options how = {.with_partials = o->all, .verify = o->verify};
    BH_AUTO(bh_store_closep) struct bh_store *s = NULL;
    struct bh_gc_result r = {0};
    int e = open_existing(call, &s, err);

    if (e == 0 && s)
        e = bh_store_collect(s, &how, &r, err);
    if (e < 0)
        return e;
    show_result(call, &r, o->format);
    if (r.damaged)
        return bh_fail(err, BH_CORRUPT,
                       "%llu blobs were damaged and are removed: pull their images "
                       "again",
                       (unsigned long long)r.damaged);
    return BH_EXIT_DONE;
}

static const struct bh_example gc_examples[] = {
    {"bulkhead gc", "Frees what no image needs any more"},
    {"bulkhead gc --verify", "Finds damage on the disk, too"},
    {NULL, NULL},
};

extern const struct bh_command bh_cmd_gc;
const struct bh_command bh_cmd_gc = {
    .name = "gc",
    .group = BH_GROUP_IMAGES,
    .summary = "Free what no image in the store needs",
    .text = "Removes blobs and unpacked layers that belong to no name, and what broken-off "
            "commands left. Layers of running containers and whatever another command is just "
            "bringing in stay. Safe at any time, beside any other command.",
    .options = gc_table,
    .options_size = sizeof(struct gc_options),
    .examples = gc_examples,
    .run = run_gc,
};

/* ---- rmi ---- */

struct rmi_options {
    bool keep;
};

static const struct bh_option rmi_table[] = {
    {.name = "keep-blobs",
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct rmi_options, keep),
     .text = "Remove the name only; `bulkhead gc` frees the rest later"},
    BH_OPTION_END,
};

static int run_rmi(const struct bh_call *call, struct bh_error *err)
{
    const struct rmi_options *o = call->options;
    const struct bh_gc_options how = {.verify = false};
    BH_AUTO(bh_store_closep) struct bh_store *s = NULL;
    struct bh_gc_result r;
    int e = open_existing(call, &s, err);

    if (e < 0)
        return e;
    for (size_t i = 0; i < call->operands.count; i++) {
        const char *name = call->operands.items[i];

        if (!s)
            return bh_fail(err, BH_NOT_FOUND, "no image \"%.200s\": there is no store yet", name);
        if ((e = bh_store_remove_name(s, name, err)) < 0)
            return e;
        fprintf(call->out->stream, "removed %s\n", name);
    }
    if (o->keep)
        return BH_EXIT_DONE;
    e = bh_store_collect(s, &how, &r, err);
    return e < 0 ? e : BH_EXIT_DONE;
}

static const struct bh_example rmi_examples[] = {
    {"bulkhead rmi web:1", "Removes the name and what only it needed"},
    {NULL, NULL},
};

extern const struct bh_command bh_cmd_rmi;
const struct bh_command bh_cmd_rmi = {
    .name = "rmi",
    .group = BH_GROUP_IMAGES,
    .summary = "Remove images from the store",
    .operands = "NAME...",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .completion = BH_COMPLETE_TARGET,
    .text = "Removes the names and then, as `bulkhead gc` does, what no other name needs. Running "
            "containers keep their layers until they end.",
    .options = rmi_table,
    .options_size = sizeof(struct rmi_options),
    .examples = rmi_examples,
    .run = run_rmi,
};
