#include "base/time.h"
#include "cmd/examine.h"
#include "cmd/verdict_view.h"
#include "policy/judge.h"

struct options {
    int format, gate;
    struct bh_strings policy;
    struct bh_target_options target;
    struct bh_examine_options examine;
};

static const char *const gates[] = {"build", "push", "pull", "admit", "run", NULL};

/* `check` shows the rules that spoke and ends with 3 when denied; `policy explain` shows every rule
 * and judges nobody. */
static int judge(const struct bh_call *call, bool all, struct bh_error *err)
{
    const struct options *o = call->options;
    BH_AUTO(bh_policy_freep) struct bh_policy *p = NULL;
    BH_AUTO(bh_facts_freep) struct bh_facts *f = NULL;
    BH_AUTO(bh_verdict_freep) struct bh_verdict *v = NULL;
    const char *target = call->operands.items[0];
    enum bh_gate gate = (enum bh_gate)o->gate;
    int r = bh_policy_load(o->policy.items, o->policy.count, &p, err);

    if (r == 0)
        r = bh_examine(call, target, &o->target, &o->examine, &f, err);
    if (r < 0)
        return r;
    v = all ? bh_policy_judge_all(p, gate, f, bh_time_now())
            : bh_policy_judge(p, gate, f, bh_time_now());
    if (o->format == BH_FORMAT_JSON)
        bh_verdict_show_json(call->out, v, f);
    else
        bh_verdict_show(call->out, v, target, all);
    return !all && v->action == BH_ACTION_DENY ? BH_EXIT_POLICY : BH_EXIT_DONE;
}

static int run_check(const struct bh_call *call, struct bh_error *err)
{
    return judge(call, false, err);
}

static int run_explain(const struct bh_call *call, struct bh_error *err)
{
    return judge(call, true, err);
}

static const struct bh_option options[] = {
    {.name = "policy",
     .kind = BH_OPTION_STRINGS,
     .offset = offsetof(struct options, policy),
     .value = "FILE",
     .text = "Decide by this rule file; later ones refine earlier ones, and \"default\" is the one "
             "that ships",
     .env = "BULKHEAD_POLICY",
     .completion = BH_COMPLETE_FILE},
    {.name = "gate",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct options, gate),
     .value = "GATE",
     .text = "Ask the rules of this gate",
     .choices = gates,
     .fallback = "run"},
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct options, format),
     .value = "FORMAT",
     .text = "Print text, or JSON (docs/schema/verdict.schema.json)",
     .choices = bh_format_names,
     .fallback = "table"},
    BH_TARGET_ROWS(struct options, target),
    BH_EXAMINE_ROWS(struct options, examine),
    BH_OPTION_END,
};

static const struct bh_example check_examples[] = {
    {"bulkhead check nginx:1.27", "may it run here, and why not"},
    {"bulkhead check --gate push --policy default --policy team.yaml oci:build/image",
     "in a pipeline, before it is pushed"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_check = {
    .name = "check",
    .group = BH_GROUP_JUDGE,
    .summary = "Let the policy judge an image",
    .operands = "TARGET",
    .operands_min = 1,
    .operands_max = 1,
    .completion = BH_COMPLETE_TARGET,
    .text =
        "Examines TARGET as `bulkhead scan` does and prints the verdict of the policy at a gate, "
        "every "
        "rule that spoke, the facts that decided it, and how to obtain an exception. What was not "
        "looked at never counts as harmless: a rule that cannot be decided says so.\n"
        "The exit status is 3 when the policy denies.",
    .options = options,
    .options_size = sizeof(struct options),
    .examples = check_examples,
    .run = run_check,
};

static const struct bh_example explain_examples[] = {
    {"bulkhead policy explain nginx:1.27", "what each rule found"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_policy_explain = {
    .name = "policy explain",
    .group = BH_GROUP_JUDGE,
    .summary = "Show what every rule of a policy says of an image",
    .operands = "TARGET",
    .operands_min = 1,
    .operands_max = 1,
    .completion = BH_COMPLETE_TARGET,
    .text =
        "As `bulkhead check`, but lists every rule of the gate, those too that have nothing to "
        "object, with the facts that made each answer. The exit status is 0 whatever the verdict.",
    .options = options,
    .options_size = sizeof(struct options),
    .examples = explain_examples,
    .run = run_explain,
};
