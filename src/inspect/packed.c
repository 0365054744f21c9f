#include "inspect/packed.h"

#include <string.h>

void bh_packed_put_number(struct bh_buf *out, uint64_t value)
{
    char bytes[10];
    size_t n = 0;

    do {
        uint8_t low = value & 0x7f;

        value >>= 7;
        bytes[n++] = (char)(low | (value ? 0x80 : 0));
    } while (value);
    bh_buf_put(out, bytes, n);
}

void bh_packed_put_text(struct bh_buf *out, const char *text)
{
    size_t len = text ? strnlen(text, BH_PACKED_TEXT_MAX) : 0;

    bh_packed_put_number(out, len);
    bh_buf_put(out, text, len);
}

uint8_t bh_packed_byte(struct bh_packed *w)
{
    if (w->failed || w->at == w->end) {
        w->failed = true;
        return 0;
    }
    return *w->at++;
}

uint64_t bh_packed_number(struct bh_packed *w)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = bh_packed_byte(w);

        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return w->failed ? 0 : value;
    }
    w->failed = true;
    return 0;
}

const char *bh_packed_text(struct bh_packed *w, struct bh_arena *arena)
{
    uint64_t len = bh_packed_number(w);
    const char *text;

    if (w->failed || len > BH_PACKED_TEXT_MAX || len > (uint64_t)(w->end - w->at) ||
        memchr(w->at, '\0', (size_t)len)) {
        w->failed = true;
        return "";
    }
    text = bh_arena_strndup(arena, (const char *)w->at, (size_t)len);
    w->at += len;
    return text;
}
