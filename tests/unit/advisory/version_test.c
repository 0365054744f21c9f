#include "advisory/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct pair {
    const char *ecosystem, *a;
    char relation;
    const char *b;
};

static char relation_of(const char *ecosystem, const char *a, const char *b)
{
    int r = bh_version_compare(bh_version_scheme_of(ecosystem), a, b);

    return r < 0 ? '<' : r > 0 ? '>' : '=';
}

static char mirrored(char relation)
{
    return relation == '<' ? '>' : relation == '>' ? '<' : '=';
}

static void expect_pair(const struct pair *p)
{
    char forth = relation_of(p->ecosystem, p->a, p->b);
    char back = relation_of(p->ecosystem, p->b, p->a);

    if (forth != p->relation || back != mirrored(p->relation))
        fail_msg("%s: %s %c %s, got %c and back %c", p->ecosystem, p->a, p->relation, p->b, forth,
                 back);
}

static const struct pair pairs[] = {
    {"Debian:12", "1.0", '=', "0:1.0-0"},
    {"Debian", "1.0~rc1-1", '<', "1.0-1"},
    {"Debian", "1.0~~", '<', "1.0~"},
    {"Debian", "1.0-1", '<', "1.0-1+deb12u1"},
    {"Debian", "1.0-1~bpo12+1", '<', "1.0-1"},
    {"Debian", "1:0.1", '>', "9.9"},
    {"Debian", "1.0a", '<', "1.0+"},
    {"Debian", "1.0.9", '<', "1.0.10"},
    {"Debian", "0001.2", '=', "1.02"},
    {"Debian", "1-2-3", '>', "1-2-2"},
    {"Debian", "99999999999999999999991", '>', "99999999999999999999990"},
    {"Alpine:v3.18", "1.2.3-r0", '<', "1.2.3-r1"},
    {"Alpine", "1.2.3", '<', "1.2.3-r0"},
    {"Alpine", "1.2_alpha", '<', "1.2_beta"},
    {"Alpine", "1.2_rc2", '<', "1.2"},
    {"Alpine", "1.2", '<', "1.2_p1"},
    {"Alpine", "1.2_git20200101", '<', "1.2_p1"},
    {"Alpine", "1.2a", '>', "1.2"},
    {"Alpine", "1.2a", '<', "1.2b"},
    {"Alpine", "1.2_pre1_alpha", '<', "1.2_pre1"},
    {"Alpine", "1.10", '>', "1.9"},
    {"Alpine", "1.05", '<', "1.1"},
    {"Alpine", "1.2~abc", '>', "1.2"},
    {"rpm", "1.0", '<', "1.0-1"},
    {"AlmaLinux:9", "1.0~rc1-1.el9", '<', "1.0-1.el9"},
    {"AlmaLinux:9", "1.0^git1-1", '>', "1.0-1"},
    {"AlmaLinux:9", "1.0^git1-1", '<', "1.0.1-1"},
    {"Rocky Linux:8", "0:3.10.0-229.el7", '<', "0:3.10.0-229.1.2.ael7b"},
    {"Red Hat", "2:1.0-1", '>', "1:9-9"},
    {"rpm", "1.a", '<', "1.1"},
    {"rpm", "fc4", '=', "fc.4"},
    {"npm", "1.0.0-alpha.1", '<', "1.0.0-alpha.beta"},
    {"Go", "v1.2.3+incompatible", '=', "1.2.3"},
    {"Go", "v0.0.0-20200101000000-abcdef", '<', "0"},
    {"crates.io", "0.0.0-0", '<', "0.0.0"},
    {"npm", "1.2", '=', "1.2.0"},
    {"PyPI", "1.0.dev1", '<', "1.0a1"},
    {"PyPI", "1.0rc1", '<', "1.0"},
    {"PyPI", "1.0", '<', "1.0.post1"},
    {"PyPI", "1.0", '=', "1.0.0"},
    {"PyPI", "1.0+a", '>', "1.0"},
    {"PyPI", "1!0.1", '>', "2024.1"},
    {"PyPI", "1.0-1", '=', "1.0.post1"},
    {"PyPI", "1.0.a1", '=', "1.0-ALPHA_1"},
    {"PyPI", "nonsense", '<', "0"},
    {"RubyGems", "1.0.0", '=', "1"},
    {"RubyGems", "1.0.0-rc1", '<', "1.0"},
    {"RubyGems", "1.0.0.0.0.1", '>', "1"},
    {"RubyGems", "1.0.a", '=', "1.a"},
    {"NuGet", "1.0.0-BETA", '=', "1.0.0.0-beta"},
    {"Pub", "1.0.0", '<', "1.0.0+build"},
    {"Hackage", "1.0.0", '>', "1.0"},
    {"CRAN", "1.0-2", '<', "1.0-10"},
    {"Maven", "1.0-SNAPSHOT", '<', "1.0"},
    {"Maven", "1-1.foo-bar1baz-.1", '=', "1-1.foo-bar-1-baz-0.1"},
    {"Maven", "1.0-sp", '>', "1.0.ga"},
    {"Packagist", "v1.0pl1", '>', "1.0"},
    {"Packagist", "1.0-dev", '<', "1.0a1"},
    {"no such ecosystem", "10", '<', "9"},
};

