/* gzip members through ISA-L. The header is read here: ISA-L 2.30 refuses a good header with a
 * checksum (FHCRC) when it is split over two inputs. The trailer (CRC-32 and length) is ISA-L's. */
#include "base/mem.h"
#include "sys/inflate_engine.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

enum flag { FLAG_HCRC = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16, FLAG_RESERVED = 0xe0 };

enum part {
    PART_FIXED,
    PART_EXTRA_LEN,
    PART_EXTRA,
    PART_NAME,
    PART_COMMENT,
    PART_HCRC,
    PART_BODY,
};

struct gzip {
    struct inflate_state isal;
    enum part part;
    uint8_t fixed[10];
    size_t got;    /* bytes of the part */
    uint32_t left; /* of the extra field */
};

static void restart(void *state)
{
    struct gzip *g = state;

    isal_inflate_reset(&g->isal);
    g->isal.crc_flag = ISAL_GZIP_NO_HDR_VER;
    g->isal.next_in = NULL;
    g->isal.avail_in = 0;
    g->part = PART_FIXED;
    g->got = 0;
}

static int open_gzip(unsigned window_log, void **ret, struct bh_error *err)
{
    struct gzip *g = bh_new0(sizeof *g);

    (void)window_log; /* always 32 KiB */
    (void)err;
    isal_inflate_init(&g->isal);
    restart(g);
    *ret = g;
    return 0;
}

static int check_fixed(const struct gzip *g, struct bh_error *err)
{
    if (g->fixed[0] != 0x1f || g->fixed[1] != 0x8b)
        return bh_fail(err, BH_CORRUPT, "bytes that are no gzip header");
    if (g->fixed[2] != 8 || g->fixed[3] & FLAG_RESERVED)
        return bh_fail(err, BH_CORRUPT, "unknown method or flags in a gzip header");
    return 0;
}

/* The first part from `from` on that the header's flags announce. */
static enum part next_part(const struct gzip *g, enum part from)
{
    static const uint8_t needs[] = {[PART_EXTRA_LEN] = FLAG_EXTRA,
                                    [PART_EXTRA] = FLAG_EXTRA,
                                    [PART_NAME] = FLAG_NAME,
                                    [PART_COMMENT] = FLAG_COMMENT,
                                    [PART_HCRC] = FLAG_HCRC};

    while (from < PART_BODY && !(g->fixed[3] & needs[from]))
        from++;
    return from;
}

/* One byte of the header. The header's own checksum is optional, covers nothing that matters to us
 * and is passed over; the digest of the blob covers it. */
static int header_byte(struct gzip *g, uint8_t byte, struct bh_error *err)
{
    bool over = false;
    enum part next = (enum part)(g->part + 1);
    int r = 0;

    switch (g->part) {
    case PART_FIXED:
        g->fixed[g->got++] = byte;
        over = g->got == sizeof g->fixed;
        if (over)
            r = check_fixed(g, err);
        break;
    case PART_EXTRA_LEN:
        g->left = g->got++ ? g->left | (uint32_t)byte << 8 : byte;
        over = g->got == 2;
        if (over && g->left == 0)
            next = PART_NAME;
        break;
    case PART_EXTRA:
        over = --g->left == 0;
        break;
    case PART_NAME:
    case PART_COMMENT:
        over = byte == 0;
        break;
    case PART_HCRC:
        over = ++g->got == 2;
        break;
    case PART_BODY:
        break;
    }
    if (over && r == 0) {
        g->part = next_part(g, next);
        g->got = 0;
    }
    return r;
}

static int failure(int code, struct bh_error *err)
{
    switch (code) {
    case ISAL_INCORRECT_CHECKSUM:
        return bh_fail(err, BH_CORRUPT, "wrong checksum or length");
    case ISAL_INVALID_BLOCK:
        return bh_fail(err, BH_CORRUPT, "invalid block");
    case ISAL_INVALID_SYMBOL:
        return bh_fail(err, BH_CORRUPT, "invalid symbol");
    case ISAL_INVALID_LOOKBACK:
        return bh_fail(err, BH_CORRUPT, "reference to before the start");
    default:
        return bh_fail(err, BH_CORRUPT, "damaged stream (ISA-L %d)", code);
    }
}

static int step(void *state, struct bh_inflate_io *io, bool *ret_end, struct bh_error *err)
{
    struct gzip *g = state;
    int r = 0;

    while (g->part != PART_BODY && io->in_len > 0) {
        r = header_byte(g, *io->in, err);
        if (r < 0)
            return r;
        io->in++;
        io->in_len--;
    }
    if (g->part != PART_BODY)
        return 0;
    /* ISA-L does not write through next_in; its type lacks the const. */
    memcpy(&g->isal.next_in, &io->in, sizeof io->in);
    g->isal.avail_in = (uint32_t)BH_MIN(io->in_len, (size_t)1 << 30);
    g->isal.next_out = io->out;
    g->isal.avail_out = (uint32_t)BH_MIN(io->out_len, (size_t)1 << 30);
    r = isal_inflate(&g->isal);
    io->in_len -= (size_t)(g->isal.next_in - io->in);
    io->in = g->isal.next_in;
    io->out_len -= (size_t)(g->isal.next_out - io->out);
    io->out = g->isal.next_out;
    if (r < 0)
        return failure(r, err);
    *ret_end = g->isal.block_state == ISAL_BLOCK_FINISH;
    return 0;
}

const struct bh_inflate_engine bh_inflate_engine_gzip_isal = {
    .name = "gzip", .open = open_gzip, .step = step, .restart = restart, .close = free};
