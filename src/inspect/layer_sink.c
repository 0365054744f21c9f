#include "inspect/layer_sink.h"

#include "inspect/apk.h"
#include "inspect/dpkg.h"
#include "inspect/file_caps.h"
#include "inspect/layer_facts.h"
#include "inspect/os_release.h"
#include "inspect/packed.h"
#include "inspect/rpm_db.h"
#include "inspect/worker.h"
#include "sys/fd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATHS_FLUSH (64u * 1024)
#define SPOOL_MAX (1024ull * 1024 * 1024) /* bytes of a database that is read out of order */
#define GAPS_MAX 1000u
#define PACKAGES_MAX 200000u

enum content { NOTHING, OS_RELEASE, DPKG, APK, RPM };

struct bh_inspector {
    struct bh_layer_sink sink;
    int out_fd, spool_fd;
    struct bh_buf paths;   /* not yet written */
    struct bh_buf records; /* at most BH_LAYER_RECORDS_MAX */
    uint64_t path_bytes, member_count, file_count, file_bytes;
    struct bh_buf last; /* the path before, for the shared prefix */
    size_t file_notes, gaps, packages;
    bool records_full, more_gaps;
    /* The entry whose content is being read. */
    enum content content;
    char *path;
    uint64_t spooled;
    struct bh_buf text;
    struct bh_dpkg *dpkg;
    struct bh_apk *apk;
    struct bh_error trouble; /* code 0: none */
};

/* ---- records ---- */

static void add_record(struct bh_inspector *i, struct bh_buf *record)
{
    if (bh_buf_append(&i->records, record->data, record->len, NULL) < 0)
        i->records_full = true;
    record->len = 0;
}

static void add_gap(struct bh_inspector *i, bool blind, const char *subject, const char *path,
                    const char *reason)
{
    BH_AUTO(bh_buf_done) struct bh_buf record = BH_BUF_INIT(0);

    bh_buf_putc(&record, BH_RECORD_GAP);
    bh_buf_putc(&record, blind);
    bh_packed_put_text(&record, subject);
    bh_packed_put_text(&record, path);
    bh_packed_put_text(&record, reason);
    add_record(i, &record);
}

void bh_inspector_gap(struct bh_inspector *i, bool blind, const char *subject, const char *path,
                      const char *reason)
{
    if (i->gaps < GAPS_MAX) {
        i->gaps++;
        add_gap(i, blind, subject, path, reason);
    } else if (blind && !i->more_gaps) {
        /* A thousand devices say what the next would; what blinds is never left out. */
        i->more_gaps = true;
        add_gap(i, true, BH_SUBJECT_FILES, NULL, "more was not looked at than can be listed");
    }
}

static void add_database(struct bh_inspector *i, const char *type)
{
    BH_AUTO(bh_buf_done) struct bh_buf record = BH_BUF_INIT(0);

    bh_buf_putc(&record, BH_RECORD_DATABASE);
    bh_packed_put_text(&record, type);
    bh_packed_put_text(&record, i->path);
    add_record(i, &record);
}

static int package_found(void *self, const struct bh_found_package *p, struct bh_error *err)
{
    struct bh_inspector *i = self;
    BH_AUTO(bh_buf_done) struct bh_buf record = BH_BUF_INIT(0);

    if (i->packages >= PACKAGES_MAX)
        return bh_fail(err, BH_LIMIT, "more than %u packages in one layer", PACKAGES_MAX);
    i->packages++;
    bh_buf_putc(&record, BH_RECORD_PACKAGE_OF);
    bh_packed_put_text(&record, p->name);
    bh_packed_put_text(&record, p->version);
    bh_packed_put_text(&record, p->source_name);
    bh_packed_put_text(&record, p->source_version);
    bh_packed_put_text(&record, p->architecture);
    bh_packed_put_text(&record, p->license);
    add_record(i, &record);
    return 0;
}

static void add_distribution(struct bh_inspector *i)
{
    BH_AUTO(bh_buf_done) struct bh_buf record = BH_BUF_INIT(0);
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    struct bh_distribution d;

    bh_os_release_parse(bh_buf_text(&i->text), i->text.len, arena, &d);
    bh_buf_putc(&record, BH_RECORD_DISTRIBUTION_OF);
    bh_packed_put_text(&record, i->path);
    bh_packed_put_text(&record, d.id);
    bh_packed_put_text(&record, d.version_id);
    bh_packed_put_text(&record, d.codename);
    bh_packed_put_text(&record, d.pretty_name);
    bh_packed_put_text(&record, d.id_like);
    add_record(i, &record);
}

