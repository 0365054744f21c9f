#include "inspect/layer_facts.h"

#include "inspect/packed.h"
#include "sys/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int pread_full(int fd, void *to, size_t len, uint64_t offset, struct bh_error *err)
{
    uint8_t *out = to;

    while (len > 0) {
        ssize_t n = pread(fd, out, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "read layer facts");
        if (n == 0)
            return bh_fail(err, BH_CORRUPT, "layer facts: cut short");
        out += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static uint64_t le64(const uint8_t *p)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

static const char *text_or_null(struct bh_packed *w, struct bh_arena *arena)
{
    const char *text = bh_packed_text(w, arena);

    return *text ? text : NULL;
}

static void read_distribution(struct bh_packed *w, struct bh_layer_facts *f)
{
    struct bh_layer_distribution *d;

    bh_grow(f->distributions, f->distribution_count, f->distribution_cap);
    d = &f->distributions[f->distribution_count++];
    d->path = bh_packed_text(w, f->arena);
    d->distribution.id = text_or_null(w, f->arena);
    d->distribution.version_id = text_or_null(w, f->arena);
    d->distribution.codename = text_or_null(w, f->arena);
    d->distribution.pretty_name = text_or_null(w, f->arena);
    d->distribution.id_like = text_or_null(w, f->arena);
}

static void read_database(struct bh_packed *w, struct bh_layer_facts *f)
{
    static const char *const types[] = {"deb", "apk", "rpm"};
    struct bh_layer_database *d;
    const char *type = bh_packed_text(w, f->arena);

    bh_grow(f->databases, f->database_count, f->database_cap);
    d = &f->databases[f->database_count++];
    *d = (struct bh_layer_database){.path = bh_packed_text(w, f->arena)};
    for (size_t i = 0; i < BH_COUNT_OF(types); i++)
        if (strcmp(types[i], type) == 0)
            d->type = types[i];
    if (!d->type)
        w->failed = true;
}

static void read_package(struct bh_packed *w, struct bh_layer_facts *f)
{
    struct bh_layer_database *d;
    struct bh_layer_package *p;

    if (f->database_count == 0) {
        w->failed = true;
        return;
    }
    d = &f->databases[f->database_count - 1];
    bh_grow(d->packages, d->count, d->cap);
    p = &d->packages[d->count++];
    p->name = bh_packed_text(w, f->arena);
    p->version = bh_packed_text(w, f->arena);
    p->source_name = bh_packed_text(w, f->arena);
    p->source_version = bh_packed_text(w, f->arena);
    p->architecture = bh_packed_text(w, f->arena);
    p->license = bh_packed_text(w, f->arena);
    if (!*p->name || !*p->version)
        w->failed = true;
}

static void read_file(struct bh_packed *w, struct bh_layer_facts *f)
{
    struct bh_layer_file *file;

    bh_grow(f->files, f->file_note_count, f->file_note_cap);
    file = &f->files[f->file_note_count++];
    file->marks = (uint32_t)bh_packed_number(w);
    file->type = (enum bh_entry_type)bh_packed_byte(w);
    file->mode = (uint32_t)bh_packed_number(w);
    file->uid = (uint32_t)bh_packed_number(w);
    file->gid = (uint32_t)bh_packed_number(w);
    file->path = bh_packed_text(w, f->arena);
    file->detail = bh_packed_text(w, f->arena);
    if (file->type < BH_ENTRY_FILE || file->type > BH_ENTRY_BLOCK)
        w->failed = true;
}

static void read_gap(struct bh_packed *w, struct bh_layer_facts *f)
{
    struct bh_layer_gap *g;

    bh_grow(f->gaps, f->gap_count, f->gap_cap);
    g = &f->gaps[f->gap_count++];
    g->blind = bh_packed_byte(w) != 0;
    g->subject = bh_packed_text(w, f->arena);
    g->path = bh_packed_text(w, f->arena);
    g->reason = bh_packed_text(w, f->arena);
}

static int read_records(struct bh_layer_facts *f, const void *data, size_t len,
                        struct bh_error *err)
{
    struct bh_packed w = {.at = data, .end = (const uint8_t *)data + len};

    while (w.at < w.end && !w.failed) {
        switch (bh_packed_byte(&w)) {
        case BH_RECORD_DISTRIBUTION_OF:
            read_distribution(&w, f);
            break;
        case BH_RECORD_DATABASE:
            read_database(&w, f);
            break;
        case BH_RECORD_PACKAGE_OF:
            read_package(&w, f);
            break;
        case BH_RECORD_FILE:
            read_file(&w, f);
            break;
        case BH_RECORD_GAP:
            read_gap(&w, f);
            break;
        default:
            w.failed = true;
        }
    }
    return w.failed ? bh_fail(err, BH_CORRUPT, "layer facts: record at byte %zu",
                              (size_t)(w.at - (const uint8_t *)data))
                    : 0;
}

static int read_all(struct bh_layer_facts *f, struct bh_error *err)
{
    uint8_t head[BH_LAYER_FACTS_MAGIC_SIZE], foot[BH_LAYER_FACTS_FOOTER_SIZE];
    BH_AUTO(bh_freep) void *records = NULL;
    struct stat st;
    uint64_t room, len;
    int r;

    if (fstat(f->fd, &st) < 0)
        return bh_fail_errno(err, "layer facts");
    if ((uint64_t)st.st_size < sizeof head + sizeof foot)
        return bh_fail(err, BH_CORRUPT, "layer facts: cut short");
    room = (uint64_t)st.st_size - sizeof head - sizeof foot;
    r = pread_full(f->fd, head, sizeof head, 0, err);
    if (r == 0)
        r = pread_full(f->fd, foot, sizeof foot, sizeof head + room, err);
    if (r < 0)
        return r;
    if (memcmp(head, BH_LAYER_FACTS_MAGIC, sizeof head) != 0 ||
        memcmp(foot + 32, BH_LAYER_FACTS_END, 8) != 0)
        return bh_fail(err, BH_CORRUPT, "layer facts: no begin or end mark");
    f->path_bytes = le64(foot);
    f->member_count = le64(foot + 8);
    f->file_count = le64(foot + 16);
    f->file_bytes = le64(foot + 24);
    if (f->path_bytes > room || room - f->path_bytes > BH_LAYER_RECORDS_MAX)
        return bh_fail(err, BH_CORRUPT, "layer facts: lengths do not add up");
    len = room - f->path_bytes;
    records = bh_new((size_t)len);
    r = pread_full(f->fd, records, (size_t)len, sizeof head + f->path_bytes, err);
    return r < 0 ? r : read_records(f, records, (size_t)len, err);
}

int bh_layer_facts_open(int fd, struct bh_layer_facts **ret, struct bh_error *err)
{
    BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *f = bh_new0(sizeof *f);
    int r;

    f->arena = bh_arena_new();
    f->fd = fd;
    r = read_all(f, err);
    if (r == 0)
        *ret = BH_TAKE(f);
    return r;
}

void bh_layer_facts_free(struct bh_layer_facts *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->database_count; i++)
        free(f->databases[i].packages);
    free(f->distributions);
    free(f->databases);
    free(f->files);
    free(f->gaps);
    bh_arena_free(f->arena);
    bh_closep(&f->fd);
    free(f);
}

/* ---- paths ---- */

#define PATH_MAX_BYTES (64u * 1024) /* of one path; above every option a user can choose */
#define CHUNK (256u * 1024)         /* holds any record: a path and four numbers */

static int bad_path(struct bh_error *err)
{
    return bh_fail(err, BH_CORRUPT, "layer facts: bad path record");
}

/* One record into path (of *len bytes before). */
static int read_path(struct bh_packed *w, char *path, struct bh_layer_path *p, struct bh_error *err)
{
    uint64_t shared = bh_packed_number(w), rest = bh_packed_number(w);
    uint8_t kind;

    if (w->failed || shared > p->len || rest > PATH_MAX_BYTES - shared ||
        rest > (uint64_t)(w->end - w->at))
        return bad_path(err);
    memcpy(path + shared, w->at, (size_t)rest);
    w->at += rest;
    p->path = path;
    p->len = (size_t)(shared + rest);
    path[p->len] = '\0';
    kind = bh_packed_byte(w);
    p->type = (enum bh_entry_type)(kind & 15);
    p->whiteout = (enum bh_whiteout)(kind >> 4);
    p->mode = 0;
    p->size = 0;
    if (p->whiteout == BH_WHITEOUT_NONE) {
        p->mode = (uint32_t)bh_packed_number(w);
        p->size = bh_packed_number(w);
    }
    if (w->failed || p->whiteout > BH_WHITEOUT_OPAQUE || p->type > BH_ENTRY_BLOCK)
        return bad_path(err);
    return 0;
}

int bh_layer_facts_paths(const struct bh_layer_facts *f,
                         int (*each)(void *self, const struct bh_layer_path *p,
                                     struct bh_error *err),
                         void *self, struct bh_error *err)
{
    BH_AUTO(bh_freep) uint8_t *chunk = bh_new(CHUNK);
    BH_AUTO(bh_freep) char *path = bh_new(PATH_MAX_BYTES + 1);
    struct bh_layer_path p = {0};
    uint64_t offset = 0;
    size_t have = 0;
    int r = 0;

    while (r == 0 && (offset < f->path_bytes || have > 0)) {
        size_t more = (size_t)BH_MIN((uint64_t)(CHUNK - have), f->path_bytes - offset);
        struct bh_packed w;
        bool last;

        r = pread_full(f->fd, chunk + have, more, BH_LAYER_FACTS_MAGIC_SIZE + offset, err);
        if (r < 0)
            return r;
        offset += more;
        have += more;
        last = offset == f->path_bytes;
        w = (struct bh_packed){.at = chunk, .end = chunk + have};
        /* A record may be cut by the chunk unless this is the last: keep its room free. */
        while (r == 0 && w.at < w.end && (last || w.end - w.at > PATH_MAX_BYTES + 64)) {
            r = read_path(&w, path, &p, err);
            if (r == 0)
                r = each(self, &p, err);
        }
        have = (size_t)(w.end - w.at);
        memmove(chunk, w.at, have);
    }
    return r;
}
