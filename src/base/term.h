/* base/term.h - what a person sees: colours, text made safe, tables, progress.
 *
 * Colours appear on a terminal only, never with NO_COLOR set (https://no-color.org) or TERM=dumb;
 * an explicit choice wins over both. Text from outside must pass bh_text_safe before it reaches a
 * terminal: control characters, C1 ones included, become \xNN and cannot move the cursor, change
 * the title or hide what follows. Tables and progress do that themselves. */
#pragma once
#include "base/buf.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum bh_style {
    BH_PLAIN,
    BH_BOLD,
    BH_DIM,
    BH_RED,
    BH_GREEN,
    BH_YELLOW,
    BH_BLUE,
    BH_MAGENTA,
    BH_CYAN,
    BH_BOLD_RED,
    BH_BOLD_GREEN,
    BH_BOLD_YELLOW,
};

enum bh_color_when { BH_COLOR_AUTO, BH_COLOR_ALWAYS, BH_COLOR_NEVER }; /* as --color counts them */

struct bh_term {
    FILE *stream;
    bool tty, color;
    unsigned width; /* columns; 0 when not a terminal: nothing is wrapped or cut then */
};

void bh_term_init(struct bh_term *t, FILE *stream, enum bh_color_when when) BH_NONNULL;
/* Escape sequences to put around text; "" without colour. */
const char *bh_term_on(const struct bh_term *t, enum bh_style style) BH_NONNULL BH_RETURNS_NONNULL;
const char *bh_term_off(const struct bh_term *t, enum bh_style style) BH_NONNULL BH_RETURNS_NONNULL;
/* Prints styled text; the format and what it makes are trusted. */
void bh_term_printf(const struct bh_term *t, enum bh_style style, const char *format, ...)
    BH_PRINTF(3, 4);
/* Text of several paragraphs, wrapped at the terminal's width (80 when it has none) behind indent
 * spaces. A line that begins with a space is kept as it is. */
void bh_term_paragraphs(const struct bh_term *t, unsigned indent, const char *text) BH_NONNULL;

/* Columns text takes on a terminal: wide characters count two, combining ones none. */
size_t bh_text_width(const char *text) BH_NONNULL;
/* Appends text with everything unprintable written as \xNN; newlines as "\n" too. */
void bh_text_safe(struct bh_buf *b, const char *text) BH_NONNULL;
/* "12.3 MiB", "345 B" (powers of 1024). text holds 16 bytes; returns text. */
const char *bh_text_bytes(uint64_t bytes, char *text) BH_NONNULL BH_RETURNS_NONNULL;

/* ---- tables ---- */
enum bh_column_kind {
    BH_COLUMN_LEFT,
    BH_COLUMN_RIGHT, /* numbers */
    BH_COLUMN_WRAP,  /* gives up width first; long text goes on below itself */
};

struct bh_column {
    const char *title;
    enum bh_column_kind kind;
};

struct bh_table;
/* columns must outlive the table. */
struct bh_table *bh_table_new(const struct bh_column *columns, size_t count)
    BH_NONNULL BH_RETURNS_NONNULL;
void bh_table_free(struct bh_table *t); /* NULL is allowed */
static inline void bh_table_freep(struct bh_table **t)
{
    bh_table_free(*t);
}
/* The next cell, rows filling from the left; text is copied and made safe, NULL is "". */
void bh_table_cell(struct bh_table *t, enum bh_style style, const char *text) BH_NONNULL_ARGS(1);
void bh_table_cellf(struct bh_table *t, enum bh_style style, const char *format, ...)
    BH_PRINTF(3, 4);
/* A line of its own above the next row. */
void bh_table_heading(struct bh_table *t, const char *text) BH_NONNULL;
/* Prints titles and rows; nothing at all when there is no row. */
void bh_table_print(const struct bh_table *t, const struct bh_term *term) BH_NONNULL;

/* ---- progress ---- */
/* One line that is redrawn on a terminal (at most ten times a second) and printed once, when it is
 * done, elsewhere. */
struct bh_progress {
    const struct bh_term *term;
    const char *title; /* borrowed */
    uint64_t started_ns, drawn_ns;
    bool drawn;
};
void bh_progress_start(struct bh_progress *p, const struct bh_term *term, const char *title)
    BH_NONNULL;
/* total 0: not known. */
void bh_progress_bytes(struct bh_progress *p, uint64_t done, uint64_t total) BH_NONNULL;
void bh_progress_count(struct bh_progress *p, uint64_t done, uint64_t total) BH_NONNULL;
/* The last line: a mark, the title, the result and the time it took. */
void bh_progress_end(struct bh_progress *p, bool good, const char *result) BH_NONNULL;
