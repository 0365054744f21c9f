#include "profile/launch.h"

#include "base/buf.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char magic[8] = "BHLAUNCH";

struct header {
    char magic[8];
    uint32_t version, length; /* length: of what follows the header */
    uint64_t sum;
};

static uint64_t fnv1a(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* One walk over the fields serves both directions: with `out` it appends, else it takes from
 * data[at..len). After the first failure every step does nothing. */
struct codec {
    struct bh_buf *out;
    const char *data;
    size_t at, len;
    struct bh_arena *arena;
    bool bad;
};

static void raw(struct codec *c, void *bytes, size_t len)
{
    if (c->bad)
        return;
    if (c->out) {
        c->bad = bh_buf_append(c->out, bytes, len, NULL) != 0;
        return;
    }
    if (c->len - c->at < len) {
        c->bad = true;
        return;
    }
    memcpy(bytes, c->data + c->at, len);
    c->at += len;
}

static void u32(struct codec *c, uint32_t *v)
{
    raw(c, v, sizeof *v);
}

static void u64(struct codec *c, uint64_t *v)
{
    raw(c, v, sizeof *v);
}

static void i64(struct codec *c, int64_t *v)
{
    raw(c, v, sizeof *v);
}

static void flag(struct codec *c, bool *v)
{
    uint32_t n = *v;

    u32(c, &n);
    if (!c->out)
        *v = n != 0;
}

/* The text stays where it was read: the file's bytes live as long as the record. */
static void text(struct codec *c, const char **v)
{
    uint32_t n = 0;

    if (c->out) {
        static char nul = '\0';
        const char *t = *v ? *v : "";
        size_t len = strlen(t);

        if (len > BH_LAUNCH_MAX) {
            c->bad = true;
            return;
        }
        n = (uint32_t)len;
        u32(c, &n);
        if (!c->bad)
            c->bad = bh_buf_append(c->out, t, len, NULL) != 0;
        raw(c, &nul, 1);
        return;
    }
    *v = "";
    u32(c, &n);
    if (c->bad || n >= c->len - c->at || c->data[c->at + n] != '\0' ||
        memchr(c->data + c->at, '\0', n)) {
        c->bad = true;
        return;
    }
    *v = c->data + c->at;
    c->at += n + 1;
}

/* The count of a list and, when reading, room for it. Every element takes at least four bytes of
 * the file, so a count the file cannot hold is refused before memory is asked for. */
static void *list(struct codec *c, void *items, size_t *count, size_t size)
{
    uint32_t n = (uint32_t)*count;

    if (c->out && *count > BH_LAUNCH_MAX)
        c->bad = true;
    u32(c, &n);
    if (c->out)
        return items;
    if (c->bad || n > (c->len - c->at) / 4) {
        c->bad = true;
        *count = 0;
        return NULL;
    }
    *count = n;
    return bh_arena_alloc(c->arena, (n + 1) * size);
}

static void texts(struct codec *c, const char *const **v)
{
    static const char *const none[] = {NULL};
    const char *const *from = *v ? *v : none;
    size_t n = 0;

    if (c->out) {
        while (from[n])
            n++;
        (void)list(c, NULL, &n, sizeof *from);
        for (size_t i = 0; i < n; i++) {
            const char *t = from[i];

            text(c, &t);
        }
        return;
    }
    const char **to = list(c, NULL, &n, sizeof *to);

    for (size_t i = 0; i < n; i++)
        text(c, &to[i]);
    *v = to ? to : none;
}

static void inputs(struct codec *c, struct bh_launch *l)
{
    l->inputs = list(c, l->inputs, &l->input_count, sizeof *l->inputs);
    for (size_t i = 0; i < l->input_count; i++) {
        struct bh_launch_input *in = &l->inputs[i];

        text(c, &in->path);
        flag(c, &in->present);
        u64(c, &in->device);
        u64(c, &in->inode);
        u64(c, &in->size_bytes);
        i64(c, &in->mtime_ns);
        i64(c, &in->ctime_ns);
    }
}

static void layers(struct codec *c, struct bh_launch *l)
{
    l->layers = list(c, l->layers, &l->layer_count, sizeof *l->layers);
    for (size_t i = 0; i < l->layer_count; i++) {
        text(c, &l->layers[i].dir);
        text(c, &l->layers[i].lock);
    }
}

static void mounts(struct codec *c, struct bh_launch *l)
{
    l->mounts = list(c, l->mounts, &l->mount_count, sizeof *l->mounts);
    for (size_t i = 0; i < l->mount_count; i++) {
        struct bh_launch_mount *m = &l->mounts[i];

        u32(c, &m->kind);
        text(c, &m->source);
        text(c, &m->target);
        u64(c, &m->attr);
        u64(c, &m->size_bytes);
        u64(c, &m->inodes);
        u32(c, &m->mode);
    }
}

static void id_maps(struct codec *c, struct bh_launch_id_map **maps, size_t *count)
{
    *maps = list(c, *maps, count, sizeof **maps);
    for (size_t i = 0; i < *count; i++) {
        u32(c, &(*maps)[i].inside);
        u32(c, &(*maps)[i].outside);
        u32(c, &(*maps)[i].count);
    }
}

static void filter(struct codec *c, struct bh_launch *l)
{
    l->seccomp = list(c, l->seccomp, &l->seccomp_count, sizeof *l->seccomp);
    if (l->seccomp_count > BPF_MAXINSNS)
        c->bad = true;
    if (l->seccomp_count && !c->bad)
        raw(c, l->seccomp, l->seccomp_count * sizeof *l->seccomp);
}

static void confinement(struct codec *c, struct bh_launch *l)
{
    u64(c, &l->capabilities);
    filter(c, l);
    l->landlock = list(c, l->landlock, &l->landlock_count, sizeof *l->landlock);
    for (size_t i = 0; i < l->landlock_count; i++) {
        text(c, &l->landlock[i].path);
        u64(c, &l->landlock[i].access);
    }
    texts(c, &l->masked_paths);
    texts(c, &l->readonly_paths);
}

static void limits(struct codec *c, struct bh_launch *l)
{
    u64(c, &l->limits.memory_bytes);
    u64(c, &l->limits.swap_bytes);
    u64(c, &l->limits.pids);
    u64(c, &l->limits.cpu_milli);
    l->rlimits = list(c, l->rlimits, &l->rlimit_count, sizeof *l->rlimits);
    for (size_t i = 0; i < l->rlimit_count; i++) {
        u32(c, &l->rlimits[i].resource);
        u64(c, &l->rlimits[i].soft);
        u64(c, &l->rlimits[i].hard);
    }
}

static void walk(struct codec *c, struct bh_launch *l)
{
    text(c, &l->request);
    inputs(c, l);
    i64(c, &l->expires);
    text(c, &l->reference);
    text(c, &l->image_digest);
    text(c, &l->profile_digest);
    text(c, &l->verdict);
    texts(c, &l->warnings);
    layers(c, l);
    text(c, &l->skeleton);
    u32(c, &l->flags);
    texts(c, &l->argv);
    texts(c, &l->env);
    text(c, &l->cwd);
    text(c, &l->hostname);
    u32(c, &l->uid);
    u32(c, &l->gid);
    l->groups = list(c, l->groups, &l->group_count, sizeof *l->groups);
    for (size_t i = 0; i < l->group_count; i++)
        u32(c, &l->groups[i]);
    id_maps(c, &l->uid_maps, &l->uid_map_count);
    id_maps(c, &l->gid_maps, &l->gid_map_count);
    confinement(c, l);
    mounts(c, l);
    limits(c, l);
    text(c, &l->stop_signal);
}

int bh_launch_encode(const struct bh_launch *l, struct bh_buf *out, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf body = BH_BUF_INIT(BH_LAUNCH_MAX - sizeof(struct header));
    struct codec c = {.out = &body};
    struct bh_launch copy = *l; /* the walk only reads through it when writing */
    struct header h = {.version = BH_LAUNCH_VERSION};
    int r;

    walk(&c, &copy);
    if (c.bad)
        return bh_fail(err, BH_LIMIT, "launch record larger than %u bytes", BH_LAUNCH_MAX);
    memcpy(h.magic, magic, sizeof magic);
    h.length = (uint32_t)body.len;
    h.sum = fnv1a(body.data, body.len);
    r = bh_buf_append(out, &h, sizeof h, err);
    return r ? r : bh_buf_append(out, body.data, body.len, err);
}

static int check_header(const struct header *h, size_t len, struct bh_error *err)
{
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return bh_fail(err, BH_CORRUPT, "not a launch record");
    if (h->version != BH_LAUNCH_VERSION)
        return bh_fail(err, BH_UNSUPPORTED, "launch record of version %u, this is %u", h->version,
                       BH_LAUNCH_VERSION);
    if (h->length != len - sizeof *h)
        return bh_fail(err, BH_CORRUPT, "launch record of %zu bytes says %u", len - sizeof *h,
                       h->length);
    return 0;
}

int bh_launch_decode(const void *data, size_t len, struct bh_launch **ret, struct bh_error *err)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = NULL;
    struct header h;
    struct bh_launch *l;
    char *bytes;
    int r;

    if (len > BH_LAUNCH_MAX)
        return bh_fail(err, BH_LIMIT, "launch record larger than %u bytes", BH_LAUNCH_MAX);
    if (len < sizeof h)
        return bh_fail(err, BH_CORRUPT, "launch record of %zu bytes", len);
    memcpy(&h, data, sizeof h);
    r = check_header(&h, len, err);
    if (r)
        return r;
    arena = bh_arena_new();
    bytes = bh_arena_strndup(arena, (const char *)data + sizeof h, h.length);
    if (fnv1a(bytes, h.length) != h.sum)
        return bh_fail(err, BH_CORRUPT, "launch record: wrong sum");
    l = bh_arena_alloc(arena, sizeof *l);

    struct codec c = {.data = bytes, .len = h.length, .arena = arena};

    walk(&c, l);
    if (c.bad || c.at != c.len)
        return bh_fail(err, BH_CORRUPT, "launch record broken at byte %zu", c.at);
    l->arena = BH_TAKE(arena);
    *ret = l;
    return 0;
}

