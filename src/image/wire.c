/* Flat records between a confined child and its parent; see image/wire.h. */
#include "image/wire.h"

#include <string.h>

#define NO_TEXT UINT64_MAX

void bh_wire_put_number(struct bh_buf *b, uint64_t value)
{
    bh_buf_put(b, &value, sizeof value);
}

void bh_wire_put_text(struct bh_buf *b, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    bh_wire_put_number(b, text ? len : NO_TEXT);
    if (len > 0)
        bh_buf_put(b, text, len);
}

void bh_wire_put_list(struct bh_buf *b, const char *const *list)
{
    size_t count = 0;

    while (list && list[count])
        count++;
    bh_wire_put_number(b, count);
    for (size_t i = 0; i < count; i++)
        bh_wire_put_text(b, list[i]);
}

void bh_wire_put_digest(struct bh_buf *b, const struct bh_digest *d)
{
    char text[BH_DIGEST_TEXT_SIZE];

    bh_wire_put_text(b, bh_digest_is_set(d) ? bh_digest_format(d, text) : NULL);
}

uint64_t bh_wire_get_number(struct bh_wire *w)
{
    uint64_t value;

    if (w->bad || (size_t)(w->end - w->at) < sizeof value) {
        w->bad = true;
        return 0;
    }
    memcpy(&value, w->at, sizeof value);
    w->at += sizeof value;
    return value;
}

size_t bh_wire_get_count(struct bh_wire *w, size_t limit)
{
    uint64_t count = bh_wire_get_number(w);

    if (count > limit || count > (uint64_t)(w->end - w->at) / sizeof count) {
        w->bad = true;
        return 0;
    }
    return (size_t)count;
}

const char *bh_wire_get_text(struct bh_wire *w)
{
    uint64_t len = bh_wire_get_number(w);
    const char *text;

    if (w->bad || len == NO_TEXT)
        return NULL;
    if (len > (uint64_t)(w->end - w->at) || memchr(w->at, '\0', (size_t)len)) {
        w->bad = true;
        return NULL;
    }
    text = bh_arena_strndup(w->arena, (const char *)w->at, (size_t)len);
    w->at += len;
    return text;
}

const char *bh_wire_get_string(struct bh_wire *w)
{
    const char *text = bh_wire_get_text(w);

    if (!text)
        w->bad = true;
    return text ? text : "";
}

const char *const *bh_wire_get_list(struct bh_wire *w)
{
    size_t count = bh_wire_get_count(w, SIZE_MAX / sizeof(char *) - 1);
    const char **list = bh_arena_alloc(w->arena, (count + 1) * sizeof *list);

    for (size_t i = 0; i < count; i++)
        list[i] = bh_wire_get_string(w);
    return list;
}

void bh_wire_get_digest(struct bh_wire *w, struct bh_digest *ret)
{
    const char *text = bh_wire_get_text(w);

    if (text && bh_digest_parse(text, ret, NULL) < 0)
        w->bad = true;
}

int bh_wire_end(struct bh_wire *w, struct bh_error *err)
{
    if (w->bad || w->at != w->end)
        return bh_fail(err, BH_INTERNAL, "the confined reader broke its protocol");
    return 0;
}
