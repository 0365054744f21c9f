#include "inspect/packed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void numbers_and_texts_read_back(void **state)
{
    static const uint64_t numbers[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_packed p;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(numbers); i++)
        bh_packed_put_number(&out, numbers[i]);
    bh_packed_put_text(&out, "text");
    bh_packed_put_text(&out, NULL);
    p = (struct bh_packed){.at = (uint8_t *)out.data, .end = (uint8_t *)out.data + out.len};
    for (size_t i = 0; i < BH_COUNT_OF(numbers); i++)
        assert_true(bh_packed_number(&p) == numbers[i]);
    assert_string_equal(bh_packed_text(&p, arena), "text");
    assert_string_equal(bh_packed_text(&p, arena), "");
    assert_false(p.failed);
    assert_ptr_equal(p.at, p.end);
}

static void what_is_cut_or_wrong_fails_and_stays_failed(void **state)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
        bool text;
    } cases[] = {
        {{0}, 0, false},
        {{0x80}, 1, false},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, 10, false},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, 11, false},
        {{5, 'a', 'b'}, 3, true},
        {{3, 'a', 0, 'b'}, 4, true},
        {{0xff, 0xff, 0xff, 0x7f, 'a'}, 5, true},
    };
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_packed p = {.at = cases[i].bytes, .end = cases[i].bytes + cases[i].len};

        if (cases[i].text)
            assert_string_equal(bh_packed_text(&p, arena), "");
        else
            assert_true(bh_packed_number(&p) == 0);
        assert_true(p.failed);
        assert_true(bh_packed_byte(&p) == 0);
        assert_true(p.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_texts_read_back),
        cmocka_unit_test(what_is_cut_or_wrong_fails_and_stays_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
