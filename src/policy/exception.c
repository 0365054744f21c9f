/* Exceptions of rules, written as fields, comparisons and values (Falco) or as a condition. */
#include "policy/policy_private.h"

#include <string.h>

static bool is_identifier(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return len > 0 && text[len] == 0 && (text[0] < '0' || text[0] > '9');
}

/* A word stays bare, so that it may name a list; all else is quoted. */
static void put_value(struct bh_buf *b, const char *text, bool may_name_list)
{
    if (may_name_list && is_identifier(text)) {
        bh_buf_puts(b, text);
        return;
    }
    bh_buf_putc(b, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            bh_buf_putc(b, '\\');
        bh_buf_putc(b, *text);
    }
    bh_buf_putc(b, '"');
}

static bool takes_list(const char *op)
{
    return strcmp(op, "in") == 0 || strcmp(op, "intersects") == 0 || strcmp(op, "pmatch") == 0;
}

/* "field op value"; false after a note. */
static bool put_comparison(struct bh_policy *p, const struct bh_draft_exception *e,
                           struct bh_buf *b, const char *field, const char *op,
                           const struct bh_node *value)
{
    bool list = takes_list(op), first = true;

    bh_buf_puts(b, field);
    bh_buf_putc(b, ' ');
    bh_buf_puts(b, op);
    bh_buf_putc(b, ' ');
    if (!list) {
        const char *text = bh_policy_scalar(p, value);

        if (!text) {
            bh_policy_note(p, BH_NOTE_ERROR, e->source, value, "'%s' takes one value", op);
            return false;
        }
        /* Numbers and severities after <, > stand without quotes. */
        if (op[0] == '<' || op[0] == '>')
            bh_buf_puts(b, text);
        else
            put_value(b, text, false);
        return true;
    }
    bh_buf_putc(b, '(');
    if (!bh_node_is(value, BH_NODE_ARRAY)) {
        put_value(b, bh_policy_scalar(p, value) ? bh_policy_scalar(p, value) : "", true);
    } else {
        for (const struct bh_node *n = bh_node_first(value); n; n = n->next) {
            if (!first)
                bh_buf_puts(b, ", ");
            first = false;
            put_value(b, bh_policy_scalar(p, n) ? bh_policy_scalar(p, n) : "", true);
        }
    }
    bh_buf_putc(b, ')');
    return true;
}

/* One row: a value for each field. */
static bool put_row(struct bh_policy *p, const struct bh_draft_exception *e, struct bh_buf *b,
                    const struct bh_node *fields, const struct bh_node *comps,
                    const struct bh_node *row)
{
    const struct bh_node *comp = bh_node_first(comps), *value = bh_node_first(row);

    if (!bh_node_is(row, BH_NODE_ARRAY) || row->count != fields->count ||
        (comps && comps->count != fields->count)) {
        bh_policy_note(p, BH_NOTE_ERROR, e->source, row,
                       "an exception needs one comparison and one value for each of its %zu fields",
                       fields->count);
        return false;
    }
    bh_buf_putc(b, '(');
    for (const struct bh_node *f = bh_node_first(fields); f; f = f->next) {
        if (f != bh_node_first(fields))
            bh_buf_puts(b, " and ");
        if (!put_comparison(p, e, b, bh_node_string_or(f, "?"), bh_node_string_or(comp, "="),
                            value))
            return false;
        comp = comp ? comp->next : NULL;
        value = value->next;
    }
    bh_buf_putc(b, ')');
    return true;
}

/* fields: one name, with a flat list of values; or several, with a row of values each time. */
static bool put_table(struct bh_policy *p, const struct bh_draft_exception *e, struct bh_buf *b)
{
    const struct bh_node *fields = bh_node_get(e->node, "fields");
    const struct bh_node *comps = bh_node_get(e->node, "comps");
    const struct bh_node *values = bh_node_get(e->node, "values");

    if (bh_node_string(fields))
        return put_comparison(p, e, b, fields->string, bh_node_string_or(comps, "in"), values);
    for (const struct bh_node *row = bh_node_first(values); row; row = row->next) {
        if (row != bh_node_first(values))
            bh_buf_puts(b, " or ");
        if (!put_row(p, e, b, fields, comps, row))
            return false;
    }
    return true;
}

struct bh_condition *bh_policy_exception_condition(struct bh_policy *p,
                                                   const struct bh_draft_exception *e,
                                                   struct bh_text *text)
{
    const struct bh_node *condition = bh_node_get(e->node, "condition");
    const struct bh_node *fields = bh_node_get(e->node, "fields");
    struct bh_condition *c = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_position at;

    if ((condition != NULL) == (fields != NULL)) {
        bh_policy_note(p, BH_NOTE_ERROR, e->source, e->node,
                       "an exception has either a condition, or fields and values");
        return NULL;
    }
    if (condition) {
        bh_text_add(text, e->source, condition);
    } else {
        bh_grow(text->segments, text->count, text->cap);
        text->segments[text->count++] = (struct bh_segment){.source = e->source, .node = fields};
        if (!put_table(p, e, &text->text) || text->text.len == 0)
            return NULL; /* without values it excuses nothing, which Falco's rules make use of */
    }
    if (bh_condition_parse(bh_buf_text(&text->text), text->text.len, &c, &at, &err) < 0)
        bh_policy_note_at(p, BH_NOTE_ERROR, text, condition ? at.offset : 0, "%s", err.message);
    return c;
}
