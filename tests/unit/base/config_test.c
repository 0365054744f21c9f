#include "base/config.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct bh_config_key known[] = {
    {.name = "color"},
    {.section = "scan"},
    {.section = "scan", .name = "format"},
    {.section = "scan", .name = "fail-on"},
    {.section = "feeds", .free_form = true},
    {0},
};

static char directory[] = "/tmp/bulkhead-config-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    BH_AUTO(bh_freep) char *path = bh_format("%s/config.yaml", directory);

    (void)state;
    (void)unlink(path); /* a test may have left none */
    return rmdir(directory);
}

/* Writes the file and loads it; returns what bh_config_load returned. */
static int load(const char *text, mode_t mode, struct bh_config **ret, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *path = bh_format("%s/config.yaml", directory);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
    return bh_config_load(path, ret, err);
}

/* The message behind the file's name. */
static const char *behind_path(const struct bh_error *err)
{
    const char *name = strstr(err->message, "config.yaml");

    assert_non_null(name);
    return name + strlen("config.yaml");
}

static void known_keys_are_found_and_free_form_sections_are_let_alone(void **state)
{
    BH_AUTO(bh_config_freep) struct bh_config *c = NULL;
    const char *file = NULL;

    (void)state;
    assert_int_equal(
        load("color: never\nscan:\n  fail-on: high\nfeeds:\n  - x: y\n", 0600, &c, NULL), 0);
    assert_int_equal(bh_config_check(c, known, NULL), 0);
    assert_string_equal(bh_node_string(bh_config_get(c, NULL, "color", &file)), "never");
    assert_string_equal(bh_node_string(bh_config_get(c, "scan", "fail-on", &file)), "high");
    assert_non_null(strstr(file, "config.yaml"));
    assert_null(bh_config_get(c, "scan", "format", &file));
    assert_null(bh_config_get(NULL, "scan", "format", &file));
}

static void an_empty_file_is_a_configuration(void **state)
{
    BH_AUTO(bh_config_freep) struct bh_config *c = NULL;

    (void)state;
    assert_int_equal(load("# nothing yet\n", 0600, &c, NULL), 0);
    assert_int_equal(bh_config_check(c, known, NULL), 0);
}

static void an_unknown_key_is_an_error_with_the_nearest_known_one(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"colour: never\n", ":1:1: unknown key \"colour\"; did you mean \"color\"?"},
        {"scna: {}\n", ":1:1: unknown key \"scna\"; did you mean \"scan\"?"},
        {"scan:\n  fial-on: high\n",
         ":2:3: unknown key \"fial-on\" in scan; did you mean \"fail-on\"?"},
        {"scan:\n  zzz: high\n", ":2:3: unknown key \"zzz\" in scan"},
        {"scan: [1]\n", ":1:7: scan must hold \"key: value\" lines, not array"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_config_freep) struct bh_config *c = NULL;
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(load(cases[i].text, 0600, &c, &err), 0);
        assert_int_equal(bh_config_check(c, known, &err), -BH_INVALID);
        assert_string_equal(behind_path(&err), cases[i].message);
    }
}

static void files_that_others_could_have_written_are_refused(void **state)
{
    BH_AUTO(bh_config_freep) struct bh_config *c = NULL;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(load("color: never\n", 0666, &c, &err), -BH_DENIED);
    assert_non_null(strstr(err.message, "everybody can write to it; run: chmod o-w "));
    assert_int_equal(bh_config_load(directory, &c, &err), -BH_INVALID);
    assert_null(c);
}

static void broken_files_are_named_with_their_place(void **state)
{
    BH_AUTO(bh_config_freep) struct bh_config *c = NULL;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(load("a: [1\n", 0600, &c, &err), -BH_INVALID);
    assert_non_null(strstr(behind_path(&err), "line 2"));
    assert_int_equal(load("just text\n", 0600, &c, &err), -BH_INVALID);
    assert_string_equal(behind_path(&err), ": must hold \"key: value\" lines, not one string");
    assert_int_equal(bh_config_load("/nonexistent/config.yaml", &c, &err), -BH_NOT_FOUND);
}

static void the_users_file_is_found_and_a_missing_one_is_no_error(void **state)
{
    BH_AUTO(bh_config_freep) struct bh_config *c = NULL;
    BH_AUTO(bh_freep) char *path = NULL;

    (void)state;
    assert_int_equal(setenv("XDG_CONFIG_HOME", directory, 1), 0);
    path = bh_config_user_path();
    assert_non_null(strstr(path, "/bulkhead/config.yaml"));
    assert_int_equal(bh_config_load(NULL, &c, NULL), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
}

static void the_state_root_is_chosen_in_the_order_promised(void **state)
{
    BH_AUTO(bh_freep) char *by_option = NULL;
    BH_AUTO(bh_freep) char *by_environment = NULL;
    BH_AUTO(bh_freep) char *by_default = NULL;
    BH_AUTO(bh_freep) char *run = NULL;
    bool given = false;

    (void)state;
    assert_int_equal(setenv("BULKHEAD_ROOT", "/env", 1), 0);
    assert_int_equal(bh_root_path("/opt", &by_option, &given, NULL), 0);
    assert_string_equal(by_option, "/opt");
    assert_true(given);
    assert_int_equal(bh_root_path(NULL, &by_environment, &given, NULL), 0);
    assert_string_equal(by_environment, "/env");
    assert_true(given);
    assert_int_equal(unsetenv("BULKHEAD_ROOT"), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
    assert_int_equal(bh_root_path(NULL, &by_default, &given, NULL), 0);
    assert_string_equal(by_default, geteuid() == 0 ? "/var/lib/bulkhead" : "/data/bulkhead");
    assert_false(given);
    run = bh_run_path("/opt", true);
    assert_string_equal(run, "/opt/run");
}

static void a_relative_root_is_made_absolute(void **state)
{
    BH_AUTO(bh_freep) char *root = NULL;
    BH_AUTO(bh_freep) char *here = getcwd(NULL, 0);
    BH_AUTO(bh_freep) char *wanted = bh_format("%s/state", here);
    bool given = false;

    (void)state;
    assert_int_equal(bh_root_path("state", &root, &given, NULL), 0);
    assert_string_equal(root, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_keys_are_found_and_free_form_sections_are_let_alone),
        cmocka_unit_test(an_empty_file_is_a_configuration),
        cmocka_unit_test(an_unknown_key_is_an_error_with_the_nearest_known_one),
        cmocka_unit_test(files_that_others_could_have_written_are_refused),
        cmocka_unit_test(broken_files_are_named_with_their_place),
        cmocka_unit_test(the_users_file_is_found_and_a_missing_one_is_no_error),
        cmocka_unit_test(the_state_root_is_chosen_in_the_order_promised),
        cmocka_unit_test(a_relative_root_is_made_absolute),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
