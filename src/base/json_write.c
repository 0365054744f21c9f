#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A stream that fails keeps its error mark; whoever closes it looks (house rule: results count only
 * once flushed). */
static void put(struct bh_json_writer *w, const char *text, size_t len)
{
    if (w->buf)
        bh_buf_put(w->buf, text, len);
    else
        (void)fwrite(text, 1, len, w->stream);
}

static void put_text(struct bh_json_writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_line_start(struct bh_json_writer *w)
{
    put(w, "\n", 1);
    for (int i = 0; i < w->depth * w->indent; i++)
        put(w, " ", 1);
}

/* Control characters, C1 ones included, so that a document shown on a terminal stays text. */
static size_t escape_of(uint32_t code, char *out, size_t size)
{
    static const char short_names[] = "btn\0fr"; /* 0x08 to 0x0d */
    int n;

    if (code == '"' || code == '\\') {
        n = snprintf(out, size, "\\%c", (int)code);
    } else if (code >= 0x08 && code <= 0x0D && short_names[code - 0x08]) {
        n = snprintf(out, size, "\\%c", short_names[code - 0x08]);
    } else if (code < 0x20 || (code >= 0x7F && code <= 0x9F)) {
        n = snprintf(out, size, "\\u%04x", (unsigned)code);
    } else {
        return 0;
    }
    return (size_t)n;
}

static void put_quoted(struct bh_json_writer *w, const char *text)
{
    size_t len = strlen(text), run = 0, at = 0;
    char escape[8];

    put(w, "\"", 1);
    while (at < len) {
        uint32_t code = 0;
        size_t n = bh_utf8_decode(text + at, len - at, &code);
        size_t escaped = n ? escape_of(code, escape, sizeof escape) : 0;

        if (n && !escaped) {
            at += n;
            continue;
        }
        put(w, text + run, at - run);
        if (escaped)
            put(w, escape, escaped);
        else
            put_text(w, "\xEF\xBF\xBD");
        at += n ? n : 1;
        run = at;
    }
    put(w, text + run, len - run);
    put(w, "\"", 1);
}

static void begin_value(struct bh_json_writer *w, const char *key)
{
    if (w->depth > 0) {
        if (!w->first)
            put(w, ",", 1);
        if (w->indent)
            put_line_start(w);
    }
    w->first = false;
    if (key) {
        put_quoted(w, key);
        put_text(w, w->indent ? ": " : ":");
    }
}

static void begin_nested(struct bh_json_writer *w, const char *key, const char *open)
{
    begin_value(w, key);
    put_text(w, open);
    w->depth++;
    w->first = true;
}

static void end_nested(struct bh_json_writer *w, const char *close)
{
    assert(w->depth > 0);
    w->depth--;
    if (w->indent && !w->first)
        put_line_start(w);
    w->first = false;
    put_text(w, close);
    if (w->depth == 0 && w->indent)
        put(w, "\n", 1);
}

void bh_json_object(struct bh_json_writer *w, const char *key)
{
    begin_nested(w, key, "{");
}

void bh_json_array(struct bh_json_writer *w, const char *key)
{
    begin_nested(w, key, "[");
}

void bh_json_end_object(struct bh_json_writer *w)
{
    end_nested(w, "}");
}

void bh_json_end_array(struct bh_json_writer *w)
{
    end_nested(w, "]");
}

void bh_json_string(struct bh_json_writer *w, const char *key, const char *value)
{
    begin_value(w, key);
    if (value)
        put_quoted(w, value);
    else
        put_text(w, "null");
}

void bh_json_string_opt(struct bh_json_writer *w, const char *key, const char *value)
{
    if (value && *value)
        bh_json_string(w, key, value);
}

void bh_json_int(struct bh_json_writer *w, const char *key, int64_t value)
{
    char text[24];

    begin_value(w, key);
    (void)snprintf(text, sizeof text, "%" PRId64, value);
    put_text(w, text);
}

void bh_json_real(struct bh_json_writer *w, const char *key, double value)
{
    char text[40];

    begin_value(w, key);
    if (!isfinite(value)) { /* JSON has no word for it */
        put_text(w, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text - 2, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put_text(w, text);
    if (!strpbrk(text, ".e"))
        put_text(w, ".0"); /* stays a real when it is read again */
}

void bh_json_bool(struct bh_json_writer *w, const char *key, bool value)
{
    begin_value(w, key);
    put_text(w, value ? "true" : "false");
}

void bh_json_null(struct bh_json_writer *w, const char *key)
{
    begin_value(w, key);
    put_text(w, "null");
}

/* As deep as the reader let the tree become. */
void bh_json_node(struct bh_json_writer *w, const char *key, const struct bh_node *value)
{
    if (!value) {
        bh_json_null(w, key);
        return;
    }
    switch (value->kind) {
    case BH_NODE_NULL:
        bh_json_null(w, key);
        break;
    case BH_NODE_BOOL:
        bh_json_bool(w, key, value->boolean);
        break;
    case BH_NODE_INT:
        bh_json_int(w, key, value->integer);
        break;
    case BH_NODE_REAL:
        bh_json_real(w, key, value->real);
        break;
    case BH_NODE_STRING:
        bh_json_string(w, key, value->string);
        break;
    case BH_NODE_ARRAY:
    case BH_NODE_OBJECT:
        begin_nested(w, key, value->kind == BH_NODE_OBJECT ? "{" : "[");
        for (const struct bh_node *child = value->first; child; child = child->next)
            bh_json_node(w, child->key, child);
        end_nested(w, value->kind == BH_NODE_OBJECT ? "}" : "]");
        break;
    }
}

void bh_json_quote(struct bh_buf *b, const char *text)
{
    struct bh_json_writer w = BH_JSON_TO_BUF(b, 0);

    put_quoted(&w, text);
}
