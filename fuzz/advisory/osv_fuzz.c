/* Documents of records: whatever is accepted is packed, unpacked, and says the same. */
#include "advisory/osv.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const char *json, size_t len)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf packed = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_osv_record r, back;
    size_t at = 0;
    int result = bh_osv_read(json, len, arena, &r, &err);

    assert(result == 0 || (result == -err.code && err.message[0]));
    if (result)
        return;
    bh_osv_pack(&r, &packed);
    result = bh_osv_unpack(packed.data, packed.len, &at, arena, &back, &err);
    assert(result == 0 && at == packed.len);
    assert(strcmp(r.id, back.id) == 0 && r.interval_count == back.interval_count);
    for (size_t i = 0; i < r.interval_count; i++)
        assert(strcmp(r.intervals[i].fixed, back.intervals[i].fixed) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size, *json;
    struct bh_error err = BH_ERROR_INIT;
    size_t len;

    if (size > 1 << 16)
        return 0;
    while (bh_osv_next(&at, end, &json, &len, &err) == 0 && json) {
        assert(json >= (const char *)data && json + len <= end && at <= end);
        check_record(json, len);
    }
    {
        BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
        struct bh_osv_record r;
        size_t from = 0;

        (void)!bh_osv_unpack((const char *)data, size, &from, arena, &r, &err);
        assert(from <= size);
    }
    return 0;
}
