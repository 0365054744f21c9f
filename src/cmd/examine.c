#include "cmd/examine.h"

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
}

static void show_fetching(void *data, const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
    struct bh_progress *p = data;

    p->title = what;
    bh_progress_bytes(p, done_bytes, total_bytes);
}

int bh_examine_open(const struct bh_call *call, const char *target,
                    const struct bh_examine_options *o, struct bh_store **ret_store,
                    struct bh_image **ret, struct bh_error *err)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_store_closep) struct bh_store *store = NULL;
    struct bh_error why = BH_ERROR_INIT;
    struct bh_progress progress;
    struct bh_open_options options = {.plain_http = o->plain_http, .auth_file = o->auth_file};
    int r = 0;

    if (o->platform)
        r = bh_platform_parse(o->platform, arena, &options.platform, err);
    if (r < 0)
        return bh_wrap(err, "--platform");
    /* A directory or an archive can be judged without a store; a source that needs one says so. */
    if (bh_store_open(call->root, true, &store, &why) == 0)
        options.store = store;
    if (call->err->tty) {
        bh_progress_start(&progress, call->err, "open");
        options.progress = show_fetching;
        options.progress_data = &progress;
    }
    r = bh_image_open(&options, target, ret, err);
    if (options.progress)
        fputs("\r\033[K", call->err->stream);
    if (r < 0 && !store && err->code == BH_UNSUPPORTED)
        return bh_wrap(err, "no store (%s)", why.message);
    if (r == 0)
        *ret_store = BH_TAKE(store);
    return r;
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
    bh_facts_not_covered(f, BH_SUBJECT_VULNERABILITIES, NULL, BH_LAYER_NONE, true,
                         "no advisories are imported: see bulkhead db import and bulkhead db "
                         "update");
    *ret = BH_TAKE(f);
    return 0;
}

int bh_examine(const struct bh_call *call, const char *target, const struct bh_examine_options *o,
               struct bh_facts **ret, struct bh_error *err)
{
    BH_AUTO(bh_store_closep) struct bh_store *store = NULL;
    BH_AUTO(bh_image_closep) struct bh_image *image = NULL;
    int r = bh_examine_open(call, target, o, &store, &image, err);

    return r < 0 ? r : bh_examine_image(call, image, o, ret, err);
}
