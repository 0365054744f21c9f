/* sys/inflate_engine.h - one decompression library behind a table of functions.
 *
 * Private to sys/inflate. An engine decodes one gzip member or zstd frame at a time. */
#pragma once
#include "sys/inflate.h"

struct bh_inflate_engine {
    const char *name; /* "gzip", "zstd": for messages */
    int (*open)(unsigned window_log, void **ret, struct bh_error *err);
    /* As bh_inflate_step for one member; *ret_end when its last byte has come out and its trailer
     * was checked. Bytes past it are not used. */
    int (*step)(void *state, struct bh_inflate_io *io, bool *ret_end, struct bh_error *err);
    void (*restart)(void *state); /* for the next member */
    void (*close)(void *state);
};
extern const struct bh_inflate_engine bh_inflate_engine_gzip_isal;
extern const struct bh_inflate_engine bh_inflate_engine_gzip_zlib;
extern const struct bh_inflate_engine bh_inflate_engine_zstd;
