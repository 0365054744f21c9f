#include "base/json.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];

static int open_pipe(void **state)
{
    (void)state;
    return pipe(ends);
}

static int close_pipe(void **state)
{
    (void)state;
    return close(ends[0]) || close(ends[1]) ? -1 : 0;
}

/* What the last event wrote, without the newline. */
static const char *line(void)
{
    static char text[1024];
    ssize_t n = read(ends[0], text, sizeof text - 1);

    assert_true(n > 0);
    assert_int_equal(text[n - 1], '\n');
    text[n - 1] = '\0';
    return text;
}

static void json_lines_hold_typed_fields(void **state)
{
    BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;
    const struct bh_node *root;
    const char *text;

    (void)state;
    bh_log_setup(ends[1], BH_LOG_JSON, BH_LOG_INFO);
    bh_log(BH_LOG_INFO, "image.pulled", BH_LOG_S("name", "a\"b\n"), BH_LOG_I("bytes", -3),
           BH_LOG_B("cached", true), BH_LOG_S("none", NULL));
    text = line();
    assert_int_equal(bh_json_parse(text, strlen(text), NULL, &t, NULL), 0);
    root = bh_tree_root(t);
    assert_string_equal(bh_node_string(bh_node_get(root, "level")), "info");
    assert_string_equal(bh_node_string(bh_node_get(root, "event")), "image.pulled");
    assert_string_equal(bh_node_string(bh_node_get(root, "name")), "a\"b\n");
    assert_int_equal(bh_node_int_or(bh_node_get(root, "bytes"), 0), -3);
    assert_true(bh_node_bool_or(bh_node_get(root, "cached"), false));
    assert_true(bh_node_is(bh_node_get(root, "none"), BH_NODE_NULL));
    assert_int_equal(strlen(bh_node_string(bh_node_get(root, "time"))), 20);
}

static void text_lines_escape_what_would_forge_a_field_or_a_line(void **state)
{
    (void)state;
    bh_log_setup(ends[1], BH_LOG_TEXT, BH_LOG_DEBUG);
    bh_log(BH_LOG_WARN, "x.y", BH_LOG_S("plain", "abc"), BH_LOG_S("forged", "a b=c"),
           BH_LOG_S("lines", "a\nb"), BH_LOG_S("empty", ""), BH_LOG_I("n", 5),
           BH_LOG_B("no", false));
    assert_string_equal(line() + 20, " warn  x.y plain=abc forged=\"a b=c\" lines=\"a\\nb\" "
                                     "empty=\"\" n=5 no=false");
    bh_log(BH_LOG_DEBUG, "bare.event");
    assert_string_equal(line() + 20, " debug bare.event");
}

static void events_below_the_level_are_left_out(void **state)
{
    (void)state;
    bh_log_setup(ends[1], BH_LOG_TEXT, BH_LOG_WARN);
    bh_log(BH_LOG_INFO, "quiet");
    bh_log(BH_LOG_ERROR, "loud");
    assert_string_equal(line() + 20, " error loud");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_lines_hold_typed_fields),
        cmocka_unit_test(text_lines_escape_what_would_forge_a_field_or_a_line),
        cmocka_unit_test(events_below_the_level_are_left_out),
    };

    return cmocka_run_group_tests(tests, open_pipe, close_pipe);
}