/* ---- entries ---- */

static size_t shared_prefix(const struct bh_buf *last, const char *path, size_t len)
{
    size_t n = 0, most = BH_MIN(last->len, len);

    while (n < most && last->data[n] == path[n])
        n++;
    return n;
}

static int flush_paths(struct bh_inspector *i, struct bh_error *err)
{
    int r = bh_write_full(i->out_fd, bh_buf_text(&i->paths), i->paths.len, err);

    i->path_bytes += i->paths.len;
    i->paths.len = 0;
    return r;
}

static int add_path(struct bh_inspector *i, const struct bh_layer_entry *e, struct bh_error *err)
{
    size_t shared = shared_prefix(&i->last, e->path, e->path_len);

    bh_packed_put_number(&i->paths, shared);
    bh_packed_put_number(&i->paths, e->path_len - shared);
    bh_buf_put(&i->paths, e->path + shared, e->path_len - shared);
    bh_buf_putc(&i->paths, (char)(e->type | e->whiteout << 4));
    i->member_count++;
    if (e->whiteout == BH_WHITEOUT_NONE) {
        bh_packed_put_number(&i->paths, e->mode);
        bh_packed_put_number(&i->paths, e->size);
    }
    if (e->whiteout == BH_WHITEOUT_NONE && e->type == BH_ENTRY_FILE) {
        i->file_count++;
        i->file_bytes += e->size;
    }
    i->last.len = shared;
    bh_buf_put(&i->last, e->path + shared, e->path_len - shared);
    return i->paths.len >= PATHS_FLUSH ? flush_paths(i, err) : 0;
}

static uint32_t marks_of(const struct bh_layer_entry *e, struct bh_buf *capabilities)
{
    bool is_file = e->type == BH_ENTRY_FILE || e->type == BH_ENTRY_HARDLINK;
    uint32_t marks = 0;

    if (is_file && (e->mode & 0111)) {
        marks |= e->mode & 04000 ? BH_FILE_SETUID : 0;
        marks |= e->mode & 02000 ? BH_FILE_SETGID : 0;
    }
    if ((e->mode & 0002) && (is_file || (e->type == BH_ENTRY_DIRECTORY && !(e->mode & 01000))))
        marks |= BH_FILE_WORLD_WRITABLE;
    for (size_t k = 0; k < e->xattr_count; k++)
        if (strcmp(e->xattrs[k].name, "security.capability") == 0) {
            marks |= BH_FILE_CAPABILITIES;
            capabilities->len = 0;
            bh_file_caps_text(e->xattrs[k].value, e->xattrs[k].len, capabilities);
        }
    return marks;
}

static void note_file(struct bh_inspector *i, const struct bh_layer_entry *e)
{
    BH_AUTO(bh_buf_done) struct bh_buf record = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf capabilities = BH_BUF_INIT(0);
    uint32_t marks = marks_of(e, &capabilities);

    if (marks == 0)
        return;
    if (i->file_notes == BH_LAYER_FILES_MAX)
        bh_inspector_gap(i, true, BH_SUBJECT_FINDINGS, NULL,
                         "more setuid, setgid and world-writable files than one layer may report");
    if (i->file_notes++ >= BH_LAYER_FILES_MAX)
        return;
    bh_buf_putc(&record, BH_RECORD_FILE);
    bh_packed_put_number(&record, marks);
    bh_buf_putc(&record, (char)e->type);
    bh_packed_put_number(&record, e->mode);
    bh_packed_put_number(&record, e->uid);
    bh_packed_put_number(&record, e->gid);
    bh_packed_put_text(&record, e->path);
    bh_packed_put_text(&record, bh_buf_text(&capabilities));
    add_record(i, &record);
}

static bool has_prefix(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static bool has_suffix(const char *path, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);

    return len > n && strcmp(path + len - n, suffix) == 0;
}

#define STATUS_D "var/lib/dpkg/status.d/"

