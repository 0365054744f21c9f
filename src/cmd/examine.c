#include "cmd/examine.h"

#include "advisory/match.h"
#include "inspect/inspect.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void bh_examine_limits(const struct bh_examine_options *o, struct bh_layer_limits *ret)
{
    *ret = bh_layer_limits_default;
    ret->total_bytes = o->limit_bytes;
    ret->entries = (uint64_t)o->limit_entries;
    ret->ratio = (uint32_t)o->limit_ratio;
    ret->path_bytes = (uint32_t)o->limit_path;
    ret->depth = (uint32_t)o->limit_depth;
    ret->window_log = (uint32_t)o->limit_window;
}

static void show_layers(void *data, uint64_t done, uint64_t total)
{
    bh_progress_count(data, done, total);
}

int bh_examine_image(const struct bh_call *call, struct bh_image *image,
                     const struct bh_examine_options *o, struct bh_facts **ret,
                     struct bh_error *err)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    BH_AUTO(bh_closep) int root_fd = -1;
    struct bh_layer_limits limits;
    struct bh_progress progress;
    struct bh_inspect_options options = {.limits = &limits,
                                         .root_fd = -1,
                                         .workers = (unsigned)o->workers};
    int r;

    bh_examine_limits(o, &limits);
    if (!o->no_cache)
        root_fd = open(call->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    options.root_fd = root_fd;
    if (call->err->tty) {
        bh_progress_start(&progress, call->err, "inspect layers");
        options.progress = show_layers;
        options.progress_data = &progress;
    }
    r = bh_inspect_image(image, &options, f, err);
    if (options.progress)
        fputs("\r\033[K", call->err->stream);
    if (r < 0)
        return r;
    bh_advisory_match(f, call->root);
    *ret = BH_TAKE(f);
    return 0;
}

int bh_examine(const struct bh_call *call, const char *text, const struct bh_target_options *target,
               const struct bh_examine_options *o, struct bh_facts **ret, struct bh_error *err)
{
    BH_AUTO(bh_target_done) struct bh_target t = BH_TARGET_INIT;
    int r = bh_target_open(call, target, text, &t, err);

    return r < 0 ? r : bh_examine_image(call, t.image, o, ret, err);
}
