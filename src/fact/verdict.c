#include "fact/verdict.h"

#include <string.h>

static const char *const gates[BH_GATE_COUNT] = {"build", "push", "pull", "admit", "run"};
static const char *const actions[BH_ACTION_COUNT] = {"allow", "warn", "deny"};
static const char *const outcomes[] = {"matched", "unknown", "excepted", "passed"};

const char *bh_gate_name(enum bh_gate g)
{
    return gates[g];
}

const char *bh_action_name(enum bh_action a)
{
    return actions[a];
}

const char *bh_outcome_name(enum bh_outcome o)
{
    return outcomes[o];
}

bool bh_gate_parse(const char *text, enum bh_gate *ret)
{
    for (size_t i = 0; i < BH_GATE_COUNT; i++) {
        if (strcmp(text, gates[i]) == 0) {
            *ret = (enum bh_gate)i;
            return true;
        }
    }
    return false;
}

bool bh_action_parse(const char *text, enum bh_action *ret)
{
    for (size_t i = 0; i < BH_ACTION_COUNT; i++) {
        if (strcmp(text, actions[i]) == 0) {
            *ret = (enum bh_action)i;
            return true;
        }
    }
    return false;
}

void bh_verdict_free(struct bh_verdict *v)
{
    if (!v)
        return;
    free(v->rules);
    bh_arena_free(v->arena);
    free(v);
}

static void match_json(struct bh_json_writer *w, const struct bh_verdict_match *m)
{
    bh_json_object(w, NULL);
    bh_json_string_opt(w, "message", m->message);
    bh_json_string_opt(w, "exception", m->exception);
    bh_json_array(w, "facts");
    for (size_t i = 0; i < m->fact_count; i++) {
        bh_json_object(w, NULL);
        bh_json_string(w, "field", m->facts[i].field);
        bh_json_bool(w, "known", m->facts[i].known);
        bh_json_string(w, "value", m->facts[i].known ? m->facts[i].value : NULL);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
    bh_json_end_object(w);
}

static void exception_json(struct bh_json_writer *w, const struct bh_verdict_exception *e)
{
    bh_json_object(w, NULL);
    bh_json_string(w, "name", e->name);
    bh_json_string_opt(w, "reason", e->reason);
    bh_json_string_opt(w, "owner", e->owner);
    bh_json_string_opt(w, "expires", e->expires);
    bh_json_bool(w, "expired", e->expired);
    bh_json_int(w, "matches", (int64_t)e->matches);
    bh_json_end_object(w);
}

static void rule_json(struct bh_json_writer *w, const struct bh_verdict_rule *r)
{
    bh_json_object(w, NULL);
    bh_json_string(w, "rule", r->name);
    bh_json_string_opt(w, "description", r->description);
    bh_json_string(w, "priority", r->priority);
    bh_json_string(w, "file", r->file);
    bh_json_int(w, "line", r->line);
    bh_json_string(w, "outcome", bh_outcome_name(r->outcome));
    bh_json_string(w, "action", bh_action_name(r->action));
    bh_json_string(w, "record", r->record);
    bh_json_int(w, "record_count", (int64_t)r->record_count);
    bh_json_int(w, "match_count", (int64_t)r->match_count);
    bh_json_array(w, "matches");
    for (size_t i = 0; i < r->listed; i++)
        match_json(w, &r->matches[i]);
    bh_json_end_array(w);
    bh_json_array(w, "missing");
    for (size_t i = 0; r->missing && r->missing[i]; i++)
        bh_json_string(w, NULL, r->missing[i]);
    bh_json_end_array(w);
    bh_json_array(w, "exceptions");
    for (size_t i = 0; i < r->exception_count; i++)
        exception_json(w, &r->exceptions[i]);
    bh_json_end_array(w);
    bh_json_end_object(w);
}

void bh_verdict_json(struct bh_json_writer *w, const struct bh_verdict *v)
{
    bh_json_string(w, "gate", bh_gate_name(v->gate));
    bh_json_string(w, "verdict", bh_action_name(v->action));
    bh_json_object(w, "policy");
    bh_json_string(w, "digest", v->policy_digest);
    bh_json_array(w, "files");
    for (size_t i = 0; v->files && v->files[i]; i++)
        bh_json_string(w, NULL, v->files[i]);
    bh_json_end_array(w);
    bh_json_int(w, "rules", (int64_t)v->evaluated);
    bh_json_end_object(w);
    bh_json_array(w, "rules");
    for (size_t i = 0; i < v->rule_count; i++)
        rule_json(w, &v->rules[i]);
    bh_json_end_array(w);
}
