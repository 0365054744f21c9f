/* Whatever YAML is accepted must be a tree that can be written as JSON and read again. */
#include "base/json.h"
#include "base/yaml.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bh_yaml_limits limits = {
        .bytes = 1 << 16, .depth = 16, .nodes = 5000, .aliases = 50};
    static const struct bh_json_limits json_limits = {.bytes = SIZE_MAX,
                                                      .depth = 16,
                                                      .nodes = 5000};
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    BH_AUTO(bh_tree_freep) struct bh_tree *again = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    struct bh_json_writer w = BH_JSON_TO_BUF(&text, 0);
    struct bh_error err = BH_ERROR_INIT;
    int result = bh_yaml_parse((const char *)data, size, &limits, &tree, &err);

    assert((result == 0) == (tree != NULL));
    assert(result == 0 || (result == -err.code && err.message[0]));
    if (result)
        return 0;
    bh_json_node(&w, NULL, bh_tree_root(tree));
    result = bh_json_parse(bh_buf_text(&text), text.len, &json_limits, &again, &err);
    assert(result == 0);
    return 0;
}
