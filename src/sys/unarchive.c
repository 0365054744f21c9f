#include "sys/unarchive.h"

#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#define BLOCK (64u * 1024u)

struct bh_unarchive {
    struct archive *reader;
    const char *name;
};

static int fail(struct bh_unarchive *a, int code, struct bh_error *err)
{
    const char *text = archive_error_string(a->reader);

    return bh_fail(err, code, "archive: %s", text ? text : "unreadable");
}

int bh_unarchive_open(int fd, struct bh_unarchive **ret, struct bh_error *err)
{
    BH_AUTO(bh_unarchive_closep) struct bh_unarchive *a = bh_new0(sizeof *a);

    a->reader = archive_read_new();
    if (!a->reader)
        return bh_fail(err, BH_IO, "archive: no memory");
    if (archive_read_support_format_zip_seekable(a->reader) != ARCHIVE_OK ||
        archive_read_support_format_tar(a->reader) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(a->reader) != ARCHIVE_OK ||
        archive_read_support_filter_xz(a->reader) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(a->reader) != ARCHIVE_OK)
        return fail(a, BH_UNSUPPORTED, err);
    if (archive_read_open_fd(a->reader, fd, BLOCK) != ARCHIVE_OK)
        return fail(a, BH_INVALID, err);
    *ret = BH_TAKE(a);
    return 0;
}

int bh_unarchive_open_single(int fd, struct bh_unarchive **ret, struct bh_error *err)
{
    BH_AUTO(bh_unarchive_closep) struct bh_unarchive *a = bh_new0(sizeof *a);

    a->reader = archive_read_new();
    if (!a->reader)
        return bh_fail(err, BH_IO, "archive: no memory");
    if (archive_read_support_format_raw(a->reader) != ARCHIVE_OK ||
        archive_read_support_filter_gzip(a->reader) != ARCHIVE_OK ||
        archive_read_support_filter_xz(a->reader) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(a->reader) != ARCHIVE_OK ||
        archive_read_support_filter_lz4(a->reader) != ARCHIVE_OK ||
        archive_read_support_filter_bzip2(a->reader) != ARCHIVE_OK)
        return fail(a, BH_UNSUPPORTED, err);
    if (archive_read_open_fd(a->reader, fd, BLOCK) != ARCHIVE_OK)
        return fail(a, BH_INVALID, err);
    *ret = BH_TAKE(a);
    return 0;
}

void bh_unarchive_close(struct bh_unarchive *a)
{
    if (!a)
        return;
    (void)archive_read_free(a->reader); /* nothing was written: nothing can be lost */
    free(a);
}

int bh_unarchive_next(struct bh_unarchive *a, const char **ret_name, struct bh_error *err)
{
    for (;;) {
        struct archive_entry *entry;
        int r = archive_read_next_header(a->reader, &entry);

        if (r == ARCHIVE_EOF) {
            *ret_name = NULL;
            return 0;
        }
        if (r == ARCHIVE_RETRY)
            continue;
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
            return fail(a, BH_CORRUPT, err);
        if (archive_entry_filetype(entry) != AE_IFREG)
            continue;
        a->name = archive_entry_pathname(entry);
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

            n = archive_read_data(a->reader, &extra, 1);
            if (n > 0)
                return bh_fail(err, BH_LIMIT, "%s: more than %zu bytes", a->name, out->limit);
        } else {
            n = archive_read_data(a->reader, to, room);
        }
        if (n == 0)
            return 0;
        if (n < 0)
            return fail(a, BH_CORRUPT, err);
        out->len += (size_t)n;
        out->data[out->len] = '\0';
    }
}
