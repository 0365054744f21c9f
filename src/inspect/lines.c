#include "inspect/lines.h"

#include <string.h>

static int keep(struct bh_lines *l, const char *text, size_t len, struct bh_error *err)
{
    size_t room = BH_LINE_MAX - l->partial.len;

    if (len > room) {
        l->cut = true;
        len = room;
    }
    return bh_buf_append(&l->partial, text, len, err);
}

static int flush(struct bh_lines *l, struct bh_error *err)
{
    int r = l->line(l->self, bh_buf_text(&l->partial), l->partial.len, l->cut, err);

    l->partial.len = 0;
    l->cut = false;
    return r;
}

int bh_lines_feed(struct bh_lines *l, const void *data, size_t len, struct bh_error *err)
{
    const char *text = data, *end = text + len;
    int r = 0;

    while (r == 0 && text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((newline ? newline : end) - text);

        if (newline && l->partial.len == 0 && !l->cut) {
            bool cut = n > BH_LINE_MAX;

            r = l->line(l->self, text, cut ? BH_LINE_MAX : n, cut, err);
        } else {
            r = keep(l, text, n, err);
            if (r == 0 && newline)
                r = flush(l, err);
        }
        text += n + (newline ? 1 : 0);
    }
    return r;
}

int bh_lines_end(struct bh_lines *l, struct bh_error *err)
{
    return l->partial.len > 0 || l->cut ? flush(l, err) : 0;
}

void bh_lines_done(struct bh_lines *l)
{
    bh_buf_done(&l->partial);
}
