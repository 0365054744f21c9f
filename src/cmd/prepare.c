/* The slow half of `bulkhead run`: from TARGET to a launch record. */
#include "cmd/run.h"
#include "runtime/compose.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *plain_directory(const char *target)
{
    if (strncmp(target, "dir:", 4) == 0)
        return target + 4;
    return NULL;
}

static int write_record(const struct bh_call *call, const struct bh_launch *l, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *dir = bh_format("%s/launch", call->root);
    BH_AUTO(bh_closep) int fd = -1;
    char key[BH_LAUNCH_KEY_SIZE];
    int r = bh_mkdir_parents(AT_FDCWD, dir, 0700, err);

    if (r)
        return r;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bh_fail_errno(err, "open %s", dir);
    return bh_launch_write(fd, bh_launch_key(l->request, key), l, err);
}

int bh_run_prepare(const struct bh_call *call, const struct bh_run_request *q,
                   struct bh_launch **ret, struct bh_error *err)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    BH_AUTO(bh_freep) char *path = NULL;
    const struct bh_image_config config = {.known = false};
    struct bh_launch_layer layer = {.lock = ""};
    struct bh_launch l;
    const char *dir = plain_directory(q->target);
    char key[BH_LAUNCH_KEY_SIZE];
    int r;

    if (!dir)
        return bh_fail(err, BH_UNSUPPORTED, "%s: only dir:PATH can be run", q->target);
    path = realpath(dir, NULL);
    if (!path)
        return bh_fail_errno(err, "%s", dir);
    layer.dir = path;
    const struct bh_composition c = {.request = q,
                                     .config = &config,
                                     .layers = &layer,
                                     .layer_count = 1,
                                     .root_path = call->root,
                                     .image_digest = ""};

    r = bh_compose(&c, a, &l, err);
    if (r == 0)
        r = write_record(call, &l, err);
    if (r)
        return r;
    BH_AUTO(bh_freep)
    char *file = bh_format("%s/launch/%s", call->root, bh_launch_key(l.request, key));
    return bh_launch_read(AT_FDCWD, file, ret, err);
}
