#include "advisory/import.h"
#include "advisory/match.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

struct record {
    const char *id, *aliases, *related, *ecosystem, *package, *introduced, *fixed;
    enum bh_severity severity;
};

static void add(struct bh_db_set *set, const struct record *from)
{
    struct bh_osv_interval interval = {.ecosystem = from->ecosystem,
                                       .package = from->package,
                                       .introduced = from->introduced,
                                       .fixed = from->fixed,
                                       .last = "",
                                       .severity = from->severity};
    struct bh_osv_record record = {.id = from->id,
                                   .modified = "2026-01-01T00:00:00Z",
                                   .published = "",
                                   .summary = "s",
                                   .aliases = from->aliases,
                                   .related = from->related,
                                   .intervals = &interval,
                                   .interval_count = 1};
    struct bh_error err = BH_ERROR_INIT;

    if (bh_db_set_add(set, &record, &err) < 0)
        fail_msg("%s", err.message);
}

static int commit(struct bh_db_set *set, bool force, const char *source, struct bh_error *err)
{
    struct bh_db_commit c = {.source = source, .force = force};
    struct bh_db_info *infos;
    size_t count;
    int r = bh_db_set_commit(set, &c, &infos, &count, err);

    if (r == 0) {
        for (size_t i = 0; i < count; i++)
            bh_db_info_done(&infos[i]);
        free(infos);
    }
    return r;
}

static const struct record records[] = {
    {"DEBIAN-CVE-2024-1", "", "CVE-2024-1", "Debian:12", "openssl", "", "3.0.11-1",
     BH_SEVERITY_HIGH},
    {"DEBIAN-CVE-2024-2", "", "CVE-2024-2", "Debian:12", "openssl", "3.0.12-1", "", 0},
    {"DEBIAN-CVE-2024-3", "", "CVE-2024-3", "Debian:12", "zlib", "", "1:1.2.13.dfsg-1", 0},
    {"ALSA-2024:1", "", "CVE-2024-4 RHSA-2024:1", "AlmaLinux:9", "curl", "", "0:7.76.1-26.el9",
     BH_SEVERITY_MEDIUM},
    {"ALSA-2024:2", "", "CVE-2024-5", "AlmaLinux:9", "podman", "", "4:4.0-1.module_el9.0.0+1+abc",
     0},
    {"PYSEC-1", "GHSA-1 CVE-2024-6", "", "PyPI", "django", "1", "3.2", BH_SEVERITY_LOW},
    {"GHSA-1", "CVE-2024-6", "", "PyPI", "django", "1", "3.2.1", BH_SEVERITY_CRITICAL},
};

static const struct record suite[] = {
    {"debian-security:openssl", "", "", "debian-security:bookworm", "openssl", "", "3.0.11-1", 0},
    {"debian-security:zlib", "", "", "debian-security:bookworm", "zlib", "", "1:1.2.14-1", 0},
};

static int set_up(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_db_set *set;

    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/bulkhead-match-%ld", (long)getpid());
    if (bh_db_set_new(root, &set, &err) < 0)
        return -1;
    for (size_t i = 0; i < BH_COUNT_OF(records); i++)
        add(set, &records[i]);
    assert_int_equal(commit(set, false, "OSV", &err), 0);
    bh_db_set_free(set);
    assert_int_equal(bh_db_set_new(root, &set, &err), 0);
    for (size_t i = 0; i < BH_COUNT_OF(suite); i++)
        add(set, &suite[i]);
    assert_int_equal(commit(set, false, NULL, &err), 0);
    bh_db_set_free(set);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return bh_remove_tree_at(AT_FDCWD, root, NULL);
}

static struct bh_facts *image(const char *id, const char *version_id, const char *codename)
{
    struct bh_facts *f = bh_facts_new();

    f->distribution.id = id;
    f->distribution.version_id = version_id;
    f->distribution.codename = codename;
    return f;
}

static void add_package(struct bh_facts *f, const char *type, const char *name, const char *version,
                        const char *source)
{
    struct bh_package *p = bh_facts_add_package(f);

    p->type = type;
    p->name = name;
    p->version = p->source_version = version;
    p->source_name = source;
}

static void expect_vulnerability(const struct bh_facts *f, size_t i, const char *id,
                                 const char *fixed, enum bh_severity severity)
{
    assert_true(i < f->vulnerability_count);
    assert_string_equal(f->vulnerabilities[i].id, id);
    if (fixed)
        assert_string_equal(f->vulnerabilities[i].fixed, fixed);
    else
        assert_null(f->vulnerabilities[i].fixed);
    assert_int_equal(f->vulnerabilities[i].severity, severity);
}

