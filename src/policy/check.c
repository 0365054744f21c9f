#include "base/nearest.h"
#include "policy/checked.h"
#include "policy/declared.h"
#include "policy/match.h"
#include "policy/program_private.h"

#include <errno.h>
#include <string.h>

#define ITEMS_MAX 65536u /* of one list, after lists in it are written out */
#define DEPTH_MAX 400u   /* of a condition, after macros are followed */

struct checker {
    struct bh_scope *scope;
    struct bh_arena *arena;
    struct bh_error *err;
    struct bh_check_place *place;
    const struct bh_macro *inside;
    uint32_t depth;
};

/* Operators that make sense for each kind of value, as bits. */
#define BIT(op) (1u << (op))
#define EQUALITY (BIT(BH_OP_EXISTS) | BIT(BH_OP_EQ) | BIT(BH_OP_NE) | BIT(BH_OP_IN))
#define ORDER (BIT(BH_OP_LT) | BIT(BH_OP_LE) | BIT(BH_OP_GT) | BIT(BH_OP_GE))
#define STRINGS                                                                                    \
    (BIT(BH_OP_CONTAINS) | BIT(BH_OP_ICONTAINS) | BIT(BH_OP_BCONTAINS) | BIT(BH_OP_STARTSWITH) |   \
     BIT(BH_OP_BSTARTSWITH) | BIT(BH_OP_ENDSWITH) | BIT(BH_OP_GLOB) | BIT(BH_OP_IGLOB) |           \
     BIT(BH_OP_REGEX) | BIT(BH_OP_PMATCH) | BIT(BH_OP_INTERSECTS))

static const uint32_t allowed_operators[] = {
    [BH_VALUE_BOOL] = EQUALITY,
    [BH_VALUE_INT] = EQUALITY | ORDER,
    [BH_VALUE_STRING] = EQUALITY | STRINGS,
    [BH_VALUE_LIST] = (EQUALITY | STRINGS) & ~BIT(BH_OP_NE),
    [BH_VALUE_SEVERITY] = EQUALITY | ORDER,
};

static int check_expr(struct checker *c, const struct bh_expr *e, const struct bh_checked **ret);

