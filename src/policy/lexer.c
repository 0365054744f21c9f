#include "policy/lexer.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\b' && c <= '\r');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

void bh_lexer_init(struct bh_lexer *l, const char *text, size_t len)
{
    *l = (struct bh_lexer){.text = text, .len = len, .at = {.offset = 0, .line = 1, .column = 1}};
}

bool bh_lexer_at_end(const struct bh_lexer *l)
{
    return l->at.offset >= l->len;
}

/* The byte n places ahead, 0 behind the end. */
static char ahead(const struct bh_lexer *l, size_t n)
{
    return l->at.offset + n < l->len ? l->text[l->at.offset + n] : 0;
}

char bh_lexer_peek(const struct bh_lexer *l)
{
    return ahead(l, 0);
}

static void advance(struct bh_lexer *l, size_t n)
{
    for (; n > 0; n--) {
        if (ahead(l, 0) == '\n') {
            l->at.line++;
            l->at.column = 1;
        } else {
            l->at.column++;
        }
        l->at.offset++;
    }
}

static bool take(struct bh_lexer *l, size_t n, struct bh_token *ret)
{
    if (n == 0)
        return false;
    *ret = (struct bh_token){.text = l->text + l->at.offset, .len = n, .at = l->at};
    advance(l, n);
    return true;
}

bool bh_lex_blank(struct bh_lexer *l)
{
    size_t n = 0;

    while (l->at.offset + n < l->len && is_blank(ahead(l, n)))
        n++;
    advance(l, n);
    return n > 0;
}

static bool comes(const struct bh_lexer *l, const char *text, size_t len)
{
    return l->len - l->at.offset >= len && memcmp(l->text + l->at.offset, text, len) == 0;
}

bool bh_lex_text(struct bh_lexer *l, const char *text)
{
    size_t len = strlen(text);

    if (!comes(l, text, len))
        return false;
    advance(l, len);
    return true;
}

bool bh_lex_word(struct bh_lexer *l, const char *word)
{
    size_t len = strlen(word);

    if (!comes(l, word, len) || is_word(ahead(l, len)))
        return false;
    advance(l, len);
    return true;
}

/* Bytes of an identifier that begins n places ahead. */
static size_t identifier_length(const struct bh_lexer *l, size_t n)
{
    size_t end = n;

    if (!is_letter(ahead(l, n)))
        return 0;
    while (is_word(ahead(l, end)))
        end++;
    return end - n;
}

bool bh_lex_identifier(struct bh_lexer *l, struct bh_token *ret)
{
    return take(l, identifier_length(l, 0), ret);
}

bool bh_lex_field(struct bh_lexer *l, struct bh_token *ret)
{
    size_t n = identifier_length(l, 0), more;
    bool dotted = false;

    while (n > 0 && ahead(l, n) == '.' && (more = identifier_length(l, n + 1)) > 0) {
        n += 1 + more;
        dotted = true;
    }
    return dotted && take(l, n, ret);
}

static bool lex_until(struct bh_lexer *l, const char *stops, struct bh_token *ret)
{
    size_t n = 0;
    char c;

    while ((c = ahead(l, n)) != 0 && !is_blank(c) && !strchr(stops, c))
        n++;
    return take(l, n, ret);
}

bool bh_lex_index(struct bh_lexer *l, struct bh_token *ret)
{
    return lex_until(l, "[]\"'", ret);
}

bool bh_lex_bare(struct bh_lexer *l, struct bh_token *ret)
{
    return lex_until(l, "()\"'=,", ret);
}

static size_t digits(const struct bh_lexer *l, size_t n)
{
    size_t end = n;

    while (is_digit(ahead(l, end)))
        end++;
    return end - n;
}

/* 0x and letters or digits, as Falco reads it; the checker says when they are no number. */
static size_t hexadecimal_length(const struct bh_lexer *l)
{
    size_t n = 2;

    if (ahead(l, 0) != '0' || (ahead(l, 1) != 'x' && ahead(l, 1) != 'X'))
        return 0;
    while (is_letter(ahead(l, n)) || is_digit(ahead(l, n)))
        n++;
    return n > 2 ? n : 0;
}

bool bh_lex_number(struct bh_lexer *l, struct bh_token *ret)
{
    size_t n = hexadecimal_length(l), whole;

    if (n > 0)
        return take(l, n, ret);
    if (ahead(l, 0) == '+' || ahead(l, 0) == '-')
        n = 1;
    whole = digits(l, n);
    if (whole == 0)
        return false;
    n += whole;
    if (ahead(l, n) == '.')
        n += 1 + digits(l, n + 1);
    if ((ahead(l, n) == 'e' || ahead(l, n) == 'E') &&
        (ahead(l, n + 1) == '+' || ahead(l, n + 1) == '-') && digits(l, n + 2) > 0)
        n += 2 + digits(l, n + 2);
    return take(l, n, ret);
}

/* The byte that an escape stands for, 0 when there is no such escape in quotes of this kind. */
static char unescape(char c, char quote)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case ' ': /* wrongly escaped rules of Falco's early days */
    case '\\':
        return '\\';
    case '/':
        return '/';
    default:
        return c == quote ? c : 0;
    }
}

/* Offset of the closing quote, counted from the opening one; 0 when there is none. As in Falco, a
 * quote behind a backslash never closes, not even behind an escaped backslash. */
static size_t closing_quote(const struct bh_lexer *l)
{
    char quote = ahead(l, 0), before = '\\', c;

    for (size_t n = 1; (c = ahead(l, n)) != 0; n++) {
        if (c == quote && (n == 1 || before != '\\'))
            return n;
        before = c;
    }
    return 0;
}

int bh_lex_quoted(struct bh_lexer *l, struct bh_arena *a, const char **ret, struct bh_error *err)
{
    char quote = bh_lexer_peek(l), *out;
    size_t end, used = 0;

    *ret = NULL;
    if (quote != '"' && quote != '\'')
        return 0;
    end = closing_quote(l);
    if (end == 0)
        return bh_fail(err, BH_INVALID, "no closing %c for the string that begins here", quote);
    out = bh_arena_alloc(a, end);
    advance(l, 1);
    for (size_t left = end - 1; left > 0; left--) {
        char c = bh_lexer_peek(l);

        if (c == '\\') {
            char escaped = unescape(ahead(l, 1), quote);

            if (escaped == 0)
                return bh_fail(err, BH_INVALID, "unknown escape \\%c in a string in %c quotes",
                               ahead(l, 1), quote);
            c = escaped;
            advance(l, 1);
            left--;
        }
        out[used++] = c;
        advance(l, 1);
    }
    advance(l, 1);
    *ret = out;
    return 0;
}
