#include "policy/judge.h"

#include "base/buf.h"

#include <assert.h>
#include <string.h>

/* One rule being asked. */
struct inquiry {
    struct bh_verdict *verdict;
    const struct bh_rule *rule;
    struct bh_verdict_rule spoken;
    size_t *excused; /* for each exception: records it excuses, or would if it had not expired */
    size_t undecided, excepted;
    int64_t now;
    bool all; /* list it even when it has nothing to say */
};

static size_t record_count(enum bh_record_class c, const struct bh_facts *f)
{
    switch (c) {
    case BH_RECORD_PACKAGE:
        return f->package_count;
    case BH_RECORD_VULN:
        return f->vulnerability_count;
    case BH_RECORD_FINDING:
        return f->finding_count;
    case BH_RECORD_IMAGE:
        break;
    }
    return 1;
}

static void set_record(enum bh_record_class c, size_t i, struct bh_record *r)
{
    const struct bh_facts *f = r->facts;

    switch (c) {
    case BH_RECORD_PACKAGE:
        r->package = &f->packages[i];
        break;
    case BH_RECORD_VULN:
        r->vulnerability = &f->vulnerabilities[i];
        assert(r->vulnerability->package < f->package_count);
        r->package = &f->packages[r->vulnerability->package];
        break;
    case BH_RECORD_FINDING:
        r->finding = &f->findings[i];
        break;
    case BH_RECORD_IMAGE:
        break;
    }
}

static bool is_field_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

/* The environment is where secrets are found, and verdicts are kept and shown: names only. */
static bool is_secret(const char *field)
{
    static const char name[] = "config.env";
    size_t len = sizeof name - 1;

    return strncmp(field, name, len) == 0 && (field[len] == 0 || field[len] == '[');
}

static void put_names(struct bh_buf *b, const struct bh_value *v)
{
    if (v->kind != BH_VALUE_LIST) {
        bh_buf_puts(b, "(hidden)");
        return;
    }
    for (size_t i = 0; v->list[i] && b->len < 400; i++)
        bh_buf_printf(b, "%s%.*s=(hidden)", i ? " " : "", (int)strcspn(v->list[i], "="),
                      v->list[i]);
}

/* Lists of words, such as a command line, read better without commas. */
static void put_value(struct bh_buf *b, const char *field, const struct bh_value *v)
{
    if (is_secret(field)) {
        put_names(b, v);
        return;
    }
    if (v->kind != BH_VALUE_LIST) {
        bh_value_format_short(b, v, 200);
        return;
    }
    for (size_t i = 0; v->list[i] && b->len < 400; i++)
        bh_buf_printf(b, "%s%.200s", i ? " " : "", v->list[i]);
}

/* "%vuln.id" and the like; what is not a field that can be read stands as it is. */
static const char *put_field(struct bh_buf *b, const char *p, const struct bh_record *r)
{
    const char *name = p + 1;
    const struct bh_field *field;
    struct bh_value v;
    size_t len = 0;

    while (is_field_byte(name[len]))
        len++;
    while (len > 0 && name[len - 1] == '.')
        len--;
    field = len > 0 ? bh_field_find(name, len) : NULL;
    if (!field) {
        bh_buf_putc(b, '%');
        return name;
    }
    switch (field->get(r, &v)) {
    case BH_KNOWN:
        put_value(b, field->name, &v);
        break;
    case BH_ABSENT:
        bh_buf_puts(b, "(none)");
        break;
    case BH_UNKNOWN:
        bh_buf_puts(b, "(unknown)");
        break;
    }
    return name + len;
}

static const char *message(const struct inquiry *q, const struct bh_record *r)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    const char *p = q->rule->output[0] ? q->rule->output : q->rule->description;

    while (*p) {
        if (*p == '%')
            p = put_field(&b, p, r);
        else
            bh_buf_putc(&b, *p++);
    }
    while (b.len > 0 && b.data[b.len - 1] == '\n')
        b.data[--b.len] = 0;
    return bh_arena_strndup(q->verdict->arena, bh_buf_text(&b), b.len);
}

static void put_test(struct bh_buf *b, const char *field, const char *value)
{
    bh_buf_printf(b, "%s%s = \"", b->len ? " and " : "", field);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            bh_buf_putc(b, '\\');
        bh_buf_putc(b, *value);
    }
    bh_buf_putc(b, '"');
}

