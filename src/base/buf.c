#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bh_buf_done(struct bh_buf *b)
{
    free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
}

char *bh_buf_reserve(struct bh_buf *b, size_t len)
{
    size_t need, cap;

    if (len > SIZE_MAX / 4 || (b->limit && (len > b->limit || b->len > b->limit - len)))
        return NULL;
    need = b->len + len + 1;
    if (need > b->cap) {
        cap = b->cap ? b->cap : 64;
        while (cap < need)
            cap *= 2;
        b->data = bh_resize(b->data, cap, 1);
        b->cap = cap;
    }
    b->data[b->len + len] = '\0';
    return b->data + b->len;
}

int bh_buf_append(struct bh_buf *b, const void *data, size_t len, struct bh_error *err)
{
    char *to = bh_buf_reserve(b, len);

    if (!to)
        return bh_fail(err, BH_LIMIT, "more than %zu bytes", b->limit);
    if (len)
        memcpy(to, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

void bh_buf_put(struct bh_buf *b, const void *data, size_t len)
{
    int r = bh_buf_append(b, data, len, NULL);

    assert(r == 0 && "text of the program's own choice outgrew its buffer");
}

void bh_buf_puts(struct bh_buf *b, const char *text)
{
    bh_buf_put(b, text, strlen(text));
}

void bh_buf_putc(struct bh_buf *b, char c)
{
    bh_buf_put(b, &c, 1);
}

void bh_buf_printf(struct bh_buf *b, const char *format, ...)
{
    BH_AUTO(bh_freep) char *text = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        abort();
    bh_buf_put(b, text, (size_t)n);
}

const char *bh_buf_text(const struct bh_buf *b)
{
    return b->data ? b->data : "";
}

char *bh_buf_take(struct bh_buf *b)
{
    char *text = b->data ? b->data : bh_strdup("");

    b->data = NULL;
    b->len = b->cap = 0;
    return text;
}
