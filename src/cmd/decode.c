/* bulkhead-decode: the confined worker that inflates, hashes, parses and inspects one layer.
 *
 * Started by image/decoder.c only, which says what its descriptors are. It locks itself up before
 * it reads a byte of the layer, and answers with frames of image/layer_wire.h. */
#include "base/mem.h"
#include "image/decoder.h"
#include "image/layer_wire.h"
#include "inspect/layer_sink.h"
#include "sys/fd.h"
#include "sys/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Only a parent that is not ours, or a person who tries it out, sends others than these. */
static int check_orders(const struct bh_decode_orders *o, struct bh_error *err)
{
    if (o->mode < BH_DECODE_INSPECT || o->mode > BH_DECODE_UNPACK ||
        o->compression > BH_COMPRESSION_ZSTD || o->limits.path_bytes == 0 ||
        o->limits.path_bytes > 65535 || o->limits.ratio == 0 || o->size > INT64_MAX ||
        o->offset > INT64_MAX)
        return bh_fail(err, BH_USAGE, "orders that make no sense");
    return 0;
}

static int lock_up(const struct bh_decode_orders *o, struct bh_error *err)
{
    static const struct bh_sandbox_path tree[] = {{"/proc/self/fd/3", false}};
    static const char *const calls[] = {"ftruncate", NULL}; /* of the spool file */
    static const char *const tree_calls[] = {"ftruncate", "fgetxattr", NULL};
    struct bh_sandbox s = {.file_bytes = BH_DECODE_OUT_MAX,
                           .memory_bytes = 512ull << 20,
                           .extra_calls = calls};

    if (o->mode == BH_DECODE_INSPECT_TREE) {
        s.paths = tree;
        s.path_count = BH_COUNT_OF(tree);
        s.extra_calls = tree_calls;
        s.descriptors = 512; /* one for each level of directories */
        s.keep_capabilities = 1ull << CAP_DAC_READ_SEARCH;
    }
    return bh_sandbox_enter(&s, NULL, err);
}

static int inspect(const struct bh_decode_orders *o, const struct bh_layer_source *source,
                   struct bh_layer_outcome *outcome, struct bh_error *err)
{
    BH_AUTO(bh_inspector_freep) struct bh_inspector *i = NULL;
    int r = bh_inspector_new(BH_DECODE_FD_OUT, BH_DECODE_FD_SPOOL, &i, err);

    if (r < 0)
        return r;
    if (o->mode == BH_DECODE_INSPECT_TREE) {
        outcome->digest.algorithm = outcome->diff_id.algorithm = BH_SHA256; /* a tree has none */
        r = bh_inspector_walk(i, source->fd, &o->limits, err);
    } else {
        r = bh_layer_stream(source, &o->limits, bh_inspector_sink(i), &outcome->digest,
                            &outcome->diff_id, &outcome->totals, err);
    }
    return r == 0 ? bh_inspector_finish(i, err) : r;
}

static int work(struct bh_layer_sender *sender, struct bh_layer_outcome *outcome,
                struct bh_error *err)
{
    struct bh_decode_orders o;
    size_t got = 0;
    int r = bh_read_full(BH_DECODE_FD_ORDERS, &o, sizeof o, &got, err);

    if (r == 0 && got != sizeof o)
        r = bh_fail(err, BH_USAGE, "no orders; this program is started by bulkhead");
    if (r == 0)
        r = check_orders(&o, err);
    if (r == 0)
        r = lock_up(&o, err);
    if (r < 0)
        return r;
    const struct bh_layer_source source = {
        .fd = BH_DECODE_FD_LAYER,
        .offset = o.offset,
        .size = o.size,
        .compression = (enum bh_compression)o.compression,
        .digest = bh_digest_is_set(&o.digest) ? &o.digest : NULL,
        .diff_id = bh_digest_is_set(&o.diff_id) ? &o.diff_id : NULL,
    };
    if (o.mode == BH_DECODE_UNPACK)
        return bh_layer_stream(&source, &o.limits, bh_layer_sender_sink(sender), &outcome->digest,
                               &outcome->diff_id, &outcome->totals, err);
    return inspect(&o, &source, outcome, err);
}

int main(int argc, char **argv)
{
    BH_AUTO(bh_layer_sender_freep)
    struct bh_layer_sender *sender = bh_layer_sender_new(BH_DECODE_FD_ANSWER);
    struct bh_layer_outcome outcome = {0};
    struct bh_error failure = BH_ERROR_INIT, err = BH_ERROR_INIT;

    (void)argv;
    if (argc != 1 || isatty(BH_DECODE_FD_ANSWER) || !is_open(BH_DECODE_FD_LAYER)) {
        (void)!write(STDERR_FILENO, "bulkhead-decode is started by bulkhead\n", 39);
        return 2;
    }
    (void)work(sender, &outcome, &failure);
    /* _exit: nothing is left to be done at exit, and the sandbox is not made for it. */
    if (bh_layer_sender_finish(sender, &outcome, &failure, &err) < 0)
        _exit(1);
    _exit(failure.code == BH_USAGE ? 2 : 0);
}