static const char *excuse(const struct inquiry *q, const struct bh_record *r)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

    switch (q->rule->record) {
    case BH_RECORD_VULN:
        put_test(&b, "vuln.id", r->vulnerability->id);
        put_test(&b, "package.name", r->package->name);
        break;
    case BH_RECORD_PACKAGE:
        put_test(&b, "package.name", r->package->name);
        put_test(&b, "package.version", r->package->version);
        break;
    case BH_RECORD_FINDING:
        put_test(&b, "finding.rule", r->finding->rule);
        put_test(&b, r->finding->path ? "finding.path" : "finding.message",
                 r->finding->path ? r->finding->path : r->finding->message);
        break;
    case BH_RECORD_IMAGE:
        put_test(&b, r->facts->target.digest[0] ? "image.digest" : "image.reference",
                 r->facts->target.digest[0] ? r->facts->target.digest : r->facts->target.reference);
        break;
    }
    return bh_arena_strndup(q->verdict->arena, bh_buf_text(&b), b.len);
}

struct fact_list {
    struct bh_arena *arena;
    struct bh_deciding_fact *facts;
    size_t count;
};

static void keep_fact(void *context, const struct bh_deciding *d)
{
    struct fact_list *l = context;
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

    if (d->known == BH_KNOWN && is_secret(d->field))
        put_names(&b, &d->value);
    else if (d->known == BH_KNOWN)
        bh_value_format_short(&b, &d->value, 200);
    else if (d->known == BH_ABSENT)
        bh_buf_puts(&b, "(none)");
    l->facts[l->count++] = (struct bh_deciding_fact){
        .field = bh_arena_strdup(l->arena, d->field),
        .value = bh_arena_strndup(l->arena, bh_buf_text(&b), b.len),
        .known = d->known != BH_UNKNOWN,
    };
}

static void list_match(struct inquiry *q, const struct bh_record *r)
{
    struct fact_list l = {.arena = q->verdict->arena};
    struct bh_verdict_rule *s = &q->spoken;

    if (s->listed == BH_JUDGE_LISTED_MAX)
        return;
    if (!s->matches)
        s->matches = bh_arena_alloc(q->verdict->arena, BH_JUDGE_LISTED_MAX * sizeof *s->matches);
    l.facts = bh_arena_alloc(q->verdict->arena, BH_JUDGE_FACTS_MAX * sizeof *l.facts);
    bh_program_explain(q->rule->program, r, BH_JUDGE_FACTS_MAX, keep_fact, &l);
    s->matches[s->listed++] = (struct bh_verdict_match){.message = message(q, r),
                                                        .exception = excuse(q, r),
                                                        .facts = l.facts,
                                                        .fact_count = l.count};
}

/* An exception that holds excuses the record; one that expired only remembers that it would. An
 * exception that cannot be decided excuses nothing. */
static bool is_excused(struct inquiry *q, const struct bh_record *r)
{
    bool excused = false;

    for (size_t i = 0; i < q->rule->exception_count; i++) {
        const struct bh_rule_exception *x = &q->rule->exceptions[i];

        if (bh_program_evaluate(x->program, r, BH_LOGIC_THREE) != BH_TRUE)
            continue;
        q->excused[i]++;
        excused = excused || q->now < x->expires_at;
    }
    return excused;
}

static void ask_records(struct inquiry *q, const struct bh_facts *f)
{
    struct bh_record r = {.facts = f, .now = q->now};
    size_t count = record_count(q->rule->record, f);

    q->spoken.record_count = count;
    for (size_t i = 0; i < count; i++) {
        enum bh_truth t;

        set_record(q->rule->record, i, &r);
        t = bh_program_evaluate(q->rule->program, &r, BH_LOGIC_THREE);
        if (t == BH_FALSE)
            continue;
        if (is_excused(q, &r)) {
            q->excepted++;
        } else if (t == BH_TRUE) {
            if (q->spoken.match_count == 0)
                q->spoken.listed = 0; /* what is known pushes out what is not */
            q->spoken.match_count++;
            list_match(q, &r);
        } else {
            q->undecided++;
            if (q->spoken.match_count == 0)
                list_match(q, &r);
        }
    }
}

static void keep_exceptions(struct inquiry *q)
{
    struct bh_verdict_rule *s = &q->spoken;

    s->exceptions =
        bh_arena_alloc(q->verdict->arena, (q->rule->exception_count + 1) * sizeof *s->exceptions);
    for (size_t i = 0; i < q->rule->exception_count; i++) {
        const struct bh_rule_exception *x = &q->rule->exceptions[i];

        if (q->excused[i] == 0)
            continue;
        s->exceptions[s->exception_count++] = (struct bh_verdict_exception){
            .name = x->name,
            .reason = x->reason,
            .owner = x->owner,
            .expires = x->expires,
            .expired = q->now >= x->expires_at,
            .matches = q->excused[i],
        };
    }
}

