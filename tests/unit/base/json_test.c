#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bh_tree *parse(const char *text)
{
    struct bh_tree *t = NULL;
    struct bh_error err = BH_ERROR_INIT;

    if (bh_json_parse(text, strlen(text), NULL, &t, &err))
        fail_msg("%s: %s", text, err.message);
    return t;
}

static void values_of_every_kind_are_read(void **state)
{
    static const char text[] =
        "{\"null\": null, \"yes\": true, \"no\": false, \"int\": -12,\n"
        " \"real\": 2.5e3, \"text\": \"a\\u00e9\\n\", \"list\": [1, [], {}]}";
    BH_AUTO(bh_tree_freep) struct bh_tree *t = parse(text);
    const struct bh_node *root = bh_tree_root(t);

    (void)state;
    assert_int_equal(root->count, 7);
    assert_true(bh_node_is(bh_node_get(root, "null"), BH_NODE_NULL));
    assert_true(bh_node_bool_or(bh_node_get(root, "yes"), false));
    assert_false(bh_node_bool_or(bh_node_get(root, "no"), true));
    assert_int_equal(bh_node_int_or(bh_node_get(root, "int"), 0), -12);
    assert_true(bh_node_get(root, "real")->real == 2500.0);
    assert_string_equal(bh_node_string(bh_node_get(root, "text")), "a\xC3\xA9\n");
    assert_int_equal(bh_node_get(root, "list")->count, 3);
    assert_int_equal(bh_node_at(bh_node_get(root, "list"), 0)->integer, 1);
}

static void nodes_keep_the_place_they_began_at(void **state)
{
    /* The e with an accent is two bytes and one column. */
    BH_AUTO(bh_tree_freep) struct bh_tree *t = parse("{\n  \"\xC3\xA9\": 1, \"b\":\n    [true]}");
    const struct bh_node *b = bh_node_get(bh_tree_root(t), "b");

    (void)state;
    assert_int_equal(bh_node_first(bh_tree_root(t))->column, 8);
    assert_int_equal(b->key_line, 2);
    assert_int_equal(b->key_column, 11);
    assert_int_equal(b->line, 3);
    assert_int_equal(b->column, 5);
    assert_int_equal(b->first->column, 6);
}

static void numbers_at_the_edges_keep_their_value(void **state)
{
    BH_AUTO(bh_tree_freep)
    struct bh_tree *t = parse("[9223372036854775807, -9223372036854775808, 9223372036854775808, "
                              "-0, 1e2, 0.1]");
    const struct bh_node *n = bh_node_first(bh_tree_root(t));

    (void)state;
    assert_int_equal(n->integer, INT64_MAX);
    n = n->next;
    assert_int_equal(n->integer, INT64_MIN);
    n = n->next;
    assert_int_equal(n->kind, BH_NODE_REAL);
    assert_true(n->real == 9223372036854775808.0);
    n = n->next;
    assert_int_equal(n->kind, BH_NODE_INT);
    n = n->next;
    assert_int_equal(n->kind, BH_NODE_REAL);
    assert_true(n->next->real == 0.1);
}

static void documents_that_break_the_grammar_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "the document ends where a value was expected at line 1, column 1"},
        {"  \n ", "the document ends where a value was expected at line 2, column 2"},
        {"{\"a\":1,\n\"a\":2}", "duplicate key \"a\" at line 2, column 1"},
        {"{\"a\":1,\"\\u0061\":2}", "duplicate key \"a\" at line 1, column 8"},
        {"[1,]", "']' where a value was expected at line 1, column 4"},
        {"{\"a\":1,}", "'}' where a quoted key was expected at line 1, column 8"},
        {"{a:1}", "'a' where a quoted key was expected at line 1, column 2"},
        {"{\"a\" 1}", "'1' where ':' was expected at line 1, column 6"},
        {"[1 2]", "'2' where ',' or ']' was expected at line 1, column 4"},
        {"[1", "the document ends where ',' or ']' was expected at line 1, column 3"},
        {"1 2", "'2' where the end of the document was expected at line 1, column 3"},
        {"01", "malformed number at line 1, column 1"},
        {"-", "malformed number at line 1, column 1"},
        {"1.", "malformed number at line 1, column 1"},
        {".5", "'.' where a value was expected at line 1, column 1"},
        {"1e", "malformed number at line 1, column 1"},
        {"+1", "'+' where a value was expected at line 1, column 1"},
        {"1e999", "number out of range at line 1, column 1"},
        {"nul", "'n' where a value was expected at line 1, column 1"},
        {"nullx", "'x' where the end of the document was expected at line 1, column 5"},
        {"\"a", "the document ends inside a string at line 1, column 3"},
        {"\"a\\", "the document ends inside a string at line 1, column 3"},
        {"\"a\\x\"", "unknown escape in a string at line 1, column 3"},
        {"\"\\u12g4\"", "\\u without four hexadecimal digits at line 1, column 4"},
        {"\"\\u0000\"", "NUL inside a string at line 1, column 4"},
        {"\"\\ud800\"", "high surrogate without its low one at line 1, column 4"},
        {"\"\\ud800\\u0041\"", "high surrogate without its low one at line 1, column 4"},
        {"\"\\udc00\"", "low surrogate without its high one at line 1, column 4"},
        {"\"a\tb\"", "control character 0x09 inside a string at line 1, column 3"},
        {"\"\xC0\xAF\"", "bytes that are not UTF-8 inside a string at line 1, column 2"},
        {"\"\xED\xA0\x80\"", "bytes that are not UTF-8 inside a string at line 1, column 2"},
        {"\xEF\xBB\xBF{}", "byte 0xef where a value was expected at line 1, column 1"},
        {"/* c */ 1", "'/' where a value was expected at line 1, column 1"},
        {"'a'", "''' where a value was expected at line 1, column 1"},
        {"NaN", "'N' where a value was expected at line 1, column 1"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_tree *t = NULL;
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(bh_json_parse(cases[i].text, strlen(cases[i].text), NULL, &t, &err),
                         -BH_INVALID);
        assert_null(t);
        assert_string_equal(err.message, cases[i].message);
    }
}