static void a_debian_package_is_matched_by_its_source(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = image("debian", "12", NULL);

    (void)state;
    add_package(f, "deb", "libssl3", "3.0.9-1", "openssl");
    add_package(f, "deb", "openssl", "3.0.11-1", "openssl");
    add_package(f, "deb", "libssl-new", "3.0.13-1", "openssl");
    bh_advisory_match(f, root);
    assert_int_equal(f->vulnerability_count, 2);
    expect_vulnerability(f, 0, "CVE-2024-1", "3.0.11-1", BH_SEVERITY_HIGH);
    assert_int_equal(f->vulnerabilities[0].package, 0);
    assert_string_equal(f->vulnerabilities[0].installed, "3.0.9-1");
    assert_string_equal(f->vulnerabilities[0].aliases[0], "DEBIAN-CVE-2024-1");
    assert_null(f->vulnerabilities[0].aliases[1]);
    expect_vulnerability(f, 1, "CVE-2024-2", NULL, BH_SEVERITY_UNKNOWN);
    assert_int_equal(f->vulnerabilities[1].package, 2);
    assert_int_equal(f->source_count, 2); /* the codename follows from the release */
    assert_string_equal(f->sources[1].name, "debian-security bookworm");
    assert_string_equal(f->sources[0].name, "OSV Debian:12");
    assert_int_equal(f->sources[0].count, 3);
    assert_false(bh_facts_is_blind(f, BH_SUBJECT_VULNERABILITIES));
}

static void the_security_suite_adds_only_what_no_cve_tells(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = image("debian", "12", "bookworm");

    (void)state;
    add_package(f, "deb", "libssl3", "3.0.9-1", "openssl");
    add_package(f, "deb", "zlib1g", "1:1.2.13.dfsg-1", "zlib");
    bh_advisory_match(f, root);
    assert_int_equal(f->vulnerability_count, 2);
    expect_vulnerability(f, 0, "CVE-2024-1", "3.0.11-1", BH_SEVERITY_HIGH);
    expect_vulnerability(f, 1, "debian-security:zlib", "1:1.2.14-1", BH_SEVERITY_UNKNOWN);
    assert_string_equal(f->vulnerabilities[1].source, "debian-security bookworm");
    assert_int_equal(f->source_count, 2);
}

static void a_suite_alone_is_no_blindness_but_its_limits_are_said(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = image("debian", "11", "bookworm");

    (void)state;
    add_package(f, "deb", "zlib1g", "1:1.2.13.dfsg-1", "zlib");
    bh_advisory_match(f, root);
    assert_int_equal(f->vulnerability_count, 1);
    assert_false(bh_facts_is_blind(f, BH_SUBJECT_VULNERABILITIES));
    assert_int_equal(f->coverage_count, 1);
    assert_non_null(strstr(f->coverage[0].reason, "neither severities"));
}

static void rpm_packages_match_by_name_and_modular_builds_do_not_mix(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = image("almalinux", "9.3", NULL);

    (void)state;
    add_package(f, "rpm", "curl", "7.76.1-23.el9", "curl");
    add_package(f, "rpm", "podman", "4:3.0-1.el9", "podman");
    bh_advisory_match(f, root);
    assert_int_equal(f->vulnerability_count, 1);
    expect_vulnerability(f, 0, "ALSA-2024:1", "0:7.76.1-26.el9", BH_SEVERITY_MEDIUM);
    assert_string_equal(f->vulnerabilities[0].aliases[0], "CVE-2024-4");
    assert_null(f->vulnerabilities[0].aliases[1]);
}

static void records_that_name_each_other_become_one_finding(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = image("debian", "12", NULL);

    (void)state;
    add_package(f, "pypi", "Django", "2.0", NULL);
    bh_advisory_match(f, root);
    assert_int_equal(f->vulnerability_count, 1);
    expect_vulnerability(f, 0, "PYSEC-1", "3.2.1", BH_SEVERITY_CRITICAL);
    assert_int_equal(bh_list_length(f->vulnerabilities[0].aliases), 2);
}

static void expect_blind(struct bh_facts *f, const char *words)
{
    bh_advisory_match(f, root);
    assert_int_equal(f->vulnerability_count, 0);
    assert_true(bh_facts_is_blind(f, BH_SUBJECT_VULNERABILITIES));
    for (size_t i = 0; i < f->coverage_count; i++)
        if (strstr(f->coverage[i].reason, words))
            return;
    fail_msg("no coverage record says: %s", words);
}

