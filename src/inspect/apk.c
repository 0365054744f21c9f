#include "inspect/apk.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

enum { NAME, VERSION, ARCHITECTURE, ORIGIN, LICENSE, FIELD_COUNT };
static const char field_letters[FIELD_COUNT] = {
    [NAME] = 'P', [VERSION] = 'V', [ARCHITECTURE] = 'A', [ORIGIN] = 'o', [LICENSE] = 'L'};

struct bh_apk {
    struct bh_package_listener listener;
    struct bh_lines lines;
    uint64_t line_number;
    bool in_stanza;
    char fields[FIELD_COUNT][2 * (BH_PACKAGE_TEXT_MAX + 1)];
};

static int finish_stanza(struct bh_apk *a, struct bh_error *err)
{
    char(*f)[2 * (BH_PACKAGE_TEXT_MAX + 1)] = a->fields;
    struct bh_found_package p = {
        .name = f[NAME],
        .version = f[VERSION],
        .source_name = *f[ORIGIN] ? f[ORIGIN] : f[NAME],
        .source_version = f[VERSION],
        .architecture = f[ARCHITECTURE],
        .license = f[LICENSE],
    };
    int r;

    if (!a->in_stanza)
        return 0;
    a->in_stanza = false;
    if (!bh_package_text_ok(p.name) || !bh_package_text_ok(p.version) ||
        !bh_package_text_ok(p.source_name) ||
        (*p.architecture && !bh_package_text_ok(p.architecture)))
        return bh_fail(err, BH_INVALID, "stanza that ends at line %llu: no usable name and version",
                       (unsigned long long)a->line_number);
    r = a->listener.found(a->listener.self, &p, err);
    memset(a->fields, 0, sizeof a->fields);
    return r;
}

static int take_line(void *self, const char *text, size_t len, bool cut, struct bh_error *err)
{
    struct bh_apk *a = self;

    a->line_number++;
    if (len == 0)
        return finish_stanza(a, err);
    a->in_stanza = true;
    if (len < 2 || text[1] != ':')
        return bh_fail(err, BH_INVALID, "line %llu: not of the form X:value",
                       (unsigned long long)a->line_number);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (text[0] != field_letters[i])
            continue;
        if (cut || !bh_package_text_copy(a->fields[i], sizeof a->fields[i], text + 2, len - 2))
            return bh_fail(err, BH_INVALID, "line %llu: too long or with NUL",
                           (unsigned long long)a->line_number);
    }
    return 0;
}

struct bh_apk *bh_apk_new(struct bh_package_listener listener)
{
    struct bh_apk *a = bh_new0(sizeof *a);

    a->listener = listener;
    a->lines = (struct bh_lines){.line = take_line, .self = a};
    return a;
}

void bh_apk_free(struct bh_apk *a)
{
    if (!a)
        return;
    bh_lines_done(&a->lines);
    bh_freep(&a);
}

int bh_apk_feed(struct bh_apk *a, const void *data, size_t len, struct bh_error *err)
{
    return bh_lines_feed(&a->lines, data, len, err);
}

int bh_apk_end(struct bh_apk *a, struct bh_error *err)
{
    int r = bh_lines_end(&a->lines, err);

    return r < 0 ? r : finish_stanza(a, err);
}
