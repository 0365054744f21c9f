#include "inspect/rpm_header.h"

#include <stdio.h>
#include <string.h>

enum { TYPE_INT32 = 4, TYPE_STRING = 6, TYPE_STRING_ARRAY = 8, TYPE_I18N_STRING = 9 };
enum {
    TAG_NAME = 1000,
    TAG_VERSION = 1001,
    TAG_RELEASE = 1002,
    TAG_EPOCH = 1003,
    TAG_LICENSE = 1014,
    TAG_ARCHITECTURE = 1022,
    TAG_SOURCE_RPM = 1044,
};
#define PREAMBLE_SIZE 8u
#define ENTRY_SIZE 16u

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct entry {
    uint32_t tag, type, offset, count;
};

/* The string of an entry when it is one and ends inside the data. */
static const char *string_at(const struct entry *e, const uint8_t *data, size_t data_len)
{
    if (e->type != TYPE_STRING && e->type != TYPE_STRING_ARRAY && e->type != TYPE_I18N_STRING)
        return NULL;
    if (e->count == 0 || e->offset >= data_len)
        return NULL;
    if (!memchr(data + e->offset, '\0', data_len - e->offset))
        return NULL;
    return (const char *)data + e->offset;
}

static int take_entry(const struct entry *e, const uint8_t *data, size_t data_len,
                      struct bh_rpm_header *h, struct bh_error *err)
{
    const struct {
        uint32_t tag;
        const char **to;
    } strings[] = {
        {TAG_NAME, &h->name},       {TAG_VERSION, &h->version},
        {TAG_RELEASE, &h->release}, {TAG_ARCHITECTURE, &h->architecture},
        {TAG_LICENSE, &h->license}, {TAG_SOURCE_RPM, &h->source_rpm},
    };

    for (size_t i = 0; i < BH_COUNT_OF(strings); i++) {
        if (strings[i].tag != e->tag)
            continue;
        *strings[i].to = string_at(e, data, data_len);
        if (!*strings[i].to)
            return bh_fail(err, BH_INVALID, "rpm header: tag %u is no string inside the data",
                           e->tag);
    }
    if (e->tag == TAG_EPOCH) {
        if (e->type != TYPE_INT32 || e->count == 0 || data_len < 4 || e->offset > data_len - 4)
            return bh_fail(err, BH_INVALID, "rpm header: epoch is no number inside the data");
        h->epoch = be32(data + e->offset);
        h->has_epoch = true;
    }
    return 0;
}

int bh_rpm_header_parse(const void *data, size_t len, struct bh_rpm_header *ret,
                        struct bh_error *err)
{
    const uint8_t *bytes = data;
    struct bh_rpm_header h = {0};
    size_t index_count, data_len, index_len;

    if (len < PREAMBLE_SIZE || len > BH_RPM_HEADER_MAX)
        return bh_fail(err, BH_INVALID, "rpm header of %zu bytes", len);
    index_count = be32(bytes);
    data_len = be32(bytes + 4);
    if (index_count > (len - PREAMBLE_SIZE) / ENTRY_SIZE)
        return bh_fail(err, BH_INVALID, "rpm header: %zu index entries in %zu bytes", index_count,
                       len);
    index_len = index_count * ENTRY_SIZE;
    if (data_len > len - PREAMBLE_SIZE - index_len)
        return bh_fail(err, BH_INVALID, "rpm header: %zu bytes of data in %zu bytes", data_len,
                       len);
    for (size_t i = 0; i < index_count; i++) {
        const uint8_t *at = bytes + PREAMBLE_SIZE + i * ENTRY_SIZE;
        struct entry e = {be32(at), be32(at + 4), be32(at + 8), be32(at + 12)};
        int r = take_entry(&e, bytes + PREAMBLE_SIZE + index_len, data_len, &h, err);

        if (r < 0)
            return r;
    }
    if (!h.name || !h.version || !*h.version || !h.release || !*h.release)
        return bh_fail(err, BH_INVALID, "rpm header: no name, version or release");
    *ret = h;
    return 0;
}

/* "bash-5.1.8-6.el9.src.rpm" into "bash" and "5.1.8-6.el9"; false when it has no such form. */
static bool split_source(const char *source_rpm, char *name, size_t size, const char **version)
{
    static const char *const endings[] = {".src.rpm", ".nosrc.rpm"};
    size_t len;
    char *release, *dash;

    if (!bh_package_text_copy(name, size, source_rpm, strlen(source_rpm)))
        return false;
    len = strlen(name);
    for (size_t i = 0; i < BH_COUNT_OF(endings); i++) {
        size_t n = strlen(endings[i]);

        if (len > n && strcmp(name + len - n, endings[i]) == 0)
            name[len - n] = '\0';
    }
    release = strrchr(name, '-');
    if (!release || release == name)
        return false;
    dash = memrchr(name, '-', (size_t)(release - name));
    if (!dash || dash == name)
        return false;
    *dash = '\0';
    *version = dash + 1;
    return true;
}

/* "epoch:version-release"; false when it is too long or no version. */
static bool make_evr(const struct bh_rpm_header *h, char *evr, size_t size)
{
    int n = h->has_epoch ? snprintf(evr, size, "%u:%s-%s", h->epoch, h->version, h->release)
                         : snprintf(evr, size, "%s-%s", h->version, h->release);

    return n > 0 && (size_t)n < size && bh_package_text_ok(evr);
}

int bh_rpm_header_tell(const struct bh_rpm_header *h, const struct bh_package_listener *to,
                       struct bh_error *err)
{
    char evr[BH_PACKAGE_TEXT_MAX + 1], source[BH_PACKAGE_TEXT_MAX + 1];
    const char *source_version = NULL;
    struct bh_found_package p = {
        .name = h->name,
        .version = evr,
        .source_name = h->name,
        .source_version = evr,
        .architecture = h->architecture ? h->architecture : "",
        .license = h->license && strlen(h->license) <= 2 * BH_PACKAGE_TEXT_MAX ? h->license : "",
    };

    if (strcmp(h->name, "gpg-pubkey") == 0)
        return 0;
    if (!make_evr(h, evr, sizeof evr) || !bh_package_text_ok(h->name) ||
        (*p.architecture && !bh_package_text_ok(p.architecture)))
        return bh_fail(err, BH_INVALID, "rpm header: no usable name and version");
    if (h->source_rpm && split_source(h->source_rpm, source, sizeof source, &source_version) &&
        bh_package_text_ok(source) && bh_package_text_ok(source_version)) {
        p.source_name = source;
        p.source_version = source_version;
    }
    return to->found(to->self, &p, err);
}
