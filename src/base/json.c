#include "base/json.h"

#include "base/tree.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX                                                                                 \
    512u /* characters of a number; the longest exact double needs fewer than 800                  \
          */

const struct bh_json_limits bh_json_limits_default = {
    .bytes = 4u * 1024 * 1024,
    .depth = 64,
    .nodes = 1000000,
};

struct reader {
    const char *at, *end;
    const char *line_start;
    uint32_t line;
    uint32_t continuation; /* bytes of the current line that begin no character */
    const struct bh_json_limits *limits;
    uint32_t depth;
    size_t nodes;
    struct bh_tree *tree;
    struct bh_buf scratch; /* a string with escapes, while it is being read */
    struct bh_error *err;
};

static int parse_value(struct reader *r, struct bh_node **ret);

static uint32_t column_of(const struct reader *r, const char *at)
{
    return (uint32_t)(at - r->line_start) - r->continuation + 1;
}

#define fail_at(r, at_, ...) fail_at_place((r), column_of((r), (at_)), __VA_ARGS__)

static int fail_at_place(struct reader *r, uint32_t column, const char *format, ...)
    BH_PRINTF(3, 4);

static int fail_at_place(struct reader *r, uint32_t column, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* a cut message is still a message */
    va_end(args);
    return bh_fail(r->err, BH_INVALID, "%s at line %u, column %u", text, r->line, column);
}

static void skip_space(struct reader *r)
{
    for (; r->at < r->end; r->at++) {
        if (*r->at == '\n') {
            r->line++;
            r->line_start = r->at + 1;
            r->continuation = 0;
        } else if (*r->at != ' ' && *r->at != '\t' && *r->at != '\r') {
            return;
        }
    }
}

static int unexpected(struct reader *r, const char *wanted)
{
    unsigned char c;

    if (r->at >= r->end)
        return fail_at(r, r->at, "the document ends where %s was expected", wanted);
    c = (unsigned char)*r->at;
    if (c > 0x20 && c < 0x7F)
        return fail_at(r, r->at, "'%c' where %s was expected", c, wanted);
    return fail_at(r, r->at, "byte 0x%02x where %s was expected", c, wanted);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* r->at stands behind "\u". */
static int parse_four_hex(struct reader *r, uint32_t *ret)
{
    uint32_t code = 0;

    for (int i = 0; i < 4; i++) {
        int digit = r->at + i < r->end ? hex_value(r->at[i]) : -1;

        if (digit < 0)
            return fail_at(r, r->at, "\\u without four hexadecimal digits");
        code = code << 4 | (uint32_t)digit;
    }
    r->at += 4;
    *ret = code;
    return 0;
}

static int parse_unicode_escape(struct reader *r)
{
    const char *start = r->at;
    uint32_t code, low;
    char bytes[4];
    int result = parse_four_hex(r, &code);

    if (result)
        return result;
    if (code == 0)
        return fail_at(r, start, "NUL inside a string");
    if (code >= 0xDC00 && code <= 0xDFFF)
        return fail_at(r, start, "low surrogate without its high one");
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
            return fail_at(r, start, "high surrogate without its low one");
        r->at += 2;
        result = parse_four_hex(r, &low);
        if (result)
            return result;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail_at(r, start, "high surrogate without its low one");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    bh_buf_put(&r->scratch, bytes, bh_utf8_encode(code, bytes));
    return 0;
}

/* r->at stands on the backslash. */
static int parse_escape(struct reader *r)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (r->end - r->at < 2)
        return fail_at(r, r->at, "the document ends inside a string");
    if (r->at[1] == 'u') {
        r->at += 2;
        return parse_unicode_escape(r);
    }
    found = r->at[1] ? strchr(names, r->at[1]) : NULL;
    if (!found)
        return fail_at(r, r->at, "unknown escape in a string");
    bh_buf_putc(&r->scratch, values[found - names]);
    r->at += 2;
    return 0;
}

/* Moves over characters that stand for themselves and gives back where the run ended. */
static int skip_plain(struct reader *r)
{
    while (r->at < r->end && *r->at != '"' && *r->at != '\\') {
        unsigned char c = (unsigned char)*r->at;
        uint32_t code;
        size_t n;

        if (c < 0x20)
            return fail_at(r, r->at, "control character 0x%02x inside a string", c);
        if (c < 0x80) {
            r->at++;
            continue;
        }
        n = bh_utf8_decode(r->at, (size_t)(r->end - r->at), &code);
        if (!n)
            return fail_at(r, r->at, "bytes that are not UTF-8 inside a string");
        r->at += n;
        r->continuation += (uint32_t)n - 1;
    }
    return 0;
}

