#include "policy/checked.h"
#include "policy/match.h"
#include "policy/program_private.h"
#include "policy/transform.h"

#include <assert.h>
#include <string.h>

#define SLOTS_ON_STACK 512u

/* One question about one record. */
struct question {
    const struct bh_record *record;
    enum bh_logic logic;
    struct bh_arena *scratch; /* made when first needed */
    uint8_t *answers;         /* of macros: 0 not asked yet, else truth + 1 */
};

static struct bh_arena *scratch(struct question *q)
{
    if (!q->scratch)
        q->scratch = bh_arena_new();
    return q->scratch;
}

static enum bh_known operand_value(struct question *q, const struct bh_operand *o,
                                   struct bh_value *ret);

/* [n] or [key] of a list. */
static enum bh_known list_entry(const struct bh_operand *o, struct bh_value *v)
{
    size_t key_len = o->key ? strlen(o->key) : 0;
    int64_t n = 0;

    for (const char *const *entry = v->list; *entry; entry++, n++) {
        const char *found = NULL;

        if (!o->key && n == o->index)
            found = *entry;
        else if (o->key && strncmp(*entry, o->key, key_len) == 0 && (*entry)[key_len] == '=')
            found = *entry + key_len + 1;
        if (found) {
            *v = (struct bh_value){.kind = BH_VALUE_STRING, .string = found};
            return BH_KNOWN;
        }
    }
    return BH_ABSENT;
}

static enum bh_known field_value(struct question *q, const struct bh_operand *o,
                                 struct bh_value *ret)
{
    enum bh_known known;

    if (!o->field)
        return BH_UNKNOWN;
    known = o->field->get(q->record, ret);
    if (known != BH_KNOWN || (o->index < 0 && !o->key))
        return known;
    return list_entry(o, ret);
}

/* Values of the parts of a join or concat, nested lists one level deep. */
static enum bh_known part_values(struct question *q, const struct bh_operand *o, size_t from,
                                 struct bh_value *values, size_t *count)
{
    for (size_t i = from; i < o->count; i++) {
        enum bh_known known;

        if (o->parts[i]->kind == BH_OPERAND_LIST) {
            known = part_values(q, o->parts[i], 0, values, count);
            if (known != BH_KNOWN)
                return known;
            continue;
        }
        assert(*count < BH_OPERAND_LEAVES_MAX); /* the checker counted them */
        known = operand_value(q, o->parts[i], &values[*count]);
        if (known != BH_KNOWN)
            return known;
        ++*count;
    }
    return BH_KNOWN;
}

static enum bh_known joined_value(struct question *q, const struct bh_operand *o,
                                  struct bh_value *ret)
{
    struct bh_value values[BH_OPERAND_LEAVES_MAX],
        separator = {.kind = BH_VALUE_STRING, .string = ""};
    size_t count = 0;
    bool join = o->transformer == BH_TRANSFORM_JOIN;
    enum bh_known known = join ? operand_value(q, o->parts[0], &separator) : BH_KNOWN;

    if (known == BH_KNOWN)
        known = part_values(q, o, join ? 1 : 0, values, &count);
    if (known != BH_KNOWN)
        return known;
    if (separator.kind != BH_VALUE_STRING)
        return BH_ABSENT;
    *ret =
        (struct bh_value){.kind = BH_VALUE_STRING,
                          .string = bh_transform_join(separator.string, values, count, scratch(q))};
    return BH_KNOWN;
}

static enum bh_known call_value(struct question *q, const struct bh_operand *o,
                                struct bh_value *ret)
{
    struct bh_value argument;
    enum bh_known known;

    if (o->transformer == BH_TRANSFORM_JOIN || o->transformer == BH_TRANSFORM_CONCAT)
        return joined_value(q, o, ret);
    known = operand_value(q, o->parts[0], &argument);
    if (known != BH_KNOWN)
        return known;
    if (o->transformer == BH_TRANSFORM_VAL) {
        *ret = argument;
        return BH_KNOWN;
    }
    if (o->transformer == BH_TRANSFORM_GETOPT)
        return bh_transform_getopt(&argument, o->parts[1]->text, o->key, scratch(q), ret);
    return bh_transform_one(o->transformer, &argument, scratch(q), ret);
}

static enum bh_known operand_value(struct question *q, const struct bh_operand *o,
                                   struct bh_value *ret)
{
    switch (o->kind) {
    case BH_OPERAND_FIELD:
        return field_value(q, o, ret);
    case BH_OPERAND_CALL:
        return call_value(q, o, ret);
    case BH_OPERAND_TEXT:
        *ret = (struct bh_value){.kind = BH_VALUE_STRING, .string = o->text};
        return BH_KNOWN;
    case BH_OPERAND_LIST:
        break;
    }
    return BH_ABSENT;
}