static void a_nul_byte_is_no_space(void **state)
{
    struct bh_tree *t = NULL;

    (void)state;
    assert_int_equal(bh_json_parse("1\0", 2, NULL, &t, NULL), -BH_INVALID);
    assert_int_equal(bh_json_parse("\"a\0b\"", 5, NULL, &t, NULL), -BH_INVALID);
}

static void duplicates_are_found_in_large_objects(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    bh_buf_putc(&b, '{');
    for (int i = 0; i < 5000; i++)
        bh_buf_printf(&b, "%s\"key %d\":%d", i ? "," : "", i, i);
    bh_buf_puts(&b, "\n,\"key 77\":0}");
    assert_int_equal(bh_json_parse(b.data, b.len, NULL, &t, &err), -BH_INVALID);
    assert_string_equal(err.message, "duplicate key \"key 77\" at line 2, column 2");
}

static void limits_hold_exactly(void **state)
{
    static const struct bh_json_limits limits = {.bytes = 20, .depth = 2, .nodes = 4};
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"[[1,2]]", 0},
        {"[[[]]]", -BH_LIMIT},
        {"[1,2,3]", 0},
        {"[1,2,3,4]", -BH_LIMIT},
        {"\"345678901234567890\"", 0},
        {"\"3456789012345678901\"", -BH_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;

        assert_int_equal(bh_json_parse(cases[i].text, strlen(cases[i].text), &limits, &t, NULL),
                         cases[i].result);
    }
}

static void what_is_written_compactly_reads_back_the_same(void **state)
{
    static const char text[] = "{\"a\":[1,-2.5,true,false,null,[],{}],\"b\":{\"c\":\"x\\\"\\\\\\n"
                               "\\u0001\\u007f\\u0085\xC3\xA9\"},\"d\":1e+300,\"e\":3.0}";
    BH_AUTO(bh_tree_freep) struct bh_tree *t = parse(text);
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_json_writer w = BH_JSON_TO_BUF(&b, 0);

    (void)state;
    bh_json_node(&w, NULL, bh_tree_root(t));
    assert_string_equal(bh_buf_text(&b), text);
}

static void indentation_is_by_level_and_ends_in_a_newline(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_json_writer w = BH_JSON_TO_BUF(&b, 2);

    (void)state;
    bh_json_object(&w, NULL);
    bh_json_string(&w, "name", "x");
    bh_json_string_opt(&w, "left out", "");
    bh_json_string(&w, "none", NULL);
    bh_json_array(&w, "empty");
    bh_json_end_array(&w);
    bh_json_array(&w, "list");
    bh_json_int(&w, NULL, INT64_MIN);
    bh_json_real(&w, NULL, 0.1);
    bh_json_real(&w, NULL, 1.0 / 0.0);
    bh_json_end_array(&w);
    bh_json_end_object(&w);
    assert_string_equal(bh_buf_text(&b), "{\n"
                                         "  \"name\": \"x\",\n"
                                         "  \"none\": null,\n"
                                         "  \"empty\": [],\n"
                                         "  \"list\": [\n"
                                         "    -9223372036854775808,\n"
                                         "    0.1,\n"
                                         "    null\n"
                                         "  ]\n"
                                         "}\n");
}

static void a_stream_gets_the_same_bytes_as_a_buffer(void **state)
{
    BH_AUTO(bh_tree_freep) struct bh_tree *t = parse("{\"a\": [1, {\"b\": \"c\"}]}");
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    BH_AUTO(bh_freep) char *text = NULL;
    struct bh_json_writer to_buf = BH_JSON_TO_BUF(&b, 4);
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct bh_json_writer to_stream = BH_JSON_TO_STREAM(f, 4);

    (void)state;
    bh_json_node(&to_buf, NULL, bh_tree_root(t));
    bh_json_node(&to_stream, NULL, bh_tree_root(t));
    assert_int_equal(fclose(f), 0);
    assert_string_equal(bh_buf_text(&b), text);
}

static void bytes_that_are_not_utf8_are_written_as_the_replacement_character(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

    (void)state;
    bh_json_quote(&b, "a\xFF\xC3(\xE2\x82");
    assert_string_equal(bh_buf_text(&b), "\"a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_kind_are_read),
        cmocka_unit_test(nodes_keep_the_place_they_began_at),
        cmocka_unit_test(numbers_at_the_edges_keep_their_value),
        cmocka_unit_test(documents_that_break_the_grammar_are_refused_with_their_place),
        cmocka_unit_test(a_nul_byte_is_no_space),
        cmocka_unit_test(duplicates_are_found_in_large_objects),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(what_is_written_compactly_reads_back_the_same),
        cmocka_unit_test(indentation_is_by_level_and_ends_in_a_newline),
        cmocka_unit_test(a_stream_gets_the_same_bytes_as_a_buffer),
        cmocka_unit_test(bytes_that_are_not_utf8_are_written_as_the_replacement_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
