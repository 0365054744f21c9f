#include "sys/inflate_engine.h"

#include <zstd.h>
#include <zstd_errors.h>

static int open_zstd(unsigned window_log, void **ret, struct bh_error *err)
{
    ZSTD_DStream *z = ZSTD_createDStream();

    if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, (int)window_log))) {
        ZSTD_freeDStream(z);
        return bh_fail(err, BH_INVALID, "zstd window of 2^%u bytes", window_log);
    }
    *ret = z;
    return 0;
}

static int step(void *state, struct bh_inflate_io *io, bool *ret_end, struct bh_error *err)
{
    for (;;) {
        ZSTD_inBuffer in = {.src = io->in, .size = io->in_len};
        ZSTD_outBuffer out = {.dst = io->out, .size = io->out_len};
        size_t r = ZSTD_decompressStream(state, &out, &in);

        if (ZSTD_isError(r)) {
            if (ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge)
                return bh_fail(err, BH_LIMIT,
                               "window larger than the limit window allows (--limit-window)");
            return bh_fail(err, BH_CORRUPT, "%s", ZSTD_getErrorName(r));
        }
        io->in += in.pos;
        io->in_len -= in.pos;
        io->out += out.pos;
        io->out_len -= out.pos;
        *ret_end = r == 0;
        if (*ret_end || io->in_len == 0 || io->out_len == 0)
            return 0;
    }
}

static void restart(void *state)
{
    (void)state; /* a new frame begins by itself */
}

static void close_zstd(void *state)
{
    ZSTD_freeDStream(state);
}

const struct bh_inflate_engine bh_inflate_engine_zstd = {
    .name = "zstd", .open = open_zstd, .step = step, .restart = restart, .close = close_zstd};
