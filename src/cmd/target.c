#include "cmd/target.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void bh_target_progress_end(struct bh_target *t, bool good)
{
    if (!t->title)
        return;
    bh_progress_end(&t->progress, good, good ? "done" : "failed");
    free(t->title);
    t->title = NULL;
}

static void show_progress(void *data, const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
    struct bh_target *t = data;

    if (!t->title || strcmp(t->title, what) != 0) {
        bh_target_progress_end(t, true);
        t->title = bh_strdup(what);
        bh_progress_start(&t->progress, t->term, t->title);
    }
    bh_progress_bytes(&t->progress, done_bytes, total_bytes);
}

int bh_target_open(const struct bh_call *call, const struct bh_target_options *o, const char *text,
                   struct bh_target *ret, struct bh_error *err)
{
    int e;

    ret->arena = bh_arena_new();
    ret->term = call->err;
    ret->options.plain_http = o->plain_http;
    ret->options.auth_file = o->auth_file;
    ret->options.progress = show_progress;
    ret->options.progress_data = ret;
    ret->options.platform = bh_platform_host();
    if (o->platform &&
        (e = bh_platform_parse(o->platform, ret->arena, &ret->options.platform, err)) < 0)
        return e;
    if ((e = bh_store_open(call->root, true, &ret->store, err)) < 0)
        return e;
    ret->options.store = ret->store;
    e = bh_image_open(&ret->options, text, &ret->image, err);
    bh_target_progress_end(ret, e == 0);
    return e;
}

void bh_target_done(struct bh_target *t)
{
    bh_target_progress_end(t, false);
    bh_image_close(t->image);
    bh_store_close(t->store);
    bh_arena_free(t->arena);
    *t = BH_TARGET_INIT;
}
