#include "base/term.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NARROWEST 40u /* columns; below it wrapping would make one word a line */
#define WIDEST_TEXT 100u

struct range {
    uint32_t first, last;
};

void bh_term_init(struct bh_term *t, FILE *stream, enum bh_color_when when)
{
    const char *kind = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    struct winsize size = {0};
    int fd = fileno(stream);

    t->stream = stream;
    t->tty = isatty(fd) == 1;
    t->width = 0;
    if (t->tty)
        t->width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    t->color =
        when == BH_COLOR_ALWAYS || (when == BH_COLOR_AUTO && t->tty && !(no_color && *no_color) &&
                                    !(kind && strcmp(kind, "dumb") == 0));
}

const char *bh_term_on(const struct bh_term *t, enum bh_style style)
{
    static const char *const codes[] = {
        [BH_PLAIN] = "",
        [BH_BOLD] = "\033[1m",
        [BH_DIM] = "\033[2m",
        [BH_RED] = "\033[31m",
        [BH_GREEN] = "\033[32m",
        [BH_YELLOW] = "\033[33m",
        [BH_BLUE] = "\033[34m",
        [BH_MAGENTA] = "\033[35m",
        [BH_CYAN] = "\033[36m",
        [BH_BOLD_RED] = "\033[1;31m",
        [BH_BOLD_GREEN] = "\033[1;32m",
        [BH_BOLD_YELLOW] = "\033[1;33m",
    };

    return t->color ? codes[style] : "";
}

const char *bh_term_off(const struct bh_term *t, enum bh_style style)
{
    return t->color && style != BH_PLAIN ? "\033[0m" : "";
}

void bh_term_printf(const struct bh_term *t, enum bh_style style, const char *format, ...)
{
    va_list args;

    fputs(bh_term_on(t, style), t->stream);
    va_start(args, format);
    (void)vfprintf(t->stream, format, args); /* the stream keeps its error mark */
    va_end(args);
    fputs(bh_term_off(t, style), t->stream);
}

static bool is_in(uint32_t code, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* Coarse on purpose (Unicode TR 11 and TR 44 by block): package names and paths are what is shown,
 * and wcwidth(3) would need a locale. */
static size_t columns_of(uint32_t code)
{
    static const struct range none[] = {{0x300, 0x36F},   {0x200B, 0x200F}, {0x202A, 0x202E},
                                        {0x2060, 0x2064}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}};
    static const struct range two[] = {{0x1100, 0x115F},  {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                       {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF},
                                       {0x20000, 0x3FFFD}};

    if (code < 0x300)
        return 1;
    if (is_in(code, none, BH_COUNT_OF(none)))
        return 0;
    return is_in(code, two, BH_COUNT_OF(two)) ? 2 : 1;
}

size_t bh_text_width(const char *text)
{
    size_t len = strlen(text), width = 0;

    for (size_t at = 0, n; at < len; at += n) {
        uint32_t code = 0;

        n = bh_utf8_decode(text + at, len - at, &code);
        width += n ? columns_of(code) : 1;
        n = n ? n : 1;
    }
    return width;
}

/* Besides control characters: marks that reorder or hide what is shown (U+200B to U+200F, U+202A to
 * U+202E, U+2060 to U+2069, U+FEFF), with which a name can pretend to be another. */
static bool is_safe(uint32_t code)
{
    return code >= 0x20 && !(code >= 0x7F && code <= 0x9F) && !(code >= 0x200B && code <= 0x200F) &&
           !(code >= 0x2028 && code <= 0x202E) && !(code >= 0x2060 && code <= 0x2069) &&
           code != 0xFEFF;
}

void bh_text_safe(struct bh_buf *b, const char *text)
{
    size_t len = strlen(text);

    for (size_t at = 0, n; at < len; at += n) {
        uint32_t code = 0;

        n = bh_utf8_decode(text + at, len - at, &code);
        if (n && is_safe(code)) {
            bh_buf_put(b, text + at, n);
            continue;
        }
        n = n ? n : 1;
        if (code == '\n')
            bh_buf_puts(b, "\\n");
        else if (code == '\t')
            bh_buf_puts(b, "\\t");
        else
            for (size_t i = 0; i < n; i++)
                bh_buf_printf(b, "\\x%02x", (unsigned char)text[at + i]);
    }
}

const char *bh_text_bytes(uint64_t bytes, char *text)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1023.95 && unit + 1 < BH_COUNT_OF(units)) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(text, 16, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

static unsigned text_width(const struct bh_term *t)
{
    unsigned width = t->width ? t->width : 80;

    return BH_MAX(BH_MIN(width, WIDEST_TEXT), NARROWEST);
}

static void put_spaces(const struct bh_term *t, size_t count)
{
    fprintf(t->stream, "%*s", (int)count, "");
}

/* One line of input, wrapped. */
static void put_wrapped(const struct bh_term *t, unsigned indent, const char *line, size_t len)
{
    unsigned width = text_width(t), column = 0;
    const char *end = line + len;

    while (line < end) {
        size_t n = 0;
        char word[512];
        unsigned columns;

        while (line < end && *line == ' ')
            line++;
        while (line + n < end && line[n] != ' ' && n < sizeof word - 1)
            n++;
        if (!n)
            break;
        memcpy(word, line, n);
        word[n] = '\0';
        line += n;
        columns = (unsigned)bh_text_width(word);
        if (column && column + 1 + columns > width) {
            fputc('\n', t->stream);
            column = 0;
        }
        if (column) {
            fputc(' ', t->stream);
            column++;
        } else {
            put_spaces(t, indent);
            column = indent;
        }
        fputs(word, t->stream);
        column += columns;
    }
    fputc('\n', t->stream);
}

void bh_term_paragraphs(const struct bh_term *t, unsigned indent, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        if (*text == ' ') {
            put_spaces(t, indent);
            fprintf(t->stream, "%.*s\n", (int)len, text);
        } else {
            put_wrapped(t, indent, text, len);
        }
        text += len + (text[len] == '\n');
    }
}
