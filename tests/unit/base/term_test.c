#include "base/mem.h"
#include "base/term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A terminal of the given width that writes to memory. */
struct screen {
    struct bh_term term;
    char *text;
    size_t len;
};

static void screen_init(struct screen *s, unsigned width, bool color)
{
    s->text = NULL;
    s->term = (struct bh_term){.stream = open_memstream(&s->text, &s->len),
                               .tty = width > 0,
                               .color = color,
                               .width = width};
    assert_non_null(s->term.stream);
}

static const char *screen_text(struct screen *s)
{
    assert_int_equal(fflush(s->term.stream), 0);
    return s->text;
}

static void screen_done(struct screen *s)
{
    assert_int_equal(fclose(s->term.stream), 0);
    free(s->text);
}

static void text_from_outside_cannot_steer_the_terminal(void **state)
{
    static const struct {
        const char *text, *safe;
    } cases[] = {
        {"plain \xC3\xA9", "plain \xC3\xA9"},
        {"\033[31mred\007", "\\x1b[31mred\\x07"},
        {"a\nb\tc\rd", "a\\nb\\tc\\x0dd"},
        {"\xC2\x9B"
         "31m",
         "\\xc2\\x9b31m"}, /* C1 CSI */
        {"gpj.\xE2\x80\xAE"
         "exe",
         "gpj.\\xe2\\x80\\xaeexe"}, /* right-to-left override */
        {"bad \xFF\xC3", "bad \\xff\\xc3"},
        {"\x7F", "\\x7f"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

        bh_text_safe(&b, cases[i].text);
        assert_string_equal(bh_buf_text(&b), cases[i].safe);
    }
}

static void colours_need_a_terminal_or_an_order(void **state)
{
    struct bh_term t;
    FILE *f = tmpfile();

    (void)state;
    assert_non_null(f);
    bh_term_init(&t, f, BH_COLOR_AUTO);
    assert_false(t.color);
    assert_false(t.tty);
    assert_int_equal(t.width, 0);
    assert_string_equal(bh_term_on(&t, BH_RED), "");
    bh_term_init(&t, f, BH_COLOR_ALWAYS);
    assert_true(t.color);
    assert_string_equal(bh_term_on(&t, BH_RED), "\033[31m");
    assert_string_equal(bh_term_off(&t, BH_PLAIN), "");
    assert_int_equal(fclose(f), 0);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    static const struct bh_column columns[] = {{"NAME", BH_COLUMN_LEFT},
                                               {"SIZE", BH_COLUMN_RIGHT},
                                               {"TEXT", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *t = bh_table_new(columns, 3);
    struct screen s;

    (void)state;
    bh_table_cell(t, BH_PLAIN, "\xE6\x97\xA5\xE6\x9C\xAC"); /* two characters, four columns */
    bh_table_cellf(t, BH_PLAIN, "%d", 7);
    bh_table_cell(t, BH_PLAIN, "short");
    bh_table_cell(t, BH_PLAIN, "longer-name");
    bh_table_cell(t, BH_PLAIN, "12345");
    bh_table_cell(t, BH_PLAIN, NULL);
    screen_init(&s, 0, false);
    bh_table_print(t, &s.term);
    assert_string_equal(screen_text(&s), "NAME          SIZE  TEXT\n"
                                         "\xE6\x97\xA5\xE6\x9C\xAC             7  short\n"
                                         "longer-name  12345  \n");
    screen_done(&s);
}

static void long_text_goes_on_below_itself_on_a_narrow_terminal(void **state)
{
    static const struct bh_column columns[] = {{"A", BH_COLUMN_LEFT}, {"TEXT", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *t = bh_table_new(columns, 2);
    struct screen s;

    (void)state;
    bh_table_cell(t, BH_RED, "x");
    bh_table_cell(t, BH_PLAIN, "one two three four five six seven-without-any-space-in-it");
    screen_init(&s, 23, false);
    bh_table_print(t, &s.term);
    assert_string_equal(screen_text(&s), "A  TEXT\n"
                                         "x  one two three four\n"
                                         "   five six\n"
                                         "   seven-without-any-sp\n"
                                         "   ace-in-it\n");
    screen_done(&s);
}

static void styles_do_not_count_as_width_and_empty_tables_print_nothing(void **state)
{
    static const struct bh_column columns[] = {{"A", BH_COLUMN_LEFT}, {"B", BH_COLUMN_LEFT}};
    BH_AUTO(bh_table_freep) struct bh_table *t = bh_table_new(columns, 2);
    struct screen s;

    (void)state;
    screen_init(&s, 0, true);
    bh_table_print(t, &s.term);
    assert_string_equal(screen_text(&s), "");
    bh_table_cell(t, BH_GREEN, "yes");
    bh_table_cell(t, BH_PLAIN, "z");
    bh_table_print(t, &s.term);
    assert_string_equal(screen_text(&s), "\033[1mA\033[0m    \033[1mB\033[0m\n"
                                         "\033[32myes\033[0m  z\n");
    screen_done(&s);
}

static void headings_stand_above_the_row_that_follows_them(void **state)
{
    static const struct bh_column columns[] = {{"A", BH_COLUMN_LEFT}};
    BH_AUTO(bh_table_freep) struct bh_table *t = bh_table_new(columns, 1);
    struct screen s;

    (void)state;
    bh_table_heading(t, "First");
    bh_table_cell(t, BH_PLAIN, "x");
    bh_table_heading(t, "Second");
    bh_table_cell(t, BH_PLAIN, "y");
    bh_table_heading(t, "Nothing follows");
    screen_init(&s, 0, false);
    bh_table_print(t, &s.term);
    assert_string_equal(screen_text(&s), "A\n\nFirst\nx\n\nSecond\ny\n");
    screen_done(&s);
}

static void paragraphs_wrap_and_indented_lines_stay(void **state)
{
    struct screen s;

    (void)state;
    screen_init(&s, 40, false);
    bh_term_paragraphs(
        &s.term, 2, "One paragraph that is longer than forty columns.\n    kept   as it is\n\nEnd");
    assert_string_equal(screen_text(&s), "  One paragraph that is longer than\n"
                                         "  forty columns.\n"
                                         "      kept   as it is\n"
                                         "\n"
                                         "  End\n");
    screen_done(&s);
}

static void sizes_are_written_for_people(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},           {1023, "1023 B"},  {1024, "1.0 KiB"},
        {1048575, "1.0 MiB"}, {1536, "1.5 KiB"}, {UINT64_MAX, "16.0 EiB"},
    };
    char text[16];

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++)
        assert_string_equal(bh_text_bytes(cases[i].bytes, text), cases[i].text);
}

static void progress_is_one_plain_line_where_there_is_no_terminal(void **state)
{
    struct bh_progress p;
    struct screen s;

    (void)state;
    screen_init(&s, 0, false);
    bh_progress_start(&p, &s.term, "pull a/b");
    bh_progress_bytes(&p, 10, 100);
    bh_progress_end(&p, true, "3 layers\033[2J");
    assert_string_equal(screen_text(&s), "ok pull a/b: 3 layers\\x1b[2J\n");
    screen_done(&s);
    screen_init(&s, 80, false);
    bh_progress_start(&p, &s.term, "pull a/b");
    assert_string_equal(screen_text(&s), "\r\033[K- pull a/b");
    bh_progress_end(&p, false, "");
    assert_non_null(strstr(screen_text(&s), "\r\033[Kfailed pull a/b\n"));
    screen_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_from_outside_cannot_steer_the_terminal),
        cmocka_unit_test(colours_need_a_terminal_or_an_order),
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(long_text_goes_on_below_itself_on_a_narrow_terminal),
        cmocka_unit_test(styles_do_not_count_as_width_and_empty_tables_print_nothing),
        cmocka_unit_test(headings_stand_above_the_row_that_follows_them),
        cmocka_unit_test(paragraphs_wrap_and_indented_lines_stay),
        cmocka_unit_test(sizes_are_written_for_people),
        cmocka_unit_test(progress_is_one_plain_line_where_there_is_no_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
