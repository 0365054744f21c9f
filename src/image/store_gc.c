/* Collection: see docs/store.md. */
#include "base/mem.h"
#include "base/time.h"
#include "image/store_impl.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTIAL_AGE_SECONDS BH_SECONDS_PER_DAY
#define CACHE_AGE_SECONDS (30 * BH_SECONDS_PER_DAY)

/* What must stay: hex digests of blobs, and of unpacked layers. */
struct roots {
    char (*hex)[BH_DIGEST_TEXT_SIZE];
    size_t count, cap;
};

struct collection {
    struct bh_store *store;
    struct roots blobs, layers;
    bool with_partials, verify;
    int64_t now;
    int dir_fd; /* being walked */
    enum bh_digest_algorithm algorithm;
    struct bh_gc_result result;
};

static void collection_done(struct collection *c)
{
    free(c->blobs.hex);
    free(c->layers.hex);
}

static void add_root(struct roots *r, const struct bh_digest *d)
{
    if (!bh_digest_is_set(d))
        return;
    bh_grow(r->hex, r->count, r->cap);
    (void)bh_digest_hex(d, r->hex[r->count++]);
}

static int compare_hex(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_root(const struct roots *r, const char *hex)
{
    return r->count > 0 && bsearch(hex, r->hex, r->count, sizeof *r->hex, compare_hex);
}

static int add_name(const struct bh_name_record *r, void *data, struct bh_error *err)
{
    struct collection *c = data;

    (void)err;
    add_root(&c->blobs, &r->root.digest);
    add_root(&c->blobs, &r->manifest.digest);
    add_root(&c->blobs, &r->config.digest);
    for (size_t i = 0; i < r->layer_count; i++) {
        add_root(&c->blobs, &r->layers[i].blob.digest);
        add_root(&c->layers, &r->layers[i].diff_id);
    }
    return 0;
}

/* A last line cut short was not relied on yet: its owner died while writing it. */
static void add_lease_lines(struct collection *c, char *text)
{
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        struct bh_digest d;

        *end = '\0';
        if (bh_digest_parse(line, &d, NULL) == 0)
            add_root(&c->blobs, &d);
    }
}

static int visit_lease(const char *name, void *data, struct bh_error *err)
{
    struct collection *c = data;
    BH_AUTO(bh_closep)
    int fd = openat(c->store->leases_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(64u << 20);
    int e;

    if (fd < 0)
        return errno == ENOENT ? 0 : bh_fail_errno(err, "open lease %s", name);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (unlinkat(c->store->leases_fd, name, 0) == 0)
            c->result.temporaries++;
        return 0;
    }
    if ((e = bh_read_all(fd, &text, err)) < 0)
        return e;
    if (text.len > 0)
        add_lease_lines(c, text.data);
    return 0;
}

/* ---- blobs ---- */

