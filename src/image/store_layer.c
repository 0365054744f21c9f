/* Unpacked layers and who uses them; see docs/store.md. */
#include "base/mem.h"
#include "image/store_impl.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ATTEMPTS 100 /* collections that may come in between */

/* One layer being looked at. */
struct place {
    struct bh_store *store;
    char hex[BH_DIGEST_TEXT_SIZE];
    int dir_fd;  /* layers/<hex> */
    int lock_fd; /* layers/<hex>/lock */
};

static void place_done(struct place *p)
{
    bh_closep(&p->lock_fd);
    bh_closep(&p->dir_fd);
}

/* Opens the directory and its lock, making both when create is set. */
static int place_open(struct place *p, bool create, struct bh_error *err)
{
    BH_AUTO(bh_closep) int store_lock = -1;
    struct bh_store *s = p->store;
    int e = bh_store_lock(s, LOCK_SH, &store_lock, err);

    if (e < 0)
        return e;
    if (create && mkdirat(s->layers_fd, p->hex, 0700) < 0 && errno != EEXIST)
        return bh_fail_errno(err, "make layer %s", p->hex);
    p->dir_fd = openat(s->layers_fd, p->hex, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (p->dir_fd < 0)
        return bh_fail_errno(err, "layer %s", p->hex);
    p->lock_fd = openat(p->dir_fd, "lock", O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (p->lock_fd < 0)
        return bh_fail_errno(err, "lock of layer %s", p->hex);
    return 0;
}

/* false in *ret_same: it was collected while we waited. */
static int place_lock(struct place *p, int how, bool *ret_same, struct bh_error *err)
{
    while (flock(p->lock_fd, how) < 0) {
        if (errno != EINTR)
            return bh_fail_errno(err, "lock layer %s", p->hex);
    }
    *ret_same = bh_store_is_same(p->dir_fd, p->store->layers_fd, p->hex);
    return 0;
}

static bool is_complete(const struct place *p)
{
    return faccessat(p->dir_fd, "complete", F_OK, 0) == 0;
}

/* Moves a filled directory into place; what an earlier attempt left there goes first. */
static int install(struct place *p, int tmp_fd, struct bh_error *err)
{
    struct bh_store *s = p->store;
    BH_AUTO(bh_closep) int marker = -1;
    int e;

    if (s->io->syncfs(tmp_fd) < 0)
        return bh_fail_errno(err, "sync layer %s", p->hex);
    if ((e = bh_remove_tree_at(p->dir_fd, "fs", err)) < 0 ||
        (e = bh_store_rename(s, tmp_fd, "fs", p->dir_fd, "fs", err)) < 0 ||
        (e = bh_store_fsync(s, p->dir_fd, "a layer", err)) < 0)
        return e;
    marker = openat(p->dir_fd, "complete", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (marker < 0)
        return bh_fail_errno(err, "complete layer %s", p->hex);
    return bh_store_fsync(s, p->dir_fd, "a layer", err);
}

/* Fills tmp/layer-.../fs and installs it, under the exclusive lock of the layer. */
static int unpack(struct place *p, bh_layer_fill *fill, void *data, struct bh_error *err)
{
    struct bh_store *s = p->store;
    BH_AUTO(bh_closep) int store_lock = -1;
    BH_AUTO(bh_closep) int tmp_fd = -1;
    BH_AUTO(bh_closep) int fs_fd = -1;
    char name[64];
    int e = bh_store_lock(s, LOCK_SH, &store_lock, err);

    if (e < 0)
        return e;
    bh_store_temporary_name("layer", name, sizeof name);
    if (mkdirat(s->tmp_fd, name, 0700) < 0)
        return bh_fail_errno(err, "make a directory in store %s", s->path);
    tmp_fd = openat(s->tmp_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (tmp_fd < 0 || flock(tmp_fd, LOCK_EX | LOCK_NB) < 0 || mkdirat(tmp_fd, "fs", 0755) < 0)
        e = bh_fail_errno(err, "make a directory in store %s", s->path);
    bh_closep(&store_lock);
    if (e == 0) {
        fs_fd = openat(tmp_fd, "fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        e = fs_fd < 0 ? bh_fail_errno(err, "open a directory in store %s", s->path)
                      : fill(fs_fd, data, err);
    }
    if (e == 0)
        e = install(p, tmp_fd, err);
    if (bh_remove_tree_at(s->tmp_fd, name, NULL) < 0)
        return e; /* collection finds the directory without a lock, and removes it */
    return e;
}

/* One attempt; *ret_again when something came in between. */
static int attempt(struct place *p, bh_layer_fill *fill, void *data, bool *ret_again,
                   struct bh_error *err)
{
    bool same;
    int e = place_open(p, fill != NULL, err);

    *ret_again = false;
    if (e < 0 || (e = place_lock(p, LOCK_SH, &same, err)) < 0)
        return e;
    if (same && is_complete(p))
        return 0;
    if (same && !fill)
        return bh_fail(err, BH_NOT_FOUND, "layer %s is not unpacked", p->hex);
    *ret_again = true;
    if (!same || (e = place_lock(p, LOCK_EX, &same, err)) < 0 || !same || is_complete(p))
        return e;
    return unpack(p, fill, data, err);
}

int bh_store_layer_lease(struct bh_store *s, const struct bh_digest *diff_id, bh_layer_fill *fill,
                         void *data, struct bh_layer_lease *ret, struct bh_error *err)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        BH_AUTO(place_done) struct place p = {.store = s, .dir_fd = -1, .lock_fd = -1};
        bool again;
        int e;

        (void)bh_digest_hex(diff_id, p.hex);
        e = attempt(&p, fill, data, &again, err);
        if (e < 0)
            return e;
        if (again)
            continue;
        ret->lock_fd = BH_TAKE_FD(p.lock_fd);
        ret->path = bh_format("%s/layers/%s/fs", s->path, p.hex);
        return 0;
    }
    return bh_fail(err, BH_UNAVAILABLE, "a layer was collected %d times while it was unpacked",
                   ATTEMPTS);
}

void bh_layer_lease_done(struct bh_layer_lease *l)
{
    bh_closep(&l->lock_fd);
    l->lock_fd = -1;
    free(l->path);
    l->path = NULL;
}
