#include "image/archive.h"

#include "base/mem.h"
#include "image/source_impl.h"
#include "image/wire.h"
#include "sys/path.h"
#include "sys/sandbox.h"
#include "sys/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 4095u
#define PIECE_BYTES 65536u
#define INDEX_MAX (64u << 20) /* bytes of the child's answer */
#define TIMEOUT_MS 60000
#define LINKS_MAX 8

struct member {
    const char *name, *link; /* link NULL: a file */
    uint64_t offset, size;
};

struct bh_archive {
    struct bh_arena *arena;
    int fd;
    struct member *members; /* sorted by name */
    size_t count;
};

/* ---- in the child ---- */

struct indexer {
    struct bh_buf *out;
    uint64_t count;
};

/* The name a link points to, from the archive's root; false when it leaves it. */
static bool link_target(const struct bh_tar_member *m, const char *name, char *out)
{
    BH_AUTO(bh_buf_done) struct bh_buf whole = BH_BUF_INIT(0);
    const char *slash = strrchr(name, '/');

    if (m->type == BH_TAR_SYMLINK && slash && m->link[0] != '/')
        bh_buf_put(&whole, name, (size_t)(slash - name) + 1);
    if (whole.len + m->link_len > 2 * NAME_MAX_BYTES)
        return false;
    bh_buf_put(&whole, m->link, m->link_len);
    return bh_path_clean(bh_buf_text(&whole), whole.len, out, NULL) == 0;
}

static int see_member(void *self, const struct bh_tar_member *m, bool *want_data,
                      struct bh_error *err)
{
    struct indexer *x = self;
    char name[NAME_MAX_BYTES + 1], link[2 * NAME_MAX_BYTES + 1];
    bool is_link = m->type == BH_TAR_SYMLINK || m->type == BH_TAR_HARDLINK;
    struct bh_buf row = BH_BUF_INIT(0);
    int e;

    *want_data = false;
    if ((m->type != BH_TAR_FILE && !is_link) || m->name_len > NAME_MAX_BYTES)
        return 0;
    if ((e = bh_path_clean(m->name, m->name_len, name, err)) < 0)
        return e;
    if (m->sparse || !*name || (is_link && !link_target(m, name, link)))
        return 0;
    if (++x->count > BH_ARCHIVE_MEMBERS_MAX)
        return bh_fail(err, BH_LIMIT, "more than %u members", BH_ARCHIVE_MEMBERS_MAX);
    bh_wire_put_text(&row, name);
    bh_wire_put_text(&row, is_link ? link : NULL);
    bh_wire_put_number(&row, m->offset);
    bh_wire_put_number(&row, m->size);
    e = bh_buf_append(x->out, row.data, row.len, err);
    bh_buf_done(&row);
    return e;
}

static int index_work(void *arg, struct bh_buf *out, struct bh_error *err)
{
    struct indexer x = {.out = out};
    const struct bh_tar_handler handler = {.self = &x, .member = see_member};
    BH_AUTO(bh_tar_freep) struct bh_tar *tar = bh_tar_new(&handler, NAME_MAX_BYTES);
    char *piece = bh_new(PIECE_BYTES);
    const int *fd = arg;
    uint64_t at = 0;

    while (!bh_tar_ended(tar)) {
        uint64_t skip = bh_tar_skippable(tar);
        ssize_t got;
        int e;

        if (skip > 0) {
            bh_tar_skip(tar, skip);
            at += skip;
            if (at > INT64_MAX)
                break;
        }
        /* After a skip only the next header is wanted, not what lies behind it. */
        got = pread(*fd, piece, skip > 0 ? 4096 : PIECE_BYTES, (off_t)at);
        if (got < 0)
            return bh_fail_errno(err, "read the archive");
        if (got == 0)
            break;
        at += (uint64_t)got;
        if ((e = bh_tar_feed(tar, piece, (size_t)got, err)) < 0)
            return e;
    }
    return bh_tar_finish(tar, err);
}

/* ---- in the parent ---- */

