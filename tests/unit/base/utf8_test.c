#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_code_point_survives_the_round_trip(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char text[4];
        size_t n = bh_utf8_encode(code, text);
        uint32_t back = ~code;
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;

        assert_int_equal(bh_utf8_decode(text, n, &back), surrogate ? 0 : n);
        assert_int_equal(back, surrogate ? ~code : code);
        assert_int_equal(bh_utf8_decode(text, n - 1, &back), 0);
    }
}

static void malformed_bytes_are_refused(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC2",
        "\xC2\x41",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xEF\xBF",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xFF",
        "a\xFE",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_false(bh_utf8_valid(bad[i], strlen(bad[i])));
    assert_true(bh_utf8_valid("", 0));
    assert_true(bh_utf8_valid("\xF4\x8F\xBF\xBF", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_survives_the_round_trip),
        cmocka_unit_test(malformed_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
