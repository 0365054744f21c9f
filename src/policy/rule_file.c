/* Items of rule files into drafts: keys, append and override, no meaning yet. */
#include "base/nearest.h"
#include "policy/policy_private.h"

#include <string.h>

static const char *const rule_keys[] = {
    "rule",   "desc",          "condition",  "output",           "priority",
    "tags",   "enabled",       "exceptions", "append",           "override",
    "source", "warn_evttypes", "capture",    "capture_duration", "skip-if-unknown-filter",
    "gate",   "action",        "unknown",    "profile",          NULL};
static const char *const macro_keys[] = {"macro",    "condition", "append",
                                         "override", "source",    NULL};
static const char *const list_keys[] = {"list", "items", "append", "override", NULL};
static const char *const exception_keys[] = {"name",   "fields", "comps",   "values", "condition",
                                             "reason", "owner",  "expires", NULL};
static const char *const item_kinds[] = {
    "rule", "macro", "list", "required_engine_version", "required_plugin_versions", NULL};

const char *bh_policy_scalar(struct bh_policy *p, const struct bh_node *n)
{
    if (!n)
        return NULL;
    switch (n->kind) {
    case BH_NODE_STRING:
        return n->string;
    case BH_NODE_BOOL:
        return n->boolean ? "true" : "false";
    case BH_NODE_INT:
        return bh_arena_format(p->arena, "%lld", (long long)n->integer);
    case BH_NODE_REAL:
        return bh_arena_format(p->arena, "%.15g", n->real);
    case BH_NODE_NULL:
    case BH_NODE_ARRAY:
    case BH_NODE_OBJECT:
        break;
    }
    return NULL;
}

static bool is_known(const char *word, const char *const *known)
{
    for (; *known; known++)
        if (strcmp(word, *known) == 0)
            return true;
    return false;
}

/* A node whose place is that of n's key. */
static const struct bh_node *at_key(const struct bh_node *n, struct bh_node *key)
{
    *key = *n;
    key->line = n->key_line;
    key->column = n->key_column;
    return key;
}

/* Every key of the object is one of known. */
static void check_keys(struct bh_policy *p, const struct bh_source *s, const struct bh_node *object,
                       const char *const *known, const char *what)
{
    for (const struct bh_node *n = bh_node_first(object); n; n = n->next) {
        const char *near;
        struct bh_node key;

        if (is_known(n->key, known))
            continue;
        near = bh_nearest_of(n->key, known);
        bh_policy_note(p, BH_NOTE_ERROR, s, at_key(n, &key), "unknown key '%.60s' of a %s%s%s%s",
                       n->key, what, near ? "; did you mean '" : "", near ? near : "",
                       near ? "'?" : "");
    }
}

static struct bh_draft *find_draft(const struct bh_policy *p, enum bh_draft_kind kind,
                                   const char *name)
{
    for (size_t i = 0; i < p->draft_count; i++)
        if (p->drafts[i]->kind == kind && strcmp(p->drafts[i]->name, name) == 0)
            return p->drafts[i];
    return NULL;
}

static void clear_draft(struct bh_draft *d)
{
    bh_text_done(&d->condition);
    free(d->items);
    for (size_t i = 0; i < d->exception_count; i++)
        bh_condition_free(d->exceptions[i].condition);
    free(d->exceptions);
}

void bh_draft_free(struct bh_draft *d)
{
    if (!d)
        return;
    clear_draft(d);
    free(d);
}

/* A draft to fill: a new one, or the one of that name emptied, for it is written anew. */
static struct bh_draft *fresh_draft(struct bh_policy *p, struct bh_draft *old,
                                    enum bh_draft_kind kind, const char *name)
{
    struct bh_draft *d = old;

    if (d) {
        clear_draft(d);
        *d = (struct bh_draft){0};
    } else {
        d = bh_new0(sizeof *d);
        bh_grow(p->drafts, p->draft_count, p->draft_cap);
        p->drafts[p->draft_count++] = d;
    }
    d->kind = kind;
    d->name = name;
    return d;
}

void bh_text_add(struct bh_text *t, const struct bh_source *s, const struct bh_node *n)
{
    if (t->count > 0)
        bh_buf_putc(&t->text, ' ');
    bh_grow(t->segments, t->count, t->cap);
    t->segments[t->count++] = (struct bh_segment){.source = s, .node = n, .start = t->text.len};
    bh_buf_puts(&t->text, bh_node_string_or(n, ""));
}

