#include "base/time.h"
#include "policy/judge.h"
#include "policy/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static struct bh_policy *load(const char *const *texts, size_t count, struct bh_error *err,
                              int *result)
{
    struct bh_policy *p = bh_policy_new();

    for (size_t i = 0; i < count; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "%c.yaml", (int)('a' + i));
        assert_int_equal(bh_policy_add_text(p, name, texts[i], strlen(texts[i]), err), 0);
    }
    *result = bh_policy_finish(p, err);
    return p;
}

static struct bh_policy *load_good(const char *const *texts, size_t count)
{
    struct bh_error err = BH_ERROR_INIT;
    int result;
    struct bh_policy *p = load(texts, count, &err, &result);

    if (result < 0)
        fail_msg("%s", err.message);
    return p;
}

static void faults_name_file_line_and_column(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"rule: x\n", "a.yaml:1:1: a rule file is a list"},
        {"- rulle: x\n", "a.yaml:1:3: unknown item 'rulle'; did you mean 'rule'?"},
        {"- macro: m\n  condition: proc.nam = x\n",
         "a.yaml:2:14: unknown field 'proc.nam'; did you mean 'proc.name'?"},
        {"- macro: m\n  condition: >\n    proc.name = x\n    and (proc.name = y\n",
         "a.yaml:4:23: expected 'and', 'or' or ')'"},
        {"- macro: m\n  condition: |\n    proc.name = x\n      and vuln.idd = y\n",
         "a.yaml:4:11: unknown field 'vuln.idd'; did you mean 'vuln.id'?"},
        {"- macro: m\n  condition: \"proc.name = \\\"a b\\\" and\n     nothing\"\n",
         "a.yaml:3:6: unknown macro 'nothing'"},
        {"- macro: m\n  condition: 'proc.name = ''a b'' and n'\n",
         "a.yaml:2:39: unknown macro 'n'"},
        {"- macro: m\n  condition: 12\n", "a.yaml:2:14: a condition is text, not "},
        {"- rule: r\n  desc: d\n  condition: vuln.id = x\n  gate: runn\n  action: warn\n",
         "a.yaml:4:9: 'runn' is no gate (build, push, pull, admit, run); did you mean 'run'?"},
        {"- rule: r\n  condition: vuln.id = x\n  gate: run\n  action: denny\n",
         "a.yaml:4:11: 'denny' is no action (allow, warn, deny); did you mean 'deny'?"},
        {"- rule: r\n  condition: vuln.id = x\n  gate: run\n",
         "a.yaml:1:3: rule 'r' has a gate and needs an action"},
        {"- rule: r\n  condition: proc.name = x\n  gate: run\n  action: deny\n",
         "a.yaml:2:14: field 'proc.name' belongs to events; no gate knows it"},
        {"- rule: r\n  condition: vuln.id = x and finding.rule = y\n  gate: run\n  action: deny\n",
         "a.yaml:2:14: finding.* and vuln.* speak of different records"},
        {"- rule: r\n  condition: proc.name = x\n  priority: WARNIN\n  output: o\n",
         "a.yaml:3:13: 'WARNIN' is no priority"},
        {"- rule: r\n  condition: proc.name = x\n  output: o\n",
         "a.yaml:1:3: rule 'r' has no priority"},
        {"- rule: r\n  condition: proc.name = x\n  priority: INFO\n  outptu: o\n  output: o\n",
         "a.yaml:4:3: unknown key 'outptu' of a rule; did you mean 'output'?"},
        {"- rule: r\n  condition: proc.name = x\n  append: true\n",
         "a.yaml:1:3: 'r' is added to, but no file before defines it"},
        {"- list: l\n  items: x\n", "a.yaml:2:10: items are a list"},
        {"- rule: r\n  condition: vuln.id = x\n  gate: run\n  action: deny\n  exceptions:\n"
         "    - name: e\n      condition: vuln.id = y\n      owner: me\n      expires: "
         "2030-01-01\n",
         "a.yaml:6:7: an exception from a gate's rule needs 'reason:'"},
        {"- rule: r\n  condition: vuln.id = x\n  gate: run\n  action: deny\n  exceptions:\n"
         "    - name: e\n      condition: vuln.id = y\n      owner: me\n      reason: z\n"
         "      expires: soon\n",
         "a.yaml:10:16: expires is the last day"},
        {"- rule: r\n  condition: proc.name = x\n  priority: INFO\n  output: o\n  exceptions:\n"
         "    - name: e\n      fields: [proc.name, fd.name]\n      values:\n        - [a]\n",
         "a.yaml:9:11: an exception needs one comparison and one value for each of its 2 fields"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_error err = BH_ERROR_INIT;
        int result;
        BH_AUTO(bh_policy_freep)
        struct bh_policy *p = load(&cases[i].text, 1, &err, &result);

        if (result != -BH_INVALID || strncmp(err.message, cases[i].says, strlen(cases[i].says)))
            fail_msg("%s\ngives: %s\nnot:   %s", cases[i].text, err.message, cases[i].says);
    }
}

static void all_faults_are_told_at_once(void **state)
{
    static const char *const text = "- macro: a\n  condition: b.c = 1\n- macro: b\n  condition: (\n"
                                    "- macro: c\n  condition: a and b\n";
    struct bh_error err = BH_ERROR_INIT;
    int result;
    BH_AUTO(bh_policy_freep) struct bh_policy *p = load(&text, 1, &err, &result);
    size_t count, dropped;
    const struct bh_policy_note *notes = bh_policy_notes(p, &count, &dropped);

    (void)state;
    assert_int_equal(result, -BH_INVALID);
    assert_int_equal(count, 2);
    assert_int_equal(notes[0].line, 2);
    assert_int_equal(notes[1].line, 4);
    assert_int_equal(dropped, 0);
}

