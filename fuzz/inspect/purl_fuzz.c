/* What is accepted is written in a canonical form, which reads back to the same. */
#include "inspect/purl.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf once = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf twice = BH_BUF_INIT(0);
    const char *text = bh_arena_strndup(arena, (const char *)data, size);
    struct bh_purl p, q;
    int r = bh_purl_parse(text, true, arena, &p, NULL);

    if (r < 0)
        return 0;
    r = bh_purl_format(&p, &once, NULL);
    assert(r == 0);
    if (once.len > BH_PURL_MAX)
        return 0;
    r = bh_purl_parse(once.data, false, arena, &q, NULL);
    assert(r == 0);
    r = bh_purl_format(&q, &twice, NULL);
    assert(r == 0 && strcmp(once.data, twice.data) == 0);
    return 0;
}