/* Why the list of records may lack entries, or a field of the image is not known. */
static void keep_missing(struct inquiry *q, const struct bh_facts *f)
{
    const char *subject = bh_record_class_subject(q->rule->record);
    const char **reasons =
        bh_arena_alloc(q->verdict->arena, (f->coverage_count + 1) * sizeof *reasons);
    size_t count = 0;

    for (size_t i = 0; i < f->coverage_count; i++) {
        const struct bh_coverage *c = &f->coverage[i];

        if (c->blind && (!subject || bh_coverage_covers(c->subject, subject)))
            reasons[count++] = bh_arena_format(q->verdict->arena, "%s were not looked at: %s",
                                               c->subject, c->reason);
    }
    q->spoken.missing = reasons;
}

static bool lacks_records(const struct bh_rule *rule, const struct bh_facts *f)
{
    const char *subject = bh_record_class_subject(rule->record);

    return subject && bh_facts_is_blind(f, subject);
}

/* false when the rule has nothing to say. */
static bool conclude(struct inquiry *q, const struct bh_facts *f)
{
    struct bh_verdict_rule *s = &q->spoken;

    if (s->match_count > 0) {
        s->outcome = BH_OUTCOME_MATCHED;
        s->action = q->rule->action;
    } else if (q->undecided > 0 || lacks_records(q->rule, f)) {
        s->outcome = BH_OUTCOME_UNKNOWN;
        s->action = q->rule->on_unknown;
        s->match_count = q->undecided;
        keep_missing(q, f);
    } else if (q->excepted > 0) {
        s->outcome = BH_OUTCOME_EXCEPTED;
        s->action = BH_ACTION_ALLOW;
    } else if (q->all) {
        s->outcome = BH_OUTCOME_PASSED;
        s->action = BH_ACTION_ALLOW;
        if (q->rule->record == BH_RECORD_IMAGE)
            list_match(q, &(struct bh_record){.facts = f, .now = q->now});
    } else {
        return false;
    }
    if (s->outcome == BH_OUTCOME_MATCHED || s->outcome == BH_OUTCOME_UNKNOWN)
        s->profile = q->rule->profile;
    keep_exceptions(q);
    return true;
}

static void ask(struct bh_verdict *v, const struct bh_rule *rule, const struct bh_facts *f,
                int64_t now, bool all)
{
    BH_AUTO(bh_freep) size_t *excused = bh_new0((rule->exception_count + 1) * sizeof *excused);
    struct inquiry q = {
        .verdict = v,
        .rule = rule,
        .now = now,
        .all = all,
        .excused = excused,
        .spoken = {.name = rule->name,
                   .description = rule->description,
                   .priority = bh_priority_name(rule->priority),
                   .file = rule->file,
                   .line = rule->line,
                   .record = bh_record_class_name(rule->record)},
    };

    ask_records(&q, f);
    if (!conclude(&q, f))
        return;
    bh_grow(v->rules, v->rule_count, v->rule_cap);
    v->rules[v->rule_count++] = q.spoken;
    v->action = BH_MAX(v->action, q.spoken.action);
}

/* Worst first; rules that ask for the same keep their order. */
static void sort_rules(struct bh_verdict *v)
{
    for (size_t i = 1; i < v->rule_count; i++) {
        struct bh_verdict_rule moved = v->rules[i];
        size_t at = i;

        for (; at > 0 && v->rules[at - 1].action < moved.action; at--)
            v->rules[at] = v->rules[at - 1];
        v->rules[at] = moved;
    }
}

static struct bh_verdict *judge(const struct bh_policy *p, enum bh_gate gate,
                                const struct bh_facts *f, int64_t now, bool all)
{
    struct bh_verdict *v = bh_new0(sizeof *v);
    size_t count;
    const struct bh_rule *rules = bh_policy_rules(p, &count);

    v->arena = bh_arena_new();
    v->gate = gate;
    v->policy_digest = bh_policy_digest(p);
    v->files = bh_policy_files(p);
    for (size_t i = 0; i < count; i++) {
        if (!rules[i].program || !rules[i].enabled || !(rules[i].gates & (1u << gate)))
            continue;
        v->evaluated++;
        ask(v, &rules[i], f, now, all);
    }
    sort_rules(v);
    return v;
}

struct bh_verdict *bh_policy_judge(const struct bh_policy *p, enum bh_gate gate,
                                   const struct bh_facts *f, int64_t now)
{
    return judge(p, gate, f, now, false);
}

struct bh_verdict *bh_policy_judge_all(const struct bh_policy *p, enum bh_gate gate,
                                       const struct bh_facts *f, int64_t now)
{
    return judge(p, gate, f, now, true);
}
