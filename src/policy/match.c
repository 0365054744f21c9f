#include "policy/match.h"

#include <string.h>

static unsigned char fold(char c, bool ignore_case)
{
    unsigned char u = (unsigned char)c;

    return ignore_case && u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

/* One class at p ("[...]"); *end is set behind it. A '[' without ']' is an ordinary byte: NULL. */
static const char *match_class(const char *p, char c, bool ignore_case, bool *matched)
{
    bool inverted = p[1] == '!' || p[1] == '^', found = false;
    const char *q = p + 1 + inverted;
    unsigned char byte = fold(c, ignore_case);

    for (bool first = true; first || *q != ']'; first = false) {
        unsigned char from, to;

        if (*q == '\\' && q[1])
            q++;
        if (*q == 0)
            return NULL;
        from = to = fold(*q++, ignore_case);
        if (q[0] == '-' && q[1] && q[1] != ']') {
            to = fold(q[1], ignore_case);
            q += 2;
        }
        if (byte >= from && byte <= to)
            found = true;
    }
    *matched = found != inverted;
    return q + 1;
}

/* Whether the item at p takes c; *next is set to the item behind it. */
static bool match_one(const char *p, char c, bool ignore_case, const char **next)
{
    bool matched;

    if (*p == '[') {
        const char *end = match_class(p, c, ignore_case, &matched);

        if (end) {
            *next = end;
            return matched;
        }
    }
    if (*p == '\\' && p[1])
        p++;
    else if (*p == '?') {
        *next = p + 1;
        return true;
    }
    *next = p + 1;
    return fold(*p, ignore_case) == fold(c, ignore_case);
}

/* Only the last star needs to be gone back to: an earlier one could not match more than it did. */
static bool glob(const char *pattern, const char *text, const char *end, bool ignore_case)
{
    const char *star = NULL, *resume = NULL, *p = pattern, *next;

    while (text < end) {
        if (*p == '*') {
            star = ++p;
            resume = text;
        } else if (*p && match_one(p, *text, ignore_case, &next)) {
            p = next;
            text++;
        } else if (star) {
            p = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return *p == 0;
}

bool bh_match_glob(const char *pattern, const char *text, bool ignore_case)
{
    return glob(pattern, text, text + strlen(text), ignore_case);
}

static bool is_group(const char *p)
{
    return *p && strchr("?*+@!", *p) && p[1] == '(';
}

static bool has_group(const char *p)
{
    for (; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (is_group(p))
            return true;
    }
    return false;
}

static void put_literal(struct bh_buf *b, char c)
{
    if (strchr("\\.[]{}()*+?^$|", c))
        bh_buf_putc(b, '\\');
    bh_buf_putc(b, c);
}

/* [a-z] as it stands, with '!' turned into '^' and what it holds made literal; the byte behind it.
 * A '[' without an end is an ordinary byte. */
static const char *put_class(struct bh_buf *b, const char *p)
{
    bool inverted = p[1] == '!' || p[1] == '^';
    const char *first = p + 1 + inverted, *end = *first ? strchr(first + 1, ']') : NULL;

    if (!end) {
        put_literal(b, *p);
        return p + 1;
    }
    bh_buf_puts(b, inverted ? "[^" : "[");
    for (const char *q = first; q < end; q++) {
        if (*q != '-' && strchr("\\[]^", *q))
            bh_buf_putc(b, '\\');
        bh_buf_putc(b, *q);
    }
    bh_buf_putc(b, ']');
    return end + 1;
}

/* What follows the closing parenthesis of each open group. */
struct groups {
    char after[16];
    size_t depth;
};

/* One item of the pattern; the byte behind it, NULL when it cannot be written. */
static const char *put_item(struct bh_buf *b, const char *p, struct groups *g)
{
    if (is_group(p)) {
        if (*p == '!' || g->depth == sizeof g->after)
            return NULL;
        g->after[g->depth++] = *p;
        bh_buf_puts(b, "(?:");
        return p + 2;
    }
    if (g->depth > 0 && *p == ')') {
        char after = g->after[--g->depth];

        bh_buf_putc(b, ')');
        if (after != '@')
            bh_buf_putc(b, after);
        return p + 1;
    }
    if (*p == '[')
        return put_class(b, p);
    if (*p == '*' || *p == '?')
        bh_buf_puts(b, *p == '*' ? ".*" : ".");
    else if (g->depth > 0 && *p == '|')
        bh_buf_putc(b, '|');
    else if (*p == '\\' && p[1])
        put_literal(b, *++p);
    else
        put_literal(b, *p);
    return p + 1;
}

bool bh_match_glob_regex(const char *pattern, bool ignore_case, struct bh_buf *out, bool *ret_bad)
{
    struct groups g = {.depth = 0};
    const char *p = pattern;

    *ret_bad = false;
    if (!has_group(pattern))
        return false;
    bh_buf_puts(out, ignore_case ? "(?i)(?s)" : "(?s)");
    while (p && *p)
        p = put_item(out, p, &g);
    *ret_bad = !p || g.depth > 0;
    return true;
}

static bool component_matches(const char *pattern, size_t pattern_len, const char *text, size_t len)
{
    char copy[256];

    if (pattern_len == len && memcmp(pattern, text, len) == 0)
        return true;
    if (pattern_len >= sizeof copy || !memchr(pattern, '*', pattern_len))
        return false;
    memcpy(copy, pattern, pattern_len);
    copy[pattern_len] = 0;
    return glob(copy, text, text + len, false);
}

bool bh_match_path(const char *prefix, const char *path)
{
    if ((*prefix == '/') != (*path == '/'))
        return false;
    for (;;) {
        size_t want, have;

        prefix += strspn(prefix, "/");
        path += strspn(path, "/");
        if (*prefix == 0)
            return true;
        want = strcspn(prefix, "/");
        have = strcspn(path, "/");
        if (have == 0 || !component_matches(prefix, want, path, have))
            return false;
        prefix += want;
        path += have;
    }
}

bool bh_match_starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

bool bh_match_ends(const char *text, const char *end)
{
    size_t text_len = strlen(text), len = strlen(end);

    return text_len >= len && memcmp(text + text_len - len, end, len) == 0;
}

bool bh_match_bytes(const char *text, size_t text_len, const uint8_t *bytes, size_t len,
                    bool at_start)
{
    if (at_start)
        return text_len >= len && memcmp(text, bytes, len) == 0;
    return memmem(text, text_len, bytes, len) != NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bh_match_parse_hex(const char *digits, uint8_t *out, size_t *ret_len)
{
    size_t len = strlen(digits);

    if (len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_digit(digits[i]), low = hex_digit(digits[i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *ret_len = len / 2;
    return true;
}