static void known_pairs_sort_as_their_tools_sort_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(pairs); i++)
        expect_pair(&pairs[i]);
}

static void ecosystem_names_are_found_in_any_case_and_with_a_release(void **state)
{
    (void)state;
    assert_int_equal(bh_version_scheme_of("debian:12"), BH_VERSION_DEB);
    assert_int_equal(bh_version_scheme_of("Rocky Linux:9"), BH_VERSION_RPM);
    assert_int_equal(bh_version_scheme_of("ALPINE:v3.20"), BH_VERSION_APK);
    assert_int_equal(bh_version_scheme_of("Debia"), BH_VERSION_NONE);
    assert_int_equal(bh_version_scheme_of(""), BH_VERSION_NONE);
}

/* Any bytes at all: orders must stay mirrored and inside their
 * buffers, which the sanitizer build watches. */
static void every_order_is_mirrored_on_strange_text(void **state)
{
    static const char *const ecosystems[] = {"Debian",   "rpm",   "npm", "PyPI",
                                             "RubyGems", "NuGet", "Pub", "Packagist"};
    static const char alphabet[] = "0019ab.~^-_+:!v";
    char text[2][8];
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        const char *ecosystem = ecosystems[(size_t)round % BH_COUNT_OF(ecosystems)];
        enum bh_version_scheme s = bh_version_scheme_of(ecosystem);

        for (int i = 0; i < 2; i++) {
            size_t len;

            seed = seed * 1664525u + 1013904223u;
            len = (seed >> 24) % 7 + 1;
            for (size_t k = 0; k < len; k++) {
                seed = seed * 1664525u + 1013904223u;
                text[i][k] = alphabet[(seed >> 20) % (sizeof alphabet - 1)];
            }
            text[i][len] = '\0';
        }
        assert_int_equal(bh_version_compare(s, text[0], text[0]), 0);
        expect_pair(&(struct pair){ecosystem, text[0],
                                   mirrored(relation_of(ecosystem, text[1], text[0])), text[1]});
    }
}

static void check_file(const char *directory, const char *name, const char *ecosystem)
{
    char path[512], line[4096];
    FILE *f;
    int seen = 0;

    (void)snprintf(path, sizeof path, "%s/versions/%s-versions.txt", directory, name);
    f = fopen(path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char *relation = strchr(line, ' ');

        line[strcspn(line, "\n")] = '\0';
        if (*line == '#' || *line == '/' || !relation || strlen(relation) < 4)
            continue;
        *relation = '\0';
        expect_pair(&(struct pair){ecosystem, line, relation[1], relation + 3});
        seen++;
    }
    (void)fclose(f);
    assert_true(seen > 10);
}

static void all_pairs_of_the_data_folder_hold(void **state)
{
    static const char *const files[][2] = {
        {"alpine", "Alpine"},       {"debian", "Debian"},
        {"redhat", "Red Hat"},      {"semver", "SemVer"},
        {"pypi", "PyPI"},           {"rubygems", "RubyGems"},
        {"nuget", "NuGet"},         {"pub", "Pub"},
        {"cran", "CRAN"},           {"maven", "Maven"},
        {"packagist", "Packagist"}, {"hackage", "Hackage"},
    };
    const char *data = getenv("BULKHEAD_TEST_DATA");

    (void)state;
    if (!data) {
        print_message("BULKHEAD_TEST_DATA is not set: no real pairs to compare\n");
        skip();
    }
    for (size_t i = 0; i < BH_COUNT_OF(files); i++)
        check_file(data, files[i][0], files[i][1]);
}

static void unfit_versions_are_refused_with_the_reason(void **state)
{
    static char huge[BH_VERSION_MAX + 2];
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    memset(huge, '1', sizeof huge - 1);
    assert_int_equal(bh_version_check("", 0, &err), -BH_INVALID);
    assert_int_equal(bh_version_check("1 2", 3, &err), -BH_INVALID);
    assert_string_equal(err.message, "white space or control character at byte 1");
    assert_int_equal(bh_version_check(huge, sizeof huge - 1, &err), -BH_LIMIT);
    assert_int_equal(bh_version_check("1.0-1", 5, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_pairs_sort_as_their_tools_sort_them),
        cmocka_unit_test(ecosystem_names_are_found_in_any_case_and_with_a_release),
        cmocka_unit_test(every_order_is_mirrored_on_strange_text),
        cmocka_unit_test(all_pairs_of_the_data_folder_hold),
        cmocka_unit_test(unfit_versions_are_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
