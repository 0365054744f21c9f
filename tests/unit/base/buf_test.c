#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void text_is_always_terminated(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

    (void)state;
    assert_string_equal(bh_buf_text(&b), "");
    bh_buf_printf(&b, "%s-%d", "a", 12);
    bh_buf_putc(&b, '!');
    assert_string_equal(bh_buf_text(&b), "a-12!");
    assert_int_equal(b.len, 5);
}

static void appending_past_the_limit_changes_nothing(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(4);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_buf_append(&b, "abc", 3, &err), 0);
    assert_int_equal(bh_buf_append(&b, "de", 2, &err), -BH_LIMIT);
    assert_string_equal(bh_buf_text(&b), "abc");
    assert_int_equal(bh_buf_append(&b, "d", 1, &err), 0);
    assert_null(bh_buf_reserve(&b, SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_always_terminated),
        cmocka_unit_test(appending_past_the_limit_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
