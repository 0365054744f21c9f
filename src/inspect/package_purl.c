#include "inspect/package_purl.h"

#include "inspect/purl.h"

#include <string.h>

/* The vendor's name where it differs from os-release's ID. */
static const char *namespace_of(const struct bh_package *p, const struct bh_distribution *d)
{
    static const struct {
        const char *id, *namespace;
    } known[] = {{"rhel", "redhat"},
                 {"opensuse-leap", "opensuse"},
                 {"opensuse-tumbleweed", "opensuse"},
                 {"sles", "suse"},
                 {"amzn", "amazon"},
                 {"ol", "oracle"}};

    if (!d->id)
        return strcmp(p->type, "apk") == 0 ? "alpine" : NULL;
    for (size_t i = 0; i < BH_COUNT_OF(known); i++)
        if (strcmp(d->id, known[i].id) == 0)
            return known[i].namespace;
    return d->id;
}

const char *bh_package_purl(const struct bh_package *p, const struct bh_distribution *d,
                            struct bh_arena *arena)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_purl url = {
        .type = p->type, .namespace = namespace_of(p, d), .name = p->name, .version = p->version};
    const char *colon = strchr(p->version, ':');

    if (strcmp(p->type, "rpm") == 0 && colon) {
        url.version = colon + 1;
        url.qualifiers[url.qualifier_count++] =
            (struct bh_purl_qualifier){"epoch", bh_arena_strndup(arena, p->version,
                                                                 (size_t)(colon - p->version))};
    }
    if (*p->architecture)
        url.qualifiers[url.qualifier_count++] = (struct bh_purl_qualifier){"arch", p->architecture};
    if (d->id)
        url.qualifiers[url.qualifier_count++] = (struct bh_purl_qualifier){
            "distro",
            d->version_id ? bh_arena_format(arena, "%s-%s", d->id, d->version_id) : d->id};
    if (bh_purl_format(&url, &out, NULL) < 0)
        return "";
    return bh_arena_strndup(arena, out.data, out.len);
}
