/* gzip members through zlib: for machines without ISA-L, and what tests hold ISA-L against. */
#include "base/mem.h"
#define ZLIB_CONST /* next_in points to const */
#include "sys/inflate_engine.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

static int open_gzip(unsigned window_log, void **ret, struct bh_error *err)
{
    z_stream *z = bh_new0(sizeof *z);

    (void)window_log;
    if (inflateInit2(z, 15 + 16) != Z_OK) {
        free(z);
        return bh_fail(err, BH_INTERNAL, "zlib cannot start");
    }
    *ret = z;
    return 0;
}

static int step(void *state, struct bh_inflate_io *io, bool *ret_end, struct bh_error *err)
{
    z_stream *z = state;
    uint32_t in = (uint32_t)BH_MIN(io->in_len, (size_t)INT_MAX);
    uint32_t out = (uint32_t)BH_MIN(io->out_len, (size_t)INT_MAX);
    int r;

    z->next_in = io->in;
    z->avail_in = in;
    z->next_out = io->out;
    z->avail_out = out;
    r = inflate(z, Z_NO_FLUSH);
    io->in += in - z->avail_in;
    io->in_len -= in - z->avail_in;
    io->out += out - z->avail_out;
    io->out_len -= out - z->avail_out;
    if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
        return bh_fail(err, BH_CORRUPT, "%s", z->msg ? z->msg : "damaged stream");
    *ret_end = r == Z_STREAM_END;
    return 0;
}

static void restart(void *state)
{
    (void)inflateReset(state); /* fails for a NULL stream only */
}

static void close_gzip(void *state)
{
    (void)inflateEnd(state);
    free(state);
}

const struct bh_inflate_engine bh_inflate_engine_gzip_zlib = {
    .name = "gzip", .open = open_gzip, .step = step, .restart = restart, .close = close_gzip};