static int fault(struct checker *c, struct bh_position at, const char *format, ...) BH_PRINTF(3, 4);
static int fault(struct checker *c, struct bh_position at, const char *format, ...)
{
    char message[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    *c->place = (struct bh_check_place){.macro = c->inside, .at = at};
    return bh_fail(c->err, BH_INVALID, "%s", message);
}

static int too_much(struct checker *c, struct bh_position at, const char *what, unsigned limit)
{
    *c->place = (struct bh_check_place){.macro = c->inside, .at = at};
    return bh_fail(c->err, BH_LIMIT, "%s: more than %u", what, limit);
}

/* "; did you mean 'x'?" or nothing. */
static const char *suggestion(const struct bh_nearest *n, char *text, size_t size)
{
    text[0] = 0;
    if (n->best)
        (void)snprintf(text, size, "; did you mean '%s'?", n->best);
    return text;
}

static int unknown_field(struct checker *c, const struct bh_ast_term *t)
{
    struct bh_nearest n;
    char hint[128];
    size_t count;
    const struct bh_field *fields = bh_fields(&count);
    const char *const *declared;

    bh_nearest_init(&n, t->text, strlen(t->text));
    for (size_t i = 0; i < count; i++)
        bh_nearest_offer(&n, fields[i].name);
    declared = bh_declared_fields(&count);
    for (size_t i = 0; i < count; i++)
        bh_nearest_offer(&n, declared[i]);
    return fault(c, t->at, "unknown field '%.80s'%s", t->text, suggestion(&n, hint, sizeof hint));
}

static void note_unread(struct checker *c, const struct bh_ast_term *t)
{
    struct bh_scope *s = c->scope;

    bh_grow(s->unread, s->unread_count, s->unread_cap);
    s->unread[s->unread_count++] = (struct bh_unread){.field = bh_arena_strdup(c->arena, t->text),
                                                      .macro = c->inside,
                                                      .owner = s->owner,
                                                      .at = t->at};
}

/* [n] takes the nth of a list, [key] the value of its first entry "key=value". */
static int check_index(struct checker *c, const struct bh_ast_term *t, struct bh_operand *o)
{
    char *end;

    o->index = -1;
    if (!t->index)
        return 0;
    if (!o->any_type && o->type != BH_VALUE_LIST)
        return fault(c, t->at, "field '%.80s' is a %s, not a list: it takes no [%.40s]", t->text,
                     bh_value_kind_name(o->type), t->index);
    errno = 0;
    o->index = strtoll(t->index, &end, 10);
    if (*end != 0 || end == t->index || o->index < 0 || errno != 0) {
        o->index = -1;
        o->key = bh_arena_strdup(c->arena, t->index);
    }
    o->type = BH_VALUE_STRING;
    return 0;
}

static int check_field(struct checker *c, const struct bh_ast_term *t, struct bh_operand *o,
                       uint32_t *classes)
{
    o->kind = BH_OPERAND_FIELD;
    o->text = bh_arena_strdup(c->arena, t->text);
    o->field = bh_field_find(t->text, strlen(t->text));
    if (o->field) {
        o->type = o->field->kind;
        *classes |= BH_CLASS_BIT(o->field->record);
    } else if (bh_declared_field(t->text)) {
        o->type = BH_VALUE_STRING;
        o->any_type = true;
        *classes |= BH_CLASS_RUNTIME;
        note_unread(c, t);
    } else {
        return unknown_field(c, t);
    }
    return check_index(c, t, o);
}

/* What a transformer yields from what it is given; false when it cannot be given that. */
static bool transformed_type(enum bh_transformer t, const struct bh_operand *argument,
                             enum bh_value_kind *ret)
{
    bool text =
        argument->any_type || argument->type == BH_VALUE_STRING || argument->type == BH_VALUE_LIST;

    switch (t) {
    case BH_TRANSFORM_LEN:
        *ret = BH_VALUE_INT;
        return text;
    case BH_TRANSFORM_JOIN:
    case BH_TRANSFORM_CONCAT:
        *ret = BH_VALUE_STRING;
        return true;
    case BH_TRANSFORM_GETOPT:
        *ret = BH_VALUE_LIST;
        return text;
    case BH_TRANSFORM_VAL:
        *ret = argument->type;
        return true;
    case BH_TRANSFORM_TOLOWER:
    case BH_TRANSFORM_TOUPPER:
    case BH_TRANSFORM_B64:
    case BH_TRANSFORM_BASENAME:
        *ret = argument->type;
        return text;
    }
    return false;
}

static int check_operand(struct checker *c, const struct bh_ast_term *t,
                         const struct bh_operand **ret, uint32_t *classes);

static int check_parts(struct checker *c, const struct bh_ast_term *t, struct bh_operand *o,
                       uint32_t *classes)
{
    const struct bh_operand **parts = bh_arena_alloc(c->arena, (t->count + 1) * sizeof *parts);
    size_t n = 0;

    for (const struct bh_ast_term *part = t->first; part; part = part->next) {
        int r = check_operand(c, part, &parts[n], classes);

        if (r < 0)
            return r;
        o->any_type = o->any_type || parts[n]->any_type;
        o->leaves += BH_MAX(parts[n]->leaves, 1u);
        n++;
    }
    if (o->leaves > BH_OPERAND_LEAVES_MAX)
        return too_much(c, t->at, "arguments", BH_OPERAND_LEAVES_MAX);
    o->count = n;
    o->parts = parts;
    return 0;
}

static int check_call(struct checker *c, const struct bh_ast_term *t, struct bh_operand *o,
                      uint32_t *classes)
{
    int r = check_parts(c, t, o, classes);

    if (r < 0)
        return r;
    o->kind = BH_OPERAND_CALL;
    o->transformer = t->transformer;
    if (!transformed_type(t->transformer, o->parts[0], &o->type))
        return fault(c, t->at, "%s() takes text, and '%.80s' is a %s",
                     bh_transformer_name(t->transformer),
                     o->parts[0]->text ? o->parts[0]->text : "its argument",
                     bh_value_kind_name(o->parts[0]->type));
    o->index = -1;
    if (t->transformer == BH_TRANSFORM_LEN)
        o->any_type = false;
    if (t->transformer != BH_TRANSFORM_GETOPT)
        return 0;
    if (o->parts[1]->kind != BH_OPERAND_TEXT ||
        (o->count > 2 && o->parts[2]->kind != BH_OPERAND_TEXT))
        return fault(c, t->at, "getopt() takes a field and the options in quotes: \"ab:\"");
    if (t->index)
        o->key = bh_arena_strdup(c->arena, t->index);
    else if (o->count > 2)
        o->key = o->parts[2]->text;
    if (o->key)
        o->type = BH_VALUE_STRING;
    return 0;
}

static int check_operand(struct checker *c, const struct bh_ast_term *t,
                         const struct bh_operand **ret, uint32_t *classes)
{
    struct bh_operand *o = bh_arena_alloc(c->arena, sizeof *o);
    int r = 0;

    switch (t->kind) {
    case BH_TERM_FIELD:
        r = check_field(c, t, o, classes);
        break;
    case BH_TERM_CALL:
        r = check_call(c, t, o, classes);
        break;
    case BH_TERM_LIST:
        o->kind = BH_OPERAND_LIST;
        o->type = BH_VALUE_LIST;
        r = check_parts(c, t, o, classes);
        break;
    case BH_TERM_VALUE:
    case BH_TERM_NAME:
        o->kind = BH_OPERAND_TEXT;
        o->type = BH_VALUE_STRING;
        o->text = bh_arena_strdup(c->arena, t->text);
        break;
    }
    *ret = o;
    return r;
}

/* Values of the right side, lists written out. */
struct items {
    const char **text;
    size_t count, cap;
};

static int add_list(struct checker *c, struct bh_position at, struct bh_list *list,
                    struct items *items);

static int add_item(struct checker *c, struct bh_position at, const char *text, bool quoted,
                    struct items *items)
{
    struct bh_list *list = quoted ? NULL : bh_scope_list(c->scope, text);

    if (list)
        return add_list(c, at, list, items);
    if (items->count >= ITEMS_MAX)
        return too_much(c, at, "values in the list", ITEMS_MAX);
    bh_grow(items->text, items->count, items->cap);
    items->text[items->count++] = text;
    return 0;
}

static int add_list(struct checker *c, struct bh_position at, struct bh_list *list,
                    struct items *items)
{
    int r = 0;

    if (list->busy)
        return fault(c, at, "list '%.80s' holds itself", list->name);
    if (++c->depth > DEPTH_MAX)
        return too_much(c, at, "lists inside another", DEPTH_MAX);
    list->busy = true;
    list->used = true;
    for (size_t i = 0; list->items[i] && r == 0; i++)
        r = add_item(c, at, list->items[i], strcmp(list->items[i], list->name) == 0, items);
    list->busy = false;
    c->depth--;
    return r;
}

static int unknown_list(struct checker *c, const struct bh_ast_term *t)
{
    struct bh_nearest n;
    char hint[128];

    bh_nearest_init(&n, t->text, strlen(t->text));
    for (size_t i = 0; i < c->scope->list_count; i++)
        bh_nearest_offer(&n, c->scope->lists[i].name);
    return fault(c, t->at, "unknown list '%.80s'%s", t->text, suggestion(&n, hint, sizeof hint));
}

static int collect_items(struct checker *c, const struct bh_ast_term *right, struct items *items)
{
    struct bh_list *list;
    int r = 0;

    switch (right->kind) {
    case BH_TERM_NAME:
        list = bh_scope_list(c->scope, right->text);
        return list ? add_list(c, right->at, list, items) : unknown_list(c, right);
    case BH_TERM_LIST:
        for (const struct bh_ast_term *t = right->first; t && r == 0; t = t->next)
            r = add_item(c, t->at, t->text, t->quoted, items);
        return r;
    case BH_TERM_VALUE:
    case BH_TERM_FIELD:
    case BH_TERM_CALL:
        break;
    }
    return add_item(c, right->at, right->text, true, items);
}

static int severity_constant(struct checker *c, struct bh_position at, const char *text,
                             int64_t *ret)
{
    enum bh_severity severity;

    if (!bh_severity_parse(text, &severity)) {
        const char *names[BH_SEVERITY_COUNT + 1] = {NULL};
        struct bh_nearest n;
        char hint[128];

        bh_nearest_init(&n, text, strlen(text));
        for (int i = 0; i < BH_SEVERITY_COUNT; i++)
            names[i] = bh_severity_name((enum bh_severity)i);
        for (size_t i = 1; names[i]; i++)
            bh_nearest_offer(&n, names[i]);
        return fault(c, at, "'%.80s' is not a severity (negligible, low, medium, high, critical)%s",
                     text, suggestion(&n, hint, sizeof hint));
    }
    if (severity == BH_SEVERITY_UNKNOWN)
        return fault(c, at,
                     "an unrated severity is not known, so it equals nothing; "
                     "what a rule does then is said by 'unknown:'");
    *ret = severity;
    return 0;
}

static int integer_constant(struct checker *c, struct bh_position at, const char *text,
                            int64_t *ret)
{
    const char *digits = text + (*text == '-' || *text == '+');
    bool hexadecimal = digits[0] == '0' && (digits[1] | 0x20) == 'x';
    char *end;

    errno = 0;
    *ret = strtoll(text, &end, hexadecimal ? 16 : 10);
    if (end == text || *end != 0 || errno != 0)
        return fault(c, at, "'%.80s' is not a whole number of 64 bits", text);
    return 0;
}

static int constant_number(struct checker *c, struct bh_position at, const struct bh_operand *left,
                           const char *text, int64_t *ret)
{
    switch (left->type) {
    case BH_VALUE_SEVERITY:
        return severity_constant(c, at, text, ret);
    case BH_VALUE_INT:
        return integer_constant(c, at, text, ret);
    case BH_VALUE_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return fault(c, at, "'%.80s' is neither true nor false", text);
        *ret = text[0] == 't';
        return 0;
    case BH_VALUE_STRING:
    case BH_VALUE_LIST:
        break;
    }
    return 0;
}

static int compile_patterns(struct checker *c, const struct bh_expr *e, struct bh_constants *k)
{
    k->patterns = bh_arena_alloc(c->arena, (k->count + 1) * sizeof *k->patterns);
    for (size_t i = 0; i < k->count; i++) {
        int r = bh_regex_compile(k->strings[i], c->arena, &k->patterns[i], c->err);

        if (r < 0) {
            *c->place = (struct bh_check_place){.macro = c->inside, .at = e->right->at};
            return r;
        }
    }
    return 0;
}

/* Globs with groups become regular expressions; the others keep no pattern. */
static int compile_globs(struct checker *c, const struct bh_expr *e, struct bh_constants *k)
{
    k->patterns = bh_arena_alloc(c->arena, (k->count + 1) * sizeof *k->patterns);
    for (size_t i = 0; i < k->count; i++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
        bool bad;
        int r;

        if (!bh_match_glob_regex(k->strings[i], e->op == BH_OP_IGLOB, &b, &bad))
            continue;
        if (bad)
            return fault(c, e->right->at, "glob '%.80s': groups are @(a|b), ?(a), *(a) and +(a)",
                         k->strings[i]);
        r = bh_regex_compile(bh_buf_text(&b), c->arena, &k->patterns[i], c->err);
        if (r < 0) {
            *c->place = (struct bh_check_place){.macro = c->inside, .at = e->right->at};
            return r;
        }
    }
    return 0;
}

static int decode_bytes(struct checker *c, const struct bh_expr *e, struct bh_constants *k)
{
    k->bytes = bh_arena_alloc(c->arena, (k->count + 1) * sizeof *k->bytes);
    k->byte_counts = bh_arena_alloc(c->arena, (k->count + 1) * sizeof *k->byte_counts);
    for (size_t i = 0; i < k->count; i++) {
        k->bytes[i] = bh_arena_alloc(c->arena, strlen(k->strings[i]) / 2 + 1);
        if (!bh_match_parse_hex(k->strings[i], k->bytes[i], &k->byte_counts[i]))
            return fault(c, e->right->at,
                         "%s takes bytes as pairs of hexadecimal digits, not '%.80s'",
                         bh_operator_name(e->op), k->strings[i]);
    }
    return 0;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int convert_constants(struct checker *c, const struct bh_expr *e, struct bh_checked *test,
                             const struct items *items)
{
    struct bh_constants *k = &test->constants;
    bool text = test->left->any_type || test->left->type == BH_VALUE_STRING ||
                test->left->type == BH_VALUE_LIST;
    int r = 0;

    k->count = items->count;
    if (!text) {
        k->integers = bh_arena_alloc(c->arena, (k->count + 1) * sizeof *k->integers);
        for (size_t i = 0; i < k->count && r == 0; i++)
            r = constant_number(c, e->right->at, test->left, items->text[i], &k->integers[i]);
        return r;
    }
    k->strings = bh_arena_alloc(c->arena, (k->count + 1) * sizeof *k->strings);
    for (size_t i = 0; i < k->count; i++)
        k->strings[i] = bh_arena_strdup(c->arena, items->text[i]);
    if (e->op == BH_OP_IN || e->op == BH_OP_INTERSECTS)
        qsort(k->strings, k->count, sizeof *k->strings, compare_text);
    if (e->op == BH_OP_REGEX)
        return compile_patterns(c, e, k);
    if (e->op == BH_OP_GLOB || e->op == BH_OP_IGLOB)
        return compile_globs(c, e, k);
    if (e->op == BH_OP_BCONTAINS || e->op == BH_OP_BSTARTSWITH)
        return decode_bytes(c, e, k);
    return 0;
}

/* The right side is a field or made from fields. */
static int check_dynamic(struct checker *c, const struct bh_expr *e, struct bh_checked *test)
{
    const struct bh_operand *right;
    bool left_text, right_text;
    int r;

    if (e->op == BH_OP_REGEX || e->op == BH_OP_BCONTAINS || e->op == BH_OP_BSTARTSWITH)
        return fault(c, e->right->at, "%s needs a constant on its right side",
                     bh_operator_name(e->op));
    r = check_operand(c, e->right, &right, &test->classes);
    if (r < 0)
        return r;
    test->right = right;
    if (right->any_type || test->left->any_type)
        return 0;
    left_text = test->left->type == BH_VALUE_STRING || test->left->type == BH_VALUE_LIST;
    right_text = right->type == BH_VALUE_STRING || right->type == BH_VALUE_LIST;
    if (left_text != right_text || (!left_text && test->left->type != right->type))
        return fault(c, e->right->at, "a %s cannot be compared with a %s",
                     bh_value_kind_name(test->left->type), bh_value_kind_name(right->type));
    return 0;
}

static int check_operator(struct checker *c, const struct bh_expr *e, const struct bh_operand *left)
{
    const char *name = left->text ? left->text : bh_transformer_name(left->transformer);
    uint32_t allowed = allowed_operators[left->type];
    char list[256];
    size_t used = 0;

    if (left->any_type || (allowed & BIT(e->op)))
        return 0;
    if (left->type == BH_VALUE_LIST && e->op == BH_OP_NE)
        return fault(c, e->op_at, "'%.80s' is a list: write 'not %.80s = ...'", name, name);
    for (size_t i = 0; i < BH_OP_COUNT; i++)
        if (allowed & BIT(i))
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     bh_operator_name((enum bh_operator)i));
    return fault(c, e->op_at,
                 "operator '%s' does not suit '%.80s', which is a %s; known for it: %s",
                 bh_operator_name(e->op), name, bh_value_kind_name(left->type), list);
}

static int check_test(struct checker *c, const struct bh_expr *e, const struct bh_checked **ret)
{
    struct bh_checked *test = bh_arena_alloc(c->arena, sizeof *test);
    struct items items = {0};
    int r;

    test->kind = BH_CHECKED_TEST;
    test->op = e->op;
    test->modifier = e->modifier;
    test->depth = 1;
    r = check_operand(c, e->left, &test->left, &test->classes);
    if (r == 0)
        r = check_operator(c, e, test->left);
    if (r == 0 && e->right && e->right->kind == BH_TERM_CALL) {
        r = check_dynamic(c, e, test);
    } else if (r == 0 && e->right) {
        r = collect_items(c, e->right, &items);
        if (r == 0)
            r = convert_constants(c, e, test, &items);
    }
    free(items.text);
    *ret = test;
    return r;
}

static int unknown_macro(struct checker *c, const struct bh_expr *e)
{
    struct bh_nearest n;
    char hint[128];

    if (bh_scope_list(c->scope, e->name))
        return fault(c, e->at, "'%.80s' is a list, not a macro: compare a field with it", e->name);
    bh_nearest_init(&n, e->name, strlen(e->name));
    for (size_t i = 0; i < c->scope->macro_count; i++)
        bh_nearest_offer(&n, c->scope->macros[i].name);
    return fault(c, e->at, "unknown macro '%.80s'%s", e->name, suggestion(&n, hint, sizeof hint));
}

static int follow_macro(struct checker *c, struct bh_macro *m)
{
    const struct bh_macro *outside = c->inside;
    int r;

    m->state = BH_MACRO_BUSY;
    c->inside = m;
    r = check_expr(c, m->expr, &m->checked);
    c->inside = outside;
    m->state = r == 0 ? BH_MACRO_CHECKED : BH_MACRO_BROKEN;
    if (r == 0)
        m->slot = c->scope->slots++;
    return r;
}

static int check_name(struct checker *c, const struct bh_expr *e, const struct bh_checked **ret)
{
    struct bh_macro *m = bh_scope_macro(c->scope, e->name);
    struct bh_checked *node;
    int r = 0;

    if (!m)
        return unknown_macro(c, e);
    m->used = true;
    if (m->state == BH_MACRO_BUSY)
        return fault(c, e->at, "macro '%.80s' holds itself", e->name);
    if (m->state == BH_MACRO_BROKEN) {
        (void)fault(c, e->at, "macro '%.80s' has an error of its own", e->name);
        return bh_fail(c->err, BH_EXISTS, "macro '%.80s' has an error of its own", e->name);
    }
    if (m->state == BH_MACRO_UNCHECKED)
        r = follow_macro(c, m);
    if (r < 0)
        return r;
    node = bh_arena_alloc(c->arena, sizeof *node);
    node->kind = BH_CHECKED_MACRO;
    node->macro = m;
    node->classes = m->checked->classes;
    node->depth = m->checked->depth + 1;
    *ret = node;
    return 0;
}

static int check_operands(struct checker *c, const struct bh_expr *e, const struct bh_checked **ret)
{
    struct bh_checked *node = bh_arena_alloc(c->arena, sizeof *node);
    size_t count = 0, n = 0;

    for (const struct bh_expr *o = e->first; o; o = o->next)
        count++;
    node->kind = e->kind == BH_EXPR_AND  ? BH_CHECKED_AND
                 : e->kind == BH_EXPR_OR ? BH_CHECKED_OR
                                         : BH_CHECKED_NOT;
    node->count = count;
    node->children = bh_arena_alloc(c->arena, count * sizeof *node->children);
    for (const struct bh_expr *o = e->first; o; o = o->next, n++) {
        int r = check_expr(c, o, &node->children[n]);

        if (r < 0)
            return r;
        node->classes |= node->children[n]->classes;
        node->depth = BH_MAX(node->depth, node->children[n]->depth + 1);
    }
    *ret = node;
    return 0;
}

static int check_expr(struct checker *c, const struct bh_expr *e, const struct bh_checked **ret)
{
    int r = 0;

    if (++c->depth > DEPTH_MAX)
        return too_much(c, e->at, "levels of the condition with its macros", DEPTH_MAX);
    switch (e->kind) {
    case BH_EXPR_CHECK:
        r = check_test(c, e, ret);
        break;
    case BH_EXPR_NAME:
        r = check_name(c, e, ret);
        break;
    case BH_EXPR_AND:
    case BH_EXPR_OR:
    case BH_EXPR_NOT:
        r = check_operands(c, e, ret);
        break;
    }
    c->depth--;
    if (r == 0 && (*ret)->depth > DEPTH_MAX)
        return too_much(c, e->at, "levels of the condition with its macros", DEPTH_MAX);
    return r;
}

int bh_program_check(const struct bh_expr *expr, struct bh_scope *scope,
                     const struct bh_program **ret, struct bh_check_place *ret_place,
                     struct bh_error *err)
{
    struct bh_check_place place = {0};
    struct checker c = {.scope = scope, .arena = scope->arena, .err = err, .place = &place};
    const struct bh_checked *root;
    struct bh_program *program;
    int r = check_expr(&c, expr, &root);

    if (ret_place)
        *ret_place = place;
    if (r < 0)
        return r;
    program = bh_arena_alloc(scope->arena, sizeof *program);
    program->root = root;
    program->slots = scope->slots;
    *ret = program;
    return 0;
}

int bh_macro_check(struct bh_macro *macro, struct bh_scope *scope, struct bh_check_place *ret_place,
                   struct bh_error *err)
{
    struct bh_check_place place = {0};
    struct checker c = {.scope = scope, .arena = scope->arena, .err = err, .place = &place};
    int r = macro->state == BH_MACRO_UNCHECKED ? follow_macro(&c, macro) : 0;

    if (ret_place)
        *ret_place = place;
    return r;
}

bool bh_program_is_runtime(const struct bh_program *p)
{
    return (p->root->classes & BH_CLASS_RUNTIME) != 0;
}

int bh_program_class(const struct bh_program *p, enum bh_record_class *ret, struct bh_error *err)
{
    uint32_t classes = p->root->classes;
    bool finding = classes & BH_CLASS_BIT(BH_RECORD_FINDING);
    bool vuln = classes & BH_CLASS_BIT(BH_RECORD_VULN);
    bool package = classes & BH_CLASS_BIT(BH_RECORD_PACKAGE);

    if (finding && (vuln || package))
        return bh_fail(err, BH_INVALID,
                       "finding.* and %s.* speak of different records: "
                       "a finding has no %s",
                       vuln ? "vuln" : "package", vuln ? "vulnerability" : "package");
    *ret = finding   ? BH_RECORD_FINDING
           : vuln    ? BH_RECORD_VULN
           : package ? BH_RECORD_PACKAGE
                     : BH_RECORD_IMAGE;
    return 0;
}
