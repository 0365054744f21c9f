#include "fact/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum bh_known get(const char *name, const struct bh_record *r, struct bh_value *ret)
{
    const struct bh_field *field = bh_field_find(name, strlen(name));

    assert_non_null(field);
    return field->get(r, ret);
}

static void the_table_is_sorted_and_every_name_is_found(void **state)
{
    size_t count;
    const struct bh_field *all = bh_fields(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(bh_field_find(all[i].name, strlen(all[i].name)), &all[i]);
        if (i)
            assert_true(strcmp(all[i - 1].name, all[i].name) < 0);
    }
    assert_null(bh_field_find("vuln.se", 7));
    assert_null(bh_field_find("vuln.severityx", 14));
    assert_non_null(bh_field_find("vuln.id = 1", 7));
}

/* Everything a getter may look at is there or absent; nothing crashes on empty facts. */
static void every_field_answers_for_empty_facts_with_its_kind(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    size_t count;
    const struct bh_field *all = bh_fields(&count);
    struct bh_record r = {.facts = f};

    (void)state;
    r.package = bh_facts_add_package(f);
    r.vulnerability = bh_facts_add_vulnerability(f);
    r.finding = bh_facts_add_finding(f);
    for (size_t i = 0; i < count; i++) {
        struct bh_value v;

        if (all[i].get(&r, &v) == BH_KNOWN)
            assert_int_equal(v.kind, all[i].kind);
    }
}

static void a_count_of_what_was_not_looked_for_is_unknown(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    struct bh_record r = {.facts = f};
    struct bh_value v;

    (void)state;
    assert_int_equal(get("image.vuln_count", &r, &v), BH_KNOWN);
    assert_int_equal(v.integer, 0);
    bh_facts_not_covered(f, BH_SUBJECT_VULNERABILITIES, NULL, BH_LAYER_NONE, true, "no data");
    assert_int_equal(get("image.vuln_count", &r, &v), BH_UNKNOWN);
    assert_int_equal(get("image.vulns", &r, &v), BH_UNKNOWN);
    assert_int_equal(get("image.package_count", &r, &v), BH_KNOWN);
    assert_int_equal(get("image.vulns_checked", &r, &v), BH_KNOWN);
    assert_false(v.boolean);
}

static void a_configuration_that_does_not_exist_is_absent_and_means_root(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    struct bh_record r = {.facts = f};
    struct bh_value v;

    (void)state;
    assert_int_equal(get("config.user", &r, &v), BH_ABSENT);
    assert_int_equal(get("config.runs_as_root", &r, &v), BH_KNOWN);
    assert_true(v.boolean);
    bh_facts_not_covered(f, BH_SUBJECT_CONFIG, NULL, BH_LAYER_NONE, true, "not JSON");
    assert_int_equal(get("config.user", &r, &v), BH_UNKNOWN);
    assert_int_equal(get("config.runs_as_root", &r, &v), BH_UNKNOWN);
}

static void a_severity_nobody_gave_is_unknown(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    struct bh_record r = {.facts = f};
    struct bh_vulnerability *vuln = bh_facts_add_vulnerability(f);
    struct bh_value v;

    (void)state;
    r.vulnerability = vuln;
    r.package = bh_facts_add_package(f);
    assert_int_equal(get("vuln.severity", &r, &v), BH_UNKNOWN);
    vuln->severity = BH_SEVERITY_HIGH;
    vuln->id = "CVE-1";
    assert_int_equal(get("vuln.severity", &r, &v), BH_KNOWN);
    assert_int_equal(v.severity, BH_SEVERITY_HIGH);
    assert_int_equal(get("vuln.fixed", &r, &v), BH_KNOWN);
    assert_false(v.boolean);
    assert_int_equal(get("vuln.fix", &r, &v), BH_ABSENT);
    assert_int_equal(get("vuln.ids", &r, &v), BH_KNOWN);
    assert_string_equal(v.list[0], "CVE-1");
    assert_null(v.list[1]);
}

static void ages_are_whole_days_since_the_date(void **state)
{
    static const struct {
        const char *date;
        enum bh_known known;
        int64_t days;
    } cases[] = {
        {"2026-01-01T00:00:00Z", BH_KNOWN, 9},
        {"2026-01-09T23:59:59.999Z", BH_KNOWN, 1},
        {"2026-01-09", BH_KNOWN, 1},
        /* What reproducible builds write is no date. */
        {"1970-01-01T00:00:00Z", BH_ABSENT, 0},
        {"1970-01-02T00:00:01Z", BH_ABSENT, 0},
        {"yesterday", BH_UNKNOWN, 0},
        {NULL, BH_ABSENT, 0},
    };
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    struct bh_record r = {.facts = f, .now = 1768089599 /* 2026-01-10T23:59:59Z */};

    (void)state;
    f->config.known = true;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_value v;

        f->config.created = cases[i].date;
        assert_int_equal(get("image.age_days", &r, &v), cases[i].known);
        if (cases[i].known == BH_KNOWN)
            assert_int_equal(v.integer, cases[i].days);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_every_name_is_found),
        cmocka_unit_test(every_field_answers_for_empty_facts_with_its_kind),
        cmocka_unit_test(a_count_of_what_was_not_looked_for_is_unknown),
        cmocka_unit_test(a_configuration_that_does_not_exist_is_absent_and_means_root),
        cmocka_unit_test(a_severity_nobody_gave_is_unknown),
        cmocka_unit_test(ages_are_whole_days_since_the_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
