#include "base/json.h"
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A YAML document and the JSON its tree is written as; "!" and a message for one that is refused.
 */
static void check(const char *text, const char *wanted)
{
    BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_json_writer w = BH_JSON_TO_BUF(&b, 0);
    struct bh_error err = BH_ERROR_INIT;
    int result = bh_yaml_parse(text, strlen(text), NULL, &t, &err);

    if (result) {
        if (*wanted != '!')
            fail_msg("%s: %s", text, err.message);
        assert_null(t);
        assert_string_equal(err.message, wanted + 1);
        return;
    }
    bh_json_node(&w, NULL, bh_tree_root(t));
    assert_string_equal(bh_buf_text(&b), wanted);
}

static void plain_scalars_follow_the_core_schema(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"[~, null, Null, NULL]", "[null,null,null,null]"},
        {"[true, True, TRUE, false, yes, on, no]", "[true,true,true,false,\"yes\",\"on\",\"no\"]"},
        {"[0, -12, +7, 0o17, 0x1F, 007]", "[0,-12,7,15,31,7]"},
        {"[1.5, .5, 5., 1e3, -2E-2]", "[1.5,0.5,5.0,1000.0,-0.02]"},
        {"[1.2.3, 1e, ., 0x, 0o9, 12a, 1_000, 2024-01-02]",
         "[\"1.2.3\",\"1e\",\".\",\"0x\",\"0o9\",\"12a\",\"1_000\",\"2024-01-02\"]"},
        {"['1', \"true\", 'null', '']", "[\"1\",\"true\",\"null\",\"\"]"},
        {"9223372036854775808", "9.223372036854776e+18"},
        {"", "null"},
        {"# only a comment\n", "null"},
        {"--- a\n...\n", "\"a\""},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++)
        check(cases[i].text, cases[i].json);
}

static void mappings_and_sequences_become_objects_and_arrays(void **state)
{
    (void)state;
    check("a: 1\nb:\n  - x\n  - {c: d}\ne:\nf: >-\n  two\n  words\n1: one\n",
          "{\"a\":1,\"b\":[\"x\",{\"c\":\"d\"}],\"e\":null,\"f\":\"two words\",\"1\":\"one\"}");
}

static void aliases_are_copies(void **state)
{
    (void)state;
    check("a: &x {b: [1]}\nc: *x\nd: [*x, *x]\n",
          "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]},\"d\":[{\"b\":[1]},{\"b\":[1]}]}");
    check("a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}");
}

static void what_could_mislead_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "!duplicate key \"a\" at line 3, column 1"},
        {"a: !!str 1\n", "!tags are not accepted at line 1, column 4"},
        {"a: !x [1]\n", "!tags are not accepted at line 1, column 4"},
        {"a: !x {b: 1}\n", "!tags are not accepted at line 1, column 4"},
        {"a: &x {b: 1}\nc:\n  <<: *x\n", "!merge keys are not accepted at line 3, column 3"},
        {"? [a]\n: b\n", "!a key that is not a plain or quoted string at line 1, column 3"},
        {"&k a: b\n", "!a key that is not a plain or quoted string at line 1, column 1"},
        {"a: *x\n", "!alias of an anchor that is not there at line 1, column 4"},
        {"a: &x [*x]\n", "!alias inside its own anchor at line 1, column 8"},
        {"a: \"b\\0c\"\n", "!NUL inside a string at line 1, column 4"},
        {"a\n---\nb\n", "!a second document in one file at line 3, column 1"},
        {"a: [1\nb: 2\n", "!did not find expected ',' or ']' at line 2, column 2"},
        {"a: b: c\n", "!mapping values are not allowed in this context at line 1, column 5"},
        {"\ta: 1\n", "!found character that cannot start any token at line 1, column 1"},
        {"a: \"\xFF\"\n", "!YAML: invalid leading UTF-8 octet at byte 4"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++)
        check(cases[i].text, cases[i].message);
}

static void quoted_merge_signs_are_ordinary_keys(void **state)
{
    (void)state;
    check("\"<<\": 1\n", "{\"<<\":1}");
}

static void an_alias_bomb_ends_at_the_node_limit(void **state)
{
    static const struct bh_yaml_limits limits = {
        .bytes = 4096, .depth = 32, .nodes = 1000, .aliases = 1000};
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_tree *t = NULL;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    bh_buf_puts(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        bh_buf_printf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            bh_buf_printf(&b, "%s*a%d", k ? ", " : "", i - 1);
        bh_buf_puts(&b, "]\n");
    }
    assert_int_equal(bh_yaml_parse(b.data, b.len, &limits, &t, &err), -BH_LIMIT);
    assert_non_null(strstr(err.message, "more than 1000 values"));
}

static void limits_hold_exactly(void **state)
{
    static const struct bh_yaml_limits limits = {.bytes = 40, .depth = 2, .nodes = 6, .aliases = 1};
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {"[[1]]", 0},
        {"[[[1]]]", -BH_LIMIT},
        {"[1, 2, 3, 4, 5]", 0},
        {"[1, 2, 3, 4, 5, 6]", -BH_LIMIT},
        {"[&a 1, *a]", 0},
        {"[&a 1, *a, *a]", -BH_LIMIT},
        {"{a: &x [1], b: [*x]}", -BH_LIMIT}, /* an alias counts as deep as it lands */
        {"#234567890123456789012345678901234567890", 0},
        {"#2345678901234567890123456789012345678901", -BH_LIMIT},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;

        assert_int_equal(bh_yaml_parse(cases[i].text, strlen(cases[i].text), &limits, &t, NULL),
                         cases[i].result);
    }
}

static void nodes_keep_the_place_they_began_at(void **state)
{
    static const char text[] = "a:\n  - b: 'c'\n";
    BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;
    const struct bh_node *b;

    (void)state;
    assert_int_equal(bh_yaml_parse(text, strlen(text), NULL, &t, NULL), 0);
    b = bh_node_get(bh_node_at(bh_node_get(bh_tree_root(t), "a"), 0), "b");
    assert_int_equal(b->line, 2);
    assert_int_equal(b->column, 8);
    assert_int_equal(b->key_line, 2);
    assert_int_equal(b->key_column, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_follow_the_core_schema),
        cmocka_unit_test(mappings_and_sequences_become_objects_and_arrays),
        cmocka_unit_test(aliases_are_copies),
        cmocka_unit_test(what_could_mislead_is_refused_with_its_place),
        cmocka_unit_test(quoted_merge_signs_are_ordinary_keys),
        cmocka_unit_test(an_alias_bomb_ends_at_the_node_limit),
        cmocka_unit_test(limits_hold_exactly),
        cmocka_unit_test(nodes_keep_the_place_they_began_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
