/* image/store_impl.h - what the files of the store share. Private to image/store*.c and its tests.
 */
#pragma once
#include "image/store.h"

#include <limits.h>
#include <sys/file.h>
#include <sys/types.h>

/* The calls a crash or a full disk can come between. Tests replace them to fail, or to kill the
 * process, at the Nth. */
struct bh_store_io {
    ssize_t (*write)(int fd, const void *data, size_t len);
    int (*fsync)(int fd);
    int (*syncfs)(int fd);
    int (*rename)(int from_dir, const char *from, int to_dir, const char *to);
};

struct bh_store {
    char *path;
    int root_fd, sha256_fd, sha512_fd, names_fd, leases_fd, layers_fd, tmp_fd;
    const struct bh_store_io *io;
};

struct bh_lease {
    struct bh_store *store;
    int fd;                   /* leases/<name>, exclusively locked */
    _Atomic unsigned ingests; /* open ones */
    char name[64];
};

void bh_store_set_io(struct bh_store *s, const struct bh_store_io *io) BH_NONNULL;

/* Takes the store lock, LOCK_SH or LOCK_EX; closing *ret_fd releases it. A descriptor of its own
 * for each taking, so that threads do not release each other's. */
int bh_store_lock(const struct bh_store *s, int how, int *ret_fd, struct bh_error *err) BH_CHECKED;

/* "<kind>-<pid>-<random>" */
void bh_store_temporary_name(const char *kind, char *out, size_t size) BH_NONNULL;

int bh_store_write(const struct bh_store *s, int fd, const void *data, size_t len,
                   struct bh_error *err) BH_CHECKED;
int bh_store_fsync(const struct bh_store *s, int fd, const char *what, struct bh_error *err)
    BH_CHECKED;
int bh_store_rename(const struct bh_store *s, int from_dir, const char *from, int to_dir,
                    const char *to, struct bh_error *err) BH_CHECKED;

/* The directory a digest's blob is in. */
int bh_store_blob_dir(const struct bh_store *s, const struct bh_digest *d) BH_NONNULL;

/* As bh_lease_add, for who holds the store lock already. */
int bh_lease_add_locked(struct bh_lease *l, const struct bh_digest *d, struct bh_error *err)
    BH_CHECKED;

/* true when fd is (still) what (dirfd, name) names. */
bool bh_store_is_same(int fd, int dirfd, const char *name);

/* Reads names/<file>. */
int bh_store_read_record(struct bh_store *s, const char *file, struct bh_name_record **ret,
                         struct bh_error *err) BH_CHECKED;

/* Calls each for the entries of a directory, "." and ".." and others that begin with a dot left
 * out; a result other than 0 ends the walk and is returned. */
int bh_store_each_entry(int dirfd, int (*each)(const char *name, void *data, struct bh_error *err),
                        void *data, struct bh_error *err) BH_CHECKED;