void bh_text_done(struct bh_text *t)
{
    free(t->segments);
    bh_buf_done(&t->text);
    bh_condition_free(t->condition);
    *t = (struct bh_text){0};
}

static void read_condition(struct bh_policy *p, const struct bh_source *s,
                           const struct bh_node *item, struct bh_draft *d, bool append)
{
    const struct bh_node *n = bh_node_get(item, "condition");

    if (!n)
        return;
    if (!bh_node_string(n)) {
        bh_policy_note(p, BH_NOTE_ERROR, s, n, "a condition is text, not %s",
                       bh_node_kind_name(n->kind));
        return;
    }
    if (!append)
        bh_text_done(&d->condition);
    bh_text_add(&d->condition, s, n);
}

static void read_items(struct bh_policy *p, const struct bh_source *s, const struct bh_node *item,
                       struct bh_draft *d, bool append)
{
    const struct bh_node *items = bh_node_get(item, "items");

    if (!items)
        return;
    if (!append)
        d->item_count = 0;
    if (!bh_node_is(items, BH_NODE_ARRAY) && !bh_node_is(items, BH_NODE_NULL)) {
        bh_policy_note(p, BH_NOTE_ERROR, s, items, "items are a list: [a, b]");
        return;
    }
    for (const struct bh_node *n = bh_node_first(items); n; n = n->next) {
        const char *text = bh_policy_scalar(p, n);

        if (!text) {
            bh_policy_note(p, BH_NOTE_ERROR, s, n, "an item of a list is text or a number");
            continue;
        }
        bh_grow(d->items, d->item_count, d->item_cap);
        d->items[d->item_count++] = text;
    }
}

static void read_exceptions(struct bh_policy *p, const struct bh_source *s,
                            const struct bh_node *item, struct bh_draft *d, bool append)
{
    const struct bh_node *list = bh_node_get(item, "exceptions");

    if (!list)
        return;
    if (!append)
        d->exception_count = 0;
    for (const struct bh_node *n = bh_node_first(list); n; n = n->next) {
        if (!bh_node_is(n, BH_NODE_OBJECT) || !bh_node_string(bh_node_get(n, "name"))) {
            bh_policy_note(p, BH_NOTE_ERROR, s, n, "an exception needs a name");
            continue;
        }
        check_keys(p, s, n, exception_keys, "exception");
        bh_grow(d->exceptions, d->exception_count, d->exception_cap);
        d->exceptions[d->exception_count++] = (struct bh_draft_exception){.source = s, .node = n};
    }
}

/* Keys with one value: the later one counts. Tags that are appended are not kept apart. */
static void read_rule_keys(const struct bh_node *item, struct bh_draft *d)
{
    const struct {
        const char *key;
        const struct bh_node **node;
    } keys[] = {
        {"desc", &d->description}, {"output", &d->output},   {"priority", &d->priority},
        {"tags", &d->tags},        {"enabled", &d->enabled}, {"source", &d->event_source},
        {"gate", &d->gate},        {"action", &d->action},   {"unknown", &d->on_unknown},
        {"profile", &d->profile},
    };

    for (size_t i = 0; i < BH_COUNT_OF(keys); i++) {
        const struct bh_node *n = bh_node_get(item, keys[i].key);

        if (n)
            *keys[i].node = n;
    }
}

/* "override: {condition: append}": whether this key is appended. */
static bool appends(const struct bh_node *item, const char *key, bool append_all)
{
    const char *word = bh_node_string(bh_node_path(item, "override", key, NULL));

    return word ? strcmp(word, "append") == 0 : append_all;
}

static void check_override(struct bh_policy *p, const struct bh_source *s,
                           const struct bh_node *item)
{
    static const char *const appendable[] = {"condition", "exceptions", "items", NULL};

    for (const struct bh_node *n = bh_node_first(bh_node_get(item, "override")); n; n = n->next) {
        const char *word = bh_node_string_or(n, "");

        if (strcmp(word, "append") != 0 && strcmp(word, "replace") != 0)
            bh_policy_note(p, BH_NOTE_ERROR, s, n, "'%.40s' is neither append nor replace", word);
        else if (strcmp(word, "append") == 0 && !is_known(n->key, appendable))
            bh_policy_note(p, BH_NOTE_ERROR, s, n, "'%.40s' cannot be appended to; write 'replace'",
                           n->key);
        if (!bh_node_get(item, n->key))
            bh_policy_note(p, BH_NOTE_ERROR, s, n,
                           "override names '%.40s', which is not given here", n->key);
    }
}

