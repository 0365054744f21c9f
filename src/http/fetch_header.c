#include "http/fetch_header.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct field {
    const char *name;
    size_t offset, size;
    bool list; /* several lines are one value, joined with ", " (RFC 9110 5.3) */
};

#define FIELD(text, member, is_list)                                                               \
    {                                                                                              \
        text, offsetof(struct bh_fetch_headers, member),                                           \
            sizeof(((struct bh_fetch_headers *)NULL)->member), is_list                             \
    }
static const struct field field_table[] = {
    FIELD("content-type", fields.content_type, false),
    FIELD("docker-content-digest", fields.content_digest, false),
    FIELD("etag", fields.etag, false),
    FIELD("last-modified", fields.last_modified, false),
    FIELD("retry-after", fields.retry_after, false),
    FIELD("link", fields.link, true),
    FIELD("www-authenticate", fields.authenticate, true),
    FIELD("location", location, false),
    FIELD("content-range", content_range, false),
};

static const struct field *find_field(const char *name, size_t len)
{
    for (size_t i = 0; i < BH_COUNT_OF(field_table); i++)
        if (strlen(field_table[i].name) == len && strncasecmp(field_table[i].name, name, len) == 0)
            return &field_table[i];
    return NULL;
}

/* A repeated field that is no list keeps its first value: a server that says two things is not
 * given the choice of the later one. */
static int store(struct bh_fetch_headers *h, const struct field *f, const char *value, size_t len,
                 struct bh_error *err)
{
    char *to = (char *)h + f->offset;
    size_t used = strlen(to);

    if (used && !f->list)
        return 0;
    if (used + (used ? 2 : 0) + len >= f->size)
        return bh_fail(err, BH_LIMIT, "response header %s is longer than %zu bytes", f->name,
                       f->size - 1);
    if (used) {
        memcpy(to + used, ", ", 2);
        used += 2;
    }
    for (size_t i = 0; i < len; i++)
        to[used + i] = (unsigned char)value[i] < 0x20 && value[i] != '\t' ? '?' : value[i];
    to[used + len] = '\0';
    return 0;
}

int bh_fetch_header_line(struct bh_fetch_headers *h, const char *line, size_t len,
                         struct bh_error *err)
{
    const struct field *f;
    const char *colon, *value, *end;

    h->bytes += len;
    if (h->bytes > BH_FETCH_HEADER_BYTES_MAX)
        return bh_fail(err, BH_LIMIT, "more than %u bytes of response headers",
                       BH_FETCH_HEADER_BYTES_MAX);
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        *h = (struct bh_fetch_headers){.bytes = h->bytes};
        return 0;
    }
    colon = memchr(line, ':', len);
    f = colon ? find_field(line, (size_t)(colon - line)) : NULL;
    if (!f)
        return 0;
    end = line + len;
    value = colon + 1;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    while (value < end && isspace((unsigned char)*value))
        value++;
    return store(h, f, value, (size_t)(end - value), err);
}

static bool take_number(const char **text, uint64_t *ret)
{
    uint64_t value = 0;
    const char *p = *text;

    for (; isdigit((unsigned char)*p); p++) {
        if (p - *text >= 18)
            return false;
        value = value * 10 + (uint64_t)(*p - '0');
    }
    if (p == *text)
        return false;
    *text = p;
    *ret = value;
    return true;
}

static bool take_char(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    ++*text;
    return true;
}

int bh_fetch_content_range(const char *text, uint64_t *ret_first, uint64_t *ret_total,
                           struct bh_error *err)
{
    uint64_t first = 0, last = 0, total = 0;
    const char *p = text;
    bool ok = strncasecmp(p, "bytes ", 6) == 0;

    p += ok ? 6 : 0;
    ok = ok && take_number(&p, &first) && take_char(&p, '-');
    ok = ok && take_number(&p, &last) && take_char(&p, '/') && first <= last;
    if (ok && strcmp(p, "*") != 0)
        ok = take_number(&p, &total) && *p == '\0' && last < total;
    if (!ok)
        return bh_fail(err, BH_INVALID, "Content-Range \"%.60s\" is malformed", text);
    *ret_first = first;
    *ret_total = total;
    return 0;
}
