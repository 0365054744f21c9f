#include "cmd/verdict_view.h"

#include "base/json.h"

#include <string.h>

#define MATCHES_SHOWN 5u

static const enum bh_style action_styles[] = {[BH_ACTION_ALLOW] = BH_GREEN,
                                              [BH_ACTION_WARN] = BH_BOLD_YELLOW,
                                              [BH_ACTION_DENY] = BH_BOLD_RED};

static void put_safe(const struct bh_term *t, enum bh_style style, const char *before,
                     const char *text, const char *behind)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

    bh_text_safe(&b, text);
    bh_term_printf(t, style, "%s%s%s", before, bh_buf_text(&b), behind);
}

static void show_facts(const struct bh_term *t, const struct bh_verdict_match *m)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

    for (size_t i = 0; i < m->fact_count; i++) {
        bh_buf_puts(&b, i ? ", " : "        because ");
        bh_text_safe(&b, m->facts[i].field);
        if (m->facts[i].known) {
            bh_buf_puts(&b, " = ");
            bh_text_safe(&b, m->facts[i].value);
        } else {
            bh_buf_puts(&b, " is not known");
        }
    }
    if (b.len > 0)
        bh_term_printf(t, BH_DIM, "%s\n", bh_buf_text(&b));
}

static void show_matches(const struct bh_term *t, const struct bh_verdict_rule *r)
{
    size_t shown = BH_MIN(r->listed, MATCHES_SHOWN);

    for (size_t i = 0; i < shown; i++) {
        if (r->outcome != BH_OUTCOME_PASSED)
            put_safe(t, BH_PLAIN, "      ", r->matches[i].message, "\n");
        show_facts(t, &r->matches[i]);
    }
    if (r->match_count > shown && shown > 0)
        bh_term_printf(t, BH_DIM, "      ... and %zu more\n", r->match_count - shown);
}

static void show_exceptions(const struct bh_term *t, const struct bh_verdict_rule *r)
{
    for (size_t i = 0; i < r->exception_count; i++) {
        const struct bh_verdict_exception *e = &r->exceptions[i];
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

        bh_text_safe(&b, e->name);
        bh_buf_printf(&b, "\" %s %zu", e->expired ? "expired and no longer excuses" : "excuses",
                      e->matches);
        bh_buf_puts(&b, e->expired ? "; it held until " : ", until ");
        bh_text_safe(&b, e->expires ? e->expires : "further notice");
        if (e->owner) {
            bh_buf_puts(&b, ", owner ");
            bh_text_safe(&b, e->owner);
        }
        if (e->reason) {
            bh_buf_puts(&b, ": ");
            bh_text_safe(&b, e->reason);
        }
        bh_term_printf(t, e->expired ? BH_YELLOW : BH_DIM, "      exception \"%s\n",
                       bh_buf_text(&b));
    }
}

static void show_outcome(const struct bh_term *t, const struct bh_verdict_rule *r)
{
    if (r->outcome == BH_OUTCOME_PASSED && strcmp(r->record, "image") != 0)
        bh_term_printf(t, BH_DIM, "      holds for none of %zu %s records\n", r->record_count,
                       r->record);
    if (r->outcome == BH_OUTCOME_UNKNOWN)
        bh_term_printf(t, BH_YELLOW, "      cannot be decided\n");
    for (size_t i = 0; r->missing && r->missing[i]; i++)
        put_safe(t, BH_YELLOW, "        ", r->missing[i], "\n");
}

static void show_rule(const struct bh_term *t, const struct bh_verdict_rule *r)
{
    const char *word = r->outcome == BH_OUTCOME_PASSED ? "pass" : bh_action_name(r->action);

    bh_term_printf(t, action_styles[r->action], "%-5s ", word);
    put_safe(t, BH_BOLD, "", r->name, "");
    put_safe(t, BH_DIM, "  ", r->file, "");
    bh_term_printf(t, BH_DIM, ":%u\n", r->line);
    show_outcome(t, r);
    show_matches(t, r);
    show_exceptions(t, r);
}

