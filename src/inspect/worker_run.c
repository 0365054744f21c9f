#include "inspect/worker_run.h"

#include "inspect/layer_sink.h"
#include "sys/sandbox.h"

#include <string.h>

#define FILE_BYTES (2048ull << 20) /* what facts or spool may grow to */
#define MEMORY_BYTES (512ull << 20)
#define TIMEOUT_MS (30 * 60 * 1000)

static int work_on(const struct bh_inspect_work *w, struct bh_inspector *i,
                   struct bh_digest *diff_id, struct bh_error *err)
{
    if (w->dir_path)
        return bh_inspector_walk(i, w->dir_fd, w->limits, err);
    return bh_layer_stream(w->source, w->limits, bh_inspector_sink(i), NULL, diff_id, NULL, err);
}

static int work(void *arg, struct bh_buf *out, struct bh_error *err)
{
    const struct bh_inspect_work *w = arg;
    BH_AUTO(bh_inspector_freep) struct bh_inspector *i = NULL;
    struct bh_digest diff_id = {0};
    int r = bh_inspector_new(w->out_fd, w->spool_fd, &i, err);

    if (r == 0)
        r = work_on(w, i, &diff_id, err);
    if (r == 0)
        r = bh_inspector_finish(i, err);
    return r < 0 ? r : bh_buf_append(out, &diff_id, sizeof diff_id, err);
}

int bh_inspect_in_worker(const struct bh_inspect_work *w, struct bh_digest *ret_diff_id,
                         struct bh_error *err)
{
    static const char *const calls[] = {"ftruncate", "fgetxattr", NULL};
    const struct bh_sandbox_path path = {.path = w->dir_path};
    const int fds[] = {w->out_fd, w->spool_fd, w->dir_path ? w->dir_fd : w->source->fd};
    const struct bh_sandbox sandbox = {
        /* Directories are read with the caller's rights, behind Landlock. */
        .keep_identity = w->dir_path != NULL,
        .paths = &path,
        .path_count = w->dir_path != NULL,
        .fds = fds,
        .fd_count = BH_COUNT_OF(fds),
        .extra_calls = calls,
        .memory_bytes = MEMORY_BYTES,
        .file_bytes = FILE_BYTES,
        .descriptors = 512, /* one for each level of a directory */
    };
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(sizeof *ret_diff_id);
    struct bh_inspect_work copy = *w;
    struct bh_digest diff_id;
    int r = bh_sandbox_run(&sandbox, work, &copy, TIMEOUT_MS, &out, err);

    if (r < 0)
        return r;
    if (out.len != sizeof diff_id)
        return bh_fail(err, BH_INTERNAL, "a worker gave an answer that makes no sense");
    memcpy(&diff_id, out.data, sizeof diff_id);
    if (diff_id.algorithm != 0 && diff_id.algorithm != BH_SHA256 && diff_id.algorithm != BH_SHA512)
        return bh_fail(err, BH_INTERNAL, "a worker gave an answer that makes no sense");
    *ret_diff_id = diff_id;
    return 0;
}
