#include "base/mem.h"
#include "base/term.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2u /* columns between two columns */
#define NARROWEST_WRAP 16u

struct cell {
    const char *text;
    enum bh_style style;
};

struct heading {
    size_t cell; /* stands above the row that begins with it */
    const char *text;
};

struct bh_table {
    const struct bh_column *columns;
    size_t column_count;
    struct cell *cells; /* row by row */
    size_t cell_count, cell_cap;
    struct heading *headings;
    size_t heading_count, heading_cap;
    struct bh_arena *arena;
};

struct bh_table *bh_table_new(const struct bh_column *columns, size_t count)
{
    struct bh_table *t = bh_new0(sizeof *t);

    t->columns = columns;
    t->column_count = count;
    t->arena = bh_arena_new();
    return t;
}

void bh_table_free(struct bh_table *t)
{
    if (!t)
        return;
    bh_arena_free(t->arena);
    free(t->cells);
    free(t->headings);
    free(t);
}

void bh_table_cell(struct bh_table *t, enum bh_style style, const char *text)
{
    BH_AUTO(bh_buf_done) struct bh_buf safe = BH_BUF_INIT(0);

    bh_text_safe(&safe, text ? text : "");
    bh_grow(t->cells, t->cell_count, t->cell_cap);
    t->cells[t->cell_count++] =
        (struct cell){.text = bh_arena_strdup(t->arena, bh_buf_text(&safe)), .style = style};
}

void bh_table_cellf(struct bh_table *t, enum bh_style style, const char *format, ...)
{
    BH_AUTO(bh_freep) char *text = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        abort();
    bh_table_cell(t, style, text);
}

void bh_table_heading(struct bh_table *t, const char *text)
{
    bh_grow(t->headings, t->heading_count, t->heading_cap);
    t->headings[t->heading_count++] =
        (struct heading){.cell = t->cell_count, .text = bh_arena_strdup(t->arena, text)};
}

static void measure(const struct bh_table *t, size_t *widths)
{
    for (size_t c = 0; c < t->column_count; c++)
        widths[c] = bh_text_width(t->columns[c].title);
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t width = bh_text_width(t->cells[i].text);

        if (width > widths[i % t->column_count])
            widths[i % t->column_count] = width;
    }
}

/* Takes what is too much from the columns that wrap, the widest first. */
static void shrink(const struct bh_table *t, size_t *widths, size_t room)
{
    size_t total = (t->column_count - 1) * GAP;

    for (size_t c = 0; c < t->column_count; c++)
        total += widths[c];
    while (total > room) {
        size_t widest = t->column_count;

        for (size_t c = 0; c < t->column_count; c++)
            if (t->columns[c].kind == BH_COLUMN_WRAP && widths[c] > NARROWEST_WRAP &&
                (widest == t->column_count || widths[c] > widths[widest]))
                widest = c;
        if (widest == t->column_count)
            return; /* the terminal breaks the lines then */
        widths[widest]--;
        total--;
    }
}

/* Bytes of text that fit into width columns, ending at a space where there is one; *ret_skip is how
 * far the next line begins. */
static size_t fit(const char *text, size_t width, size_t *ret_skip)
{
    size_t len = strlen(text), used = 0, at = 0, space = 0;

    while (at < len) {
        uint32_t code;
        size_t n = bh_utf8_decode(text + at, len - at, &code);
        char one[5] = {0};

        n = n ? n : 1;
        memcpy(one, text + at, n);
        used += bh_text_width(one);
        if (used > width)
            break;
        if (text[at] == ' ')
            space = at;
        at += n;
    }
    if (at == len) {
        *ret_skip = len;
        return len;
    }
    if (text[at] == ' ')
        space = at;
    if (space) {
        *ret_skip = space + 1;
        return space;
    }
    *ret_skip = at ? at : 1;
    return at ? at : 1;
}

static void put_cell(const struct bh_term *term, const struct cell *cell, size_t len,
                     enum bh_column_kind kind, size_t width, bool last)
{
    char *text = bh_strndup(cell->text, len);
    size_t used = bh_text_width(text);
    size_t pad = width > used ? width - used : 0;

    if (kind == BH_COLUMN_RIGHT && pad)
        fprintf(term->stream, "%*s", (int)pad, "");
    if (len)
        fprintf(term->stream, "%s%s%s", bh_term_on(term, cell->style), text,
                bh_term_off(term, cell->style));
    if (!last)
        fprintf(term->stream, "%*s", (int)((kind == BH_COLUMN_RIGHT ? 0 : pad) + GAP), "");
    free(text);
}

/* One row as one or more lines: what does not fit goes on below. */
static void put_row(const struct bh_table *t, const struct bh_term *term, struct cell *cells,
                    const size_t *widths)
{
    bool more = true;

    while (more) {
        more = false;
        for (size_t c = 0; c < t->column_count; c++) {
            size_t skip = strlen(cells[c].text), len = skip;

            if (t->columns[c].kind == BH_COLUMN_WRAP)
                len = fit(cells[c].text, widths[c], &skip);
            put_cell(term, &cells[c], len, t->columns[c].kind, widths[c], c + 1 == t->column_count);
            cells[c].text += skip;
            more = more || *cells[c].text;
        }
        fputc('\n', term->stream);
    }
}

void bh_table_print(const struct bh_table *t, const struct bh_term *term)
{
    BH_AUTO(bh_freep) size_t *widths = bh_new_array(t->column_count, sizeof *widths);
    BH_AUTO(bh_freep) struct cell *row = bh_new_array(t->column_count, sizeof *row);

    assert(t->cell_count % t->column_count == 0);
    if (t->cell_count == 0)
        return;
    measure(t, widths);
    if (term->width)
        shrink(t, widths, term->width);
    for (size_t c = 0; c < t->column_count; c++)
        row[c] = (struct cell){.text = t->columns[c].title, .style = BH_BOLD};
    put_row(t, term, row, widths);
    for (size_t i = 0, h = 0; i < t->cell_count; i += t->column_count) {
        for (; h < t->heading_count && t->headings[h].cell == i; h++)
            fprintf(term->stream, "\n%s%s%s\n", bh_term_on(term, BH_BOLD), t->headings[h].text,
                    bh_term_off(term, BH_BOLD));
        memcpy(row, t->cells + i, t->column_count * sizeof *row);
        put_row(t, term, row, widths);
    }
}