static int blob_is_damaged(struct collection *c, const char *hex, bool *ret, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = openat(c->dir_fd, hex, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    BH_AUTO(bh_hasher_freep) struct bh_hasher *hasher = bh_hasher_new(c->algorithm);
    BH_AUTO(bh_freep) char *piece = bh_new(65536);
    char found[BH_DIGEST_TEXT_SIZE];
    struct bh_digest d;
    size_t got;

    if (fd < 0)
        return bh_fail_errno(err, "open blob %s", hex);
    do {
        int e = bh_read_full(fd, piece, 65536, &got, err);

        if (e < 0)
            return e;
        bh_hasher_update(hasher, piece, got);
    } while (got == 65536);
    bh_hasher_finish(hasher, &d);
    *ret = strcmp(bh_digest_hex(&d, found), hex) != 0;
    return 0;
}

static int visit_blob(const char *hex, void *data, struct bh_error *err)
{
    struct collection *c = data;
    bool damaged = false;
    struct stat st;
    int e;

    if (fstatat(c->dir_fd, hex, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return bh_fail_errno(err, "look at blob %s", hex);
    if (is_root(&c->blobs, hex)) {
        if (!c->verify)
            return 0;
        if ((e = blob_is_damaged(c, hex, &damaged, err)) < 0 || !damaged)
            return e;
        c->result.damaged++;
    }
    if (unlinkat(c->dir_fd, hex, 0) < 0)
        return bh_fail_errno(err, "remove blob %s", hex);
    c->result.blobs++;
    c->result.bytes += (uint64_t)st.st_size;
    return 0;
}

static int collect_blobs(struct collection *c, int dir_fd, enum bh_digest_algorithm algorithm,
                         struct bh_error *err)
{
    c->dir_fd = dir_fd;
    c->algorithm = algorithm;
    return bh_store_each_entry(dir_fd, visit_blob, c, err);
}

/* ---- layers and temporary files ---- */

/* A layer somebody uses stays. Others move to tmp/ at once, so that nobody finds them half gone. */
static int visit_layer(const char *hex, void *data, struct bh_error *err)
{
    struct collection *c = data;
    struct bh_store *s = c->store;
    BH_AUTO(bh_closep) int dir = -1;
    BH_AUTO(bh_closep) int lock = -1;
    char name[64];
    int e;

    dir = openat(s->layers_fd, hex, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0)
        return errno == ENOENT ? 0 : bh_fail_errno(err, "open layer %s", hex);
    if (is_root(&c->layers, hex) && faccessat(dir, "complete", F_OK, 0) == 0)
        return 0;
    lock = openat(dir, "lock", O_RDWR | O_CLOEXEC);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0) {
        c->result.busy_layers++;
        return 0;
    }
    bh_store_temporary_name("dead", name, sizeof name);
    if ((e = bh_store_rename(s, s->layers_fd, hex, s->tmp_fd, name, err)) < 0)
        return e;
    c->result.layers++;
    return 0;
}

static int visit_temporary(const char *name, void *data, struct bh_error *err)
{
    struct collection *c = data;
    struct bh_store *s = c->store;
    BH_AUTO(bh_closep)
    int fd = openat(s->tmp_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    bool partial = strncmp(name, "partial-", strlen("partial-")) == 0;
    struct stat st;
    int e;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd >= 0) {
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return 0; /* somebody is writing it */
        if (partial && !c->with_partials && fstat(fd, &st) == 0 &&
            c->now - st.st_mtim.tv_sec < PARTIAL_AGE_SECONDS)
            return 0;
    }
    if ((e = bh_remove_tree_at(s->tmp_fd, name, err)) < 0)
        return e;
    c->result.temporaries++;
    return 0;
}

/* Facts are "<hex of diff_id>-<analyser>" and stay with the names that have the layer; others, and
 * launch records, stay as long as somebody looks at them now and then. */
static int visit_cached(const char *name, void *data, struct bh_error *err)
{
    struct collection *c = data;
    BH_AUTO(bh_freep) char *hex = bh_strndup(name, strcspn(name, "-"));
    struct stat st;

    if (is_root(&c->layers, hex) || fstatat(c->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        c->now - BH_MAX(st.st_atim.tv_sec, st.st_mtim.tv_sec) < CACHE_AGE_SECONDS)
        return 0;
    if (unlinkat(c->dir_fd, name, 0) < 0)
        return bh_fail_errno(err, "remove %s", name);
    c->result.cached++;
    return 0;
}

static int collect_cache(struct collection *c, const char *directory, struct bh_error *err)
{
    BH_AUTO(bh_closep)
    int fd = openat(c->store->root_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return bh_fail_errno(err, "open %s/%s", c->store->path, directory);
    c->dir_fd = fd;
    return bh_store_each_entry(fd, visit_cached, c, err);
}

int bh_store_collect(struct bh_store *s, const struct bh_gc_options *o, struct bh_gc_result *ret,
                     struct bh_error *err)
{
    BH_AUTO(collection_done)
    struct collection c = {
        .store = s, .with_partials = o->with_partials, .verify = o->verify, .now = bh_time_now()};
    BH_AUTO(bh_closep) int lock = -1;
    int e = bh_store_lock(s, LOCK_EX, &lock, err);

    if (e < 0 || (e = bh_store_each_name(s, add_name, &c, err)) < 0 ||
        (e = bh_store_each_entry(s->leases_fd, visit_lease, &c, err)) < 0)
        return e;
    if (c.blobs.count > 0)
        qsort(c.blobs.hex, c.blobs.count, sizeof *c.blobs.hex, compare_hex);
    if (c.layers.count > 0)
        qsort(c.layers.hex, c.layers.count, sizeof *c.layers.hex, compare_hex);
    if ((e = collect_blobs(&c, s->sha256_fd, BH_SHA256, err)) < 0 ||
        (e = collect_blobs(&c, s->sha512_fd, BH_SHA512, err)) < 0 ||
        (e = bh_store_each_entry(s->layers_fd, visit_layer, &c, err)) < 0 ||
        (e = bh_store_each_entry(s->tmp_fd, visit_temporary, &c, err)) < 0 ||
        (e = collect_cache(&c, "facts", err)) < 0 || (e = collect_cache(&c, "launch", err)) < 0)
        return e;
    *ret = c.result;
    return 0;
}
