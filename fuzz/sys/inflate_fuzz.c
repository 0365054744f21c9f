/* ISA-L and zlib must give the same bytes for what both accept; zstd must not misbehave. */
#include "base/buf.h"
#include "sys/inflate.h"

#include <assert.h>
#include <string.h>

#define OUT_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int inflate_all(enum bh_inflate_kind kind, const uint8_t *data, size_t size, size_t piece,
                       struct bh_buf *out)
{
    static uint8_t room[8192];
    BH_AUTO(bh_inflate_freep) struct bh_inflate *i = NULL;
    struct bh_error err = BH_ERROR_INIT;
    int r = bh_inflate_new(kind, 22, &i, &err);

    for (size_t at = 0; r == 0 && at < size; at += piece) {
        struct bh_inflate_io io = {.in = data + at, .in_len = BH_MIN(piece, size - at)};

        do {
            io.out = room;
            io.out_len = 1 + (at + out->len) % sizeof room;
            r = bh_inflate_step(i, &io, &err);
            if (out->len < OUT_MAX)
                bh_buf_put(out, room, (size_t)(io.out - room));
            else
                r = -BH_LIMIT;
        } while (r == 0 && (io.in_len > 0 || io.out_len == 0));
    }
    return r == 0 ? bh_inflate_finish(i, &err) : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_buf_done) struct bh_buf one = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf two = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf other = BH_BUF_INIT(0);
    enum bh_inflate_kind kind = bh_inflate_detect(data, size);
    int r;

    if (kind == BH_INFLATE_NONE)
        return 0;
    r = inflate_all(kind, data, size, size, &one);
    assert(inflate_all(kind, data, size, 1 + size % 61, &two) == r);
    if (r == 0)
        assert(one.len == two.len && memcmp(bh_buf_text(&one), bh_buf_text(&two), one.len) == 0);
    if (kind == BH_INFLATE_GZIP &&
        inflate_all(BH_INFLATE_GZIP_ZLIB, data, size, size, &other) == 0) {
        assert(r == 0); /* what zlib takes, everybody's images may hold */
        assert(one.len == other.len &&
               memcmp(bh_buf_text(&one), bh_buf_text(&other), one.len) == 0);
    }
    return 0;
}
