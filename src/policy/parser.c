#include "policy/parser.h"

#include "base/nearest.h"
#include "fact/severity.h"
#include "policy/lexer.h"

#include <string.h>

struct bh_condition {
    struct bh_arena *arena;
    const struct bh_expr *root;
};

struct parser {
    struct bh_lexer lexer;
    struct bh_arena *arena;
    struct bh_error *err;
    uint32_t depth, nodes;
};

/* How the right side of an operator is written. */
enum right_side { RIGHT_NONE, RIGHT_NUMBER, RIGHT_STRING, RIGHT_LIST };

static const struct {
    const char *name;
    enum right_side right;
    bool word; /* a blank must follow */
} operators[BH_OP_COUNT] = {
    [BH_OP_EXISTS] = {"exists", RIGHT_NONE, false},
    [BH_OP_EQ] = {"=", RIGHT_STRING, false},
    [BH_OP_NE] = {"!=", RIGHT_STRING, false},
    [BH_OP_LT] = {"<", RIGHT_NUMBER, false},
    [BH_OP_LE] = {"<=", RIGHT_NUMBER, false},
    [BH_OP_GT] = {">", RIGHT_NUMBER, false},
    [BH_OP_GE] = {">=", RIGHT_NUMBER, false},
    [BH_OP_CONTAINS] = {"contains", RIGHT_STRING, true},
    [BH_OP_ICONTAINS] = {"icontains", RIGHT_STRING, true},
    [BH_OP_BCONTAINS] = {"bcontains", RIGHT_STRING, true},
    [BH_OP_STARTSWITH] = {"startswith", RIGHT_STRING, true},
    [BH_OP_BSTARTSWITH] = {"bstartswith", RIGHT_STRING, true},
    [BH_OP_ENDSWITH] = {"endswith", RIGHT_STRING, true},
    [BH_OP_GLOB] = {"glob", RIGHT_STRING, true},
    [BH_OP_IGLOB] = {"iglob", RIGHT_STRING, true},
    [BH_OP_REGEX] = {"regex", RIGHT_STRING, true},
    [BH_OP_IN] = {"in", RIGHT_LIST, false},
    [BH_OP_INTERSECTS] = {"intersects", RIGHT_LIST, false},
    [BH_OP_PMATCH] = {"pmatch", RIGHT_LIST, false},
};

static const char *const modifiers[] = {"", "oneof", "anyof", "allof"};

static const struct {
    const char *name;
    uint32_t min, max; /* arguments; with max 1 it must be a field or another transformer */
} transformers[BH_TRANSFORM_COUNT] = {
    [BH_TRANSFORM_TOLOWER] = {"tolower", 1, 1}, [BH_TRANSFORM_TOUPPER] = {"toupper", 1, 1},
    [BH_TRANSFORM_B64] = {"b64", 1, 1},         [BH_TRANSFORM_BASENAME] = {"basename", 1, 1},
    [BH_TRANSFORM_LEN] = {"len", 1, 1},         [BH_TRANSFORM_JOIN] = {"join", 2, 2},
    [BH_TRANSFORM_CONCAT] = {"concat", 1, 64},  [BH_TRANSFORM_GETOPT] = {"getopt", 2, 3},
    [BH_TRANSFORM_VAL] = {"val", 1, 1},
};

const char *bh_operator_name(enum bh_operator op)
{
    return operators[op].name;
}

const char *bh_modifier_name(enum bh_modifier m)
{
    return modifiers[m];
}

const char *bh_transformer_name(enum bh_transformer t)
{
    return transformers[t].name;
}

static int parse_or(struct parser *p, struct bh_expr **ret);
static int parse_call(struct parser *p, enum bh_transformer t, struct bh_position at,
                      struct bh_ast_term **ret);

