/* Drafts into checked macros, lists and rules. */
#include "base/nearest.h"
#include "base/time.h"
#include "policy/policy_private.h"

#include <string.h>

static const char *const priorities[BH_PRIORITY_COUNT + 1] = {
    "emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug", NULL};

const char *bh_priority_name(enum bh_priority p)
{
    return priorities[p];
}

static bool parse_priority(const char *text, enum bh_priority *ret)
{
    if (strcasecmp(text, "info") == 0)
        text = "informational";
    for (size_t i = 0; i < BH_PRIORITY_COUNT; i++) {
        if (strcasecmp(text, priorities[i]) == 0) {
            *ret = (enum bh_priority)i;
            return true;
        }
    }
    return false;
}

static bool parse_draft(struct bh_policy *p, struct bh_draft *d)
{
    struct bh_text *t = &d->condition;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_position at;

    if (t->count == 0) {
        if (!bh_node_get(d->node, "condition")) /* else it was told that it is no text */
            bh_policy_note(p, BH_NOTE_ERROR, d->source, d->node, "'%.80s' has no condition",
                           d->name);
        return false;
    }
    if (bh_condition_parse(bh_buf_text(&t->text), t->text.len, &t->condition, &at, &err) < 0) {
        bh_policy_note_at(p, BH_NOTE_ERROR, t, at.offset, "%s", err.message);
        return false;
    }
    return true;
}

/* In Falco lists were pasted into conditions as text, so an item may bring its own quotes. */
static const char *item_text(struct bh_policy *p, const char *item)
{
    size_t len = strlen(item);

    if (len >= 2 && (item[0] == '"' || item[0] == '\'') && item[len - 1] == item[0])
        return bh_arena_strndup(p->arena, item + 1, len - 2);
    return item;
}

static void make_list(struct bh_policy *p, const struct bh_draft *d)
{
    const char **items = bh_arena_alloc(p->arena, (d->item_count + 1) * sizeof *items);

    for (size_t i = 0; i < d->item_count; i++)
        items[i] = item_text(p, d->items[i]);
    p->scope.lists[p->scope.list_count++] = (struct bh_list){.name = d->name, .items = items};
}

/* Where a fault of a check is: inside a macro, or in the text checked. */
static void note_fault(struct bh_policy *p, const struct bh_text *t,
                       const struct bh_check_place *place, const struct bh_error *err)
{
    const struct bh_draft *d = place->macro ? place->macro->owner : NULL;

    bh_policy_note_at(p, BH_NOTE_ERROR, d ? &d->condition : t, place->at.offset, "%s",
                      err->message);
}

static void make_macro(struct bh_policy *p, struct bh_draft *d)
{
    struct bh_macro *m = &p->scope.macros[p->scope.macro_count++];

    *m = (struct bh_macro){.name = d->name, .owner = d, .state = BH_MACRO_BROKEN};
    if (!parse_draft(p, d))
        return;
    m->expr = bh_condition_root(d->condition.condition);
    m->state = BH_MACRO_UNCHECKED;
}

static void make_scope(struct bh_policy *p)
{
    struct bh_scope *s = &p->scope;

    s->macros = bh_new_array(p->draft_count + 1, sizeof *s->macros);
    s->lists = bh_new_array(p->draft_count + 1, sizeof *s->lists);
    for (size_t i = 0; i < p->draft_count; i++) {
        if (p->drafts[i]->kind == BH_DRAFT_LIST)
            make_list(p, p->drafts[i]);
        else if (p->drafts[i]->kind == BH_DRAFT_MACRO)
            make_macro(p, p->drafts[i]);
    }
    bh_scope_sort(s);
    for (size_t i = 0; i < s->macro_count; i++) {
        const struct bh_draft *d = s->macros[i].owner;
        struct bh_error err = BH_ERROR_INIT;
        struct bh_check_place place;

        if (bh_macro_check(&s->macros[i], s, &place, &err) < 0 && err.code != BH_EXISTS)
            note_fault(p, &d->condition, &place, &err);
    }
}

static const struct bh_program *check_text(struct bh_policy *p, const struct bh_text *t,
                                           const struct bh_condition *c)
{
    const struct bh_program *program = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_check_place place;

    if (bh_program_check(bh_condition_root(c), &p->scope, &program, &place, &err) < 0) {
        if (err.code != BH_EXISTS)
            note_fault(p, t, &place, &err);
        return NULL;
    }
    return program;
}

