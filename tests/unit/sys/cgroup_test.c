#include "base/buf.h"
#include "sys/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char hybrid[] = "9:name=systemd:/\n"
                             "4:memory:/a/b\n"
                             "3:cpu,cpuacct:/c:d\n"
                             "0::/unified/path\n";

static void the_path_of_each_controller_is_found(void **state)
{
    char path[64];

    (void)state;
    assert_true(bh_cgroup_path(hybrid, "memory", path, sizeof path));
    assert_string_equal(path, "/a/b");
    assert_true(bh_cgroup_path(hybrid, "cpu", path, sizeof path));
    assert_string_equal(path, "/c:d");
    assert_true(bh_cgroup_path(hybrid, "cpuacct", path, sizeof path));
    assert_string_equal(path, "/c:d");
    assert_true(bh_cgroup_path(hybrid, "", path, sizeof path));
    assert_string_equal(path, "/unified/path");
    assert_true(bh_cgroup_path("0::/only", "", path, sizeof path));
    assert_string_equal(path, "/only");
}

static void what_is_not_there_or_does_not_fit_is_not_found(void **state)
{
    static const char *const bad[] = {"",
                                      "\n",
                                      "4",
                                      "4:memory",
                                      "4:memory:",
                                      "4:memory:rel\n",
                                      "memory:/x\n",
                                      "4:memoryx:/y\n",
                                      "4:cpu,memoryx:/y\n"};
    char path[8];

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_false(bh_cgroup_path(bad[i], "memory", path, sizeof path));
    assert_false(bh_cgroup_path("4:memory:/12345678\n", "memory", path, sizeof path));
    assert_true(bh_cgroup_path("4:memory:/123456\n", "memory", path, sizeof path));
    assert_false(bh_cgroup_path(hybrid, "pids", path, sizeof path));
}

static void only_our_own_names_have_a_pid(void **state)
{
    static const char *const bad[] = {"",
                                      "bulkhead",
                                      "bulkhead-",
                                      "bulkhead-1",
                                      "bulkhead-1-",
                                      "bulkhead-x-1",
                                      "bulkhead-1-x",
                                      "bulkhead--1-1",
                                      "bulkhead-0-1",
                                      "bulkhead-1-1/",
                                      "docker-1-1"};

    (void)state;
    assert_int_equal(bh_cgroup_name_pid("bulkhead-4711-000000012"), 4711);
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_int_equal(bh_cgroup_name_pid(bad[i]), 0);
}

static void no_limits_make_no_cgroup(void **state)
{
    const struct bh_cgroup_limits none = {.swap_bytes = UINT64_MAX};
    struct bh_cgroup c;

    (void)state;
    bh_cgroup_create(&none, &c);
    assert_int_equal(c.count, 0);
    assert_int_equal(c.missing, 0);
    assert_true(bh_cgroup_remove(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_of_each_controller_is_found),
        cmocka_unit_test(what_is_not_there_or_does_not_fit_is_not_found),
        cmocka_unit_test(only_our_own_names_have_a_pid),
        cmocka_unit_test(no_limits_make_no_cgroup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