/* The right side of a test: constants, or what fields yielded now. */
struct right {
    const struct bh_constants *constants;
    size_t count;
    const char *const *strings;
    const int64_t *integers;
};

static bool number_holds(enum bh_operator op, int64_t left, int64_t right)
{
    switch (op) {
    case BH_OP_NE:
        return left != right;
    case BH_OP_LT:
        return left < right;
    case BH_OP_LE:
        return left <= right;
    case BH_OP_GT:
        return left > right;
    case BH_OP_GE:
        return left >= right;
    default: /* = and in */
        return left == right;
    }
}

static bool bytes_hold(enum bh_operator op, const char *text, const struct right *r, size_t i)
{
    return bh_match_bytes(text, strlen(text), r->constants->bytes[i], r->constants->byte_counts[i],
                          op == BH_OP_BSTARTSWITH);
}

static bool text_holds(enum bh_operator op, const char *text, const struct right *r, size_t i)
{
    const char *other = r->strings[i];

    switch (op) {
    case BH_OP_NE:
        return strcmp(text, other) != 0;
    case BH_OP_CONTAINS:
        return strstr(text, other) != NULL;
    case BH_OP_ICONTAINS:
        return strcasestr(text, other) != NULL;
    case BH_OP_STARTSWITH:
        return bh_match_starts(text, other);
    case BH_OP_ENDSWITH:
        return bh_match_ends(text, other);
    case BH_OP_GLOB:
    case BH_OP_IGLOB:
        if (r->constants && r->constants->patterns[i])
            return bh_regex_match(r->constants->patterns[i], text, strlen(text));
        return bh_match_glob(other, text, op == BH_OP_IGLOB);
    case BH_OP_REGEX:
        return bh_regex_match(r->constants->patterns[i], text, strlen(text));
    case BH_OP_PMATCH:
        return bh_match_path(other, text);
    case BH_OP_BCONTAINS:
    case BH_OP_BSTARTSWITH:
        return bytes_hold(op, text, r, i);
    default: /* =, in, intersects */
        return strcmp(text, other) == 0;
    }
}

/* Whether the left value meets the ith on the right; of a list, whether any entry does. */
static bool value_holds(enum bh_operator op, const struct bh_value *v, const struct right *r,
                        size_t i)
{
    switch (v->kind) {
    case BH_VALUE_BOOL:
        return r->integers && number_holds(op, v->boolean, r->integers[i]);
    case BH_VALUE_INT:
        return r->integers && number_holds(op, v->integer, r->integers[i]);
    case BH_VALUE_SEVERITY:
        return r->integers && number_holds(op, v->severity, r->integers[i]);
    case BH_VALUE_STRING:
        return r->strings && text_holds(op, v->string, r, i);
    case BH_VALUE_LIST:
        for (const char *const *entry = v->list; r->strings && *entry; entry++)
            if (text_holds(op, *entry, r, i))
                return true;
        return false;
    }
    return false;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Constants of in and intersects are sorted. */
static bool is_member(const char *text, const struct right *r)
{
    if (r->constants)
        return r->count > 0 &&
               bsearch(&text, r->strings, r->count, sizeof text, compare_text) != NULL;
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(text, r->strings[i]) == 0)
            return true;
    return false;
}

/* in: every entry is one of the right; intersects: some entry is. An empty list is in nothing. */
static bool set_holds(enum bh_operator op, const struct bh_value *v, const struct right *r)
{
    const char *one[2] = {NULL, NULL};
    const char *const *entries = one;
    bool all = op == BH_OP_IN;

    if (v->kind == BH_VALUE_LIST)
        entries = v->list;
    else
        one[0] = v->string;
    if (!r->strings || !entries[0])
        return false;
    for (; *entries; entries++)
        if (is_member(*entries, r) != all)
            return !all;
    return all;
}

static bool compare(const struct bh_checked *test, const struct bh_value *v, const struct right *r)
{
    bool text = v->kind == BH_VALUE_STRING || v->kind == BH_VALUE_LIST;
    size_t held = 0;

    if (text && (test->op == BH_OP_IN || test->op == BH_OP_INTERSECTS))
        return set_holds(test->op, v, r);
    for (size_t i = 0; i < r->count; i++) {
        if (value_holds(test->op, v, r, i))
            held++;
        else if (test->modifier == BH_MODIFIER_ALLOF)
            return false;
    }
    return test->modifier == BH_MODIFIER_ONEOF ? held == 1 : held > 0;
}

