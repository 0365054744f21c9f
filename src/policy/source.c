#include "policy/source.h"

#include <string.h>

struct walker {
    const char *at;
    uint32_t line, column;
};

static void step(struct walker *w)
{
    if (*w->at++ == '\n') {
        w->line++;
        w->column = 1;
    } else {
        w->column++;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct walker *w)
{
    while (is_blank(*w->at))
        step(w);
}

/* The walker at a place in the text, at its end when the place is beyond. */
static struct walker walk_to(const struct bh_source *s, uint32_t line, uint32_t column)
{
    struct walker w = {.at = s->text, .line = 1, .column = 1};

    while (*w.at && w.line < line) {
        const char *end = strchr(w.at, '\n');

        if (!end) {
            w.at += strlen(w.at);
            break;
        }
        w.at = end + 1;
        w.line++;
    }
    while (*w.at && w.column < column)
        step(&w);
    return w;
}

/* '>' and '|' are followed by the rest of a header line; a quote is one byte. */
static bool skip_opening(struct walker *w)
{
    bool block = *w->at == '>' || *w->at == '|';

    if (*w->at == '"' || *w->at == '\'')
        step(w);
    while (block && *w->at && *w->at != '\n')
        step(w);
    return block;
}

void bh_source_locate(const struct bh_source *s, const struct bh_node *node, size_t offset,
                      uint32_t *ret_line, uint32_t *ret_column)
{
    struct walker w = walk_to(s, node->line, node->column);
    const char *value = bh_node_string_or(node, "");
    const char *end = value + BH_MIN(offset, strlen(value));
    char quote = *w.at;
    bool literal = skip_opening(&w);

    *ret_line = node->line;
    *ret_column = node->column;
    for (const char *p = value; p < end; p++) {
        if (is_blank(*p))
            continue;
        skip_blanks(&w);
        if (!literal && quote == '"' && *w.at == '\\')
            step(&w);
        if (!literal && quote == '\'' && *w.at == '\'' && w.at[1] == '\'')
            step(&w);
        if (*w.at != *p)
            return;
        step(&w);
    }
    if (*end && !is_blank(*end)) /* the fault is at a byte, not behind the last one */
        skip_blanks(&w);
    *ret_line = w.line;
    *ret_column = w.column;
}
