#include "http/auth_file.h"
#include "sys/fd.h"

#include <fcntl.h>
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

static int look(const char *text, const char *registry, const char *repository,
                struct bh_credential *c)
{
    struct bh_error err = BH_ERROR_INIT;

    *c = (struct bh_credential){0};
    return bh_auth_file_parse(text, strlen(text), registry, repository, c, &err);
}

static void expect_user(const char *text, const char *registry, const char *repository,
                        const char *user)
{
    struct bh_credential c;

    assert_int_equal(look(text, registry, repository, &c), 0);
    if (user)
        assert_string_equal(c.username, user);
    else
        assert_false(bh_credential_is_set(&c));
    bh_credential_done(&c);
}

static void a_pair_is_decoded(void **state)
{
    struct bh_credential c;

    (void)state;
    /* user:pass:word */
    assert_int_equal(look("{\"auths\":{\"r.example:5000\":{\"auth\":\"dXNlcjpwYXNzOndvcmQ=\"}}}",
                          "r.example:5000", NULL, &c),
                     0);
    assert_string_equal(c.username, "user");
    assert_string_equal(c.password, "pass:word");
    bh_credential_done(&c);
    assert_null(c.password);
}

static void the_most_exact_key_wins(void **state)
{
    static const char text[] =
        "{\"auths\":{\"r\":{\"auth\":\"YTox\"},\"r/x\":{\"auth\":\"YjoxCg==\"},"
        "\"r/x/y\":{\"auth\":\"Yzox\"}}}";

    (void)state;
    expect_user(text, "r", "x/y", "c");
    expect_user(text, "r", "x/z", "b");
    expect_user(text, "r", "z", "a");
    expect_user(text, "r", NULL, "a");
    expect_user(text, "r.other", "x/y", NULL);
}

static void docker_keys_with_scheme_and_path_are_found(void **state)
{
    static const char text[] = "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YTox\"},"
                               "\"https://r.example/v2/\":{\"auth\":\"Yjox\"}}}";

    (void)state;
    expect_user(text, "docker.io", "library/nginx", "a");
    expect_user(text, "r.example", NULL, "b");
    expect_user(text, "index", NULL, NULL);
}

static void an_identity_token_stands_for_itself(void **state)
{
    struct bh_credential c;

    (void)state;
    assert_int_equal(
        look("{\"auths\":{\"r\":{\"auth\":\"dTo=\",\"identitytoken\":\"t\"}}}", "r", NULL, &c), 0);
    assert_string_equal(c.identity_token, "t");
    assert_null(c.username);
    bh_credential_done(&c);
}

static void helpers_are_refused_with_a_way_out(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    static const char text[] =
        "{\"auths\":{\"r\":{}},\"credsStore\":\"desktop\",\"credHelpers\":{\"q\":\"ecr-login\"}}";
    struct bh_credential c = {0};

    (void)state;
    assert_int_equal(bh_auth_file_parse(text, strlen(text), "r", NULL, &c, &err), -BH_UNSUPPORTED);
    assert_non_null(strstr(err.message, "docker-credential-desktop"));
    assert_non_null(strstr(err.message, "--auth-file"));
    assert_int_equal(bh_auth_file_parse(text, strlen(text), "q", NULL, &c, &err), -BH_UNSUPPORTED);
    assert_non_null(strstr(err.message, "docker-credential-ecr-login"));
    expect_user(text, "elsewhere", NULL, NULL);
}

static void malformed_files_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{\"auths\":{\"r\":{\"auth\":\"%%%\"}}}",
        "{\"auths\":{\"r\":{\"auth\":\"bm9jb2xvbg==\"}}}",
        "{\"auths\":{\"r\":{\"auth\":\"YQBiOmM=\"}}}", /* a NUL inside */
        "{\"auths\":{},\"auths\":{}}",
    };
    struct bh_credential c;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_int_equal(look(bad[i], "r", NULL, &c), -BH_INVALID);
    expect_user("{}", "r", NULL, NULL);
    expect_user("{\"auths\":[]}", "r", NULL, NULL);
    expect_user("{\"auths\":{\"r\":7}}", "r", NULL, NULL);
}

static char home[64];

static void write_file(const char *name, const char *user_pair)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", home, name);
    f = fopen(path, "we");
    assert_non_null(f);
    fprintf(f, "{\"auths\":{\"r\":{\"auth\":\"%s\"}}}", user_pair);
    fclose(f);
}

static void make_dir(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", home, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static const char *only_home(const char *name)
{
    return strcmp(name, "HOME") == 0 || strcmp(name, "XDG_RUNTIME_DIR") == 0 ? home : NULL;
}

static const char *with_variables(const char *name)
{
    if (strcmp(name, "BULKHEAD_REGISTRY_USER") == 0)
        return "env";
    return strcmp(name, "BULKHEAD_REGISTRY_PASSWORD") == 0 ? "secret" : only_home(name);
}

static void find(bh_getenv *environment, const char *file, const char *user)
{
    struct bh_credential c = {0};

    assert_int_equal(bh_credential_find(file, "r", NULL, environment, &c, NULL), 0);
    if (user)
        assert_string_equal(c.username, user);
    else
        assert_false(bh_credential_is_set(&c));
    bh_credential_done(&c);
}

static void the_usual_places_are_searched_in_order(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_credential c = {0};
    char path[128];

    (void)state;
    memcpy(home, "/tmp/bulkhead-auth-XXXXXX", 26);
    assert_non_null(mkdtemp(home));
    find(only_home, NULL, NULL);
    make_dir(".docker");
    write_file(".docker/config.json", "ZG9ja2VyOjE=");
    find(only_home, NULL, "docker");
    make_dir(".config");
    make_dir(".config/containers");
    write_file(".config/containers/auth.json", "Y29uZmlnOjE=");
    find(only_home, NULL, "config");
    make_dir("containers");
    write_file("containers/auth.json", "cnVudGltZTox");
    find(only_home, NULL, "runtime");
    snprintf(path, sizeof path, "%s/.docker/config.json", home);
    find(only_home, path, "docker");
    find(with_variables, path, "env");
    assert_int_equal(bh_credential_find("/nonexistent", "r", NULL, only_home, &c, &err),
                     -BH_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent"));
    assert_int_equal(bh_remove_tree_at(AT_FDCWD, home, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_decoded),
        cmocka_unit_test(the_most_exact_key_wins),
        cmocka_unit_test(docker_keys_with_scheme_and_path_are_found),
        cmocka_unit_test(an_identity_token_stands_for_itself),
        cmocka_unit_test(helpers_are_refused_with_a_way_out),
        cmocka_unit_test(malformed_files_are_refused),
        cmocka_unit_test(the_usual_places_are_searched_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
