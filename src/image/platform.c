/* Platforms and the choice of an index's entry; the declarations are in image/manifest.h. */
#include "image/manifest.h"

#include <string.h>

#define PART_MAX 64u /* bytes of an os, architecture or variant given by the user */

#if defined(__x86_64__)
#define HOST_ARCHITECTURE "amd64"
#define HOST_VARIANT NULL
#elif defined(__aarch64__)
#define HOST_ARCHITECTURE "arm64"
#define HOST_VARIANT "v8"
#else
#error "an architecture nobody has tried: add its OCI name"
#endif

struct bh_platform bh_platform_host(void)
{
    return (struct bh_platform){.os = "linux",
                                .architecture = HOST_ARCHITECTURE,
                                .variant = HOST_VARIANT};
}

static bool part_is_valid(const char *text, size_t len)
{
    if (len == 0 || len > PART_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'))
            return false;
    }
    return true;
}

int bh_platform_parse(const char *text, struct bh_arena *arena, struct bh_platform *ret,
                      struct bh_error *err)
{
    const char *parts[3] = {NULL, NULL, NULL};
    const char *at = text;

    for (size_t i = 0; i < BH_COUNT_OF(parts); i++) {
        size_t len = strcspn(at, "/");

        if (!part_is_valid(at, len))
            return bh_fail(err, BH_INVALID,
                           "platform \"%.200s\": bad part at byte %zu; write OS/ARCHITECTURE or "
                           "OS/ARCHITECTURE/VARIANT, as in linux/arm64/v8",
                           text, (size_t)(at - text));
        parts[i] = bh_arena_strndup(arena, at, len);
        at += len;
        if (!*at)
            break;
        at++;
        if (i == 2)
            return bh_fail(err, BH_INVALID, "platform \"%.200s\" has more than three parts", text);
    }
    if (!parts[1])
        return bh_fail(err, BH_INVALID,
                       "platform \"%.200s\" has no architecture; write it as in linux/amd64", text);
    *ret = (struct bh_platform){.os = parts[0], .architecture = parts[1], .variant = parts[2]};
    return 0;
}

void bh_platform_format(const struct bh_platform *p, struct bh_buf *out)
{
    if (!p->os && !p->architecture) {
        bh_buf_puts(out, "unknown");
        return;
    }
    bh_buf_printf(out, "%s/%s", p->os ? p->os : "?", p->architecture ? p->architecture : "?");
    if (p->variant)
        bh_buf_printf(out, "/%s", p->variant);
}

/* "v7" is 7; an absent variant is what the architecture means without one; others are -1. */
static int variant_level(const char *architecture, const char *variant)
{
    if (!variant || !*variant)
        return strcmp(architecture, "arm") == 0 ? 7 : strcmp(architecture, "arm64") == 0 ? 8 : 1;
    if (variant[0] == 'v' && variant[1] >= '0' && variant[1] <= '9' && !variant[2])
        return variant[1] - '0';
    return -1;
}

/* How far an entry is from what is wanted: 0 the same, higher is older, -1 cannot run. */
static int distance(const struct bh_platform *wanted, const struct bh_platform *entry)
{
    int have, want;

    if (!entry->os || !entry->architecture || strcmp(entry->os, wanted->os) != 0 ||
        strcmp(entry->architecture, wanted->architecture) != 0)
        return -1;
    have = variant_level(entry->architecture, entry->variant);
    want = variant_level(wanted->architecture, wanted->variant);
    if (have < 0 || want < 0)
        return entry->variant && wanted->variant && strcmp(entry->variant, wanted->variant) == 0
                   ? 0
                   : -1;
    return have <= want ? want - have : -1;
}

static int none_fits(const struct bh_manifest *index, const struct bh_platform *wanted,
                     struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);

    bh_buf_puts(&text, "no image for ");
    bh_platform_format(wanted, &text);
    bh_buf_puts(&text, index->item_count ? ", there are: " : ", the index is empty");
    for (size_t i = 0; i < index->item_count && text.len < 300; i++) {
        if (i > 0)
            bh_buf_puts(&text, ", ");
        bh_platform_format(&index->items[i].platform, &text);
    }
    return bh_fail(err, BH_NOT_FOUND, "%s%s", bh_buf_text(&text),
                   index->item_count ? "; choose one with --platform" : "");
}

int bh_index_choose(const struct bh_manifest *index, const struct bh_platform *wanted,
                    const struct bh_descriptor **ret, struct bh_error *err)
{
    const struct bh_descriptor *best = NULL, *first_without = NULL;
    int best_distance = 0;
    bool any_stated = false;

    for (size_t i = 0; i < index->item_count; i++) {
        const struct bh_descriptor *d = &index->items[i];
        int far;

        if (!d->platform.os && !d->platform.architecture) {
            if (!first_without)
                first_without = d;
            continue;
        }
        any_stated = true;
        far = distance(wanted, &d->platform);
        if (far >= 0 && (!best || far < best_distance)) {
            best = d;
            best_distance = far;
        }
    }
    if (!best && !any_stated)
        best = first_without;
    if (!best)
        return none_fits(index, wanted, err);
    *ret = best;
    return 0;
}
