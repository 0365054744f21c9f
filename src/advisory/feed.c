#include "advisory/feed.h"

#include "advisory/feed_impl.h"
#include "sys/fd.h"
#include "sys/unarchive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define JSON_FILE_MAX (1u << 30)
#define DEPTH_MAX 16
#define BATCH_BYTES (64u << 20) /* of small files that one confined process reads */

/* ---- in the confined process ---- */

struct job {
    int fd;
    const char *name;
};

struct worker {
    struct bh_buf *out; /* result, then packed records */
    struct bh_feed_result result;
    uint64_t seen;
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* RPM distributions publish bug fixes and enhancements in the same form. */
static bool is_security(const struct bh_osv_record *r)
{
    static const char *const others[] = {"ALBA-", "ALEA-", "RHBA-", "RHEA-", "RLBA-", "RLEA-"};

    for (size_t i = 0; i < BH_COUNT_OF(others); i++)
        if (starts_with(r->id, others[i]))
            return strstr(r->aliases, "CVE-") || strstr(r->related, "CVE-");
    return true;
}

static void pass_over(struct worker *w, const char *name, const struct bh_error *why)
{
    w->result.passed_over++;
    if (!*w->result.first_reason)
        (void)snprintf(w->result.first_reason, sizeof w->result.first_reason, "%.120s: %.320s",
                       name, why->message);
}

static int take_record(struct worker *w, const char *name, const char *json, size_t len,
                       struct bh_error *err)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    struct bh_error reason = BH_ERROR_INIT;
    struct bh_osv_record record;

    w->seen++;
    if (bh_osv_read(json, len, arena, &record, &reason) < 0) {
        pass_over(w, name, &reason);
        return 0;
    }
    if (!is_security(&record)) {
        w->result.no_security++;
        return 0;
    }
    if (w->out->len > BH_FEED_OUTPUT_MAX / 2)
        return bh_fail(err, BH_LIMIT, "more than %u MiB of advisories", BH_FEED_OUTPUT_MAX >> 21);
    bh_osv_pack(&record, w->out);
    w->result.records++;
    return 0;
}

static int take_document(struct worker *w, const char *name, const struct bh_buf *text,
                         struct bh_error *err)
{
    const char *at = bh_buf_text(text), *end = at + text->len, *json;
    struct bh_error reason = BH_ERROR_INIT;
    size_t len;

    for (;;) {
        int r = bh_osv_next(&at, end, &json, &len, &reason);

        if (r < 0) { /* the rest cannot be told apart any more */
            w->seen++;
            pass_over(w, name, &reason);
            return 0;
        }
        if (!json)
            return 0;
        r = take_record(w, name, json, len, err);
        if (r < 0)
            return r;
    }
}

static bool is_json_name(const char *name)
{
    size_t len = strlen(name);

    return (len > 5 && strcmp(name + len - 5, ".json") == 0) ||
           (len > 6 && strcmp(name + len - 6, ".jsonl") == 0);
}

static int take_archive(struct worker *w, int fd, struct bh_error *err)
{
    BH_AUTO(bh_unarchive_closep) struct bh_unarchive *archive = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(JSON_FILE_MAX);
    const char *name;
    int r = bh_unarchive_open(fd, &archive, err);

    while (r == 0) {
        r = bh_unarchive_next(archive, &name, err);
        if (r < 0 || !name)
            break;
        if (!is_json_name(name))
            continue;
        text.len = 0;
        r = bh_unarchive_read(archive, &text, err);
        if (r == 0)
            r = take_document(w, name, &text, err);
    }
    return r;
}

/* The packed files of a batch: name and length, then bytes. */
static int take_batch(struct worker *w, const struct bh_buf *batch, struct bh_error *err)
{
    const char *at = bh_buf_text(batch), *end = at + batch->len;
    int r = 0;

    while (r == 0 && at < end) {
        const char *name = at;
        uint64_t len;
        struct bh_buf text;

        at += strlen(name) + 1;
        memcpy(&len, at, sizeof len);
        at += sizeof len;
        text = (struct bh_buf){.data = bh_strndup(at, len), .len = len};
        at += len;
        r = take_document(w, name, &text, err);
        bh_buf_done(&text);
    }
    return r;
}

static const char batch_mark[] = "bulkhead batch\n";

static bool looks_like_json(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r\n", bytes[i]) || !bytes[i])
            return bytes[i] == '{' || bytes[i] == '[';
    return len > 0; /* white space alone: an empty document */
}

static int read_whole(int fd, struct bh_buf *text, struct bh_error *err)
{
    if (lseek(fd, 0, SEEK_SET) < 0)
        return bh_fail_errno(err, "seek");
    return bh_read_all(fd, text, err);
}

static int dispatch(struct worker *w, const struct job *job, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(JSON_FILE_MAX);
    char head[512];
    ssize_t n = pread(job->fd, head, sizeof head, 0);
    int r;

    if (n < 0)
        return bh_fail_errno(err, "read");
    if ((size_t)n >= sizeof batch_mark && memcmp(head, batch_mark, sizeof batch_mark) == 0) {
        r = read_whole(job->fd, &text, err);
        if (r < 0)
            return r;
        memmove(text.data, text.data + sizeof batch_mark, text.len - sizeof batch_mark);
        text.len -= sizeof batch_mark;
        return take_batch(w, &text, err);
    }
    if (!looks_like_json(head, (size_t)n))
        return take_archive(w, job->fd, err);
    r = read_whole(job->fd, &text, err);
    return r < 0 ? r : take_document(w, job->name, &text, err);
}

