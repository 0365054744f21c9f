#include "base/buf.h"
#include "base/mem.h"
#define ZLIB_CONST /* next_in points to const */
#include "sys/inflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static uint64_t random_state = 88172645463325252u;
static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state % n);
}

/* Bytes with runs, so that every kind of deflate block comes up. */
static void random_content(struct bh_buf *b, size_t len)
{
    while (b->len < len) {
        size_t run = BH_MIN(1 + random_below(300), len - b->len);
        uint8_t kind = (uint8_t)random_below(4);

        for (size_t i = 0; i < run; i++)
            bh_buf_putc(b, (char)(kind == 0   ? random_below(256)
                                  : kind == 1 ? 'a'
                                  : kind == 2 ? (uint32_t)(i % 7)
                                              : random_below(4)));
    }
}

static void add_gzip(struct bh_buf *out, const void *data, size_t len, int level, int strategy,
                     gz_header *header)
{
    z_stream z = {0};
    size_t bound = len + len / 2 + 4096;
    char *room;

    assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, strategy), Z_OK);
    if (header)
        assert_int_equal(deflateSetHeader(&z, header), Z_OK);
    room = bh_buf_reserve(out, bound);
    z.next_in = data;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)room;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += bound - z.avail_out;
    deflateEnd(&z);
}

/* Inflates in pieces of at most in_step and out_step bytes. */
static int run(enum bh_inflate_kind kind, const struct bh_buf *in, size_t in_step, size_t out_step,
               struct bh_buf *out, struct bh_error *err)
{
    BH_AUTO(bh_inflate_freep) struct bh_inflate *i = NULL;
    BH_AUTO(bh_freep) uint8_t *room = bh_new(out_step);
    int r = bh_inflate_new(kind, 23, &i, err);

    for (size_t at = 0; r == 0 && at < in->len; at += in_step) {
        struct bh_inflate_io io = {.in = (const uint8_t *)in->data + at,
                                   .in_len = BH_MIN(in_step, in->len - at)};

        do {
            io.out = room;
            io.out_len = out_step;
            r = bh_inflate_step(i, &io, err);
            bh_buf_put(out, room, (size_t)(io.out - room));
        } while (r == 0 && (io.in_len > 0 || io.out_len == 0));
    }
    return r == 0 ? bh_inflate_finish(i, err) : r;
}

static void check_round_trip(enum bh_inflate_kind kind, const struct bh_buf *in,
                             const struct bh_buf *want)
{
    static const size_t steps[] = {1, 2, 7, 63, 511, 4096, 1 << 20};

    for (size_t a = 0; a < BH_COUNT_OF(steps); a++)
        for (size_t b = 0; b < BH_COUNT_OF(steps); b += 2) {
            BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
            struct bh_error err = BH_ERROR_INIT;
            int r = run(kind, in, steps[a], steps[b], &out, &err);

            if (r != 0)
                fail_msg("pieces of %zu and %zu: %s", steps[a], steps[b], err.message);
            assert_int_equal(out.len, want->len);
            assert_memory_equal(bh_buf_text(&out), bh_buf_text(want), want->len);
        }
}

static void gzip_comes_out_the_same_whatever_the_pieces(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 5000, 70000};
    static const int levels[] = {0, 1, 6, 9};

    (void)state;
    for (size_t s = 0; s < BH_COUNT_OF(sizes); s++)
        for (size_t l = 0; l < BH_COUNT_OF(levels); l++) {
            BH_AUTO(bh_buf_done) struct bh_buf content = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);

            random_content(&content, sizes[s]);
            add_gzip(&packed, content.data, content.len, levels[l],
                     l % 2 ? Z_FIXED : Z_DEFAULT_STRATEGY, NULL);
            check_round_trip(BH_INFLATE_GZIP, &packed, &content);
        }
}

static void gzip_header_fields_are_passed_over_wherever_they_are_split(void **state)
{
    Bytef extra[300] = "AB", name[] = "layer.tar", comment[] = "made by a test";

    (void)state;
    for (int flags = 0; flags < 16; flags++) {
        BH_AUTO(bh_buf_done) struct bh_buf content = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);
        gz_header h = {.extra = flags & 1 ? extra : NULL,
                       .extra_len = flags & 1 ? sizeof extra : 0,
                       .name = flags & 2 ? name : NULL,
                       .comment = flags & 4 ? comment : NULL,
                       .hcrc = (flags & 8) != 0};

        random_content(&content, 300);
        add_gzip(&packed, content.data, content.len, 6, Z_DEFAULT_STRATEGY, &h);
        check_round_trip(BH_INFLATE_GZIP, &packed, &content);
    }
}

static void concatenated_gzip_members_are_one_stream(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        BH_AUTO(bh_buf_done) struct bh_buf content = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);

        for (uint32_t members = 1 + random_below(6); members > 0; members--) {
            size_t from = content.len;

            random_content(&content, from + random_below(3000));
            add_gzip(&packed, bh_buf_text(&content) + from, content.len - from, 6,
                     Z_DEFAULT_STRATEGY, NULL);
        }
        check_round_trip(BH_INFLATE_GZIP, &packed, &content);
    }
}

/* Whatever is done to a stream, ISA-L and zlib must agree on whether it is good and what is in it.
 * Bytes 4 to 9 of the header (time, flags of the compressor) matter to neither; our reader does not
 * judge FHCRC. */
