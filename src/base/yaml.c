#include "base/yaml.h"

#include "base/tree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define NUMBER_MAX 512u

const struct bh_yaml_limits bh_yaml_limits_default = {
    .bytes = 1024u * 1024,
    .depth = 32,
    .nodes = 200000,
    .aliases = 100,
};

struct anchor {
    struct anchor *next;
    const char *name;
    const struct bh_node *node;
    bool open; /* its node is still being read: an alias now would contain itself */
};

struct reader {
    yaml_parser_t parser;
    const struct bh_yaml_limits *limits;
    uint32_t depth, aliases;
    size_t nodes;
    struct bh_tree *tree;
    struct anchor *anchors;
    struct bh_error *err;
};

static int parse_value(struct reader *r, const yaml_event_t *event, struct bh_node **ret);

static void event_done(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static uint32_t line_of(yaml_mark_t mark)
{
    return (uint32_t)mark.line + 1;
}

static uint32_t column_of(yaml_mark_t mark)
{
    return (uint32_t)mark.column + 1;
}

static int fail_mark(struct reader *r, yaml_mark_t mark, int code, const char *what)
{
    return bh_fail(r->err, code, "%s at line %u, column %u", what, line_of(mark), column_of(mark));
}

static int next_event(struct reader *r, yaml_event_t *event)
{
    const yaml_parser_t *p = &r->parser;

    if (yaml_parser_parse(&r->parser, event))
        return 0;
    if (p->error == YAML_READER_ERROR)
        return bh_fail(r->err, BH_INVALID, "YAML: %s at byte %zu", p->problem, p->problem_offset);
    return fail_mark(r, p->problem_mark, BH_INVALID, p->problem ? p->problem : "YAML: bad syntax");
}

static int new_node(struct reader *r, yaml_mark_t mark, enum bh_node_kind kind,
                    struct bh_node **ret)
{
    if (r->nodes == r->limits->nodes)
        return bh_fail(r->err, BH_LIMIT, "more than %zu values at line %u, column %u",
                       r->limits->nodes, line_of(mark), column_of(mark));
    r->nodes++;
    *ret = bh_tree_add(r->tree, kind, line_of(mark), column_of(mark));
    return 0;
}

static struct anchor *add_anchor(struct reader *r, const yaml_char_t *name, struct bh_node *node)
{
    struct anchor *a;

    if (!name)
        return NULL;
    a = bh_arena_alloc(r->tree->arena, sizeof *a);
    a->name = bh_arena_strdup(r->tree->arena, (const char *)name);
    a->node = node;
    a->next = r->anchors; /* the newest of a name is found first, as YAML wants it */
    r->anchors = a;
    return a;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* [-+]?[0-9]+, 0o[0-7]+ and 0x[0-9a-fA-F]+ of the core schema. */
static bool read_integer(const char *text, int64_t *ret)
{
    const char *digits = text;
    const char *allowed = "0123456789";
    int base = 10;

    if (strncmp(text, "0o", 2) == 0) {
        digits = text + 2;
        allowed = "01234567";
        base = 8;
    } else if (strncmp(text, "0x", 2) == 0) {
        digits = text + 2;
        allowed = "0123456789abcdefABCDEF";
        base = 16;
    } else if (*text == '-' || *text == '+') {
        digits = text + 1;
    }
    if (!*digits || digits[strspn(digits, allowed)])
        return false;
    errno = 0;
    *ret = strtoll(base == 10 ? text : digits, NULL, base);
    return errno == 0;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? of the core schema. */
static bool is_real(const char *text)
{
    static const char digits[] = "0123456789";
    size_t whole, fraction = 0;

    text += *text == '-' || *text == '+';
    whole = strspn(text, digits);
    text += whole;
    if (*text == '.') {
        text++;
        fraction = strspn(text, digits);
        text += fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        if (!*text)
            return false;
        text += strspn(text, digits);
    }
    return *text == '\0';
}

static bool read_special_real(const char *text, double *ret)
{
    static const char *const not_numbers[] = {".nan", ".NaN", ".NAN", NULL};
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    bool negative = *text == '-';

    if (is_one_of(text, not_numbers)) {
        *ret = (double)NAN;
        return true;
    }
    text += negative || *text == '+';
    if (!is_one_of(text, infinities))
        return false;
    *ret = negative ? -(double)INFINITY : (double)INFINITY;
    return true;
}

static void read_plain(struct bh_node *n, const char *text, size_t len)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    int64_t integer;
    double real;

    if (is_one_of(text, nulls)) {
        n->kind = BH_NODE_NULL;
    } else if (is_one_of(text, trues) || is_one_of(text, falses)) {
        n->kind = BH_NODE_BOOL;
        n->boolean = *text == 't' || *text == 'T';
    } else if (read_integer(text, &integer)) {
        n->kind = BH_NODE_INT;
        n->integer = integer;
    } else if (read_special_real(text, &real)) {
        n->kind = BH_NODE_REAL;
        n->real = real;
    } else if (len <= NUMBER_MAX && is_real(text)) {
        n->kind = BH_NODE_REAL;
        n->real = strtod(text, NULL);
    }
}

static int scalar_text(struct reader *r, const yaml_event_t *event, const char **ret)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;

    if (event->data.scalar.tag)
        return fail_mark(r, event->start_mark, BH_INVALID, "tags are not accepted");
    if (memchr(text, '\0', len))
        return fail_mark(r, event->start_mark, BH_INVALID, "NUL inside a string");
    *ret = text;
    return 0;
}

static int parse_scalar(struct reader *r, const yaml_event_t *event, struct bh_node **ret)
{
    const char *text = NULL;
    struct bh_node *n = NULL;
    size_t len = event->data.scalar.length;
    int result = scalar_text(r, event, &text);

    if (!result)
        result = new_node(r, event->start_mark, BH_NODE_STRING, &n);
    if (result)
        return result;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        read_plain(n, text, len);
    if (n->kind == BH_NODE_STRING) {
        n->count = len;
        n->string = bh_arena_strndup(r->tree->arena, text, len);
    }
    (void)add_anchor(r, event->data.scalar.anchor, n); /* complete already: nothing to close */
    *ret = n;
    return 0;
}

static int enter(struct reader *r, yaml_mark_t mark)
{
    if (r->depth == r->limits->depth)
        return bh_fail(r->err, BH_LIMIT, "nested deeper than %u at line %u, column %u",
                       r->limits->depth, line_of(mark), column_of(mark));
    r->depth++;
    return 0;
}

static int parse_elements(struct reader *r, struct bh_node *array)
{
    struct bh_node **tail = &array->first;

    for (;;) {
        BH_AUTO(event_done) yaml_event_t event = {0};
        int result = next_event(r, &event);

        if (result)
            return result;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        result = parse_value(r, &event, tail);
        if (result)
            return result;
        tail = &(*tail)->next;
        array->count++;
    }
}

static int parse_key(struct reader *r, const yaml_event_t *event, const char **ret)
{
    const char *text = NULL;
    int result;

    if (event->type != YAML_SCALAR_EVENT || event->data.scalar.anchor)
        return fail_mark(r, event->start_mark, BH_INVALID,
                         "a key that is not a plain or quoted string");
    result = scalar_text(r, event, &text);
    if (result)
        return result;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(text, "<<") == 0)
        return fail_mark(r, event->start_mark, BH_INVALID, "merge keys are not accepted");
    *ret = bh_arena_strdup(r->tree->arena, text);
    return 0;
}

