/* Facts that are known once an image is open; the declaration is in image/source.h. */
#include "image/source.h"

static void describe_config(const struct bh_image *i, struct bh_facts *f)
{
    const struct bh_image_config *from = &i->config->image;
    struct bh_image_config *to = &f->config;

    *to = *from;
    to->user = bh_arena_strdup(f->arena, from->user);
    to->entrypoint = bh_facts_list(f, from->entrypoint);
    to->cmd = bh_facts_list(f, from->cmd);
    to->env = bh_facts_list(f, from->env);
    to->exposed_ports = bh_facts_list(f, from->exposed_ports);
    to->volumes = bh_facts_list(f, from->volumes);
    to->label_names = bh_facts_list(f, from->label_names);
    to->label_values = bh_facts_list(f, from->label_values);
    to->history = bh_facts_list(f, from->history);
#define COPY(member) to->member = from->member ? bh_arena_strdup(f->arena, from->member) : NULL
    COPY(working_dir);
    COPY(stop_signal);
    COPY(created);
    COPY(author);
    COPY(os);
    COPY(architecture);
    COPY(variant);
#undef COPY
}

static const char *digest_text(struct bh_facts *f, const struct bh_digest *d)
{
    char text[BH_DIGEST_TEXT_SIZE];

    return bh_digest_is_set(d) ? bh_arena_strdup(f->arena, bh_digest_format(d, text)) : "";
}

void bh_image_describe(const struct bh_image *i, struct bh_facts *f)
{
    f->target.kind = i->kind;
    f->target.reference = bh_arena_strdup(f->arena, i->reference);
    f->target.digest = digest_text(f, &i->manifest.digest);
    if (i->config)
        describe_config(i, f);
    for (size_t n = 0; n < i->layer_count; n++) {
        struct bh_layer_fact *layer = bh_facts_add_layer(f);

        layer->digest = digest_text(f, &i->layers[n].blob.digest);
        layer->diff_id = digest_text(f, &i->layers[n].diff_id);
        layer->media_type = bh_arena_strdup(f->arena, i->layers[n].blob.media_type);
        layer->created_by = bh_arena_strdup(f->arena, i->layers[n].created_by);
        layer->size_bytes = i->layers[n].blob.size_bytes;
    }
}