/* r->at stands on the opening quote. */
static int parse_string(struct reader *r, const char **ret, size_t *ret_len)
{
    r->scratch.len = 0;
    r->at++;
    for (;;) {
        const char *run = r->at;
        int result = skip_plain(r);

        if (result)
            return result;
        if (r->at >= r->end)
            return fail_at(r, r->at, "the document ends inside a string");
        if (*r->at == '"' && r->scratch.len == 0) {
            *ret_len = (size_t)(r->at - run);
            *ret = bh_arena_strndup(r->tree->arena, run, *ret_len);
            r->at++;
            return 0;
        }
        bh_buf_put(&r->scratch, run, (size_t)(r->at - run));
        if (*r->at == '"')
            break;
        result = parse_escape(r);
        if (result)
            return result;
    }
    r->at++;
    *ret_len = r->scratch.len;
    *ret = bh_arena_strndup(r->tree->arena, r->scratch.data, r->scratch.len);
    return 0;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Moves *at over one or more digits; false when there is none. */
static bool take_digits(const char **at, const char *end)
{
    const char *digits = *at;

    *at = skip_digits(digits, end);
    return *at > digits;
}

static bool take_exponent(const char **at, const char *end)
{
    (*at)++;
    if (*at < end && (**at == '+' || **at == '-'))
        (*at)++;
    return take_digits(at, end);
}

/* The end of the number that begins at r->at, NULL when the grammar is broken. */
static const char *number_end(const struct reader *r, bool *ret_integer)
{
    const char *at = r->at;
    const char *digits;

    *ret_integer = true;
    if (at < r->end && *at == '-')
        at++;
    digits = at;
    if (!take_digits(&at, r->end) || (*digits == '0' && at - digits > 1))
        return NULL;
    if (at < r->end && *at == '.') {
        *ret_integer = false;
        at++;
        if (!take_digits(&at, r->end))
            return NULL;
    }
    if (at < r->end && (*at == 'e' || *at == 'E')) {
        *ret_integer = false;
        if (!take_exponent(&at, r->end))
            return NULL;
    }
    return at;
}

static int parse_number(struct reader *r, struct bh_node *n)
{
    char text[NUMBER_MAX + 1];
    bool integer;
    const char *end = number_end(r, &integer);
    size_t len;

    if (!end)
        return fail_at(r, r->at, "malformed number");
    len = (size_t)(end - r->at);
    if (len > NUMBER_MAX)
        return fail_at(r, r->at, "number of more than %u characters", NUMBER_MAX);
    memcpy(text, r->at, len);
    text[len] = '\0';
    r->at = end;
    if (integer) {
        errno = 0;
        n->integer = strtoll(text, NULL, 10);
        n->kind = BH_NODE_INT;
        if (errno == 0)
            return 0;
    }
    n->kind = BH_NODE_REAL;
    n->real = strtod(text, NULL);
    if (!isfinite(n->real))
        return fail_at_place(r, n->column, "number out of range");
    return 0;
}

static int parse_word(struct reader *r, struct bh_node *n)
{
    static const struct {
        const char *text;
        enum bh_node_kind kind;
        bool value;
    } words[] = {{"null", BH_NODE_NULL, false},
                 {"true", BH_NODE_BOOL, true},
                 {"false", BH_NODE_BOOL, false}};

    for (size_t i = 0; i < BH_COUNT_OF(words); i++) {
        size_t len = strlen(words[i].text);

        if ((size_t)(r->end - r->at) < len || memcmp(r->at, words[i].text, len) != 0)
            continue;
        r->at += len;
        n->kind = words[i].kind;
        if (n->kind == BH_NODE_BOOL)
            n->boolean = words[i].value;
        return 0;
    }
    return unexpected(r, "a value");
}

/* Moves past the opening bracket; true when the closing one follows at once. */
static bool enter(struct reader *r, char close)
{
    r->at++;
    skip_space(r);
    if (r->at >= r->end || *r->at != close)
        return false;
    r->at++;
    return true;
}

/* Behind an element: a comma, or the bracket that ends the list. */
static int parse_separator(struct reader *r, char close, const char *wanted, bool *ret_more)
{
    skip_space(r);
    if (r->at >= r->end || (*r->at != ',' && *r->at != close))
        return unexpected(r, wanted);
    *ret_more = *r->at == ',';
    r->at++;
    skip_space(r);
    return 0;
}

static int parse_array(struct reader *r, struct bh_node *array)
{
    struct bh_node **tail = &array->first;
    bool more = !enter(r, ']');

    while (more) {
        int result = parse_value(r, tail);

        if (result)
            return result;
        tail = &(*tail)->next;
        array->count++;
        result = parse_separator(r, ']', "',' or ']'", &more);
        if (result)
            return result;
    }
    return 0;
}

static int parse_member(struct reader *r, struct bh_node **ret)
{
    uint32_t line = r->line, column;
    const char *key;
    size_t len;
    int result;

    if (r->at >= r->end || *r->at != '"')
        return unexpected(r, "a quoted key");
    column = column_of(r, r->at);
    result = parse_string(r, &key, &len);
    if (result)
        return result;
    skip_space(r);
    if (r->at >= r->end || *r->at != ':')
        return unexpected(r, "':'");
    r->at++;
    skip_space(r);
    result = parse_value(r, ret);
    if (result)
        return result;
    (*ret)->key = key;
    (*ret)->key_line = line;
    (*ret)->key_column = column;
    return 0;
}

static int parse_object(struct reader *r, struct bh_node *object)
{
    struct bh_node **tail = &object->first;
    const struct bh_node *duplicate;
    bool more = !enter(r, '}');

    while (more) {
        int result = parse_member(r, tail);

        if (result)
            return result;
        tail = &(*tail)->next;
        object->count++;
        result = parse_separator(r, '}', "',' or '}'", &more);
        if (result)
            return result;
    }
    duplicate = bh_node_find_duplicate(object);
    if (duplicate)
        return bh_fail(r->err, BH_INVALID, "duplicate key \"%.80s\" at line %u, column %u",
                       duplicate->key, duplicate->key_line, duplicate->key_column);
    return 0;
}

static int parse_nested(struct reader *r, struct bh_node *n)
{
    int result;

    if (r->depth == r->limits->depth)
        return bh_fail(r->err, BH_LIMIT, "nested deeper than %u at line %u, column %u",
                       r->limits->depth, n->line, n->column);
    r->depth++;
    n->kind = *r->at == '{' ? BH_NODE_OBJECT : BH_NODE_ARRAY;
    result = n->kind == BH_NODE_OBJECT ? parse_object(r, n) : parse_array(r, n);
    r->depth--;
    return result;
}

/* *ret is set even on failure; the tree is thrown away then. */
static int parse_value(struct reader *r, struct bh_node **ret)
{
    struct bh_node *n;

    if (r->nodes == r->limits->nodes)
        return bh_fail(r->err, BH_LIMIT, "more than %zu values at line %u, column %u",
                       r->limits->nodes, r->line, column_of(r, r->at));
    r->nodes++;
    if (r->at >= r->end)
        return unexpected(r, "a value");
    n = bh_tree_add(r->tree, BH_NODE_NULL, r->line, column_of(r, r->at));
    *ret = n;
    switch (*r->at) {
    case '{':
    case '[':
        return parse_nested(r, n);
    case '"':
        n->kind = BH_NODE_STRING;
        return parse_string(r, &n->string, &n->count);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return parse_number(r, n);
    default:
        return parse_word(r, n);
    }
}

static int parse_document(struct reader *r)
{
    struct bh_node *root;
    int result;

    skip_space(r);
    result = parse_value(r, &root);
    if (result)
        return result;
    r->tree->root = root;
    skip_space(r);
    if (r->at < r->end)
        return unexpected(r, "the end of the document");
    return 0;
}

int bh_json_parse(const char *text, size_t len, const struct bh_json_limits *limits,
                  struct bh_tree **ret, struct bh_error *err)
{
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    struct reader r;
    int result;

    if (!limits)
        limits = &bh_json_limits_default;
    if (len > limits->bytes)
        return bh_fail(err, BH_LIMIT, "JSON document of %zu bytes, limit %zu", len, limits->bytes);
    tree = bh_tree_new();
    r = (struct reader){.at = text,
                        .end = text + len,
                        .line_start = text,
                        .line = 1,
                        .limits = limits,
                        .tree = tree,
                        .err = err};
    result = parse_document(&r);
    bh_buf_done(&r.scratch);
    if (result)
        return result;
    *ret = BH_TAKE(tree);
    return 0;
}