static int work(void *arg, struct bh_buf *out, struct bh_error *err)
{
    struct worker w = {.out = out};
    int r;

    bh_buf_put(out, &w.result, sizeof w.result);
    r = dispatch(&w, arg, err);
    if (r < 0)
        return r;
    if (w.result.passed_over * 10 > w.seen)
        return bh_fail(err, BH_INVALID, "%ju of %ju records cannot be read; the first: %s",
                       (uintmax_t)w.result.passed_over, (uintmax_t)w.seen, w.result.first_reason);
    memcpy(out->data, &w.result, sizeof w.result);
    return 0;
}

/* ---- outside of it ---- */

static int deliver(const struct bh_buf *sent, bh_feed_sink *sink, void *context,
                   struct bh_feed_result *result, struct bh_error *err)
{
    struct bh_feed_result told;
    size_t at = sizeof told;

    if (sent->len < sizeof told)
        return bh_fail(err, BH_INTERNAL, "the reader of advisories sent nothing");
    memcpy(&told, sent->data, sizeof told);
    told.first_reason[sizeof told.first_reason - 1] = '\0';
    while (at < sent->len) {
        BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
        struct bh_osv_record record;
        int r = bh_osv_unpack(sent->data, sent->len, &at, arena, &record, err);

        if (r == 0)
            r = sink(context, &record, err);
        if (r < 0)
            return r;
        result->records++;
    }
    result->passed_over += told.passed_over;
    result->no_security += told.no_security;
    if (!*result->first_reason)
        memcpy(result->first_reason, told.first_reason, sizeof result->first_reason);
    return 0;
}

int bh_feed_run(const int *fds, size_t fd_count, bh_sandbox_work job, void *arg, bh_feed_sink *sink,
                void *context, struct bh_feed_result *result, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf sent = BH_BUF_INIT(BH_FEED_OUTPUT_MAX);
    struct bh_sandbox sandbox = {.fds = fds,
                                 .fd_count = fd_count,
                                 .memory_bytes = BH_FEED_MEMORY,
                                 .cpu_seconds = BH_FEED_CPU_SECONDS};
    int r = bh_unarchive_load(err);

    if (r == 0)
        r = bh_sandbox_run(&sandbox, job, arg, -1, &sent, err);
    return r < 0 ? r : deliver(&sent, sink, context, result, err);
}

int bh_feed_read(int fd, const char *name, bh_feed_sink *sink, void *context,
                 struct bh_feed_result *result, struct bh_error *err)
{
    struct job job = {.fd = fd, .name = name};
    int r = bh_feed_run(&fd, 1, work, &job, sink, context, result, err);

    return r < 0 ? bh_wrap(err, "%s", name) : 0;
}

/* ---- directories ---- */

struct walk {
    const char *path;
    struct bh_buf batch;
    bh_feed_sink *sink;
    void *context;
    struct bh_feed_result *result;
};

static int flush_batch(struct walk *w, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = memfd_create("bulkhead-feed", MFD_CLOEXEC);
    int r;

    if (!w->batch.len)
        return 0;
    if (fd < 0)
        return bh_fail_errno(err, "memfd_create");
    r = bh_write_full(fd, batch_mark, sizeof batch_mark, err);
    if (r == 0)
        r = bh_write_full(fd, w->batch.data, w->batch.len, err);
    w->batch.len = 0;
    return r < 0 ? r : bh_feed_read(fd, w->path, w->sink, w->context, w->result, err);
}

static int add_file(struct walk *w, int dirfd, const char *name, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(BATCH_BYTES);
    uint64_t len;
    int r = bh_read_file_at(dirfd, name, &text, err);

    if (r < 0)
        return bh_wrap(err, "%s", w->path);
    if (w->batch.len + text.len > BATCH_BYTES && (r = flush_batch(w, err)) < 0)
        return r;
    len = text.len;
    bh_buf_put(&w->batch, name, strlen(name) + 1);
    bh_buf_put(&w->batch, &len, sizeof len);
    bh_buf_put(&w->batch, bh_buf_text(&text), text.len);
    return 0;
}

static int walk_directory(struct walk *w, int fd, int depth, struct bh_error *err);

static int walk_entry(struct walk *w, int dirfd, const char *name, int depth, struct bh_error *err)
{
    struct stat st;
    int fd;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return bh_fail_errno(err, "%s: %s", w->path, name);
    if (S_ISREG(st.st_mode))
        return is_json_name(name) ? add_file(w, dirfd, name, err) : 0;
    if (!S_ISDIR(st.st_mode) || *name == '.')
        return 0;
    fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return bh_fail_errno(err, "%s: open %s", w->path, name);
    return walk_directory(w, fd, depth + 1, err);
}

/* Takes over fd. */
static int walk_directory(struct walk *w, int fd, int depth, struct bh_error *err)
{
    DIR *d = fdopendir(fd);
    struct dirent *e;
    int r = 0;

    if (!d) {
        bh_closep(&fd);
        return bh_fail_errno(err, "list %s", w->path);
    }
    if (depth > DEPTH_MAX)
        r = bh_fail(err, BH_LIMIT, "%s: directories more than %d deep", w->path, DEPTH_MAX);
    while (r == 0 && (e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            r = walk_entry(w, dirfd(d), e->d_name, depth, err);
    (void)closedir(d);
    return r;
}

int bh_feed_read_path(const char *path, bh_feed_sink *sink, void *context,
                      struct bh_feed_result *result, struct bh_error *err)
{
    struct walk w = {.path = path, .sink = sink, .context = context, .result = result};
    BH_AUTO(bh_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0)
        return bh_fail_errno(err, "open %s", path);
    if (!S_ISDIR(st.st_mode))
        return bh_feed_read(fd, path, sink, context, result, err);
    r = walk_directory(&w, BH_TAKE_FD(fd), 0, err);
    if (r == 0)
        r = flush_batch(&w, err);
    bh_buf_done(&w.batch);
    return r;
}
