#include "fact/facts.h"

#include "fact/derived.h"

#include <stdlib.h>
#include <string.h>

static const char *const empty_list[] = {NULL};

struct bh_facts *bh_facts_new(void)
{
    struct bh_facts *f = bh_new0(sizeof *f);

    f->arena = bh_arena_new();
    f->derived = bh_arena_alloc(f->arena, sizeof *f->derived);
    f->target.kind = f->target.reference = f->target.digest = "";
    f->config = (struct bh_image_config){
        .user = "",
        .working_dir = "",
        .stop_signal = "",
        .os = "",
        .architecture = "",
        .variant = "",
        .entrypoint = empty_list,
        .cmd = empty_list,
        .env = empty_list,
        .exposed_ports = empty_list,
        .volumes = empty_list,
        .label_names = empty_list,
        .label_values = empty_list,
        .history = empty_list,
    };
    return f;
}

void bh_facts_free(struct bh_facts *f)
{
    if (!f)
        return;
    free(f->layers);
    free(f->packages);
    free(f->vulnerabilities);
    free(f->findings);
    free(f->coverage);
    free(f->sources);
    bh_arena_free(f->arena);
    free(f);
}

struct bh_layer_fact *bh_facts_add_layer(struct bh_facts *f)
{
    bh_grow(f->layers, f->layer_count, f->layer_cap);
    f->layers[f->layer_count] =
        (struct bh_layer_fact){.digest = "", .diff_id = "", .media_type = "", .created_by = ""};
    return &f->layers[f->layer_count++];
}

struct bh_package *bh_facts_add_package(struct bh_facts *f)
{
    bh_grow(f->packages, f->package_count, f->package_cap);
    f->packages[f->package_count] = (struct bh_package){.layer = BH_LAYER_NONE};
    return &f->packages[f->package_count++];
}

struct bh_vulnerability *bh_facts_add_vulnerability(struct bh_facts *f)
{
    bh_grow(f->vulnerabilities, f->vulnerability_count, f->vulnerability_cap);
    f->vulnerabilities[f->vulnerability_count] = (struct bh_vulnerability){.aliases = empty_list};
    return &f->vulnerabilities[f->vulnerability_count++];
}

struct bh_finding *bh_facts_add_finding(struct bh_facts *f)
{
    bh_grow(f->findings, f->finding_count, f->finding_cap);
    f->findings[f->finding_count] = (struct bh_finding){.layer = BH_LAYER_NONE};
    return &f->findings[f->finding_count++];
}

struct bh_coverage *bh_facts_add_coverage(struct bh_facts *f)
{
    bh_grow(f->coverage, f->coverage_count, f->coverage_cap);
    f->coverage[f->coverage_count] = (struct bh_coverage){.layer = BH_LAYER_NONE};
    return &f->coverage[f->coverage_count++];
}

struct bh_advisory_source *bh_facts_add_source(struct bh_facts *f)
{
    bh_grow(f->sources, f->source_count, f->source_cap);
    f->sources[f->source_count] = (struct bh_advisory_source){0};
    return &f->sources[f->source_count++];
}

size_t bh_list_length(const char *const *items)
{
    size_t n = 0;

    while (items[n])
        n++;
    return n;
}

const char *const *bh_facts_list(struct bh_facts *f, const char *const *items)
{
    size_t count = items ? bh_list_length(items) : 0;
    const char **copy;

    if (count == 0)
        return empty_list;
    copy = bh_arena_alloc(f->arena, (count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = bh_arena_strdup(f->arena, items[i]);
    return copy;
}

bool bh_coverage_covers(const char *subject, const char *asked)
{
    static const struct {
        const char *above, *below;
    } order[] = {
        {BH_SUBJECT_FILES, BH_SUBJECT_PACKAGES},  {BH_SUBJECT_FILES, BH_SUBJECT_VULNERABILITIES},
        {BH_SUBJECT_FILES, BH_SUBJECT_FINDINGS},  {BH_SUBJECT_PACKAGES, BH_SUBJECT_VULNERABILITIES},
        {BH_SUBJECT_CONFIG, BH_SUBJECT_FINDINGS},
    };

    if (strcmp(subject, asked) == 0)
        return true;
    for (size_t i = 0; i < BH_COUNT_OF(order); i++)
        if (strcmp(subject, order[i].above) == 0 && strcmp(asked, order[i].below) == 0)
            return true;
    return false;
}

bool bh_facts_is_blind(const struct bh_facts *f, const char *subject)
{
    for (size_t i = 0; i < f->coverage_count; i++)
        if (f->coverage[i].blind && bh_coverage_covers(f->coverage[i].subject, subject))
            return true;
    return false;
}

void bh_facts_not_covered(struct bh_facts *f, const char *subject, const char *path, uint32_t layer,
                          bool blind, const char *reason)
{
    struct bh_coverage *c = bh_facts_add_coverage(f);

    c->subject = subject;
    c->path = path ? bh_arena_strdup(f->arena, path) : NULL;
    c->layer = layer;
    c->blind = blind;
    c->reason = reason;
}

bool bh_image_config_is_root(const struct bh_image_config *c)
{
    const char *user = c->user;
    size_t len = strcspn(user, ":");

    if (!c->known || len == 0)
        return true;
    if (len == 4 && memcmp(user, "root", 4) == 0)
        return true;
    return strspn(user, "0") == len;
}
