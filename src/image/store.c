#include "image/store.h"

#include "base/mem.h"
#include "image/store_impl.h"
#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_PREFIX "bulkhead-store "
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)

static const char *const directories[] = {
    "blobs",  "blobs/sha256", "blobs/sha512", "names",  "leases",
    "layers", "facts",        "db",           "launch", "tmp",
};

static const struct bh_store_io real_io = {write, fsync, syncfs, renameat};

/* ---- VERSION ---- */

static int parse_version(const struct bh_buf *text, int *ret, struct bh_error *err)
{
    size_t prefix = strlen(VERSION_PREFIX);
    const char *t = bh_buf_text(text);
    char *end;
    long version;

    if (strncmp(t, VERSION_PREFIX, prefix) != 0)
        return bh_fail(err, BH_INVALID, "VERSION does not begin with \"%s\"", VERSION_PREFIX);
    version = strtol(t + prefix, &end, 10);
    if (end == t + prefix || strcmp(end, "\n") != 0 || version < 1 || version > 9999)
        return bh_fail(err, BH_INVALID, "VERSION has no number");
    *ret = (int)version;
    return 0;
}

/* 0 when there is no VERSION. */
static int read_version(int root_fd, int *ret, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(64);
    struct bh_error inner = BH_ERROR_INIT;
    int e = bh_read_file_at(root_fd, "VERSION", &text, &inner);

    if (e == -BH_NOT_FOUND) {
        *ret = 0;
        return 0;
    }
    if (e < 0) {
        *err = inner;
        return e;
    }
    return parse_version(&text, ret, err);
}

static int is_foreign(const char *name, void *data, struct bh_error *err)
{
    (void)data;
    (void)err;
    /* VERSION, and the file it is written to first: another process makes the store right now, or
     * died while it did. */
    if (strcmp(name, "lock") == 0 || strcmp(name, "VERSION") == 0 ||
        strncmp(name, ".tmp-", strlen(".tmp-")) == 0)
        return 0;
    for (size_t i = 0; i < BH_COUNT_OF(directories); i++) {
        if (strcmp(name, directories[i]) == 0)
            return 0;
    }
    return strcmp(name, "run") == 0 ? 0 : 1;
}

static int lock_root(int root_fd, int how, int *ret_fd, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = openat(root_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return bh_fail_errno(err, "open the store's lock");
    while (flock(fd, how) < 0) {
        if (errno != EINTR)
            return bh_fail_errno(err, "lock the store");
    }
    *ret_fd = BH_TAKE_FD(fd);
    return 0;
}

/* Makes the layout; safe to repeat after a crash, as VERSION comes last. */
static int create_layout(int root_fd, struct bh_error *err)
{
    BH_AUTO(bh_closep) int lock = -1;
    char text[64];
    int version, n, e = lock_root(root_fd, LOCK_EX, &lock, err);

    if (e < 0 || (e = read_version(root_fd, &version, err)) < 0 || version != 0)
        return e;
    for (size_t i = 0; i < BH_COUNT_OF(directories); i++) {
        if (mkdirat(root_fd, directories[i], 0700) < 0 && errno != EEXIST)
            return bh_fail_errno(err, "make directory %s", directories[i]);
    }
    n = snprintf(text, sizeof text, VERSION_PREFIX "%d\n", BH_STORE_FORMAT);
    return bh_write_file_at(root_fd, "VERSION", text, (size_t)n, 0644, err);
}

static int check_version(int root_fd, bool create, struct bh_error *err)
{
    int version, e = read_version(root_fd, &version, err);

    if (e < 0)
        return e;
    if (version == 0) {
        e = bh_store_each_entry(root_fd, is_foreign, NULL, err);
        if (e < 0)
            return e;
        if (e > 0)
            return bh_fail(err, BH_INVALID,
                           "holds other files and no VERSION, so it is no store: name an empty or "
                           "new directory with --root");
        if (!create)
            return bh_fail(err, BH_NOT_FOUND, "no store there yet");
        return create_layout(root_fd, err);
    }
    if (version > BH_STORE_FORMAT)
        return bh_fail(err, BH_UNSUPPORTED,
                       "store has format %d, this program reads up to %d: use a newer bulkhead, or "
                       "another --root",
                       version, BH_STORE_FORMAT);
    return 0;
}

int bh_root_open(const char *path, bool create, int *ret_fd, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = -1;
    int e;

    if (create && (e = bh_mkdir_parents(AT_FDCWD, path, 0700, err)) < 0)
        return e;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bh_fail_errno(err, "open store %s", path);
    e = check_version(fd, create, err);
    if (e < 0)
        return bh_wrap(err, "store %s", path);
    *ret_fd = BH_TAKE_FD(fd);
    return 0;
}

/* ---- opening ---- */

static int open_directory(const struct bh_store *s, const char *name, int *ret_fd,
                          struct bh_error *err)
{
    int fd = openat(s->root_fd, name, DIRECTORY_FLAGS);

    if (fd < 0)
        return bh_fail_errno(err, "open %s/%s", s->path, name);
    *ret_fd = fd;
    return 0;
}

int bh_store_open(const char *root, bool create, struct bh_store **ret, struct bh_error *err)
{
    BH_AUTO(bh_store_closep) struct bh_store *s = bh_new0(sizeof *s);
    char *real;
    int e;

    s->io = &real_io;
    s->root_fd = s->sha256_fd = s->sha512_fd = s->names_fd = -1;
    s->leases_fd = s->layers_fd = s->tmp_fd = -1;
    if ((e = bh_root_open(root, create, &s->root_fd, err)) < 0)
        return e;
    real = realpath(root, NULL);
    if (!real)
        return bh_fail_errno(err, "resolve %s", root);
    s->path = real;
    if ((e = open_directory(s, "blobs/sha256", &s->sha256_fd, err)) < 0 ||
        (e = open_directory(s, "blobs/sha512", &s->sha512_fd, err)) < 0 ||
        (e = open_directory(s, "names", &s->names_fd, err)) < 0 ||
        (e = open_directory(s, "leases", &s->leases_fd, err)) < 0 ||
        (e = open_directory(s, "layers", &s->layers_fd, err)) < 0 ||
        (e = open_directory(s, "tmp", &s->tmp_fd, err)) < 0)
        return e;
    *ret = BH_TAKE(s);
    return 0;
}

void bh_store_close(struct bh_store *s)
{
    if (!s)
        return;
    bh_closep(&s->root_fd);
    bh_closep(&s->sha256_fd);
    bh_closep(&s->sha512_fd);
    bh_closep(&s->names_fd);
    bh_closep(&s->leases_fd);
    bh_closep(&s->layers_fd);
    bh_closep(&s->tmp_fd);
    free(s->path);
    free(s);
}

int bh_store_root_fd(const struct bh_store *s)
{
    return s->root_fd;
}

const char *bh_store_root_path(const struct bh_store *s)
{
    return s->path;
}

void bh_store_set_io(struct bh_store *s, const struct bh_store_io *io)
{
    s->io = io;
}

/* ---- what the other files use ---- */

int bh_store_lock(const struct bh_store *s, int how, int *ret_fd, struct bh_error *err)
{
    return lock_root(s->root_fd, how, ret_fd, err);
}

void bh_store_temporary_name(const char *kind, char *out, size_t size)
{
    uint64_t random = 0;

    /* Names only need to differ; O_EXCL decides, and a pool not yet ready still answers. */
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    (void)snprintf(out, size, "%s-%d-%016llx", kind, (int)getpid(), (unsigned long long)random);
}

int bh_store_write(const struct bh_store *s, int fd, const void *data, size_t len,
                   struct bh_error *err)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = s->io->write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "write to store %s", s->path);
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int bh_store_fsync(const struct bh_store *s, int fd, const char *what, struct bh_error *err)
{
    if (s->io->fsync(fd) < 0)
        return bh_fail_errno(err, "sync %s of store %s", what, s->path);
    return 0;
}