static int compare_members(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static int read_index(struct bh_archive *a, const struct bh_buf *answer, uint64_t file_size,
                      struct bh_error *err)
{
    const unsigned char *data = (const unsigned char *)bh_buf_text(answer);
    struct bh_wire w = {.at = data, .end = data + answer->len, .arena = a->arena};
    size_t cap = 0;

    while (!w.bad && w.at < w.end) {
        struct member m = {.name = bh_wire_get_string(&w), .link = bh_wire_get_text(&w)};

        m.offset = bh_wire_get_number(&w);
        m.size = bh_wire_get_number(&w);
        if (!m.link && (m.offset > file_size || m.size > file_size - m.offset))
            return bh_fail(err, BH_CORRUPT, "cut short inside \"%.200s\"", m.name);
        bh_grow(a->members, a->count, cap);
        a->members[a->count++] = m;
    }
    if (a->count > 0)
        qsort(a->members, a->count, sizeof *a->members, compare_members);
    for (size_t i = 1; i < a->count; i++) {
        if (strcmp(a->members[i - 1].name, a->members[i].name) == 0)
            return bh_fail(err, BH_INVALID, "\"%.200s\" is there twice", a->members[i].name);
    }
    return bh_wire_end(&w, err);
}

static int check_compression(int fd, struct bh_error *err)
{
    enum bh_layer_format format;
    int e = bh_sniff_layer(fd, 0, UINT64_MAX, &format, err);

    if (e == 0 && format != BH_LAYER_TAR)
        return bh_fail(err, BH_UNSUPPORTED, "the archive is compressed: decompress it first (%s)",
                       format == BH_LAYER_TAR_GZIP ? "gunzip" : "unzstd");
    return e;
}

int bh_archive_open(int fd, struct bh_archive **ret, struct bh_error *err)
{
    BH_AUTO(bh_archive_closep) struct bh_archive *a = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf answer = BH_BUF_INIT(INDEX_MAX);
    struct bh_sandbox sandbox = {
        .fds = &fd, .fd_count = 1, .cpu_seconds = 30, .descriptors = (uint32_t)fd + 64};
    struct stat st;
    int e;

    if (fstat(fd, &st) < 0)
        return bh_fail_errno(err, "look at the archive");
    if ((e = check_compression(fd, err)) < 0 ||
        (e = bh_sandbox_run(&sandbox, index_work, &fd, TIMEOUT_MS, &answer, err)) < 0)
        return e;
    a = bh_new0(sizeof *a);
    a->arena = bh_arena_new();
    a->fd = fd;
    if ((e = read_index(a, &answer, (uint64_t)st.st_size, err)) < 0)
        return e;
    *ret = BH_TAKE(a);
    return 0;
}

void bh_archive_close(struct bh_archive *a)
{
    if (!a)
        return;
    free(a->members);
    bh_arena_free(a->arena);
    free(a);
}

static const struct member *lookup(const struct bh_archive *a, const char *name)
{
    struct member key = {.name = name};

    return a->count > 0 ? bsearch(&key, a->members, a->count, sizeof *a->members, compare_members)
                        : NULL;
}

bool bh_archive_has(const struct bh_archive *a, const char *name)
{
    return lookup(a, name) != NULL;
}

int bh_archive_find(const struct bh_archive *a, const char *name, struct bh_blob *ret,
                    struct bh_error *err)
{
    const struct member *m = lookup(a, name);
    int fd;

    for (int i = 0; m && m->link && i < LINKS_MAX; i++)
        m = lookup(a, m->link);
    if (!m)
        return bh_fail(err, BH_NOT_FOUND, "the archive has no \"%.200s\"", name);
    if (m->link)
        return bh_fail(err, BH_INVALID, "\"%.200s\" is a link over more than %d links", name,
                       LINKS_MAX);
    fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return bh_fail_errno(err, "duplicate a descriptor");
    *ret = (struct bh_blob){.fd = fd, .offset = m->offset, .size_bytes = m->size};
    return 0;
}
