#include "sys/fd.h"
#include "sys/path.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/bulkhead-path-XXXXXX";
static int root = -1;

static int make_tree(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(root, "jail", 0755), 0);
    assert_int_equal(mkdirat(root, "jail/etc", 0755), 0);
    assert_int_equal(close(openat(root, "jail/etc/passwd", O_CREAT | O_WRONLY, 0644)), 0);
    assert_int_equal(close(openat(root, "outside", O_CREAT | O_WRONLY, 0644)), 0);
    assert_int_equal(symlinkat("/etc", root, "jail/absolute"), 0);
    assert_int_equal(symlinkat("../../outside", root, "jail/etc/escape"), 0);
    assert_int_equal(symlinkat("/proc/self/root", root, "jail/magic"), 0);
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    close(root);
    return bh_remove_tree_at(AT_FDCWD, directory, NULL);
}

static void absolute_links_stay_inside_the_root(void **state)
{
    BH_AUTO(bh_closep) int jail = openat(root, "jail", O_PATH | O_DIRECTORY | O_CLOEXEC);
    BH_AUTO(bh_closep) int fd = -1;
    struct bh_error err = BH_ERROR_INIT;
    struct stat a, b;

    (void)state;
    assert_int_equal(bh_open_in_root(jail, "/absolute/passwd", O_RDONLY, 0, &fd, &err), 0);
    assert_int_equal(fstat(fd, &a), 0);
    assert_int_equal(fstatat(jail, "etc/passwd", &b, 0), 0);
    assert_int_equal(a.st_ino, b.st_ino);
}

static void dots_and_magic_links_never_leave_the_root(void **state)
{
    BH_AUTO(bh_closep) int jail = openat(root, "jail", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct bh_error err = BH_ERROR_INIT;
    int fd = -1;

    (void)state;
    assert_int_equal(bh_open_in_root(jail, "etc/escape", O_RDONLY, 0, &fd, &err), -BH_NOT_FOUND);
    assert_int_equal(bh_open_in_root(jail, "../outside", O_RDONLY, 0, &fd, &err), -BH_NOT_FOUND);
    assert_true(bh_open_in_root(jail, "magic/etc", O_RDONLY, 0, &fd, &err) < 0);
    assert_int_equal(fd, -1);
}

static void the_last_component_is_split_off_and_not_followed(void **state)
{
    BH_AUTO(bh_closep) int jail = openat(root, "jail", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct bh_error err = BH_ERROR_INIT;
    char name[256];
    int fd = -1;

    (void)state;
    assert_int_equal(bh_open_parent_in_root(jail, "/absolute/new//", &fd, name, sizeof name, &err),
                     0);
    assert_string_equal(name, "new");
    bh_closep(&fd);
    assert_int_equal(bh_open_parent_in_root(jail, "etc/..", &fd, name, sizeof name, &err),
                     -BH_INVALID);
    assert_int_equal(bh_open_parent_in_root(jail, "/", &fd, name, sizeof name, &err), -BH_INVALID);
    assert_int_equal(bh_open_parent_in_root(jail, "etc/abc", &fd, name, 3, &err), -BH_LIMIT);
}

static void names_in_archives_are_cleaned_lexically(void **state)
{
    static const struct {
        const char *in, *out; /* out NULL: refused */
    } cases[] = {
        {"a/b", "a/b"},
        {"./a//b/", "a/b"},
        {"/abs/x", "abs/x"},
        {"a/../b", "b"},
        {"a/b/../../c", "c"},
        {".", ""},
        {"", ""},
        {"..", NULL},
        {"a/../../b", NULL},
        {"...", "..."},
        {"a/..b", "a/..b"},
        {"/..", NULL},
        {"ab/../cd/..", ""},
    };
    struct bh_error err = BH_ERROR_INIT;
    char out[64];

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        int r = bh_path_clean(cases[i].in, strlen(cases[i].in), out, &err);

        assert_int_equal(r, cases[i].out ? 0 : -BH_INVALID);
        if (cases[i].out)
            assert_string_equal(out, cases[i].out);
    }
    assert_int_equal(bh_path_clean("a\0b", 3, out, &err), -BH_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absolute_links_stay_inside_the_root),
        cmocka_unit_test(dots_and_magic_links_never_leave_the_root),
        cmocka_unit_test(the_last_component_is_split_off_and_not_followed),
        cmocka_unit_test(names_in_archives_are_cleaned_lexically),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