int bh_store_rename(const struct bh_store *s, int from_dir, const char *from, int to_dir,
                    const char *to, struct bh_error *err)
{
    if (s->io->rename(from_dir, from, to_dir, to) < 0)
        return bh_fail_errno(err, "rename %s to %s in store %s", from, to, s->path);
    return 0;
}

bool bh_store_is_same(int fd, int dirfd, const char *name)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && fstatat(dirfd, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void closedirp(DIR **d)
{
    if (*d)
        closedir(*d);
}

int bh_store_each_entry(int dirfd, int (*each)(const char *name, void *data, struct bh_error *err),
                        void *data, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = openat(dirfd, ".", DIRECTORY_FLAGS);
    BH_AUTO(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir)
        return bh_fail_errno(err, "list a directory of the store");
    fd = -1;
    for (;;) {
        struct dirent *d;
        int e;

        errno = 0;
        d = readdir(dir);
        if (!d)
            return errno ? bh_fail_errno(err, "list a directory of the store") : 0;
        if (d->d_name[0] == '.')
            continue;
        e = each(d->d_name, data, err);
        if (e != 0)
            return e;
    }
}

/* ---- leases ---- */

int bh_lease_new(struct bh_store *s, struct bh_lease **ret, struct bh_error *err)
{
    BH_AUTO(bh_closep) int lock = -1;
    struct bh_lease *l;
    char name[64];
    int fd, e = bh_store_lock(s, LOCK_SH, &lock, err);

    if (e < 0)
        return e;
    bh_store_temporary_name("lease", name, sizeof name);
    fd = openat(s->leases_fd, name, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return bh_fail_errno(err, "make a lease in store %s", s->path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        e = bh_fail_errno(err, "lock a lease in store %s", s->path);
        close(fd);
        (void)unlinkat(s->leases_fd, name, 0); /* collection would find it, too */
        return e;
    }
    l = bh_new0(sizeof *l);
    l->store = s;
    l->fd = fd;
    memcpy(l->name, name, sizeof name);
    *ret = l;
    return 0;
}

int bh_lease_add_locked(struct bh_lease *l, const struct bh_digest *d, struct bh_error *err)
{
    char text[BH_DIGEST_TEXT_SIZE + 1];
    size_t len = strlen(bh_digest_format(d, text));

    text[len++] = '\n';
    return bh_store_write(l->store, l->fd, text, len, err);
}

int bh_lease_add(struct bh_lease *l, const struct bh_digest *d, struct bh_error *err)
{
    BH_AUTO(bh_closep) int lock = -1;
    int e = bh_store_lock(l->store, LOCK_SH, &lock, err);

    return e < 0 ? e : bh_lease_add_locked(l, d, err);
}

void bh_lease_end(struct bh_lease *l)
{
    if (!l)
        return;
    /* When this fails collection finds the file without a lock, and removes it. */
    (void)unlinkat(l->store->leases_fd, l->name, 0);
    bh_closep(&l->fd);
    free(l);
}