/* A right side made from fields: its value becomes one constant, or as many as its list has. */
static enum bh_known dynamic_right(struct question *q, const struct bh_operand *o, struct right *r,
                                   const char **string, int64_t *integer)
{
    struct bh_value v;
    enum bh_known known = operand_value(q, o, &v);

    if (known != BH_KNOWN)
        return known;
    r->count = 1;
    switch (v.kind) {
    case BH_VALUE_STRING:
        *string = v.string;
        r->strings = string;
        break;
    case BH_VALUE_LIST:
        r->strings = v.list;
        r->count = bh_list_length(v.list);
        break;
    case BH_VALUE_BOOL:
    case BH_VALUE_INT:
    case BH_VALUE_SEVERITY:
        *integer = v.kind == BH_VALUE_BOOL  ? v.boolean
                   : v.kind == BH_VALUE_INT ? v.integer
                                            : (int64_t)v.severity;
        r->integers = integer;
        break;
    }
    return BH_KNOWN;
}

static enum bh_truth missing(const struct question *q, enum bh_known known)
{
    return known == BH_UNKNOWN && q->logic == BH_LOGIC_THREE ? BH_UNDECIDED : BH_FALSE;
}

static enum bh_truth test_holds(struct question *q, const struct bh_checked *test)
{
    struct right r = {.constants = &test->constants,
                      .count = test->constants.count,
                      .strings = test->constants.strings,
                      .integers = test->constants.integers};
    struct bh_value v;
    const char *string;
    int64_t integer;
    enum bh_known known = operand_value(q, test->left, &v);

    if (known != BH_KNOWN)
        return missing(q, known);
    if (test->op == BH_OP_EXISTS)
        return BH_TRUE;
    if (test->right) {
        r = (struct right){0};
        known = dynamic_right(q, test->right, &r, &string, &integer);
        if (known != BH_KNOWN)
            return missing(q, known);
    }
    return compare(test, &v, &r) ? BH_TRUE : BH_FALSE;
}

static enum bh_truth holds(struct question *q, const struct bh_checked *c);

/* and: the first false decides; or: the first true. Else one undecided operand leaves it so. */
static enum bh_truth chain_holds(struct question *q, const struct bh_checked *c)
{
    enum bh_truth decisive = c->kind == BH_CHECKED_AND ? BH_FALSE : BH_TRUE;
    bool undecided = false;

    for (size_t i = 0; i < c->count; i++) {
        enum bh_truth t = holds(q, c->children[i]);

        if (t == decisive)
            return t;
        undecided = undecided || t == BH_UNDECIDED;
    }
    return undecided ? BH_UNDECIDED : decisive == BH_FALSE ? BH_TRUE : BH_FALSE;
}

/* A macro is asked once for each record, however often it is named. */
static enum bh_truth macro_holds(struct question *q, const struct bh_macro *m)
{
    uint8_t *answer = &q->answers[m->slot];

    if (*answer == 0)
        *answer = (uint8_t)(holds(q, m->checked) + 1);
    return (enum bh_truth)(*answer - 1);
}

static enum bh_truth holds(struct question *q, const struct bh_checked *c)
{
    enum bh_truth t;

    switch (c->kind) {
    case BH_CHECKED_TEST:
        return test_holds(q, c);
    case BH_CHECKED_MACRO:
        return macro_holds(q, c->macro);
    case BH_CHECKED_NOT:
        t = holds(q, c->children[0]);
        return t == BH_UNDECIDED ? t : t == BH_TRUE ? BH_FALSE : BH_TRUE;
    case BH_CHECKED_AND:
    case BH_CHECKED_OR:
        break;
    }
    return chain_holds(q, c);
}

enum bh_truth bh_program_evaluate(const struct bh_program *p, const struct bh_record *r,
                                  enum bh_logic logic)
{
    uint8_t on_stack[SLOTS_ON_STACK];
    BH_AUTO(bh_freep) uint8_t *on_heap = NULL;
    struct question q = {.record = r, .logic = logic, .answers = on_stack};
    enum bh_truth t;

    if (p->slots > SLOTS_ON_STACK)
        q.answers = on_heap = bh_new0(p->slots);
    else
        memset(on_stack, 0, p->slots);
    t = holds(&q, p->root);
    bh_arena_free(q.scratch);
    return t;
}

