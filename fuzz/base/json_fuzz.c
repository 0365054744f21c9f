/* Whatever is accepted must be written back as a document that is accepted and says the same. */
#include "base/json.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_tree(const struct bh_tree *t, struct bh_buf *out, int indent)
{
    struct bh_json_writer w = BH_JSON_TO_BUF(out, indent);

    bh_json_node(&w, NULL, bh_tree_root(t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bh_json_limits limits = {.bytes = 1 << 20, .depth = 40, .nodes = 20000};
    BH_AUTO(bh_tree_freep) struct bh_tree *first = NULL;
    BH_AUTO(bh_tree_freep) struct bh_tree *second = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf once = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf twice = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    int result = bh_json_parse((const char *)data, size, &limits, &first, &err);

    assert((result == 0) == (first != NULL));
    assert(result == 0 || (result == -err.code && err.message[0]));
    if (result)
        return 0;
    write_tree(first, &once, size & 1 ? 2 : 0);
    result = bh_json_parse(bh_buf_text(&once), once.len, NULL, &second, NULL);
    assert(result == 0);
    write_tree(second, &twice, size & 1 ? 2 : 0);
    assert(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    return 0;
}