static void without_a_database_for_it_an_image_is_never_called_clean(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *trixie = image("debian", "13", NULL);
    BH_AUTO(bh_facts_freep) struct bh_facts *fedora = image("fedora", "40", NULL);
    BH_AUTO(bh_facts_freep) struct bh_facts *nothing = image(NULL, NULL, NULL);
    BH_AUTO(bh_facts_freep) struct bh_facts *npm = image("debian", "12", NULL);
    BH_AUTO(bh_facts_freep) struct bh_facts *mixed = image("debian", "12", NULL);

    (void)state;
    add_package(trixie, "deb", "libssl3", "1", "openssl");
    expect_blind(trixie, "no database speaks for debian (Debian:13); next: bulkhead db");
    expect_blind(fedora, "no source of advisories is known for fedora");
    expect_blind(nothing, "vulnerabilities were not checked");
    add_package(npm, "npm", "lodash", "4.17.20", NULL);
    expect_blind(npm, "vulnerabilities of 1 npm packages were not checked");
    add_package(mixed, "rpm", "curl", "1-1", "curl");
    expect_blind(mixed, "vulnerabilities of 1 rpm packages were not checked");
}

static void a_damaged_database_is_said_and_not_taken_for_an_empty_one(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = image("alpine", "3.18.4", NULL);
    BH_AUTO(bh_freep) char *path = bh_format("%s/db", root);
    BH_AUTO(bh_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_write_file_at(fd, "alpine-v3.18.sqlite", "not a database, not at all", 26,
                                      0644, &err),
                     0);
    add_package(f, "apk", "musl", "1.2.4-r0", "musl");
    expect_blind(f, "alpine-v3.18.sqlite");
    assert_int_equal(unlinkat(fd, "alpine-v3.18.sqlite", 0), 0);
}

static void a_shrink_to_less_than_half_is_refused_and_force_accepts_it(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_db_set *set;
    struct bh_db *db;

    (void)state;
    assert_int_equal(bh_db_set_new(root, &set, &err), 0);
    for (int i = 0; i < 200; i++) {
        BH_AUTO(bh_freep) char *id = bh_format("X-%d", i);

        add(set, &(struct record){id, "", "", "Alpine:v3.19", "p", "", "1", 0});
    }
    assert_int_equal(commit(set, false, "OSV", &err), 0);
    bh_db_set_free(set);
    assert_int_equal(bh_db_set_new(root, &set, &err), 0);
    add(set, &(struct record){"Y", "", "", "Alpine:v3.19", "p", "", "1", 0});
    assert_int_equal(commit(set, false, "OSV", &err), -BH_CORRUPT);
    assert_non_null(strstr(err.message, "from 200 to 1"));
    bh_db_set_free(set);
    assert_int_equal(bh_db_open(root, "alpine-v3.19", &db, &err), 0);
    assert_int_equal(bh_db_info(db)->advisories, 200);
    bh_db_close(db);
    assert_int_equal(bh_db_set_new(root, &set, &err), 0);
    add(set, &(struct record){"Y", "", "", "Alpine:v3.19", "p", "", "1", 0});
    assert_int_equal(bh_db_set_keep_old(set, &err), 0);
    assert_int_equal(commit(set, false, "OSV", &err), 0);
    bh_db_set_free(set);
    assert_int_equal(bh_db_open(root, "alpine-v3.19", &db, &err), 0);
    assert_int_equal(bh_db_info(db)->advisories, 201);
    assert_int_equal(bh_db_info(db)->ranges, 201);
    bh_db_close(db);
    assert_int_equal(bh_db_set_new(root, &set, &err), 0);
    add(set, &(struct record){"Y", "", "", "Alpine:v3.19", "p", "", "1", 0});
    assert_int_equal(commit(set, true, "OSV", &err), 0);
    bh_db_set_free(set);
}

static void ecosystems_become_file_names_that_stay_inside_their_directory(void **state)
{
    static const char *const names[][2] = {
        {"Debian:12", "debian-12"},
        {"Rocky Linux:9", "rocky-linux-9"},
        {"Ubuntu:22.04:LTS", "ubuntu-22.04"},
        {"Red Hat:enterprise_linux:9::baseos", "red-hat-9"},
        {"Alpine:v3.18", "alpine-v3.18"},
        {"../../etc/passwd", "..-..-etc-passwd"},
        {"/", NULL},
        {"..", NULL},
    };
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(names); i++) {
        const char *key = bh_db_key(names[i][0], arena);

        if (names[i][1] && *names[i][1] != '.')
            assert_string_equal(key, names[i][1]);
        else
            assert_null(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_debian_package_is_matched_by_its_source),
        cmocka_unit_test(the_security_suite_adds_only_what_no_cve_tells),
        cmocka_unit_test(a_suite_alone_is_no_blindness_but_its_limits_are_said),
        cmocka_unit_test(rpm_packages_match_by_name_and_modular_builds_do_not_mix),
        cmocka_unit_test(records_that_name_each_other_become_one_finding),
        cmocka_unit_test(without_a_database_for_it_an_image_is_never_called_clean),
        cmocka_unit_test(a_damaged_database_is_said_and_not_taken_for_an_empty_one),
        cmocka_unit_test(a_shrink_to_less_than_half_is_refused_and_force_accepts_it),
        cmocka_unit_test(ecosystems_become_file_names_that_stay_inside_their_directory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