static void show_way_out(const struct bh_term *t, const struct bh_verdict *v)
{
    const struct bh_verdict_rule *r = &v->rules[0];
    BH_AUTO(bh_buf_done) struct bh_buf condition = BH_BUF_INIT(0);

    if (v->action != BH_ACTION_DENY)
        return;
    bh_text_safe(&condition, r->listed > 0 ? r->matches[0].exception : "image.name = ...");
    bh_term_printf(
        t, BH_PLAIN,
        "\nFix what is named above. To let it pass for a time, write an exception into a "
        "file\nof your own and give it behind the policy (--policy default --policy "
        "mine.yaml):\n\n");
    put_safe(t, BH_DIM, "  - rule: ", r->name, "\n");
    bh_term_printf(t, BH_DIM,
                   "    exceptions:\n"
                   "      - name: what is excused\n"
                   "        condition: >\n"
                   "          %s\n"
                   "        reason: why it does no harm here\n"
                   "        owner: who answers for it\n"
                   "        expires: 2027-01-31\n"
                   "    override: {exceptions: append}\n",
                   bh_buf_text(&condition));
}

static bool is_undecided(const struct bh_verdict_rule *r)
{
    return r->outcome == BH_OUTCOME_UNKNOWN && r->action == BH_ACTION_ALLOW;
}

/* Rules that cannot be decided and let the image pass, in one line: what is missing has a rule of
 * its own that says so. */
static void show_undecided(const struct bh_term *t, const struct bh_verdict *v)
{
    BH_AUTO(bh_buf_done) struct bh_buf names = BH_BUF_INIT(0);

    for (size_t i = 0; i < v->rule_count; i++) {
        if (!is_undecided(&v->rules[i]))
            continue;
        bh_buf_puts(&names, names.len ? "; " : "");
        bh_text_safe(&names, v->rules[i].name);
    }
    if (names.len > 0)
        bh_term_printf(t, BH_DIM, "Not decided for want of facts, and let pass: %s\n",
                       bh_buf_text(&names));
}

static void show_summary(const struct bh_term *t, const struct bh_verdict *v, const char *target)
{
    static const char *const words[] = {"allowed", "allowed with warnings", "denied"};
    size_t spoke = 0;

    for (size_t i = 0; i < v->rule_count; i++)
        spoke += v->rules[i].outcome != BH_OUTCOME_PASSED;
    bh_term_printf(t, action_styles[v->action], "%s", words[v->action]);
    put_safe(t, BH_PLAIN, ": ", target, "");
    bh_term_printf(t, BH_PLAIN, " at gate %s, %zu of %zu rules spoke\n", bh_gate_name(v->gate),
                   spoke, v->evaluated);
}

void bh_verdict_show(const struct bh_term *term, const struct bh_verdict *v, const char *target,
                     bool all)
{
    for (size_t i = 0; i < v->rule_count; i++)
        if (all || !is_undecided(&v->rules[i]))
            show_rule(term, &v->rules[i]);
    if (!all)
        show_undecided(term, v);
    if (v->rule_count > 0)
        bh_term_printf(term, BH_PLAIN, "\n");
    show_summary(term, v, target);
    show_way_out(term, v);
}

void bh_verdict_show_json(const struct bh_term *term, const struct bh_verdict *v,
                          const struct bh_facts *f)
{
    struct bh_json_writer w = BH_JSON_TO_STREAM(term->stream, 2);

    bh_json_object(&w, NULL);
    bh_json_string(&w, "schema", BH_VERDICT_SCHEMA);
    bh_json_object(&w, "target");
    bh_json_string(&w, "kind", f->target.kind);
    bh_json_string(&w, "reference", f->target.reference);
    bh_json_string(&w, "digest", f->target.digest);
    bh_json_end_object(&w);
    bh_verdict_json(&w, v);
    bh_json_end_object(&w);
    (void)fputc('\n', term->stream); /* the frame checks the stream */
}
