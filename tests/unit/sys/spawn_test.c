#include "sys/fd.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static int run_shell(const char *script, const int *fds, size_t count, int *status)
{
    char *const argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
    struct bh_spawn s = {
        .path = "/bin/sh", .argv = argv, .fds = fds, .fd_count = count, .die_with_parent = 1};
    BH_AUTO(bh_child_done) struct bh_child c = BH_CHILD_INIT;
    struct bh_error err = BH_ERROR_INIT;
    int r = bh_spawn(&s, &c, &err);

    return r < 0 ? r : bh_child_wait(&c, 10000, status, &err);
}

static void exit_status_and_signals_are_told_apart(void **state)
{
    static const int none[] = {-1, -1, -1};
    int status = -1;

    (void)state;
    assert_int_equal(run_shell("exit 7", none, 3, &status), 0);
    assert_int_equal(status, 7);
    assert_int_equal(run_shell("kill -TERM $$", none, 3, &status), 0);
    assert_int_equal(status, 128 + SIGTERM);
}

static void only_the_named_descriptors_reach_the_child(void **state)
{
    int ends[2], fds[3], status = -1;
    char text[64] = "";
    size_t got = 0;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(pipe(ends), 0); /* without O_CLOEXEC on purpose: close_range must catch it */
    fds[0] = -1;
    fds[1] = ends[1];
    fds[2] = -1;
    assert_int_equal(
        run_shell("for i in 3 4 5 6 7 8 9; do [ -e /proc/self/fd/$i ] && echo $i; done; echo end",
                  fds, 3, &status),
        0);
    close(ends[1]);
    assert_int_equal(bh_read_full(ends[0], text, sizeof text - 1, &got, &err), 0);
    close(ends[0]);
    assert_string_equal(text, "end\n");
}

static void the_environment_is_empty_unless_given(void **state)
{
    static const int none[] = {-1, -1, -1};
    int status = -1;

    (void)state;
    assert_int_equal(setenv("BULKHEAD_LEAK", "1", 1), 0);
    assert_int_equal(run_shell("[ -z \"$BULKHEAD_LEAK\" ]", none, 3, &status), 0);
    assert_int_equal(status, 0);
}

static void a_program_that_is_not_there_is_an_error_of_spawn(void **state)
{
    char *const argv[] = {(char[]){"x"}, NULL};
    struct bh_spawn s = {.path = "/nonexistent/program", .argv = argv};
    struct bh_child c = BH_CHILD_INIT;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_spawn(&s, &c, &err), -BH_NOT_FOUND);
    assert_int_equal(c.pidfd, -1);
}

static void waiting_ends_at_the_timeout_and_done_kills(void **state)
{
    char *const argv[] = {(char[]){"sleep"}, (char[]){"30"}, NULL};
    struct bh_spawn s = {.path = "/bin/sleep", .argv = argv, .die_with_parent = 1};
    struct bh_child c = BH_CHILD_INIT;
    struct bh_error err = BH_ERROR_INIT;
    int status = -1;

    (void)state;
    assert_int_equal(bh_spawn(&s, &c, &err), 0);
    assert_int_equal(bh_child_wait(&c, 20, &status, &err), -BH_TIMEOUT);
    bh_child_done(&c);
    assert_int_equal(kill(c.pid, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_status_and_signals_are_told_apart),
        cmocka_unit_test(only_the_named_descriptors_reach_the_child),
        cmocka_unit_test(the_environment_is_empty_unless_given),
        cmocka_unit_test(a_program_that_is_not_there_is_an_error_of_spawn),
        cmocka_unit_test(waiting_ends_at_the_timeout_and_done_kills),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
