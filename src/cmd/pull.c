/* bulkhead pull: from any source into the store. */
#include "base/json.h"
#include "cmd/target.h"

struct pull_options {
    struct bh_target_options target;
    const char *name;
    int format;
};

static const struct bh_option pull_table[] = {
    BH_TARGET_ROWS(struct pull_options, target),
    {.name = "name",
     .kind = BH_OPTION_STRING,
     .offset = offsetof(struct pull_options, name),
     .value = "NAME",
     .text = "Keep the image under this name; otherwise under the one its source states"},
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct pull_options, format),
     .value = "FORMAT",
     .choices = bh_format_names,
     .fallback = "table",
     .text = "Print the result in this form"},
    BH_OPTION_END,
};

static void show(const struct bh_call *call, const struct bh_name_record *r, int format)
{
    char digest[BH_DIGEST_TEXT_SIZE];

    bh_digest_format(&r->manifest.digest, digest);
    if (format == BH_FORMAT_JSON) {
        struct bh_json_writer w = BH_JSON_TO_STREAM(call->out->stream, 2);

        bh_json_object(&w, NULL);
        bh_json_string(&w, "schema", "bulkhead/pull/1");
        bh_json_string(&w, "name", r->name);
        bh_json_string(&w, "digest", digest);
        bh_json_end_object(&w);
        return;
    }
    fprintf(call->out->stream, "%s@%s\n", r->name, digest);
}

static int run_pull(const struct bh_call *call, struct bh_error *err)
{
    const struct pull_options *o = call->options;
    BH_AUTO(bh_target_done) struct bh_target t = BH_TARGET_INIT;
    BH_AUTO(bh_name_record_freep) struct bh_name_record *r = NULL;
    const char *text = call->operands.items[0], *name;
    int e = bh_target_open(call, &o->target, text, &t, err);

    if (e < 0)
        return e;
    name = o->name ? o->name : t.image->suggested_name;
    if (!*name)
        return bh_fail(err, BH_USAGE, "%s states no name: give it one with --name", text);
    e = bh_image_import(t.image, t.store, name, &t.options, err);
    bh_target_progress_end(&t, e == 0);
    if (e < 0)
        return bh_wrap(err, "%s", text);
    if ((e = bh_store_get_name(t.store, name, &r, err)) < 0)
        return e;
    show(call, r, o->format);
    return BH_EXIT_DONE;
}

static const struct bh_example pull_examples[] = {
    {"bulkhead pull docker://debian:12", "From a registry"},
    {"bulkhead pull oci:./layout:latest --name web:1", "From an image layout, under a name"},
    {"bulkhead pull docker-archive:web.tar", "From what docker save wrote"},
    {NULL, NULL},
};

extern const struct bh_command bh_cmd_pull;
const struct bh_command bh_cmd_pull = {
    .name = "pull",
    .group = BH_GROUP_IMAGES,
    .summary = "Bring an image into the store",
    .operands = "TARGET",
    .operands_min = 1,
    .operands_max = 1,
    .completion = BH_COMPLETE_TARGET,
    .text = "Copies manifest, configuration and layers of TARGET into the store and gives them a "
            "name. Every byte is checked against the digest that announces it; what does not match "
            "is refused, and nothing of it stays.\n"
            "No registry is assumed in names: \"nginx\" and \"docker.io/library/nginx\" are two. "
            "Only \"docker://nginx\" means Docker's registry.\n"
            "An interrupted download goes on where it broke when the command is run again.",
    .options = pull_table,
    .options_size = sizeof(struct pull_options),
    .examples = pull_examples,
    .run = run_pull,
};
