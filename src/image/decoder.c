#include "image/decoder.h"

#include "base/mem.h"
#include "sys/fd.h"
#include "sys/sibling.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIPE_BYTES (1 << 20)
#define END_WAIT_MS 10000 /* for a worker that has said its last word */

static void make_pipe(int ends[2], int *ret_errno)
{
    *ret_errno = pipe2(ends, O_CLOEXEC) < 0 ? errno : 0;
}

static void fill_orders(struct bh_decode_orders *o, const struct bh_layer_source *layer,
                        enum bh_decode_mode mode, const struct bh_layer_limits *limits)
{
    memset(o, 0, sizeof *o);
    o->mode = (uint32_t)mode;
    o->compression = (uint32_t)layer->compression;
    o->offset = layer->offset;
    o->size = layer->size;
    o->limits = *limits;
    if (layer->digest)
        o->digest = *layer->digest;
    if (layer->diff_id)
        o->diff_id = *layer->diff_id;
}

/* Starts the worker. *ret_answer is the caller's. */
static int start(const struct bh_decode_orders *orders, int layer_fd, int out_fd, int spool_fd,
                 struct bh_child *child, int *ret_answer, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *path = NULL;
    BH_AUTO(bh_closep) int orders_read = -1;
    BH_AUTO(bh_closep) int orders_write = -1;
    BH_AUTO(bh_closep) int answer_read = -1;
    BH_AUTO(bh_closep) int answer_write = -1;
    char *const argv[] = {(char[]){"bulkhead-decode"}, NULL};
    int ends[2], number, r = bh_sibling_path("bulkhead-decode", &path, err);

    if (r < 0)
        return r;
    make_pipe(ends, &number);
    if (number == 0) {
        orders_read = ends[0];
        orders_write = ends[1];
        make_pipe(ends, &number);
    }
    if (number) {
        errno = number;
        return bh_fail_errno(err, "pipe");
    }
    answer_read = ends[0];
    answer_write = ends[1];
    (void)fcntl(answer_read, F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns; a refusal only slows */
    /* Far below the size of a pipe: does not block although nobody reads yet. */
    r = bh_write_full(orders_write, orders, sizeof *orders, err);
    if (r == 0) {
        const int fds[] = {orders_read, answer_write, -1, layer_fd, out_fd, spool_fd};
        const struct bh_spawn s = {.path = path,
                                   .argv = argv,
                                   .fds = fds,
                                   .fd_count = BH_COUNT_OF(fds),
                                   .die_with_parent = 1};

        r = bh_spawn(&s, child, err);
    }
    if (r == 0)
        *ret_answer = BH_TAKE_FD(answer_read);
    return r;
}

/* A failure of the worker says more than the broken stream it leaves. */
static int run(const struct bh_decode_orders *orders, int layer_fd, int out_fd, int spool_fd,
               const struct bh_layer_sink *sink, struct bh_layer_outcome *ret, struct bh_error *err)
{
    BH_AUTO(bh_child_done) struct bh_child child = BH_CHILD_INIT;
    BH_AUTO(bh_closep) int answer = -1;
    struct bh_error waiting = BH_ERROR_INIT;
    struct bh_layer_outcome outcome;
    int status = 0, r = start(orders, layer_fd, out_fd, spool_fd, &child, &answer, err);

    if (r < 0)
        return r;
    r = bh_layer_receive(answer, sink, &outcome, err);
    if (r < 0 && r != -BH_INTERNAL)
        return r; /* the child is killed and reaped on the way out */
    bh_closep(&answer);
    if (bh_child_wait(&child, END_WAIT_MS, &status, &waiting) < 0)
        return r < 0 ? r : bh_fail(err, BH_INTERNAL, "the decoder does not end");
    if (r < 0 && status > 128)
        return bh_fail(err, BH_INTERNAL, "the decoder was killed by signal %d%s", status - 128,
                       status - 128 == 31 ? " (a forbidden system call)" : "");
    if (r == 0 && status != 0)
        return bh_fail(err, BH_INTERNAL, "the decoder ended with status %d", status);
    if (r == 0)
        *ret = outcome;
    return r;
}

int bh_decode_inspect(const struct bh_layer_source *layer, enum bh_decode_mode mode,
                      const struct bh_layer_limits *limits, int out_fd, int spool_fd,
                      struct bh_layer_outcome *ret, struct bh_error *err)
{
    struct bh_decode_orders orders;

    fill_orders(&orders, layer, mode, limits);
    return run(&orders, layer->fd, out_fd, spool_fd, NULL, ret, err);
}

int bh_decode_unpack(const struct bh_layer_source *layer, const struct bh_layer_limits *limits,
                     const struct bh_layer_sink *sink, struct bh_layer_outcome *ret,
                     struct bh_error *err)
{
    struct bh_decode_orders orders;

    fill_orders(&orders, layer, BH_DECODE_UNPACK, limits);
    return run(&orders, layer->fd, -1, -1, sink, ret, err);
}
