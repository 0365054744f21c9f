/* Blobs: written aside, verified, renamed; see docs/store.md. */
#include "base/mem.h"
#include "image/store_impl.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 65536u

struct bh_ingest {
    struct bh_lease *lease;
    int fd; /* tmp/<name>, exclusively locked */
    struct bh_hasher *hasher;
    struct bh_digest expected; /* unset when not known */
    uint64_t size, offset;     /* promised (UINT64_MAX: not known) and there */
    bool keep;                 /* an abort leaves the bytes for a later attempt */
    bool counted;              /* among the lease's open ingests */
    char name[160];
};

int bh_store_blob_dir(const struct bh_store *s, const struct bh_digest *d)
{
    return d->algorithm == BH_SHA512 ? s->sha512_fd : s->sha256_fd;
}

static bool blob_exists(const struct bh_store *s, const struct bh_digest *d, uint64_t size)
{
    char hex[BH_DIGEST_TEXT_SIZE];
    struct stat st;

    if (fstatat(bh_store_blob_dir(s, d), bh_digest_hex(d, hex), &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    /* A size that differs is damage from outside; the blob is written anew. */
    return S_ISREG(st.st_mode) && (size == UINT64_MAX || (uint64_t)st.st_size == size);
}

int bh_store_has(struct bh_lease *l, const struct bh_digest *d, bool *ret, struct bh_error *err)
{
    BH_AUTO(bh_closep) int lock = -1;
    int e = bh_store_lock(l->store, LOCK_SH, &lock, err);

    if (e < 0 || (e = bh_lease_add_locked(l, d, err)) < 0)
        return e;
    *ret = blob_exists(l->store, d, UINT64_MAX);
    return 0;
}

int bh_store_open_blob(struct bh_store *s, const struct bh_digest *d, int *ret_fd,
                       uint64_t *ret_size, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    char text[BH_DIGEST_TEXT_SIZE];
    struct stat st;

    fd = openat(bh_store_blob_dir(s, d), bh_digest_hex(d, text), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return bh_fail(err, BH_NOT_FOUND, "blob %s is not in the store", bh_digest_format(d, text));
    if (fd < 0 || fstat(fd, &st) < 0)
        return bh_fail_errno(err, "open blob %s", bh_digest_format(d, text));
    *ret_size = (uint64_t)st.st_size;
    *ret_fd = BH_TAKE_FD(fd);
    return 0;
}

int bh_store_read_blob(struct bh_store *s, const struct bh_digest *d, size_t limit,
                       struct bh_buf *out, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    BH_AUTO(bh_buf_done) struct bh_buf all = BH_BUF_INIT(limit);
    char text[BH_DIGEST_TEXT_SIZE];
    struct bh_digest found;
    uint64_t size;
    int e = bh_store_open_blob(s, d, &fd, &size, err);

    if (e < 0)
        return e;
    if (size > limit)
        return bh_fail(err, BH_LIMIT, "blob %s of %llu bytes, limit %zu", bh_digest_format(d, text),
                       (unsigned long long)size, limit);
    if ((e = bh_read_all(fd, &all, err)) < 0)
        return e;
    bh_digest_of(d->algorithm, all.data, all.len, &found);
    if (!bh_digest_equal(&found, d))
        return bh_fail(err, BH_CORRUPT,
                       "blob %s in the store is damaged: run bulkhead gc --verify, then pull the "
                       "image again",
                       bh_digest_format(d, text));
    return bh_buf_append(out, all.data, all.len, err);
}

/* ---- writing ---- */

static void ingest_free(struct bh_ingest *i)
{
    if (i->counted)
        i->lease->ingests--;
    bh_closep(&i->fd);
    bh_hasher_free(i->hasher);
    free(i);
}

static void start_hash(struct bh_ingest *i)
{
    bh_hasher_free(i->hasher);
    i->hasher = bh_hasher_new(bh_digest_is_set(&i->expected) ? i->expected.algorithm : BH_SHA256);
    i->offset = 0;
}

static int wait_for(struct bh_ingest *i, struct bh_error *err)
{
    while (flock(i->fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            return bh_fail_errno(err, "lock a file in store %s", i->lease->store->path);
    }
    return 0;
}

/* Opens and locks tmp/<name> under the store lock, which *lock holds. A partial file in other hands
 * is waited for without it, then *ret_again says to look at everything anew. Who holds another
 * partial file does not wait, since the other could be waiting for that one: it writes a file of
 * its own, and whoever comes last replaces the blob by the same bytes. */
static int open_temporary(struct bh_ingest *i, int *lock, bool *ret_again, struct bh_error *err)
{
    struct bh_store *s = i->lease->store;
    int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (i->keep ? 0 : O_EXCL);
    int e = 0;

    *ret_again = false;
    i->fd = openat(s->tmp_fd, i->name, flags, 0600);
    if (i->fd < 0)
        return bh_fail_errno(err, "make a file in store %s", s->path);
    if (flock(i->fd, LOCK_EX | LOCK_NB) == 0) {
        /* Its last owner may have renamed or removed it after it was opened here. */
        if (bh_store_is_same(i->fd, s->tmp_fd, i->name))
            return 0;
    } else if (errno != EWOULDBLOCK) {
        return bh_fail_errno(err, "lock a file in store %s", s->path);
    } else if (i->lease->ingests > 0) {
        i->keep = false;
        bh_store_temporary_name("blob", i->name, sizeof i->name);
    } else {
        bh_closep(lock);
        e = wait_for(i, err);
    }
    bh_closep(&i->fd);
    i->fd = -1;
    *ret_again = true;
    return e;
}

/* What an earlier attempt left is hashed again before it counts. */
static int adopt_partial(struct bh_ingest *i, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *piece = bh_new(PIECE_BYTES);
    struct stat st;
    size_t got;

    if (fstat(i->fd, &st) < 0)
        return bh_fail_errno(err, "look at an interrupted download");
    if (i->size != UINT64_MAX && (uint64_t)st.st_size > i->size)
        return bh_ingest_restart(i, err);
    do {
        int e = bh_read_full(i->fd, piece, PIECE_BYTES, &got, err);

        if (e < 0)
            return e;
        bh_hasher_update(i->hasher, piece, got);
        i->offset += got;
    } while (got == PIECE_BYTES);
    return 0;
}

static int begin_locked(struct bh_ingest *i, bool *ret_done, struct bh_error *err)
{
    struct bh_store *s = i->lease->store;

    for (;;) {
        BH_AUTO(bh_closep) int lock = -1;
        bool again;
        int e = bh_store_lock(s, LOCK_SH, &lock, err);

        if (e < 0)
            return e;
        if (bh_digest_is_set(&i->expected)) {
            if ((e = bh_lease_add_locked(i->lease, &i->expected, err)) < 0)
                return e;
            if (blob_exists(s, &i->expected, i->size)) {
                *ret_done = true;
                return 0;
            }
        }
        if ((e = open_temporary(i, &lock, &again, err)) < 0)
            return e;
        if (!again)
            return 0;
    }
}

int bh_ingest_begin(struct bh_lease *l, const struct bh_digest *expected, uint64_t size,
                    bool resume, struct bh_ingest **ret, bool *ret_done, struct bh_error *err)
{
    struct bh_ingest *i = bh_new0(sizeof *i);
    char hex[BH_DIGEST_TEXT_SIZE];
    bool done = false;
    int e;

    i->lease = l;
    i->fd = -1;
    i->size = size;
    i->keep = resume && expected;
    if (expected)
        i->expected = *expected;
    if (i->keep)
        (void)snprintf(i->name, sizeof i->name, "partial-%s-%s",
                       expected->algorithm == BH_SHA512 ? "sha512" : "sha256",
                       bh_digest_hex(expected, hex));
    else
        bh_store_temporary_name("blob", i->name, sizeof i->name);
    start_hash(i);
    e = begin_locked(i, &done, err);
    if (e == 0 && !done) {
        i->counted = true;
        l->ingests++;
    }
    if (e == 0 && !done && i->keep)
        e = adopt_partial(i, err);
    if (e < 0 || done)
        ingest_free(i);
    if (e < 0)
        return e;
    *ret_done = done;
    if (!done)
        *ret = i;
    return 0;
}

uint64_t bh_ingest_offset(const struct bh_ingest *i)
{
    return i->offset;
}

int bh_ingest_write(struct bh_ingest *i, const void *data, size_t len, struct bh_error *err)
{
    char text[BH_DIGEST_TEXT_SIZE];
    int e;

    if (i->size != UINT64_MAX && len > i->size - i->offset)
        return bh_fail(err, BH_CORRUPT, "blob %s has more than the %llu bytes announced",
                       bh_digest_is_set(&i->expected) ? bh_digest_format(&i->expected, text) : "",
                       (unsigned long long)i->size);
    e = bh_store_write(i->lease->store, i->fd, data, len, err);
    if (e < 0)
        return e;
    bh_hasher_update(i->hasher, data, len);
    i->offset += len;
    return 0;
}

int bh_ingest_restart(struct bh_ingest *i, struct bh_error *err)
{
    if (ftruncate(i->fd, 0) < 0 || lseek(i->fd, 0, SEEK_SET) < 0)
        return bh_fail_errno(err, "empty an interrupted download");
    start_hash(i);
    return 0;
}

static int verify(struct bh_ingest *i, struct bh_digest *ret, struct bh_error *err)
{
    char want[BH_DIGEST_TEXT_SIZE], have[BH_DIGEST_TEXT_SIZE];

    bh_hasher_finish(i->hasher, ret);
    if (i->size != UINT64_MAX && i->offset != i->size)
        return bh_fail(err, BH_CORRUPT, "blob %s is cut short: %llu of %llu bytes",
                       bh_digest_is_set(&i->expected) ? bh_digest_format(&i->expected, want) : "",
                       (unsigned long long)i->offset, (unsigned long long)i->size);
    if (bh_digest_is_set(&i->expected) && !bh_digest_equal(ret, &i->expected))
        return bh_fail(err, BH_CORRUPT, "blob %s has other content: its digest is %s",
                       bh_digest_format(&i->expected, want), bh_digest_format(ret, have));
    return 0;
}

static int publish(struct bh_ingest *i, const struct bh_digest *d, struct bh_error *err)
{
    struct bh_store *s = i->lease->store;
    BH_AUTO(bh_closep) int lock = -1;
    char hex[BH_DIGEST_TEXT_SIZE];
    int dir = bh_store_blob_dir(s, d), e;

    if (fchmod(i->fd, 0444) < 0)
        return bh_fail_errno(err, "set the mode of a blob");
    if ((e = bh_store_fsync(s, i->fd, "a blob", err)) < 0 ||
        (e = bh_store_lock(s, LOCK_SH, &lock, err)) < 0 ||
        (e = bh_lease_add_locked(i->lease, d, err)) < 0 ||
        (e = bh_store_rename(s, s->tmp_fd, i->name, dir, bh_digest_hex(d, hex), err)) < 0)
        return e;
    i->name[0] = '\0'; /* it is no temporary file any more */
    return bh_store_fsync(s, dir, "blobs", err);
}

int bh_ingest_commit(struct bh_ingest *i, struct bh_digest *ret, struct bh_error *err)
{
    struct bh_digest found;
    int e = verify(i, &found, err);

    if (e == 0)
        e = publish(i, &found, err);
    if (e == 0 && ret)
        *ret = found;
    if (e < 0)
        i->keep = false; /* wrong bytes are no use to a later attempt */
    bh_ingest_abort(i);
    return e;
}

void bh_ingest_abort(struct bh_ingest *i)
{
    if (!i)
        return;
    /* When this fails collection finds the file without a lock, and removes it. */
    if (i->name[0] && !(i->keep && i->offset > 0))
        (void)unlinkat(i->lease->store->tmp_fd, i->name, 0);
    ingest_free(i);
}

int bh_store_put(struct bh_lease *l, const void *data, size_t len, struct bh_digest *ret,
                 struct bh_error *err)
{
    struct bh_ingest *i = NULL;
    struct bh_digest d;
    bool done = false;
    int e;

    bh_digest_of(BH_SHA256, data, len, &d);
    e = bh_ingest_begin(l, &d, len, false, &i, &done, err);
    if (e == 0 && !done) {
        e = bh_ingest_write(i, data, len, err);
        if (e == 0)
            e = bh_ingest_commit(i, NULL, err);
        else
            bh_ingest_abort(i);
    }
    if (e == 0 && ret)
        *ret = d;
    return e;
}
