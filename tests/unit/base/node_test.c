#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void lookups_that_miss_answer_as_absent(void **state)
{
    static const char text[] = "{\"a\": {\"b\": [7, \"x\"]}, \"n\": null}";
    BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;
    const struct bh_node *root;

    (void)state;
    assert_int_equal(bh_json_parse(text, strlen(text), NULL, &t, NULL), 0);
    root = bh_tree_root(t);
    assert_int_equal(bh_node_int_or(bh_node_at(bh_node_path(root, "a", "b", NULL), 0), 0), 7);
    assert_ptr_equal(bh_node_path(root, NULL), root);
    assert_null(bh_node_path(root, "a", "c", "d", NULL));
    assert_null(bh_node_path(root, "a", "b", "c", NULL));
    assert_null(bh_node_path(NULL, "a", NULL));
    assert_null(bh_node_get(bh_node_get(root, "n"), "x"));
    assert_null(bh_node_at(bh_node_path(root, "a", "b", NULL), 2));
    assert_null(bh_node_first(bh_node_get(root, "n")));
    assert_null(bh_node_string(bh_node_get(root, "a")));
    assert_string_equal(bh_node_string_or(bh_node_get(root, "zzz"), "other"), "other");
    assert_int_equal(bh_node_int_or(bh_node_at(bh_node_path(root, "a", "b", NULL), 1), -1), -1);
    assert_true(bh_node_bool_or(NULL, true));
    assert_false(bh_node_is(NULL, BH_NODE_NULL));
    assert_string_equal(bh_node_kind_name(BH_NODE_OBJECT), "object");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups_that_miss_answer_as_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