static void read_draft(struct bh_policy *p, const struct bh_source *s, const struct bh_node *item,
                       enum bh_draft_kind kind, const char *name)
{
    bool append_all = bh_node_bool_or(bh_node_get(item, "append"), false);
    bool override = bh_node_get(item, "override") != NULL;
    struct bh_draft *d = find_draft(p, kind, name);
    /* As in Falco, a rule with a name and "enabled" alone switches one that exists. */
    bool switches = kind == BH_DRAFT_RULE && d && !bh_node_get(item, "condition");

    if ((append_all || override) && !d) {
        bh_policy_note(p, BH_NOTE_ERROR, s, item,
                       "'%.80s' is added to, but no file before defines it", name);
        return;
    }
    if (!append_all && !override && !switches) {
        d = fresh_draft(p, d, kind, name);
        d->source = s;
        d->node = item;
    }
    check_override(p, s, item);
    if (kind == BH_DRAFT_LIST) {
        read_items(p, s, item, d, appends(item, "items", append_all));
        return;
    }
    read_condition(p, s, item, d, appends(item, "condition", append_all));
    if (kind == BH_DRAFT_RULE) {
        read_exceptions(p, s, item, d, appends(item, "exceptions", append_all));
        read_rule_keys(item, d);
    }
}

static void read_item(struct bh_policy *p, const struct bh_source *s, const struct bh_node *item)
{
    static const char *const *const keys[] = {rule_keys, macro_keys, list_keys};
    static const char *const what[] = {"rule", "macro", "list"};
    const struct bh_node *first = bh_node_first(item);
    struct bh_node key;
    const char *near;

    if (bh_node_is(item, BH_NODE_NULL))
        return; /* a lone dash, which Falco's own files have */
    if (!bh_node_is(item, BH_NODE_OBJECT) || !first) {
        bh_policy_note(p, BH_NOTE_ERROR, s, item,
                       "expected an object that begins with rule:, macro: or list:");
        return;
    }
    if (bh_node_get(item, "required_engine_version")) {
        bh_policy_note(p, BH_NOTE_INFO, s, item,
                       "required_engine_version is Falco's and not looked at");
        return;
    }
    if (bh_node_get(item, "required_plugin_versions")) {
        bh_policy_note(p, BH_NOTE_INFO, s, item,
                       "required_plugin_versions is Falco's and not looked at");
        return;
    }
    for (size_t i = 0; i < BH_COUNT_OF(what); i++) {
        const struct bh_node *name = bh_node_get(item, what[i]);

        if (!name)
            continue;
        check_keys(p, s, item, keys[i], what[i]);
        if (!bh_node_string(name) || name->count == 0)
            bh_policy_note(p, BH_NOTE_ERROR, s, name, "the name of a %s is text", what[i]);
        else if (p->draft_count >= BH_POLICY_RULES_MAX)
            bh_policy_note(p, BH_NOTE_ERROR, s, name, "more than %u rules, macros and lists",
                           BH_POLICY_RULES_MAX);
        else
            read_draft(p, s, item, (enum bh_draft_kind)i, name->string);
        return;
    }
    near = bh_nearest_of(first->key, item_kinds);
    bh_policy_note(p, BH_NOTE_ERROR, s, at_key(first, &key), "unknown item '%.60s'%s%s%s",
                   first->key, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void bh_policy_read_items(struct bh_policy *p, const struct bh_source *s)
{
    const struct bh_node *root = bh_tree_root(s->tree);

    if (bh_node_is(root, BH_NODE_NULL)) {
        bh_policy_note(p, BH_NOTE_WARNING, s, NULL, "the file is empty");
        return;
    }
    if (!bh_node_is(root, BH_NODE_ARRAY)) {
        bh_policy_note(
            p, BH_NOTE_ERROR, s, root,
            "a rule file is a list of items: '- rule: ...', '- macro: ...', '- list: ...'");
        return;
    }
    for (const struct bh_node *item = bh_node_first(root); item; item = item->next)
        read_item(p, s, item);
}
