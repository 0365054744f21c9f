#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_failure_returns_its_negative_code_and_says_where(void **state)
{
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_fail(&err, BH_LIMIT, "%d bytes", 7), -BH_LIMIT);
    assert_int_equal(err.code, BH_LIMIT);
    assert_string_equal(err.message, "7 bytes");
    assert_non_null(strstr(err.file, "error_test.c"));
    assert_int_equal(bh_fail(NULL, BH_CORRUPT, "nobody listens"), -BH_CORRUPT);
}

static void wrapping_prefixes_what_was_being_done_and_keeps_the_code(void **state)
{
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    (void)bh_fail(&err, BH_CORRUPT, "bad digest");
    assert_int_equal(bh_wrap(&err, "manifest of %s", "a/b:1"), -BH_CORRUPT);
    assert_string_equal(err.message, "manifest of a/b:1: bad digest");
}

static void errno_chooses_the_code(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    static const struct {
        int number, code;
    } cases[] = {
        {ENOENT, BH_NOT_FOUND}, {EPERM, BH_DENIED}, {EACCES, BH_DENIED},
        {EEXIST, BH_EXISTS},    {ENOSPC, BH_IO},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        errno = cases[i].number;
        assert_int_equal(bh_fail_errno(&err, "open"), -cases[i].code);
        assert_int_equal(err.sys_errno, cases[i].number);
    }
}

static void a_message_too_long_is_cut_and_marked(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    char big[2 * BH_ERROR_MESSAGE_SIZE];

    (void)state;
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    (void)bh_fail(&err, BH_INVALID, "%s", big);
    assert_int_equal(strlen(err.message), BH_ERROR_MESSAGE_SIZE - 1);
    assert_string_equal(err.message + BH_ERROR_MESSAGE_SIZE - 4, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_returns_its_negative_code_and_says_where),
        cmocka_unit_test(wrapping_prefixes_what_was_being_done_and_keeps_the_code),
        cmocka_unit_test(errno_chooses_the_code),
        cmocka_unit_test(a_message_too_long_is_cut_and_marked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
