#include "sys/fd.h"
#include "sys/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/bh-landlock-XXXXXX";

/* In a child: read below allowed, nothing else. Exit status 0 when all promises held, else the
 * number of the first that did not. */
static int confined(void)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_landlock_handled all = {BH_LANDLOCK_FS_ALL, BH_LANDLOCK_NET_ALL,
                                      BH_LANDLOCK_SCOPE_ALL};
    int ruleset = -1, fd;
    int allowed = open(dir, O_PATH | O_CLOEXEC);
    int file = open("/etc/passwd", O_PATH | O_CLOEXEC);

    if (bh_landlock_create(&all, &ruleset, &err) < 0)
        return 1;
    if (bh_landlock_allow_path(ruleset, allowed, BH_LANDLOCK_FS_READ, &err) < 0)
        return 2;
    /* A directory's rights named for a file are left out rather than refused. */
    if (bh_landlock_allow_path(ruleset, file, BH_LANDLOCK_FS_READ, &err) < 0)
        return 3;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || bh_landlock_enforce(ruleset, &err) < 0)
        return 4;
    if ((fd = openat(allowed, "inside", O_RDONLY)) < 0)
        return 5;
    if (openat(allowed, "inside", O_WRONLY) >= 0 || errno != EACCES)
        return 6;
    if (openat(allowed, "new", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES)
        return 7;
    if (open("/etc/hostname", O_RDONLY) >= 0 || errno != EACCES)
        return 8;
    return open("/etc/passwd", O_RDONLY) < 0 ? 9 : 0;
}

static void only_what_a_rule_allows_can_be_opened(void **state)
{
    int status = 0, root, file;
    struct bh_error err = BH_ERROR_INIT;
    pid_t pid;

    (void)state;
    if (bh_landlock_abi() == 0)
        skip();
    assert_non_null(mkdtemp(dir));
    root = open(dir, O_PATH | O_CLOEXEC);
    file = openat(root, "inside", O_WRONLY | O_CREAT, 0644);
    assert_true(file >= 0);
    close(file);
    close(root);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(confined());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(bh_remove_tree_at(AT_FDCWD, dir, &err), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void each_abi_adds_its_rights_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(bh_landlock_supported(0).fs, 0);
    assert_int_equal(bh_landlock_supported(1).fs, 0x1fff);
    assert_int_equal(bh_landlock_supported(2).fs, 0x3fff);
    assert_int_equal(bh_landlock_supported(3).fs, 0x7fff);
    assert_int_equal(bh_landlock_supported(3).net, 0);
    assert_int_equal(bh_landlock_supported(4).net, BH_LANDLOCK_NET_ALL);
    assert_int_equal(bh_landlock_supported(5).fs, BH_LANDLOCK_FS_ALL);
    assert_int_equal(bh_landlock_supported(5).scoped, 0);
    assert_int_equal(bh_landlock_supported(6).scoped, BH_LANDLOCK_SCOPE_ALL);
}

static void a_ruleset_that_governs_nothing_is_refused(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_landlock_handled none = {0};
    int fd = -1;

    (void)state;
    assert_int_equal(bh_landlock_create(&none, &fd, &err), -BH_UNSUPPORTED);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_a_rule_allows_can_be_opened),
        cmocka_unit_test(each_abi_adds_its_rights_and_no_more),
        cmocka_unit_test(a_ruleset_that_governs_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
