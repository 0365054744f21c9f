#include "inspect/dpkg.h"

#include "base/mem.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { NAME, STATUS, VERSION, SOURCE, ARCHITECTURE, FIELD_COUNT };
static const char *const field_names[FIELD_COUNT] = {
    [NAME] = "Package",
    [STATUS] = "Status",
    [VERSION] = "Version",
    [SOURCE] = "Source",
    [ARCHITECTURE] = "Architecture",
};

struct bh_dpkg {
    struct bh_package_listener listener;
    struct bh_lines lines;
    uint64_t line_number;
    bool in_stanza;
    char fields[FIELD_COUNT][2 * (BH_PACKAGE_TEXT_MAX + 1)];
};

/* "install ok installed": want, flag, state. */
static bool has_files(const char *status)
{
    const char *state = strrchr(status, ' ');

    if (!*status)
        return true;
    state = state ? state + 1 : status;
    return strcmp(state, "not-installed") != 0 && strcmp(state, "config-files") != 0;
}

/* "name (version)" or "name"; both default to the binary package's. */
static bool split_source(char *source, const char **name, const char **version)
{
    char *open = strchr(source, '('), *close;

    if (!*source)
        return true;
    *name = source;
    if (!open)
        return true;
    close = strchr(open, ')');
    if (!close || open == source)
        return false;
    *close = '\0';
    *version = open + 1;
    do
        *open-- = '\0';
    while (open > source && *open == ' ');
    return true;
}

static int finish_stanza(struct bh_dpkg *d, struct bh_error *err)
{
    struct bh_found_package p = {
        .name = d->fields[NAME],
        .version = d->fields[VERSION],
        .source_name = d->fields[NAME],
        .source_version = d->fields[VERSION],
        .architecture = d->fields[ARCHITECTURE],
        .license = "",
    };
    unsigned long long line = d->line_number;
    int r = 0;

    if (!d->in_stanza)
        return 0;
    d->in_stanza = false;
    if (has_files(d->fields[STATUS])) {
        if (!split_source(d->fields[SOURCE], &p.source_name, &p.source_version) ||
            !bh_package_text_ok(p.source_name) || !bh_package_text_ok(p.source_version))
            return bh_fail(err, BH_INVALID, "stanza that ends at line %llu: no usable Source",
                           line);
        if (!bh_package_text_ok(p.name) || !bh_package_text_ok(p.version))
            return bh_fail(err, BH_INVALID,
                           "stanza that ends at line %llu: no usable Package and Version", line);
        if (*p.architecture && !bh_package_text_ok(p.architecture))
            return bh_fail(err, BH_INVALID, "stanza that ends at line %llu: no usable Architecture",
                           line);
        r = d->listener.found(d->listener.self, &p, err);
    }
    memset(d->fields, 0, sizeof d->fields);
    return r;
}

static int take_line(void *self, const char *text, size_t len, bool cut, struct bh_error *err)
{
    struct bh_dpkg *d = self;
    const char *colon;
    size_t name_len;

    d->line_number++;
    if (len == 0 || (len == 1 && *text == '\r'))
        return finish_stanza(d, err);
    d->in_stanza = true;
    if (*text == ' ' || *text == '\t' || *text == '#')
        return 0;
    colon = memchr(text, ':', len);
    if (!colon)
        return bh_fail(err, BH_INVALID, "line %llu: no field name",
                       (unsigned long long)d->line_number);
    name_len = (size_t)(colon - text);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strlen(field_names[i]) != name_len || strncasecmp(field_names[i], text, name_len) != 0)
            continue;
        if (cut ||
            !bh_package_text_copy(d->fields[i], sizeof d->fields[i], colon + 1, len - name_len - 1))
            return bh_fail(err, BH_INVALID, "line %llu: %s too long or with NUL",
                           (unsigned long long)d->line_number, field_names[i]);
    }
    return 0;
}

struct bh_dpkg *bh_dpkg_new(struct bh_package_listener listener)
{
    struct bh_dpkg *d = bh_new0(sizeof *d);

    d->listener = listener;
    d->lines = (struct bh_lines){.line = take_line, .self = d};
    return d;
}

void bh_dpkg_free(struct bh_dpkg *d)
{
    if (!d)
        return;
    bh_lines_done(&d->lines);
    bh_freep(&d);
}

int bh_dpkg_feed(struct bh_dpkg *d, const void *data, size_t len, struct bh_error *err)
{
    return bh_lines_feed(&d->lines, data, len, err);
}

int bh_dpkg_end(struct bh_dpkg *d, struct bh_error *err)
{
    int r = bh_lines_end(&d->lines, err);

    return r < 0 ? r : finish_stanza(d, err);
}