/* Which content a path holds; *ret_gap is set for a database of a kind nobody here can read. */
static enum content content_of(const struct bh_layer_entry *e, const char **ret_gap)
{
    static const struct {
        const char *path;
        enum content content;
    } exact[] = {
        {"etc/os-release", OS_RELEASE},    {"usr/lib/os-release", OS_RELEASE},
        {"var/lib/dpkg/status", DPKG},     {"lib/apk/db/installed", APK},
        {"usr/lib/apk/db/installed", APK},
    };
    static const char *const rpm_directories[] = {"var/lib/rpm/", "usr/lib/sysimage/rpm/",
                                                  "usr/share/rpm/"};

    *ret_gap = NULL;
    for (size_t k = 0; k < BH_COUNT_OF(exact); k++)
        if (strcmp(e->path, exact[k].path) == 0)
            return exact[k].content;
    if (has_prefix(e->path, STATUS_D)) {
        const char *name = e->path + strlen(STATUS_D);

        return *name && !strchr(name, '/') && !has_suffix(e->path, e->path_len, ".md5sums")
                   ? DPKG
                   : NOTHING;
    }
    for (size_t k = 0; k < BH_COUNT_OF(rpm_directories); k++) {
        const char *name = e->path + strlen(rpm_directories[k]);

        if (!has_prefix(e->path, rpm_directories[k]))
            continue;
        if (strcmp(name, "rpmdb.sqlite") == 0)
            return RPM;
        if (strcmp(name, "Packages") == 0)
            *ret_gap = "rpm database in Berkeley DB form is not read";
        else if (strcmp(name, "Packages.db") == 0)
            *ret_gap = "rpm database in ndb form is not read";
        else if (strcmp(name, "rpmdb.sqlite-wal") == 0 && e->size > 0)
            *ret_gap = "write-ahead log of the rpm database: packages in it are not read";
    }
    return NOTHING;
}

static void note_gaps(struct bh_inspector *i, const struct bh_layer_entry *e, enum content content,
                      const char *gap)
{
    bool database = content == DPKG || content == APK || content == RPM;

    if (gap && e->type == BH_ENTRY_FILE)
        bh_inspector_gap(i, true, BH_SUBJECT_PACKAGES, e->path, gap);
    if (e->type == BH_ENTRY_CHAR || e->type == BH_ENTRY_BLOCK)
        bh_inspector_gap(i, false, "device-node", e->path,
                         "device nodes of an image are never created");
    if (database && (e->type == BH_ENTRY_SYMLINK || e->type == BH_ENTRY_HARDLINK))
        bh_inspector_gap(i, true, BH_SUBJECT_PACKAGES, e->path,
                         "the package database is a link: not followed");
    if (content == RPM && e->type == BH_ENTRY_FILE && i->spool_fd < 0)
        bh_inspector_gap(i, true, BH_SUBJECT_PACKAGES, e->path,
                         "no room to read an rpm database in this mode");
}

static void forget_content(struct bh_inspector *i)
{
    bh_dpkg_free(i->dpkg);
    bh_apk_free(i->apk);
    i->dpkg = NULL;
    i->apk = NULL;
    free(i->path);
    i->path = NULL;
    bh_buf_done(&i->text);
    i->content = NOTHING;
    i->trouble = BH_ERROR_INIT;
}

static int begin_content(struct bh_inspector *i, const struct bh_layer_entry *e,
                         enum content content, struct bh_error *err)
{
    static const char *const types[] = {[DPKG] = "deb", [APK] = "apk", [RPM] = "rpm"};
    struct bh_package_listener listener = {.found = package_found, .self = i};

    forget_content(i);
    i->content = content;
    i->path = bh_strdup(e->path);
    i->text.limit = BH_OS_RELEASE_MAX;
    if (content != OS_RELEASE)
        add_database(i, types[content]);
    if (content == DPKG)
        i->dpkg = bh_dpkg_new(listener);
    if (content == APK)
        i->apk = bh_apk_new(listener);
    if (content == RPM) {
        i->spooled = 0;
        if (ftruncate(i->spool_fd, 0) < 0 || lseek(i->spool_fd, 0, SEEK_SET) < 0)
            return bh_fail_errno(err, "spool file of the inspector");
    }
    return 0;
}

static int on_entry(void *self, const struct bh_layer_entry *e, bool *want_data,
                    struct bh_error *err)
{
    struct bh_inspector *i = self;
    const char *gap = NULL;
    enum content content;
    int r = add_path(i, e, err);

