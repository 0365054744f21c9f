#include "http/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_examples_of_the_rfc_hold(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0), back = BH_BUF_INIT(0);

        bh_base64_encode(cases[i][0], strlen(cases[i][0]), &out);
        assert_string_equal(bh_buf_text(&out), cases[i][1]);
        assert_int_equal(bh_base64_decode(cases[i][1], strlen(cases[i][1]), &back, NULL), 0);
        assert_string_equal(bh_buf_text(&back), cases[i][0]);
    }
}

static void padding_may_be_left_out_and_nothing_else(void **state)
{
    static const char *const bad[] = {"Z",     "Zg=",    "Zg===", "Zm9v=",
                                      "Zm 9v", "Zm9v\n", "Zh==",  "Zm9-"};
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

    (void)state;
    assert_int_equal(bh_base64_decode("Zg", 2, &out, NULL), 0);
    assert_string_equal(bh_buf_text(&out), "f");
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_int_equal(bh_base64_decode(bad[i], strlen(bad[i]), &out, NULL), -BH_INVALID);
}

static void a_limit_of_the_buffer_holds(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(2);

    (void)state;
    assert_int_equal(bh_base64_decode("Zm9v", 4, &out, NULL), -BH_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc_hold),
        cmocka_unit_test(padding_may_be_left_out_and_nothing_else),
        cmocka_unit_test(a_limit_of_the_buffer_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
