#include "sys/inflate.h"

#include "base/mem.h"
#include "sys/inflate_engine.h"

#include <stdlib.h>
#include <string.h>

struct bh_inflate {
    const struct bh_inflate_engine *engine;
    void *state;
    bool in_member; /* bytes of a member were seen, its end was not */
    bool any;       /* a member has ended */
};

enum bh_inflate_kind bh_inflate_detect(const void *data, size_t len)
{
    const uint8_t *b = data;

    if (len >= 2 && b[0] == 0x1f && b[1] == 0x8b)
        return BH_INFLATE_GZIP;
    if (len >= 4 && b[0] == 0x28 && b[1] == 0xb5 && b[2] == 0x2f && b[3] == 0xfd)
        return BH_INFLATE_ZSTD;
    if (len >= 4 && (b[0] & 0xf0) == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18)
        return BH_INFLATE_ZSTD; /* a skippable frame in front */
    return BH_INFLATE_NONE;
}

int bh_inflate_new(enum bh_inflate_kind kind, unsigned window_log, struct bh_inflate **ret,
                   struct bh_error *err)
{
    const struct bh_inflate_engine *engine;
    struct bh_inflate *i;
    void *state = NULL;
    int r;

    switch (kind) {
    case BH_INFLATE_GZIP:
        engine = &bh_inflate_engine_gzip_isal;
        break;
    case BH_INFLATE_GZIP_ZLIB:
        engine = &bh_inflate_engine_gzip_zlib;
        break;
    case BH_INFLATE_ZSTD:
        engine = &bh_inflate_engine_zstd;
        break;
    default:
        return bh_fail(err, BH_UNSUPPORTED, "no decompressor of kind %d", (int)kind);
    }
    r = engine->open(window_log, &state, err);
    if (r < 0)
        return r;
    i = bh_new0(sizeof *i);
    i->engine = engine;
    i->state = state;
    *ret = i;
    return 0;
}

void bh_inflate_free(struct bh_inflate *i)
{
    if (!i)
        return;
    i->engine->close(i->state);
    free(i);
}

int bh_inflate_step(struct bh_inflate *i, struct bh_inflate_io *io, struct bh_error *err)
{
    for (;;) {
        bool end = false;
        int r;

        if (!i->in_member) {
            if (io->in_len == 0)
                return 0;
            if (i->any)
                i->engine->restart(i->state);
            i->in_member = true;
        }
        r = i->engine->step(i->state, io, &end, err);
        if (r < 0)
            return i->any ? bh_wrap(err, "%s: after the end of a member", i->engine->name)
                          : bh_wrap(err, "%s", i->engine->name);
        if (!end)
            return 0;
        i->any = true;
        i->in_member = false;
        if (io->out_len == 0)
            return 0;
    }
}

int bh_inflate_finish(const struct bh_inflate *i, struct bh_error *err)
{
    if (i->in_member || !i->any)
        return bh_fail(err, BH_CORRUPT, "%s: cut short", i->engine->name);
    return 0;
}
