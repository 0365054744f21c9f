#include "fact/facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void records_are_kept_in_the_order_they_came(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();

    (void)state;
    for (int i = 0; i < 1000; i++)
        bh_facts_add_package(f)->name = bh_arena_format(f->arena, "p%d", i);
    assert_int_equal(f->package_count, 1000);
    assert_string_equal(f->packages[0].name, "p0");
    assert_string_equal(f->packages[999].name, "p999");
    assert_int_equal(f->packages[5].layer, BH_LAYER_NONE);
    assert_int_equal(bh_list_length(bh_facts_add_vulnerability(f)->aliases), 0);
}

static void a_list_is_copied_and_none_is_empty(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    const char *two[] = {"a", "b", NULL};
    const char *const *copy = bh_facts_list(f, two);

    (void)state;
    two[0] = "changed";
    assert_string_equal(copy[0], "a");
    assert_int_equal(bh_list_length(copy), 2);
    assert_null(bh_facts_list(f, NULL)[0]);
}

static void what_was_not_seen_blinds_what_depends_on_it(void **state)
{
    static const struct {
        const char *record;
        bool blind, vulnerabilities, packages, findings;
    } cases[] = {
        {BH_SUBJECT_VULNERABILITIES, true, true, false, false},
        {BH_SUBJECT_PACKAGES, true, true, true, false},
        {BH_SUBJECT_FILES, true, true, true, true},
        {BH_SUBJECT_CONFIG, true, false, false, true},
        {"device-node", false, false, false, false},
        {BH_SUBJECT_PACKAGES, false, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();

        bh_facts_not_covered(f, cases[i].record, NULL, BH_LAYER_NONE, cases[i].blind, "a reason");
        assert_int_equal(bh_facts_is_blind(f, BH_SUBJECT_VULNERABILITIES),
                         cases[i].vulnerabilities);
        assert_int_equal(bh_facts_is_blind(f, BH_SUBJECT_PACKAGES), cases[i].packages);
        assert_int_equal(bh_facts_is_blind(f, BH_SUBJECT_FINDINGS), cases[i].findings);
    }
}

static void no_user_is_root(void **state)
{
    static const struct {
        const char *user;
        bool root;
    } cases[] = {{"", true},       {"root", true},      {"0", true},
                 {"00:5", true},   {"root:x", true},    {"1000", false},
                 {"nginx", false}, {"rootless", false}, {":0", true}};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_image_config c = {.known = true, .user = cases[i].user};

        assert_int_equal(bh_image_config_is_root(&c), cases[i].root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_kept_in_the_order_they_came),
        cmocka_unit_test(a_list_is_copied_and_none_is_empty),
        cmocka_unit_test(what_was_not_seen_blinds_what_depends_on_it),
        cmocka_unit_test(no_user_is_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