static int parse_members(struct reader *r, struct bh_node *object)
{
    struct bh_node **tail = &object->first;

    for (;;) {
        BH_AUTO(event_done) yaml_event_t key_event = {0};
        BH_AUTO(event_done) yaml_event_t event = {0};
        const char *key = NULL;
        int result = next_event(r, &key_event);

        if (result)
            return result;
        if (key_event.type == YAML_MAPPING_END_EVENT)
            return 0;
        result = parse_key(r, &key_event, &key);
        if (!result)
            result = next_event(r, &event);
        if (!result)
            result = parse_value(r, &event, tail);
        if (result)
            return result;
        (*tail)->key = key;
        (*tail)->key_line = line_of(key_event.start_mark);
        (*tail)->key_column = column_of(key_event.start_mark);
        tail = &(*tail)->next;
        object->count++;
    }
}

static int parse_sequence(struct reader *r, const yaml_event_t *event, struct bh_node **ret)
{
    struct anchor *anchor;
    int result;

    if (event->data.sequence_start.tag)
        return fail_mark(r, event->start_mark, BH_INVALID, "tags are not accepted");
    result = new_node(r, event->start_mark, BH_NODE_ARRAY, ret);
    if (!result)
        result = enter(r, event->start_mark);
    if (result)
        return result;
    anchor = add_anchor(r, event->data.sequence_start.anchor, *ret);
    if (anchor)
        anchor->open = true;
    result = parse_elements(r, *ret);
    if (anchor)
        anchor->open = false;
    r->depth--;
    return result;
}

static int parse_mapping(struct reader *r, const yaml_event_t *event, struct bh_node **ret)
{
    const struct bh_node *duplicate;
    struct anchor *anchor;
    int result;

    if (event->data.mapping_start.tag)
        return fail_mark(r, event->start_mark, BH_INVALID, "tags are not accepted");
    result = new_node(r, event->start_mark, BH_NODE_OBJECT, ret);
    if (!result)
        result = enter(r, event->start_mark);
    if (result)
        return result;
    anchor = add_anchor(r, event->data.mapping_start.anchor, *ret);
    if (anchor)
        anchor->open = true;
    result = parse_members(r, *ret);
    if (anchor)
        anchor->open = false;
    r->depth--;
    if (result)
        return result;
    duplicate = bh_node_find_duplicate(*ret);
    if (duplicate)
        return bh_fail(r->err, BH_INVALID, "duplicate key \"%.80s\" at line %u, column %u",
                       duplicate->key, duplicate->key_line, duplicate->key_column);
    return 0;
}