int bh_launch_read(int dirfd, const char *name, struct bh_launch **ret, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(BH_LAUNCH_MAX);
    int r = bh_read_file_at(dirfd, name, &b, err);

    return r ? r : bh_launch_decode(bh_buf_text(&b), b.len, ret, err);
}

int bh_launch_write(int dirfd, const char *name, const struct bh_launch *l, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(BH_LAUNCH_MAX);
    int r = bh_launch_encode(l, &b, err);

    return r ? r : bh_write_file_at(dirfd, name, b.data, b.len, 0600, err);
}

void bh_launch_free(struct bh_launch *l)
{
    if (l)
        bh_arena_free(l->arena);
}

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void bh_launch_input_of(const char *path, struct bh_launch_input *ret)
{
    struct stat st;

    *ret = (struct bh_launch_input){.path = path};
    if (fstatat(AT_FDCWD, path, &st, 0) != 0)
        return;
    ret->present = true;
    ret->device = st.st_dev;
    ret->inode = st.st_ino;
    ret->size_bytes = (uint64_t)st.st_size;
    ret->mtime_ns = nanoseconds(st.st_mtim);
    ret->ctime_ns = nanoseconds(st.st_ctim);
}

const char *bh_launch_stale(const struct bh_launch *l)
{
    if (l->expires && time(NULL) >= l->expires)
        return "its age";
    for (size_t i = 0; i < l->input_count; i++) {
        const struct bh_launch_input *was = &l->inputs[i];
        struct bh_launch_input now;

        bh_launch_input_of(was->path, &now);
        if (now.present != was->present || now.device != was->device || now.inode != was->inode ||
            now.size_bytes != was->size_bytes || now.mtime_ns != was->mtime_ns ||
            now.ctime_ns != was->ctime_ns)
            return was->path;
    }
    return NULL;
}

const char *bh_launch_key(const char *request, char key[BH_LAUNCH_KEY_SIZE])
{
    (void)snprintf(key, BH_LAUNCH_KEY_SIZE, "%016llx",
                   (unsigned long long)fnv1a(request, strlen(request)));
    return key;
}
