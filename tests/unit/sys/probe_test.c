#include "sys/probe.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void every_feature_has_its_own_name_and_says_what_its_lack_costs(void **state)
{
    (void)state;
    for (size_t i = 0; i < bh_probe_count; i++) {
        const struct bh_probe *p = &bh_probes[i];

        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(bh_probes[k].name, p->name);
        assert_int_equal(strspn(p->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(p->name));
        assert_true(strlen(p->title) > 0);
        assert_true(strlen(p->cost) > 0);
        assert_int_not_equal(p->cost[strlen(p->cost) - 1], '.');
        assert_non_null(p->look);
        assert_true(i == 0 || p->group >= bh_probes[i - 1].group); /* groups stand together */
        assert_false(p->essential && p->exposure);
    }
}

static void die(struct bh_probe_result *ret)
{
    (void)ret;
    (void)raise(SIGKILL); /* does not come back */
}

static void leave(struct bh_probe_result *ret)
{
    (void)ret;
    _exit(0);
}

static void say_nothing(struct bh_probe_result *ret)
{
    (void)ret;
}

static void an_attempt_that_ends_early_is_unknown_not_no(void **state)
{
    static const struct {
        void (*look)(struct bh_probe_result *);
        const char *detail;
    } cases[] = {{die, "the attempt ended by signal 9"},
                 {leave, "the attempt ended without an answer"},
                 {say_nothing, ""}};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_probe p = {.name = "x", .look = cases[i].look};
        struct bh_probe_result r = {.state = BH_PROBE_YES};

        bh_probe_look(&p, &r);
        assert_int_equal(r.state, BH_PROBE_UNKNOWN);
        assert_string_equal(r.detail, cases[i].detail);
    }
}

static const struct bh_probe *find(const char *name)
{
    for (size_t i = 0; i < bh_probe_count; i++)
        if (strcmp(bh_probes[i].name, name) == 0)
            return &bh_probes[i];
    fail_msg("no feature %s", name);
    return NULL;
}

/* Linux 5.10 and later have these for everybody: the test would notice a probe that always says no.
 */
static void what_every_supported_kernel_has_is_found(void **state)
{
    static const char *const names[] = {"openat2", "clone3", "pidfd"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(names); i++) {
        struct bh_probe_result r = {.state = BH_PROBE_UNKNOWN};

        bh_probe_look(find(names[i]), &r);
        assert_int_equal(r.state, BH_PROBE_YES);
    }
}

static size_t count_lines(const char *path)
{
    FILE *f = fopen(path, "re");
    size_t lines = 0;
    int c;

    assert_non_null(f);
    while ((c = getc(f)) != EOF)
        lines += c == '\n';
    assert_int_equal(fclose(f), 0);
    return lines;
}

static void looking_leaves_no_mount_no_child_and_no_descriptor_behind(void **state)
{
    size_t mounts = count_lines("/proc/self/mountinfo");
    int next = dup(0), after;

    (void)state;
    assert_true(next >= 0);
    assert_int_equal(close(next), 0);
    for (size_t i = 0; i < bh_probe_count; i++) {
        struct bh_probe_result r = {.state = BH_PROBE_UNKNOWN};

        bh_probe_look(&bh_probes[i], &r);
        assert_in_range(r.state, BH_PROBE_YES, BH_PROBE_UNKNOWN);
        assert_true(strlen(r.detail) > 0);
    }
    after = dup(0);
    assert_int_equal(after, next);
    assert_int_equal(close(after), 0);
    assert_int_equal(count_lines("/proc/self/mountinfo"), mounts);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_feature_has_its_own_name_and_says_what_its_lack_costs),
        cmocka_unit_test(an_attempt_that_ends_early_is_unknown_not_no),
        cmocka_unit_test(what_every_supported_kernel_has_is_found),
        cmocka_unit_test(looking_leaves_no_mount_no_child_and_no_descriptor_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