static void isa_l_judges_damaged_streams_as_zlib_does(void **state)
{
    size_t refused = 0;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        BH_AUTO(bh_buf_done) struct bh_buf content = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);
        BH_AUTO(bh_buf_done) struct bh_buf ours = BH_BUF_INIT(0), theirs = BH_BUF_INIT(0);
        struct bh_error err = BH_ERROR_INIT, zlib_err = BH_ERROR_INIT;
        size_t at;
        int r, zlib_r;

        random_content(&content, 1 + random_below(2000));
        add_gzip(&packed, content.data, content.len, (int)random_below(10), Z_DEFAULT_STRATEGY,
                 NULL);
        at = random_below((uint32_t)packed.len);
        if (at == 3)
            continue;
        if (round % 3 == 0)
            packed.len = at; /* cut short */
        else if (round % 3 == 1)
            packed.data[at] = (char)(packed.data[at] ^ (1 << random_below(8)));
        else
            bh_buf_put(&packed, content.data, 1 + at % content.len); /* followed by garbage */
        r = run(BH_INFLATE_GZIP, &packed, 1 + random_below(500), 4096, &ours, &err);
        zlib_r = run(BH_INFLATE_GZIP_ZLIB, &packed, 4096, 4096, &theirs, &zlib_err);
        if ((r == 0) != (zlib_r == 0))
            fail_msg("round %d: ISA-L says %d (%s), zlib %d (%s)", round, r, err.message, zlib_r,
                     zlib_err.message);
        if (r == 0) {
            assert_int_equal(ours.len, theirs.len);
            assert_memory_equal(bh_buf_text(&ours), bh_buf_text(&theirs), ours.len);
        } else {
            assert_int_equal(r, -BH_CORRUPT);
            refused++;
        }
    }
    assert_true(refused > 2000);
}

static void zstd_comes_out_the_same_and_damage_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf content = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    ZSTD_CCtx *z = ZSTD_createCCtx();
    static const char skippable[] = "\x53\x2a\x4d\x18\x04\0\0\0abcd";

    (void)state;
    ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
    bh_buf_put(&packed, skippable, sizeof skippable - 1);
    for (int frame = 0; frame < 3; frame++) {
        size_t from = content.len, n;

        random_content(&content, from + 50000);
        n = ZSTD_compress2(z, bh_buf_reserve(&packed, 60000), 60000, content.data + from, 50000);
        assert_false(ZSTD_isError(n));
        packed.len += n;
    }
    ZSTD_freeCCtx(z);
    assert_int_equal(bh_inflate_detect(packed.data, packed.len), BH_INFLATE_ZSTD);
    check_round_trip(BH_INFLATE_ZSTD, &packed, &content);
    for (size_t cut = 1; cut < 200; cut++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

        packed.len--;
        assert_int_equal(run(BH_INFLATE_ZSTD, &packed, 999, 4096, &out, &err), -BH_CORRUPT);
    }
}

static void a_zstd_window_over_the_limit_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf packed = BH_BUF_INIT(0), out = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    ZSTD_CCtx *z = ZSTD_createCCtx();
    ZSTD_inBuffer in = {.src = "x", .size = 1};
    ZSTD_outBuffer to = {.dst = bh_buf_reserve(&packed, 1000), .size = 1000};

    (void)state;
    ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, 27); /* run() allows 23 */
    ZSTD_compressStream2(z, &to, &in, ZSTD_e_flush);
    ZSTD_compressStream2(z, &to, &in, ZSTD_e_end);
    packed.len = to.pos;
    ZSTD_freeCCtx(z);
    assert_int_equal(run(BH_INFLATE_ZSTD, &packed, 999, 4096, &out, &err), -BH_LIMIT);
}

static void kinds_are_known_by_their_first_bytes(void **state)
{
    (void)state;
    assert_int_equal(bh_inflate_detect("\x1f\x8b\x08", 3), BH_INFLATE_GZIP);
    assert_int_equal(bh_inflate_detect("\x28\xb5\x2f\xfd", 4), BH_INFLATE_ZSTD);
    assert_int_equal(bh_inflate_detect("\x28\xb5\x2f", 3), BH_INFLATE_NONE);
    assert_int_equal(bh_inflate_detect("etc/", 4), BH_INFLATE_NONE);
    assert_int_equal(bh_inflate_detect("", 0), BH_INFLATE_NONE);
}

static void an_empty_stream_is_cut_short(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf empty = BH_BUF_INIT(0), out = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(run(BH_INFLATE_GZIP, &empty, 1, 1, &out, &err), -BH_CORRUPT);
    assert_int_equal(run(BH_INFLATE_ZSTD, &empty, 1, 1, &out, &err), -BH_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_comes_out_the_same_whatever_the_pieces),
        cmocka_unit_test(gzip_header_fields_are_passed_over_wherever_they_are_split),
        cmocka_unit_test(concatenated_gzip_members_are_one_stream),
        cmocka_unit_test(isa_l_judges_damaged_streams_as_zlib_does),
        cmocka_unit_test(zstd_comes_out_the_same_and_damage_is_refused),
        cmocka_unit_test(a_zstd_window_over_the_limit_is_refused),
        cmocka_unit_test(kinds_are_known_by_their_first_bytes),
        cmocka_unit_test(an_empty_stream_is_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