static int fault(struct parser *p, const char *format, ...) BH_PRINTF(2, 3);
static int fault(struct parser *p, const char *format, ...)
{
    char message[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return bh_fail(p->err, BH_INVALID, "%s", message);
}

static int count_node(struct parser *p)
{
    if (++p->nodes > BH_CONDITION_NODES_MAX)
        return bh_fail(p->err, BH_LIMIT, "condition of more than %u nodes", BH_CONDITION_NODES_MAX);
    return 0;
}

static int enter(struct parser *p)
{
    if (++p->depth > BH_CONDITION_DEPTH_MAX)
        return bh_fail(p->err, BH_LIMIT, "condition nested deeper than %u", BH_CONDITION_DEPTH_MAX);
    return 0;
}

static int new_expr(struct parser *p, enum bh_expr_kind kind, struct bh_position at,
                    struct bh_expr **ret)
{
    struct bh_expr *e;
    int r = count_node(p);

    if (r < 0)
        return r;
    e = bh_arena_alloc(p->arena, sizeof *e);
    e->kind = kind;
    e->at = at;
    *ret = e;
    return 0;
}

static int new_term(struct parser *p, enum bh_ast_term_kind kind, struct bh_position at,
                    struct bh_ast_term **ret)
{
    struct bh_ast_term *t;
    int r = count_node(p);

    if (r < 0)
        return r;
    t = bh_arena_alloc(p->arena, sizeof *t);
    t->kind = kind;
    t->at = at;
    *ret = t;
    return 0;
}

static const char *keep(struct parser *p, const struct bh_token *token)
{
    return bh_arena_strndup(p->arena, token->text, token->len);
}

/* The [..] behind a field or a getopt call, when there is one. */
static int parse_index(struct parser *p, struct bh_ast_term *t)
{
    struct bh_token token;
    int r;

    if (!bh_lex_text(&p->lexer, "["))
        return 0;
    r = bh_lex_quoted(&p->lexer, p->arena, &t->index, p->err);
    if (r < 0)
        return r;
    if (!t->index) {
        if (!bh_lex_index(&p->lexer, &token))
            return fault(p, "expected a number, a word or a quoted string between the brackets");
        t->index = keep(p, &token);
    }
    if (!bh_lex_text(&p->lexer, "]"))
        return fault(p, "expected ']'");
    return 0;
}

static int parse_field(struct parser *p, const struct bh_token *token, struct bh_ast_term **ret)
{
    int r = new_term(p, BH_TERM_FIELD, token->at, ret);

    if (r < 0)
        return r;
    (*ret)->text = keep(p, token);
    return parse_index(p, *ret);
}

/* "tolower(" and its like; val only where allowed. No blank may stand before the parenthesis. */
static bool lex_transformer(struct parser *p, bool allow_val, enum bh_transformer *ret)
{
    struct bh_lexer saved = p->lexer;
    struct bh_token token;

    if (bh_lex_identifier(&p->lexer, &token) && bh_lex_text(&p->lexer, "(")) {
        for (size_t i = 0; i < BH_TRANSFORM_COUNT; i++) {
            if ((i != BH_TRANSFORM_VAL || allow_val) && strlen(transformers[i].name) == token.len &&
                memcmp(transformers[i].name, token.text, token.len) == 0) {
                *ret = (enum bh_transformer)i;
                return true;
            }
        }
    }
    p->lexer = saved;
    return false;
}

static int parse_argument_list(struct parser *p, struct bh_ast_term **ret);

/* A field, a nested transformer, or (rich) a value or a list of such. */
static int parse_argument(struct parser *p, bool rich, bool list, struct bh_ast_term **ret)
{
    struct bh_position at;
    enum bh_transformer t;
    struct bh_token token;
    const char *text;
    int r;

    (void)bh_lex_blank(&p->lexer);
    at = p->lexer.at;
    if (lex_transformer(p, false, &t))
        return parse_call(p, t, at, ret);
    if (bh_lex_field(&p->lexer, &token))
        return parse_field(p, &token, ret);
    if (!rich)
        return fault(p, "expected a field or a transformer (tolower, toupper, b64, basename, len, "
                        "join, concat, getopt)");
    if (list && bh_lex_text(&p->lexer, "("))
        return parse_argument_list(p, ret);
    r = bh_lex_quoted(&p->lexer, p->arena, &text, p->err);
    if (r < 0)
        return r;
    if (!text) {
        if (!bh_lex_number(&p->lexer, &token))
            return fault(p, "expected a field, a transformer, a number or a quoted string");
        text = keep(p, &token);
    }
    r = new_term(p, BH_TERM_VALUE, at, ret);
    if (r < 0)
        return r;
    (*ret)->text = text;
    (*ret)->quoted = true;
    return 0;
}

/* Arguments up to the closing parenthesis, which is taken. */
static int parse_arguments(struct parser *p, struct bh_ast_term *owner, bool rich, bool list)
{
    struct bh_ast_term **end = &owner->first;

    (void)bh_lex_blank(&p->lexer);
    if (owner->kind == BH_TERM_LIST && bh_lex_text(&p->lexer, ")"))
        return 0;
    for (;;) {
        int r = parse_argument(p, rich, list, end);

        if (r < 0)
            return r;
        owner->count++;
        end = &(*end)->next;
        (void)bh_lex_blank(&p->lexer);
        if (bh_lex_text(&p->lexer, ")"))
            return 0;
        if (!rich || !bh_lex_text(&p->lexer, ","))
            return fault(p, rich ? "expected ',' or ')'" : "expected ')' to close the transformer");
    }
}

static int parse_argument_list(struct parser *p, struct bh_ast_term **ret)
{
    int r = new_term(p, BH_TERM_LIST, p->lexer.at, ret);

    return r < 0 ? r : parse_arguments(p, *ret, true, false);
}

/* Behind "name(". */
static int parse_call(struct parser *p, enum bh_transformer t, struct bh_position at,
                      struct bh_ast_term **ret)
{
    bool rich = transformers[t].max > 1;
    struct bh_token token;
    struct bh_ast_term *call;
    int r = enter(p);

    if (r < 0 || (r = new_term(p, BH_TERM_CALL, at, &call)) < 0)
        return r;
    call->transformer = t;
    if (t == BH_TRANSFORM_VAL) {
        (void)bh_lex_blank(&p->lexer);
        if (!bh_lex_field(&p->lexer, &token))
            return fault(p, "expected a field in val()");
        r = parse_field(p, &token, &call->first);
        call->count = 1;
        (void)bh_lex_blank(&p->lexer);
        if (r == 0 && !bh_lex_text(&p->lexer, ")"))
            return fault(p, "expected ')' to close val()");
    } else {
        r = parse_arguments(p, call, rich, rich);
    }
    if (r < 0)
        return r;
    if (call->count < transformers[t].min || call->count > transformers[t].max) {
        p->lexer.at = at;
        return fault(p, "%s() takes %u arguments, not %u%s", transformers[t].name,
                     transformers[t].min, call->count,
                     t == BH_TRANSFORM_JOIN ? "; the second is a list: join(\",\", (a.b, c.d))"
                                            : "");
    }
    p->depth--;
    *ret = call;
    return t == BH_TRANSFORM_GETOPT ? parse_index(p, call) : 0;
}

/* A quoted or bare value. */
static int parse_value(struct parser *p, struct bh_ast_term **ret)
{
    struct bh_position at = p->lexer.at;
    struct bh_token token;
    const char *text;
    bool quoted = true;
    int r = bh_lex_quoted(&p->lexer, p->arena, &text, p->err);

    if (r < 0)
        return r;
    if (!text) {
        if (!bh_lex_bare(&p->lexer, &token))
            return fault(p, "expected a value");
        text = keep(p, &token);
        quoted = false;
    }
    r = new_term(p, BH_TERM_VALUE, at, ret);
    if (r < 0)
        return r;
    (*ret)->text = text;
    (*ret)->quoted = quoted;
    return 0;
}

/* Values up to the closing parenthesis; "(" has been taken. */
static int parse_values(struct parser *p, struct bh_position at, struct bh_ast_term **ret)
{
    struct bh_ast_term *list, **end;
    int r = new_term(p, BH_TERM_LIST, at, &list);

    if (r < 0)
        return r;
    end = &list->first;
    (void)bh_lex_blank(&p->lexer);
    if (!bh_lex_text(&p->lexer, ")")) {
        do {
            (void)bh_lex_blank(&p->lexer);
            r = parse_value(p, end);
            if (r < 0)
                return r;
            list->count++;
            end = &(*end)->next;
            (void)bh_lex_blank(&p->lexer);
        } while (bh_lex_text(&p->lexer, ","));
        if (!bh_lex_text(&p->lexer, ")"))
            return fault(p, "expected ',' or ')' in the list");
    }
    *ret = list;
    return 0;
}

static int parse_list(struct parser *p, struct bh_ast_term **ret)
{
    struct bh_position at = p->lexer.at;
    enum bh_transformer t;
    struct bh_token token;
    int r;

    if (bh_lex_text(&p->lexer, "("))
        return parse_values(p, at, ret);
    if (lex_transformer(p, true, &t))
        return parse_call(p, t, at, ret);
    if (!bh_lex_identifier(&p->lexer, &token))
        return fault(p, "expected '(', the name of a list, or a transformer such as val()");
    r = new_term(p, BH_TERM_NAME, at, ret);
    if (r < 0)
        return r;
    (*ret)->text = keep(p, &token);
    return 0;
}

/* "anyof (", whose word alone is an ordinary value. */
static enum bh_modifier lex_modifier(struct parser *p)
{
    struct bh_lexer saved = p->lexer;

    for (size_t i = BH_MODIFIER_ONEOF; i < BH_COUNT_OF(modifiers); i++) {
        if (!bh_lex_word(&p->lexer, modifiers[i]))
            continue;
        (void)bh_lex_blank(&p->lexer);
        if (bh_lexer_peek(&p->lexer) == '(')
            return (enum bh_modifier)i;
        p->lexer = saved;
    }
    return BH_MODIFIER_NONE;
}

/* Severities are ordered, so that they may follow "<" and its like, as only numbers may in Falco.
 */
static bool lex_severity(struct parser *p, struct bh_token *ret)
{
    struct bh_lexer saved = p->lexer;
    enum bh_severity severity;
    char word[16];

    if (bh_lex_identifier(&p->lexer, ret) && ret->len < sizeof word) {
        memcpy(word, ret->text, ret->len);
        word[ret->len] = 0;
        if (bh_severity_parse(word, &severity))
            return true;
    }
    p->lexer = saved;
    return false;
}

static int parse_right(struct parser *p, struct bh_expr *check)
{
    enum right_side right = operators[check->op].right;
    struct bh_position at;
    enum bh_transformer t;
    struct bh_token token;
    int r;

    if (right == RIGHT_NONE)
        return 0;
    (void)bh_lex_blank(&p->lexer);
    if (right == RIGHT_LIST)
        return parse_list(p, &check->right);
    if (right == RIGHT_STRING && (check->modifier = lex_modifier(p)) != BH_MODIFIER_NONE)
        return parse_list(p, &check->right);
    at = p->lexer.at;
    if (lex_transformer(p, true, &t))
        return parse_call(p, t, at, &check->right);
    if (right == RIGHT_STRING)
        return parse_value(p, &check->right);
    if (!bh_lex_number(&p->lexer, &token) && !lex_severity(p, &token))
        return fault(p, "expected a number or a severity after '%s'", operators[check->op].name);
    r = new_term(p, BH_TERM_VALUE, at, &check->right);
    if (r < 0)
        return r;
    check->right->text = keep(p, &token);
    return 0;
}

static int unknown_operator(struct parser *p)
{
    struct bh_lexer saved = p->lexer;
    struct bh_nearest nearest;
    struct bh_token token;
    int len;

    if (!bh_lex_identifier(&p->lexer, &token))
        return fault(p,
                     "expected an operator: =, !=, <, <=, >, >=, in, intersects, pmatch, exists, "
                     "contains, startswith, endswith, glob, regex ...");
    p->lexer = saved;
    len = (int)BH_MIN(token.len, 40u);
    bh_nearest_init(&nearest, token.text, token.len);
    for (size_t i = 0; i < BH_OP_COUNT; i++) {
        if (strlen(operators[i].name) == token.len &&
            memcmp(operators[i].name, token.text, token.len) == 0)
            return fault(p, "expected a blank and a value after '%.*s'", len, token.text);
        bh_nearest_offer(&nearest, operators[i].name);
    }
    if (nearest.best)
        return fault(p, "unknown operator '%.*s'; did you mean '%s'?", len, token.text,
                     nearest.best);
    return fault(p, "unknown operator '%.*s'", len, token.text);
}

/* Two-byte signs before one-byte ones; "==" is "=". */
static bool lex_operator(struct parser *p, enum bh_operator *ret)
{
    static const struct {
        const char *sign;
        enum bh_operator op;
    } signs[] = {{"<=", BH_OP_LE}, {"<", BH_OP_LT}, {">=", BH_OP_GE}, {">", BH_OP_GT},
                 {"==", BH_OP_EQ}, {"=", BH_OP_EQ}, {"!=", BH_OP_NE}, {"exists", BH_OP_EXISTS}};

    for (size_t i = 0; i < BH_COUNT_OF(signs); i++) {
        if (bh_lex_text(&p->lexer, signs[i].sign)) {
            *ret = signs[i].op;
            return true;
        }
    }
    for (size_t i = BH_OP_CONTAINS; i < BH_OP_COUNT; i++) {
        struct bh_lexer saved = p->lexer;

        if (bh_lex_word(&p->lexer, operators[i].name) &&
            (!operators[i].word || bh_lex_blank(&p->lexer))) {
            *ret = (enum bh_operator)i;
            return true;
        }
        p->lexer = saved;
    }
    return false;
}

static int parse_comparison(struct parser *p, struct bh_ast_term *left, struct bh_expr **ret)
{
    struct bh_expr *check;
    int r = new_expr(p, BH_EXPR_CHECK, left->at, &check);

    if (r < 0)
        return r;
    check->left = left;
    (void)bh_lex_blank(&p->lexer);
    check->op_at = p->lexer.at;
    if (!lex_operator(p, &check->op))
        return unknown_operator(p);
    r = parse_right(p, check);
    if (r == 0)
        *ret = check;
    return r;
}

/* Behind "(". */
static int parse_group(struct parser *p, struct bh_expr **ret)
{
    int r = enter(p);

    if (r < 0 || (r = parse_or(p, ret)) < 0)
        return r;
    (void)bh_lex_blank(&p->lexer);
    if (!bh_lex_text(&p->lexer, ")"))
        return fault(p, "expected 'and', 'or' or ')'");
    p->depth--;
    return 0;
}

static bool is_reserved(const struct bh_token *t)
{
    static const char *const reserved[] = {"and", "or", "not"};

    for (size_t i = 0; i < BH_COUNT_OF(reserved); i++)
        if (strlen(reserved[i]) == t->len && memcmp(reserved[i], t->text, t->len) == 0)
            return true;
    return false;
}

static int parse_check(struct parser *p, struct bh_expr **ret)
{
    struct bh_lexer saved;
    enum bh_transformer t;
    struct bh_token token;
    struct bh_ast_term *left;
    int r;

    (void)bh_lex_blank(&p->lexer);
    saved = p->lexer;
    if (bh_lex_text(&p->lexer, "("))
        return parse_group(p, ret);
    if (bh_lex_field(&p->lexer, &token)) {
        r = parse_field(p, &token, &left);
        return r < 0 ? r : parse_comparison(p, left, ret);
    }
    if (lex_transformer(p, false, &t)) {
        r = parse_call(p, t, saved.at, &left);
        return r < 0 ? r : parse_comparison(p, left, ret);
    }
    if (!bh_lex_identifier(&p->lexer, &token) || is_reserved(&token)) {
        p->lexer = saved;
        return fault(p, "expected a comparison, a macro or '('");
    }
    r = new_expr(p, BH_EXPR_NAME, token.at, ret);
    if (r < 0)
        return r;
    (*ret)->name = keep(p, &token);
    return 0;
}

/* "not " any number of times, then "not(" or a check. */
static int parse_not(struct parser *p, struct bh_expr **ret)
{
    struct bh_position at;
    bool negated = false, group = false;
    struct bh_expr *operand, *e;
    int r;

    (void)bh_lex_blank(&p->lexer);
    at = p->lexer.at;
    while (!group) {
        struct bh_lexer saved = p->lexer;

        if (!bh_lex_text(&p->lexer, "not"))
            break;
        if (bh_lex_text(&p->lexer, "(")) {
            group = true;
        } else if (!bh_lex_blank(&p->lexer)) {
            p->lexer = saved; /* "notable" is a macro */
            break;
        }
        negated = !negated;
    }
    r = group ? parse_group(p, &operand) : parse_check(p, &operand);
    if (r < 0 || !negated) {
        if (r == 0)
            *ret = operand;
        return r;
    }
    r = new_expr(p, BH_EXPR_NOT, at, &e);
    if (r < 0)
        return r;
    e->first = operand;
    *ret = e;
    return 0;
}

/* operand (word operand)*: a node of its own only when there are several operands. */
static int parse_chain(struct parser *p, enum bh_expr_kind kind, const char *word,
                       int (*parse_operand)(struct parser *, struct bh_expr **),
                       struct bh_expr **ret)
{
    struct bh_position at = p->lexer.at;
    struct bh_expr *first = NULL, **end = &first, *e;
    uint32_t count = 0;
    int r;

    do {
        if (count > 0 && bh_lexer_peek(&p->lexer) != '(' && !bh_lex_blank(&p->lexer))
            return fault(p, "expected a blank or '(' after '%s'", word);
        r = parse_operand(p, end);
        if (r < 0)
            return r;
        end = &(*end)->next;
        count++;
        (void)bh_lex_blank(&p->lexer);
    } while (bh_lex_text(&p->lexer, word));
    if (count == 1) {
        *ret = first;
        return 0;
    }
    r = new_expr(p, kind, at, &e);
    if (r < 0)
        return r;
    e->first = first;
    *ret = e;
    return 0;
}

static int parse_and(struct parser *p, struct bh_expr **ret)
{
    return parse_chain(p, BH_EXPR_AND, "and", parse_not, ret);
}

static int parse_or(struct parser *p, struct bh_expr **ret)
{
    return parse_chain(p, BH_EXPR_OR, "or", parse_and, ret);
}

static int parse_all(struct parser *p, struct bh_expr **ret)
{
    int r;

    (void)bh_lex_blank(&p->lexer);
    if (bh_lexer_at_end(&p->lexer))
        return fault(p, "the condition is empty");
    r = parse_or(p, ret);
    if (r < 0)
        return r;
    (void)bh_lex_blank(&p->lexer);
    if (!bh_lexer_at_end(&p->lexer))
        return fault(p, "expected 'and', 'or' or the end of the condition");
    return 0;
}

int bh_condition_parse(const char *text, size_t len, struct bh_condition **ret,
                       struct bh_position *ret_at, struct bh_error *err)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
    struct parser p = {.err = err};
    struct bh_expr *root = NULL;
    const char *nul;
    int r;

    if (ret_at)
        *ret_at = (struct bh_position){.offset = 0, .line = 1, .column = 1};
    if (len > BH_CONDITION_SIZE_MAX)
        return bh_fail(err, BH_LIMIT, "condition of %zu bytes, limit %u", len,
                       BH_CONDITION_SIZE_MAX);
    nul = memchr(text, 0, len);
    if (nul)
        return bh_fail(err, BH_INVALID, "NUL byte at offset %td", nul - text);
    c = bh_new0(sizeof *c);
    c->arena = bh_arena_new();
    p.arena = c->arena;
    bh_lexer_init(&p.lexer, text, len);
    r = parse_all(&p, &root);
    if (r < 0) {
        if (ret_at)
            *ret_at = p.lexer.at;
        return r;
    }
    c->root = root;
    *ret = BH_TAKE(c);
    return 0;
}

void bh_condition_free(struct bh_condition *c)
{
    if (!c)
        return;
    bh_arena_free(c->arena);
    free(c);
}

const struct bh_expr *bh_condition_root(const struct bh_condition *c)
{
    return c->root;
}
