#include "sys/unarchive.h"

#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (64u * 1024u)
#define LIBRARY "libarchive.so.13"

#define EACH_FUNCTION(X)                                                                           \
    X(archive_error_string)                                                                        \
    X(archive_read_new)                                                                            \
    X(archive_read_free)                                                                           \
    X(archive_read_support_format_zip_seekable)                                                    \
    X(archive_read_support_format_tar)                                                             \
    X(archive_read_support_format_raw)                                                             \
    X(archive_read_support_filter_gzip)                                                            \
    X(archive_read_support_filter_xz)                                                              \
    X(archive_read_support_filter_zstd)                                                            \
    X(archive_read_support_filter_lz4)                                                             \
    X(archive_read_support_filter_bzip2)                                                           \
    X(archive_read_open_fd)                                                                        \
    X(archive_read_next_header)                                                                    \
    X(archive_read_data)                                                                           \
    X(archive_entry_filetype)                                                                      \
    X(archive_entry_pathname)

#define MEMBER(name) __typeof__(name) *name;
/* Loaded when first needed: with libxml2 and ICU behind it the library would cost every command of
 * the executable half its start. Set once, before workers are forked; const from then on, which is
 * why it may be static. */
static struct {
    EACH_FUNCTION(MEMBER)
    void *handle;
} lib;

static bool find(void *handle, const char *name, void *place)
{
    void *address = dlsym(handle, name);

    memcpy(place, &address, sizeof address); /* a function's address, as POSIX has dlsym give it */
    return address != NULL;
}

int bh_unarchive_load(struct bh_error *err)
{
    bool all = true;
    void *handle;

    if (lib.handle)
        return 0;
    handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return bh_fail(err, BH_UNSUPPORTED, "%s; install the package libarchive13", dlerror());
#define FIND(name) all = all && find(handle, #name, &lib.name);
    EACH_FUNCTION(FIND)
    if (!all) {
        (void)dlclose(handle); /* what it was opened for failed already */
        return bh_fail(err, BH_UNSUPPORTED, LIBRARY " lacks a function that is needed");
    }
    lib.handle = handle;
    return 0;
}

struct bh_unarchive {
    struct archive *reader;
    const char *name;
};

static int fail(struct bh_unarchive *a, int code, struct bh_error *err)
{
    const char *text = lib.archive_error_string(a->reader);

    return bh_fail(err, code, "archive: %s", text ? text : "unreadable");
}

int bh_unarchive_open(int fd, struct bh_unarchive **ret, struct bh_error *err)
{
    BH_AUTO(bh_unarchive_closep) struct bh_unarchive *a = NULL;
    int result = bh_unarchive_load(err);

    if (result)
        return result;
    a = bh_new0(sizeof *a);
    a->reader = lib.archive_read_new();
    if (!a->reader)
        return bh_fail(err, BH_IO, "archive: no memory");
    if (lib.archive_read_support_format_zip_seekable(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_format_tar(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_filter_gzip(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_filter_xz(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_filter_zstd(a->reader) != ARCHIVE_OK)
        return fail(a, BH_UNSUPPORTED, err);
    if (lib.archive_read_open_fd(a->reader, fd, BLOCK) != ARCHIVE_OK)
        return fail(a, BH_INVALID, err);
    *ret = BH_TAKE(a);
    return 0;
}

int bh_unarchive_open_single(int fd, struct bh_unarchive **ret, struct bh_error *err)
{
    BH_AUTO(bh_unarchive_closep) struct bh_unarchive *a = NULL;
    int result = bh_unarchive_load(err);

    if (result)
        return result;
    a = bh_new0(sizeof *a);
    a->reader = lib.archive_read_new();
    if (!a->reader)
        return bh_fail(err, BH_IO, "archive: no memory");
    if (lib.archive_read_support_format_raw(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_filter_gzip(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_filter_xz(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_filter_zstd(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_filter_lz4(a->reader) != ARCHIVE_OK ||
        lib.archive_read_support_filter_bzip2(a->reader) != ARCHIVE_OK)
        return fail(a, BH_UNSUPPORTED, err);
    if (lib.archive_read_open_fd(a->reader, fd, BLOCK) != ARCHIVE_OK)
        return fail(a, BH_INVALID, err);
    *ret = BH_TAKE(a);
    return 0;
}

void bh_unarchive_close(struct bh_unarchive *a)
{
    if (!a)
        return;
    if (a->reader)
        (void)lib.archive_read_free(a->reader); /* nothing was written: nothing can be lost */
    free(a);
}

int bh_unarchive_next(struct bh_unarchive *a, const char **ret_name, struct bh_error *err)
{
    for (;;) {
        struct archive_entry *entry;
        int r = lib.archive_read_next_header(a->reader, &entry);

        if (r == ARCHIVE_EOF) {
            *ret_name = NULL;
            return 0;
        }
        if (r == ARCHIVE_RETRY)
            continue;
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return fail(a, BH_CORRUPT, err);
        if (lib.archive_entry_filetype(entry) != AE_IFREG)
            continue;
        a->name = lib.archive_entry_pathname(entry);
        if (!a->name) /* not in the locale's characters */
            a->name = "(unprintable name)";
        *ret_name = a->name;
        return 0;
    }
}

int bh_unarchive_read(struct bh_unarchive *a, struct bh_buf *out, struct bh_error *err)
{
    for (;;) {
        size_t room = BLOCK;
        char *to;
        la_ssize_t n;

        if (out->limit && out->limit - out->len < room)
            room = out->limit - out->len;
        to = bh_buf_reserve(out, room ? room : 1);
        if (!to) { /* full: one byte more decides between the end and too much */
            char extra;

            n = lib.archive_read_data(a->reader, &extra, 1);
            if (n > 0)
                return bh_fail(err, BH_LIMIT, "%s: more than %zu bytes", a->name, out->limit);
        } else {
            n = lib.archive_read_data(a->reader, to, room);
        }
        if (n == 0)
            return 0;
        if (n < 0)
            return fail(a, BH_CORRUPT, err);
        out->len += (size_t)n;
        out->data[out->len] = '\0';
    }
}
