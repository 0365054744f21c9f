#include "inspect/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int note(void *self, const char *text, size_t len, bool cut, struct bh_error *err)
{
    (void)err;
    bh_buf_printf(self, "%zu%s:%.*s;", len, cut ? "+" : "", (int)BH_MIN(len, (size_t)3), text);
    return 0;
}

static void lines_come_whole_whatever_the_pieces(void **state)
{
    static const char text[] = "one\n\nthree\nlast";

    (void)state;
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        BH_AUTO(bh_lines_done) struct bh_lines l = {.line = note, .self = &out};

        for (size_t at = 0; at < sizeof text - 1; at += piece)
            assert_int_equal(
                bh_lines_feed(&l, text + at, BH_MIN(piece, sizeof text - 1 - at), NULL), 0);
        assert_int_equal(bh_lines_end(&l, NULL), 0);
        assert_string_equal(bh_buf_text(&out), "3:one;0:;5:thr;4:las;");
    }
}

static void a_long_line_is_cut_once_and_the_next_is_whole(void **state)
{
    static const size_t pieces[] = {1000, 1 << 20};
    static char text[200 * 1024];

    (void)state;
    memset(text, 'x', sizeof text - 3);
    memcpy(text + sizeof text - 3, "\nab", 3);
    for (size_t i = 0; i < BH_COUNT_OF(pieces); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        BH_AUTO(bh_lines_done) struct bh_lines l = {.line = note, .self = &out};

        for (size_t at = 0; at < sizeof text; at += pieces[i])
            assert_int_equal(
                bh_lines_feed(&l, text + at, BH_MIN(pieces[i], sizeof text - at), NULL), 0);
        assert_int_equal(bh_lines_end(&l, NULL), 0);
        assert_string_equal(bh_buf_text(&out), "65536+:xxx;2:ab;");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_whole_whatever_the_pieces),
        cmocka_unit_test(a_long_line_is_cut_once_and_the_next_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