    if (r < 0 || e->whiteout != BH_WHITEOUT_NONE)
        return r;
    note_file(i, e);
    content = content_of(e, &gap);
    note_gaps(i, e, content, gap);
    if (content == NOTHING || e->type != BH_ENTRY_FILE || (content == RPM && i->spool_fd < 0))
        return 0;
    *want_data = true;
    return begin_content(i, e, content, err);
}

static int spool(struct bh_inspector *i, const void *data, size_t len, struct bh_error *err)
{
    if (len > SPOOL_MAX - i->spooled)
        return bh_fail(err, BH_LIMIT, "larger than %llu bytes", SPOOL_MAX);
    i->spooled += len;
    return bh_write_full(i->spool_fd, data, len, err);
}

static int on_data(void *self, const void *data, size_t len, struct bh_error *err)
{
    struct bh_inspector *i = self;
    int r = 0;

    (void)err; /* a database that cannot be read is told as a gap and does not end the pass */
    if (i->trouble.code)
        return 0;
    if (i->content == DPKG)
        r = bh_dpkg_feed(i->dpkg, data, len, &i->trouble);
    else if (i->content == APK)
        r = bh_apk_feed(i->apk, data, len, &i->trouble);
    else if (i->content == RPM)
        r = spool(i, data, len, &i->trouble);
    else if (i->content == OS_RELEASE)
        r = bh_buf_append(&i->text, data, len, &i->trouble);
    if (r != 0 && !i->trouble.code)
        i->trouble.code = BH_INTERNAL;
    return 0;
}

static int on_end(void *self, struct bh_error *err)
{
    struct bh_inspector *i = self;
    struct bh_package_listener listener = {.found = package_found, .self = i};
    int r = i->trouble.code ? -i->trouble.code : 0;

    (void)err;
    if (r == 0 && i->content == DPKG)
        r = bh_dpkg_end(i->dpkg, &i->trouble);
    else if (r == 0 && i->content == APK)
        r = bh_apk_end(i->apk, &i->trouble);
    else if (r == 0 && i->content == RPM)
        r = bh_rpm_db_read(i->spool_fd, i->spooled, &listener, &i->trouble);
    else if (r == 0 && i->content == OS_RELEASE)
        add_distribution(i);
    if (r < 0)
        bh_inspector_gap(i, true, BH_SUBJECT_PACKAGES, i->path, i->trouble.message);
    forget_content(i);
    return 0;
}

/* ---- the whole ---- */

int bh_inspector_new(int out_fd, int spool_fd, struct bh_inspector **ret, struct bh_error *err)
{
    struct bh_inspector *i;
    int r = bh_write_full(out_fd, BH_LAYER_FACTS_MAGIC, BH_LAYER_FACTS_MAGIC_SIZE, err);

    if (r < 0)
        return r;
    i = bh_new0(sizeof *i);
    i->sink = (struct bh_layer_sink){.self = i, .entry = on_entry, .data = on_data, .end = on_end};
    i->out_fd = out_fd;
    i->spool_fd = spool_fd;
    /* Room for the record that says that there is no more room. */
    i->records.limit = BH_LAYER_RECORDS_MAX - 4096;
    *ret = i;
    return 0;
}

void bh_inspector_free(struct bh_inspector *i)
{
    if (!i)
        return;
    forget_content(i);
    bh_buf_done(&i->paths);
    bh_buf_done(&i->records);
    bh_buf_done(&i->last);
    free(i);
}

const struct bh_layer_sink *bh_inspector_sink(struct bh_inspector *i)
{
    return &i->sink;
}

static void put_le64(struct bh_buf *out, uint64_t value)
{
    for (int shift = 0; shift < 64; shift += 8)
        bh_buf_putc(out, (char)(value >> shift & 0xff));
}

int bh_inspector_finish(struct bh_inspector *i, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf foot = BH_BUF_INIT(0);
    int r = flush_paths(i, err);

    if (r < 0)
        return r;
    if (i->records_full) {
        i->records.limit = 0;
        add_gap(i, true, BH_SUBJECT_FILES, NULL,
                "the layer has more to tell than its report may hold");
    }
    put_le64(&foot, i->path_bytes);
    put_le64(&foot, i->member_count);
    put_le64(&foot, i->file_count);
    put_le64(&foot, i->file_bytes);
    bh_buf_put(&foot, BH_LAYER_FACTS_END, 8);
    r = bh_write_full(i->out_fd, bh_buf_text(&i->records), i->records.len, err);
    return r < 0 ? r : bh_write_full(i->out_fd, foot.data, foot.len, err);
}