/* The only rule's answer for an image with one package. */
static size_t matches_of(struct bh_policy *p, enum bh_action *action)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    BH_AUTO(bh_verdict_freep) struct bh_verdict *v = NULL;
    struct bh_package *package = bh_facts_add_package(f);
    const char *const none[] = {NULL};

    package->name = "bash";
    package->version = "5";
    package->type = "deb";
    f->config.known = true;
    f->config.user = "";
    f->config.env = f->config.cmd = f->config.entrypoint = none;
    v = bh_policy_judge(p, BH_GATE_RUN, f, 0);
    *action = v->action;
    return v->rule_count > 0 ? v->rules[0].match_count : 0;
}

static void later_files_refine_earlier_ones(void **state)
{
    static const char base[] = "- list: names\n  items: [zsh]\n"
                               "- macro: named\n  condition: package.name in (names)\n"
                               "- rule: r\n  desc: d\n  condition: named and package.type = deb\n"
                               "  gate: [admit, run]\n  action: deny\n";
    static const struct {
        const char *refinement;
        size_t matches;
        enum bh_action action;
    } cases[] = {
        {"", 0, BH_ACTION_ALLOW},
        {"- list: names\n  items: [bash]\n", 1, BH_ACTION_DENY},
        {"- list: names\n  items: [bash]\n  append: true\n", 1, BH_ACTION_DENY},
        {"- list: names\n  items: [bash]\n  override: {items: append}\n", 1, BH_ACTION_DENY},
        {"- macro: named\n  condition: or package.name = bash\n  append: true\n", 1,
         BH_ACTION_DENY},
        {"- macro: named\n  condition: package.name exists\n", 1, BH_ACTION_DENY},
        {"- rule: r\n  condition: package.name = bash\n  override: {condition: replace}\n", 1,
         BH_ACTION_DENY},
        {"- rule: r\n  condition: or package.name = bash\n  action: warn\n"
         "  override: {condition: append, action: replace}\n",
         1, BH_ACTION_WARN},
        {"- list: names\n  items: [bash]\n- rule: r\n  enabled: false\n", 0, BH_ACTION_ALLOW},
        {"- list: more\n  items: [ash, bash]\n- list: names\n  items: [more]\n", 1, BH_ACTION_DENY},
        {"- list: names\n  items: ['\"bash\"']\n", 1, BH_ACTION_DENY},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        const char *texts[] = {base, cases[i].refinement};
        BH_AUTO(bh_policy_freep) struct bh_policy *p = load_good(texts, 2);
        enum bh_action action;

        if (matches_of(p, &action) != cases[i].matches || action != cases[i].action)
            fail_msg("%s", cases[i].refinement);
    }
}

static void exceptions_in_the_falco_form_are_conditions(void **state)
{
    static const char base[] =
        "- list: shells\n  items: [bash]\n"
        "- rule: r\n  condition: package.name exists\n"
        "  gate: run\n  action: deny\n  exceptions:\n    - name: e\n"
        "      reason: because\n      owner: me\n      expires: 2030-01-01\n";
    static const struct {
        const char *form;
        size_t matches;
    } cases[] = {
        {"      fields: package.name\n      values: [ash, bash]\n", 0},
        {"      fields: package.name\n      values: [shells]\n", 0},
        {"      fields: package.name\n      comps: startswith\n      values: ba\n", 0},
        {"      fields: [package.name, package.version]\n      values: [[bash, 5]]\n", 0},
        {"      fields: [package.name, package.version]\n      values: [[bash, 6], [ash, 5]]\n", 1},
        {"      fields: [package.name, package.version]\n      comps: [in, startswith]\n"
         "      values: [[[ash, shells], \"5\"]]\n",
         0},
        {"      condition: package.name = bash\n", 0},
        {"      fields: [package.name]\n", 1},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_freep) char *text = bh_format("%s%s", base, cases[i].form);
        const char *texts[] = {text};
        BH_AUTO(bh_policy_freep) struct bh_policy *p = load_good(texts, 1);
        enum bh_action action;

        if (matches_of(p, &action) != cases[i].matches)
            fail_msg("%s", cases[i].form);
    }
}

static void the_rule_files_of_falco_load(void **state)
{
    static const struct {
        const char *name;
        size_t rules;
    } files[] = {{"falco_rules.yaml", 25},
                 {"falco-incubating_rules.yaml", 31},
                 {"falco-sandbox_rules.yaml", 37},
                 {"k8s_audit_rules_2022.yaml", 43}};
    const char *data = getenv("BULKHEAD_TEST_DATA");

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(files); i++) {
        BH_AUTO(bh_policy_freep) struct bh_policy *p = bh_policy_new();
        BH_AUTO(bh_freep)
        char *path = bh_format("%s/falco-rules/%s", data ? data : "../shared/data", files[i].name);
        struct bh_error err = BH_ERROR_INIT;
        size_t count, unread;

        if (access(path, R_OK) != 0)
            skip();
        assert_int_equal(bh_policy_add_file(p, path, &err), 0);
        if (bh_policy_finish(p, &err) < 0)
            fail_msg("%s", err.message);
        (void)bh_policy_rules(p, &count);
        assert_int_equal(count, files[i].rules);
        (void)bh_policy_unread(p, &unread);
        assert_true(unread > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_name_file_line_and_column),
        cmocka_unit_test(all_faults_are_told_at_once),
        cmocka_unit_test(later_files_refine_earlier_ones),
        cmocka_unit_test(exceptions_in_the_falco_form_are_conditions),
        cmocka_unit_test(the_rule_files_of_falco_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