/* A copy keeps the places of the original: an error about it names where the text is. Strings are
 * shared, they belong to the same tree. */
static int copy_node(struct reader *r, yaml_mark_t mark, const struct bh_node *from,
                     struct bh_node **ret)
{
    struct bh_node *n;
    struct bh_node **tail;
    int result = new_node(r, mark, from->kind, &n);

    if (result)
        return result;
    *n = *from;
    n->next = NULL;
    *ret = n;
    if (from->kind != BH_NODE_ARRAY && from->kind != BH_NODE_OBJECT)
        return 0;
    result = enter(r, mark);
    n->first = NULL;
    tail = &n->first;
    for (const struct bh_node *child = from->first; child && !result; child = child->next) {
        result = copy_node(r, mark, child, tail);
        if (!result)
            tail = &(*tail)->next;
    }
    r->depth--;
    return result;
}

static int parse_alias(struct reader *r, const yaml_event_t *event, struct bh_node **ret)
{
    const char *name = (const char *)event->data.alias.anchor;
    const struct anchor *a = r->anchors;
    int result;

    while (a && strcmp(a->name, name) != 0)
        a = a->next;
    if (!a)
        return fail_mark(r, event->start_mark, BH_INVALID, "alias of an anchor that is not there");
    if (a->open)
        return fail_mark(r, event->start_mark, BH_INVALID, "alias inside its own anchor");
    if (r->aliases == r->limits->aliases)
        return bh_fail(r->err, BH_LIMIT, "more than %u aliases at line %u, column %u",
                       r->limits->aliases, line_of(event->start_mark),
                       column_of(event->start_mark));
    r->aliases++;
    result = copy_node(r, event->start_mark, a->node, ret);
    if (result)
        return result;
    (*ret)->key = NULL;
    (*ret)->key_line = (*ret)->key_column = 0;
    return 0;
}

static int parse_value(struct reader *r, const yaml_event_t *event, struct bh_node **ret)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return parse_scalar(r, event, ret);
    case YAML_SEQUENCE_START_EVENT:
        return parse_sequence(r, event, ret);
    case YAML_MAPPING_START_EVENT:
        return parse_mapping(r, event, ret);
    case YAML_ALIAS_EVENT:
        return parse_alias(r, event, ret);
    default:
        return fail_mark(r, event->start_mark, BH_INVALID, "a value is missing");
    }
}

/* Reads events until one of a type that carries something. */
static int next_start(struct reader *r, yaml_event_t *event)
{
    for (;;) {
        int result = next_event(r, event);

        if (result ||
            (event->type != YAML_STREAM_START_EVENT && event->type != YAML_DOCUMENT_START_EVENT &&
             event->type != YAML_DOCUMENT_END_EVENT))
            return result;
        yaml_event_delete(event);
    }
}

static int parse_stream(struct reader *r)
{
    BH_AUTO(event_done) yaml_event_t event = {0};
    BH_AUTO(event_done) yaml_event_t end = {0};
    struct bh_node *root = NULL;
    int result = next_start(r, &event);

    if (result)
        return result;
    if (event.type == YAML_STREAM_END_EVENT) {
        r->tree->root = bh_tree_add(r->tree, BH_NODE_NULL, 1, 1);
        return 0;
    }
    result = parse_value(r, &event, &root);
    if (result)
        return result;
    r->tree->root = root;
    result = next_start(r, &end);
    if (result)
        return result;
    if (end.type != YAML_STREAM_END_EVENT)
        return fail_mark(r, end.start_mark, BH_INVALID, "a second document in one file");
    return 0;
}

int bh_yaml_parse(const char *text, size_t len, const struct bh_yaml_limits *limits,
                  struct bh_tree **ret, struct bh_error *err)
{
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    struct reader r = {.limits = limits ? limits : &bh_yaml_limits_default, .err = err};
    int result;

    if (len > r.limits->bytes)
        return bh_fail(err, BH_LIMIT, "YAML document of %zu bytes, limit %zu", len,
                       r.limits->bytes);
    if (!yaml_parser_initialize(&r.parser))
        return bh_fail(err, BH_LIMIT, "YAML reader: out of memory");
    tree = bh_tree_new();
    r.tree = tree;
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    result = parse_stream(&r);
    yaml_parser_delete(&r.parser);
    if (result)
        return result;
    *ret = BH_TAKE(tree);
    return 0;
}
