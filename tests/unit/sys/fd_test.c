#include "sys/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/bulkhead-fd-XXXXXX";
static int at = -1;

static int make_directory(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    close(at);
    return bh_remove_tree_at(AT_FDCWD, directory, NULL);
}

static void a_written_file_reads_back_with_its_mode(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(100);
    struct bh_error err = BH_ERROR_INIT;
    struct stat st;

    (void)state;
    assert_int_equal(bh_write_file_at(at, "f", "old", 3, 0600, &err), 0);
    assert_int_equal(bh_write_file_at(at, "f", "new text", 8, 0600, &err), 0);
    assert_int_equal(bh_read_file_at(at, "f", &b, &err), 0);
    assert_string_equal(bh_buf_text(&b), "new text");
    assert_int_equal(fstatat(at, "f", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_file_over_the_limit_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(7);
    BH_AUTO(bh_buf_done) struct bh_buf exact = BH_BUF_INIT(8);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_write_file_at(at, "g", "12345678", 8, 0600, &err), 0);
    assert_int_equal(bh_read_file_at(at, "g", &b, &err), -BH_LIMIT);
    assert_int_equal(bh_read_file_at(at, "g", &exact, &err), 0);
    assert_int_equal(exact.len, 8);
}

static void a_failed_write_leaves_nothing_behind(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_closep) int sub = -1;

    (void)state;
    assert_int_equal(mkdirat(at, "d", 0755), 0);
    assert_int_equal(mkdirat(at, "d/target", 0755), 0);
    sub = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(bh_write_file_at(sub, "target", "x", 1, 0600, &err) < 0);
    assert_non_null(strstr(err.message, "write target"));
    assert_int_equal(unlinkat(at, "d/target", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(at, "d", AT_REMOVEDIR), 0); /* ENOTEMPTY if a temporary were left */
}

static void a_tree_is_removed_without_following_links(void **state)
{
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_mkdir_parents(at, "tree/a/b/c", 0755, &err), 0);
    assert_int_equal(bh_mkdir_parents(at, "tree/a/b/c", 0755, &err), 0);
    assert_int_equal(mkdirat(at, "kept", 0755), 0);
    assert_int_equal(bh_write_file_at(at, "kept-file", "k", 1, 0600, &err), 0);
    assert_int_equal(symlinkat("../../kept", at, "tree/a/link"), 0);
    assert_int_equal(linkat(at, "kept-file", at, "tree/a/b/hard", 0), 0);
    assert_int_equal(fchmodat(at, "tree/a/b", 0500, 0), 0);
    assert_int_equal(bh_remove_tree_at(at, "tree", &err), 0);
    assert_int_equal(faccessat(at, "tree", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    assert_int_equal(faccessat(at, "kept", F_OK, 0), 0);
    assert_int_equal(faccessat(at, "kept-file", F_OK, 0), 0);
    assert_int_equal(bh_remove_tree_at(at, "never-was", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_file_reads_back_with_its_mode),
        cmocka_unit_test(a_file_over_the_limit_is_refused),
        cmocka_unit_test(a_failed_write_leaves_nothing_behind),
        cmocka_unit_test(a_tree_is_removed_without_following_links),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