/* Finding out which fields decided. */
struct explanation {
    struct question question;
    bh_deciding_sink sink;
    void *context;
    size_t limit, told;
    const struct bh_operand *seen[64];
    uint8_t *visited; /* macros */
};

static bool was_told(struct explanation *e, const struct bh_operand *o)
{
    for (size_t i = 0; i < e->told; i++)
        if (e->seen[i]->field == o->field && strcmp(e->seen[i]->text, o->text) == 0 &&
            e->seen[i]->index == o->index &&
            (e->seen[i]->key == o->key ||
             (e->seen[i]->key && o->key && strcmp(e->seen[i]->key, o->key) == 0)))
            return true;
    return false;
}

static void tell_field(struct explanation *e, const struct bh_operand *o, bool only_unknown)
{
    struct bh_deciding d = {0};
    char name[160];

    if (e->told >= e->limit || e->told >= BH_COUNT_OF(e->seen) || was_told(e, o))
        return;
    d.known = field_value(&e->question, o, &d.value);
    if (only_unknown && d.known != BH_UNKNOWN)
        return;
    if (o->key)
        (void)snprintf(name, sizeof name, "%s[%s]", o->text, o->key);
    else if (o->index >= 0)
        (void)snprintf(name, sizeof name, "%s[%lld]", o->text, (long long)o->index);
    else
        (void)snprintf(name, sizeof name, "%s", o->text);
    d.field = name;
    e->seen[e->told++] = o;
    e->sink(e->context, &d);
}

static void tell_operand(struct explanation *e, const struct bh_operand *o, bool only_unknown)
{
    if (o->kind == BH_OPERAND_FIELD)
        tell_field(e, o, only_unknown);
    for (size_t i = 0; i < o->count; i++)
        tell_operand(e, o->parts[i], only_unknown);
}

static void explain(struct explanation *e, const struct bh_checked *c)
{
    enum bh_truth t = holds(&e->question, c);
    enum bh_truth decisive = c->kind == BH_CHECKED_AND ? BH_FALSE : BH_TRUE;

    switch (c->kind) {
    case BH_CHECKED_TEST:
        tell_operand(e, c->left, t == BH_UNDECIDED);
        if (c->right)
            tell_operand(e, c->right, t == BH_UNDECIDED);
        return;
    case BH_CHECKED_MACRO:
        if (e->visited[c->macro->slot])
            return;
        e->visited[c->macro->slot] = 1;
        explain(e, c->macro->checked);
        return;
    case BH_CHECKED_NOT:
        explain(e, c->children[0]);
        return;
    case BH_CHECKED_AND:
    case BH_CHECKED_OR:
        break;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (holds(&e->question, c->children[i]) != t)
            continue;
        explain(e, c->children[i]);
        if (t == decisive)
            return;
    }
}

void bh_program_explain(const struct bh_program *p, const struct bh_record *r, size_t limit,
                        bh_deciding_sink sink, void *context)
{
    BH_AUTO(bh_freep) uint8_t *slots = bh_new0((size_t)p->slots * 2 + 1);
    struct explanation e = {
        .question = {.record = r, .logic = BH_LOGIC_THREE, .answers = slots},
        .visited = slots + p->slots,
        .sink = sink,
        .context = context,
        .limit = limit,
    };

    explain(&e, p->root);
    bh_arena_free(e.question.scratch);
}

static void format_list(struct bh_buf *b, const char *const *list)
{
    for (size_t i = 0; list[i]; i++) {
        if (i > 0)
            bh_buf_puts(b, ", ");
        bh_buf_puts(b, list[i]);
    }
}

void bh_value_format(struct bh_buf *b, const struct bh_value *v)
{
    switch (v->kind) {
    case BH_VALUE_BOOL:
        bh_buf_puts(b, v->boolean ? "true" : "false");
        break;
    case BH_VALUE_INT:
        bh_buf_printf(b, "%lld", (long long)v->integer);
        break;
    case BH_VALUE_STRING:
        bh_buf_puts(b, v->string);
        break;
    case BH_VALUE_LIST:
        format_list(b, v->list);
        break;
    case BH_VALUE_SEVERITY:
        bh_buf_puts(b, bh_severity_name(v->severity));
        break;
    }
}

void bh_value_format_short(struct bh_buf *b, const struct bh_value *v, size_t max)
{
    BH_AUTO(bh_buf_done) struct bh_buf all = BH_BUF_INIT(0);

    bh_value_format(&all, v);
    if (all.len <= max) {
        bh_buf_put(b, all.data, all.len);
        return;
    }
    bh_buf_put(b, all.data, max - 3);
    bh_buf_puts(b, "...");
}