/* A word of a table, with the nearest one when it is none of them. */
static void note_word(struct bh_policy *p, const struct bh_draft *d, const struct bh_node *n,
                      const char *key, const char *const *known)
{
    const char *word = bh_node_string_or(n, ""), *near = bh_nearest_of(word, known);
    BH_AUTO(bh_buf_done) struct bh_buf all = BH_BUF_INIT(0);

    for (size_t i = 0; known[i]; i++)
        bh_buf_printf(&all, "%s%s", i ? ", " : "", known[i]);
    bh_policy_note(p, BH_NOTE_ERROR, d->source, n, "'%.40s' is no %s (%s)%s%s%s", word, key,
                   bh_buf_text(&all), near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

static void read_gates(struct bh_policy *p, const struct bh_draft *d, struct bh_rule *rule)
{
    static const char *const known[] = {"build", "push", "pull", "admit", "run", NULL};
    const struct bh_node *n = bh_node_is(d->gate, BH_NODE_ARRAY) ? bh_node_first(d->gate) : d->gate;
    bool list = n != d->gate;

    for (; n; n = list ? n->next : NULL) {
        enum bh_gate gate;

        if (bh_gate_parse(bh_node_string_or(n, ""), &gate))
            rule->gates |= 1u << gate;
        else
            note_word(p, d, n, "gate", known);
    }
}

static bool read_action(struct bh_policy *p, const struct bh_draft *d, const struct bh_node *n,
                        const char *key, enum bh_action *ret)
{
    static const char *const known[] = {"allow", "warn", "deny", NULL};

    if (!n || bh_action_parse(bh_node_string_or(n, ""), ret))
        return n != NULL;
    note_word(p, d, n, key, known);
    return false;
}

static void read_words(struct bh_policy *p, const struct bh_draft *d, struct bh_rule *rule)
{
    static const char *const shown[] = {"emergency", "alert", "critical",      "error", "warning",
                                        "notice",    "info",  "informational", "debug", NULL};
    const char **tags;
    size_t count = 0;

    rule->priority = BH_PRIORITY_WARNING;
    if (!d->priority && !d->gate)
        bh_policy_note(p, BH_NOTE_ERROR, d->source, d->node, "rule '%.80s' has no priority",
                       d->name);
    else if (d->priority && !parse_priority(bh_node_string_or(d->priority, ""), &rule->priority))
        note_word(p, d, d->priority, "priority", shown);
    rule->enabled = bh_node_bool_or(d->enabled, true);
    rule->description = bh_node_string_or(d->description, "");
    rule->output = bh_node_string_or(d->output, "");
    rule->source = bh_node_string_or(d->event_source, "syscall");
    for (const struct bh_node *n = bh_node_first(d->tags); n; n = n->next)
        count++;
    tags = bh_arena_alloc(p->arena, (count + 1) * sizeof *tags);
    count = 0;
    for (const struct bh_node *n = bh_node_first(d->tags); n; n = n->next) {
        const char *tag = bh_policy_scalar(p, n);

        if (tag)
            tags[count++] = tag;
    }
    rule->tags = tags;
}

static void read_expiry(struct bh_policy *p, const struct bh_draft_exception *e,
                        struct bh_rule_exception *x)
{
    const struct bh_node *n = bh_node_get(e->node, "expires");
    struct bh_error err = BH_ERROR_INIT;
    int64_t day;

    x->expires = bh_node_string(n);
    x->expires_at = INT64_MAX;
    if (!n)
        return;
    if (!x->expires || bh_date_parse(x->expires, &day, &err) < 0)
        bh_policy_note(p, BH_NOTE_ERROR, e->source, n,
                       "expires is the last day an exception holds, as 2027-01-31");
    else
        x->expires_at = day + BH_SECONDS_PER_DAY;
}

/* At a gate an exception says why, who answers for it, and until when. */
static void require_reason(struct bh_policy *p, const struct bh_draft_exception *e)
{
    static const char *const keys[] = {"reason", "owner", "expires"};

    for (size_t i = 0; i < BH_COUNT_OF(keys); i++)
        if (!bh_node_get(e->node, keys[i]))
            bh_policy_note(p, BH_NOTE_ERROR, e->source, e->node,
                           "an exception from a gate's rule needs '%s:'", keys[i]);
}

static void make_exceptions(struct bh_policy *p, struct bh_draft *d, struct bh_rule *rule)
{
    rule->exceptions =
        bh_arena_alloc(p->arena, (d->exception_count + 1) * sizeof *rule->exceptions);
    for (size_t i = 0; i < d->exception_count; i++) {
        struct bh_draft_exception *e = &d->exceptions[i];
        struct bh_rule_exception *x = &rule->exceptions[rule->exception_count];
        BH_AUTO(bh_text_done) struct bh_text text = {0};

        if (rule->gates)
            require_reason(p, e);
        x->name = bh_node_string_or(bh_node_get(e->node, "name"), "");
        x->reason = bh_node_string(bh_node_get(e->node, "reason"));
        x->owner = bh_node_string(bh_node_get(e->node, "owner"));
        read_expiry(p, e, x);
        e->condition = bh_policy_exception_condition(p, e, &text);
        if (!e->condition)
            continue;
        x->program = check_text(p, &text, e->condition);
        if (x->program)
            rule->exception_count++;
    }
}

/* A rule of a gate reads what is known at gates. */
static void check_gate_rule(struct bh_policy *p, const struct bh_draft *d, struct bh_rule *rule,
                            size_t unread_before)
{
    struct bh_error err = BH_ERROR_INIT;

    if (!d->action)
        bh_policy_note(p, BH_NOTE_ERROR, d->source, d->node,
                       "rule '%.80s' has a gate and needs an action: allow, warn or deny", d->name);
    if (!rule->program)
        return;
    if (bh_program_is_runtime(rule->program)) {
        const struct bh_unread *u =
            unread_before < p->scope.unread_count ? &p->scope.unread[unread_before] : NULL;

        bh_policy_note_at(p, BH_NOTE_ERROR, &d->condition, u && !u->macro ? u->at.offset : 0,
                          "field '%.80s' belongs to events; no gate knows it",
                          u ? u->field : "of a macro");
        rule->program = NULL;
    } else if (bh_program_class(rule->program, &rule->record, &err) < 0) {
        bh_policy_note_at(p, BH_NOTE_ERROR, &d->condition, 0, "%s", err.message);
        rule->program = NULL;
    }
}

static void check_event_rule(struct bh_policy *p, const struct bh_draft *d)
{
    const struct bh_node *given = d->action ? d->action : d->on_unknown;

    if (given)
        bh_policy_note(p, BH_NOTE_ERROR, d->source, given,
                       "rule '%.80s' has an action but no gate: build, push, pull, admit or run",
                       d->name);
    if (!d->output)
        bh_policy_note(p, BH_NOTE_ERROR, d->source, d->node, "rule '%.80s' has no output", d->name);
}

static void make_rule(struct bh_policy *p, struct bh_draft *d)
{
    struct bh_rule *rule = &p->rules[p->rule_count++];
    size_t unread_before = p->scope.unread_count;

    rule->name = d->name;
    rule->file = d->source->path;
    rule->line = d->node->line;
    read_gates(p, d, rule);
    read_words(p, d, rule);
    if (!read_action(p, d, d->action, "action", &rule->action))
        rule->action = BH_ACTION_WARN;
    if (!read_action(p, d, d->on_unknown, "unknown", &rule->on_unknown))
        rule->on_unknown = rule->action;
    p->scope.owner = d;
    if (parse_draft(p, d))
        rule->program = check_text(p, &d->condition, d->condition.condition);
    if (d->gate)
        check_gate_rule(p, d, rule, unread_before);
    else
        check_event_rule(p, d);
    make_exceptions(p, d, rule);
    if (d->profile && !(rule->gates & (1u << BH_GATE_RUN)))
        bh_policy_note(p, BH_NOTE_ERROR, d->source, d->profile,
                       "only a rule of the gate run narrows a profile");
    else if (d->profile)
        rule->profile = bh_policy_tightening(p, d);
}

static int compare_unread(const void *a, const void *b)
{
    const struct bh_unread *x = a, *y = b;
    int order = strcmp(x->field, y->field);

    return order != 0 ? order : x->order < y->order ? -1 : 1;
}

/* Each field once, with the place of its first use. */
static void collect_unread(struct bh_policy *p)
{
    struct bh_scope *s = &p->scope;

    p->unread = bh_new0((s->unread_count + 1) * sizeof *p->unread);
    for (size_t i = 0; i < s->unread_count; i++)
        s->unread[i].order = i;
    if (s->unread_count > 0)
        qsort(s->unread, s->unread_count, sizeof *s->unread, compare_unread);
    for (size_t i = 0; i < s->unread_count; i++) {
        const struct bh_unread *u = &s->unread[i];
        const struct bh_draft *d = u->macro ? u->macro->owner : u->owner;
        struct bh_policy_unread *field = &p->unread[p->unread_count];

        if (p->unread_count > 0 && strcmp(field[-1].field, u->field) == 0) {
            field[-1].uses++;
            continue;
        }
        *field = (struct bh_policy_unread){.field = u->field, .uses = 1};
        bh_policy_place(&d->condition, u->at.offset, &field->file, &field->line, &field->column);
        p->unread_count++;
    }
}

void bh_policy_check_drafts(struct bh_policy *p)
{
    size_t rules = 0;

    make_scope(p);
    for (size_t i = 0; i < p->draft_count; i++)
        rules += p->drafts[i]->kind == BH_DRAFT_RULE;
    p->rules = bh_new0((rules + 1) * sizeof *p->rules);
    for (size_t i = 0; i < p->draft_count; i++)
        if (p->drafts[i]->kind == BH_DRAFT_RULE)
            make_rule(p, p->drafts[i]);
    collect_unread(p);
}
