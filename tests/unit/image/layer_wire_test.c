#include "base/mem.h"
#include "image/layer_wire.h"
#include "layer_build.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int note_entry(void *self, const struct bh_layer_entry *e, bool *want, struct bh_error *err)
{
    (void)err;
    bh_buf_printf(self, "%d/%d %s>%s %o %u:%u %llu %lld.%09u", (int)e->type, (int)e->whiteout,
                  e->path, e->link, e->mode, e->uid, e->gid, (unsigned long long)e->size,
                  (long long)e->mtime, e->mtime_nsec);
    for (size_t i = 0; i < e->xattr_count; i++)
        bh_buf_printf(self, " %s=%.*s", e->xattrs[i].name, (int)e->xattrs[i].len,
                      (const char *)e->xattrs[i].value);
    bh_buf_putc(self, '\n');
    *want = e->type == BH_ENTRY_FILE;
    return 0;
}
static int note_data(void *self, const void *data, size_t len, struct bh_error *err)
{
    (void)err;
    bh_buf_put(self, data, len);
    return 0;
}
static int note_hole(void *self, uint64_t len, struct bh_error *err)
{
    (void)err;
    bh_buf_printf(self, "[%llu]", (unsigned long long)len);
    return 0;
}
static int note_end(void *self, struct bh_error *err)
{
    (void)err;
    bh_buf_puts(self, ";\n");
    return 0;
}

static const struct bh_layer_outcome outcome = {.digest = {.algorithm = BH_SHA256},
                                                .diff_id = {.algorithm = BH_SHA512},
                                                .totals = {.entries = 2}};

/* A stream with every kind of frame. */
static void send_all(int fd, const struct bh_error *failure)
{
    static const struct bh_layer_xattr xattrs[] = {{"user.a", "b", 1}, {"user.empty", "", 0}};
    const struct bh_layer_entry entries[] = {
        {.path = "etc", .path_len = 3, .type = BH_ENTRY_DIRECTORY, .mode = 0755, .link = ""},
        {.path = "etc/f",
         .path_len = 5,
         .type = BH_ENTRY_FILE,
         .mode = 04711,
         .uid = 1,
         .gid = 2,
         .size = 8,
         .mtime = -3,
         .mtime_nsec = 7,
         .link = "",
         .xattrs = xattrs,
         .xattr_count = 2},
        {.path = "l", .path_len = 1, .type = BH_ENTRY_SYMLINK, .link = "../../x"},
        {.path = "h", .path_len = 1, .type = BH_ENTRY_HARDLINK, .link = "etc/f"},
        {.path = "gone", .path_len = 4, .whiteout = BH_WHITEOUT_PATH, .link = ""},
        {.path = "", .path_len = 0, .whiteout = BH_WHITEOUT_OPAQUE, .link = ""},
    };
    BH_AUTO(bh_layer_sender_freep) struct bh_layer_sender *s = bh_layer_sender_new(fd);
    const struct bh_layer_sink *sink = bh_layer_sender_sink(s);
    struct bh_error err = BH_ERROR_INIT;

    for (size_t i = 0; i < BH_COUNT_OF(entries); i++) {
        bool want = false;

        assert_int_equal(sink->entry(sink->self, &entries[i], &want, &err), 0);
        assert_int_equal(want, entries[i].type == BH_ENTRY_FILE);
        if (want) {
            assert_int_equal(sink->data(sink->self, "abc", 3, &err), 0);
            assert_int_equal(sink->hole(sink->self, 4, &err), 0);
            assert_int_equal(sink->data(sink->self, "d", 1, &err), 0);
            assert_int_equal(sink->end(sink->self, &err), 0);
        }
    }
    assert_int_equal(bh_layer_sender_finish(s, &outcome, failure, &err), 0);
}

static int receive(int fd, struct bh_buf *out, struct bh_layer_outcome *o, struct bh_error *err)
{
    const struct bh_layer_sink sink = {
        .self = out, .entry = note_entry, .data = note_data, .hole = note_hole, .end = note_end};

    lseek(fd, 0, SEEK_SET);
    return bh_layer_receive(fd, &sink, o, err);
}

static void what_is_sent_arrives(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_error none = BH_ERROR_INIT, err = BH_ERROR_INIT;
    struct bh_layer_outcome o;
    int fd = memfd_create("wire", MFD_CLOEXEC);

    (void)state;
    send_all(fd, &none);
    if (receive(fd, &out, &o, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(out.data, "2/0 etc> 755 0:0 0 0.000000000\n"
                                  "1/0 etc/f> 4711 1:2 8 -3.000000007 user.a=b user.empty=\n"
                                  "abc[4]d;\n"
                                  "3/0 l>../../x 0 0:0 0 0.000000000\n"
                                  "4/0 h>etc/f 0 0:0 0 0.000000000\n"
                                  "0/1 gone> 0 0:0 0 0.000000000\n"
                                  "0/2 > 0 0:0 0 0.000000000\n");
    assert_int_equal(o.totals.entries, 2);
    assert_int_equal(o.diff_id.algorithm, BH_SHA512);
    close(fd);
}

static void a_failure_arrives_as_it_was(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_error failure = {.code = BH_LIMIT, .message = "too much"}, err = BH_ERROR_INIT;
    struct bh_layer_outcome o;
    int fd = memfd_create("wire", MFD_CLOEXEC);

    (void)state;
    send_all(fd, &failure);
    assert_int_equal(receive(fd, &out, &o, &err), -BH_LIMIT);
    assert_string_equal(err.message, "too much");
    close(fd);
}

static void a_stream_cut_anywhere_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_error none = BH_ERROR_INIT, err = BH_ERROR_INIT;
    struct bh_layer_outcome o;
    int fd = memfd_create("wire", MFD_CLOEXEC);

    (void)state;
    send_all(fd, &none);
    for (off_t len = lseek(fd, 0, SEEK_END) - 1; len >= 0; len--) {
        assert_int_equal(ftruncate(fd, len), 0);
        assert_int_equal(receive(fd, &out, &o, &err), -BH_INTERNAL);
    }
    close(fd);
}

/* The numbers of a frame, as layer_wire.c lays them out. */
struct raw {
    uint32_t kind, len;
    uint32_t type, whiteout, mode, uid, gid, nsec, major, minor;
    uint64_t size, offset;
    int64_t mtime;
    uint32_t path_len, link_len, xattr_count, has_data;
    char text[64];
};

static int receive_raw(const struct raw *r, size_t text_len)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_layer_outcome o;
    struct raw copy = *r;
    size_t len = offsetof(struct raw, text) + text_len;
    int fd = memfd_create("wire", MFD_CLOEXEC), result;

    copy.len = (uint32_t)(len - 8);
    assert_int_equal(write(fd, &copy, len), len);
    result = receive(fd, &out, &o, &err);
    close(fd);
    /* An entry that was believed shows in out; the stream's end is an error in any case. */
    assert_int_equal(result, -BH_INTERNAL);
    return out.len > 0;
}

static void entries_that_make_no_sense_never_reach_the_sink(void **state)
{
    static const struct raw good = {
        .kind = 1, .type = BH_ENTRY_FILE, .path_len = 1, .has_data = 1, .text = "f\0\0"};
    static const struct {
        const char *why;
        struct raw r;
        size_t text_len;
    } bad[] = {
        {"no type", {.kind = 1, .path_len = 1, .text = "f\0\0"}, 3},
        {"unknown type", {.kind = 1, .type = 8, .path_len = 1, .text = "f\0\0"}, 3},
        {"unknown frame", {.kind = 7, .type = 2, .path_len = 1, .text = "f\0\0"}, 3},
        {"mode", {.kind = 1, .type = 2, .mode = 010000, .path_len = 1, .text = "f\0\0"}, 3},
        {"uid -1", {.kind = 1, .type = 2, .uid = UINT32_MAX, .path_len = 1, .text = "f\0\0"}, 3},
        {"nsec", {.kind = 1, .type = 2, .nsec = 1000000000, .path_len = 1, .text = "f\0\0"}, 3},
        {"directory with data",
         {.kind = 1, .type = 2, .has_data = 1, .path_len = 1, .text = "f\0\0"},
         3},
        {"directory with size",
         {.kind = 1, .type = 2, .size = 1, .path_len = 1, .text = "f\0\0"},
         3},
        {"file without data", {.kind = 1, .type = 1, .path_len = 1, .text = "f\0\0"}, 3},
        {"size",
         {.kind = 1, .type = 1, .size = UINT64_MAX, .has_data = 1, .path_len = 1, .text = "f"},
         3},
        {"dots", {.kind = 1, .type = 2, .path_len = 4, .text = "../x\0\0"}, 6},
        {"dots inside", {.kind = 1, .type = 2, .path_len = 4, .text = "a/..\0\0"}, 6},
        {"absolute", {.kind = 1, .type = 2, .path_len = 2, .text = "/x\0\0"}, 4},
        {"slashes", {.kind = 1, .type = 2, .path_len = 4, .text = "a//b\0\0"}, 6},
        {"trailing slash", {.kind = 1, .type = 2, .path_len = 2, .text = "a/\0\0"}, 4},
        {"NUL inside", {.kind = 1, .type = 2, .path_len = 3, .text = "a\0b\0\0"}, 5},
        {"no NUL", {.kind = 1, .type = 2, .path_len = 1, .text = "abc"}, 3},
        {"path longer than frame", {.kind = 1, .type = 2, .path_len = 100, .text = "a"}, 3},
        {"huge path", {.kind = 1, .type = 2, .path_len = UINT32_MAX, .text = "a"}, 3},
        {"root as file", {.kind = 1, .type = 1, .has_data = 1, .text = "\0\0"}, 2},
        {"whiteout of the root", {.kind = 1, .whiteout = 1, .text = "\0\0"}, 2},
        {"unknown whiteout", {.kind = 1, .whiteout = 3, .path_len = 1, .text = "f\0\0"}, 3},
        {"whiteout with type",
         {.kind = 1, .type = 1, .whiteout = 1, .path_len = 1, .text = "f\0\0"},
         3},
        {"whiteout with mode",
         {.kind = 1, .mode = 0100700, .whiteout = 1, .path_len = 1, .text = "f\0\0"},
         3}, /* found by fuzzing */
        {"symlink to nothing", {.kind = 1, .type = 3, .path_len = 1, .text = "f\0\0"}, 3},
        {"directory with link",
         {.kind = 1, .type = 2, .path_len = 1, .link_len = 1, .text = "f\0x\0"},
         4},
        {"hard link out",
         {.kind = 1, .type = 4, .path_len = 1, .link_len = 4, .text = "f\0../x\0"},
         7},
        {"bytes left over", {.kind = 1, .type = 2, .path_len = 1, .text = "f\0\0y"}, 4},
        {"xattrs missing",
         {.kind = 1, .type = 2, .path_len = 1, .xattr_count = 1, .text = "f\0\0"},
         3},
        {"too many xattrs",
         {.kind = 1, .type = 2, .path_len = 1, .xattr_count = 129, .text = "f\0\0"},
         3},
        {"xattr without name",
         {.kind = 1, .type = 2, .path_len = 1, .xattr_count = 1, .text = "f\0\0\0\0\0\0\0\0\0\0\0"},
         12},
        {"xattr longer than frame",
         {.kind = 1,
          .type = 2,
          .path_len = 1,
          .xattr_count = 1,
          .text = "f\0\0\1\0\0\0\377\377\0\0a\0"},
         13},
    };

    (void)state;
    assert_true(receive_raw(&good, 3)); /* the frame itself is laid out right */
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        if (receive_raw(&bad[i].r, bad[i].text_len))
            fail_msg("believed: %s", bad[i].why);
}

static void content_without_a_file_is_refused(void **state)
{
    static const struct {
        uint32_t kind, len;
        uint64_t payload;
    } frames[] = {
        {2, 8, 1},                      /* DATA */
        {3, 8, 1},                      /* HOLE */
        {3, 3, 1},                      /* half a HOLE */
        {4, 0, 0},                      /* END */
        {2, BH_LAYER_FRAME_MAX + 1, 0}, /* too long */
        {5, 8, 0},                      /* half a DONE */
        {6, 8, 0},                      /* half a FAILED */
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(frames); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        struct bh_error err = BH_ERROR_INIT;
        struct bh_layer_outcome o;
        int fd = memfd_create("wire", MFD_CLOEXEC);

        assert_int_equal(write(fd, &frames[i], 16), 16);
        assert_int_equal(receive(fd, &out, &o, &err), -BH_INTERNAL);
        assert_int_equal(out.len, 0);
        close(fd);
    }
}

static void more_or_less_content_than_the_size_is_refused(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        BH_AUTO(bh_layer_sender_freep) struct bh_layer_sender *s = NULL;
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        const struct bh_layer_entry e = {
            .path = "f", .path_len = 1, .type = BH_ENTRY_FILE, .size = 2, .link = ""};
        struct bh_error none = BH_ERROR_INIT, err = BH_ERROR_INIT;
        struct bh_layer_outcome o;
        int fd = memfd_create("wire", MFD_CLOEXEC);
        const struct bh_layer_sink *sink;
        bool want;

        s = bh_layer_sender_new(fd);
        sink = bh_layer_sender_sink(s);
        assert_int_equal(sink->entry(sink->self, &e, &want, &err), 0);
        assert_int_equal(sink->data(sink->self, "abc", more ? 3 : 1, &err), 0);
        assert_int_equal(sink->end(sink->self, &err), 0);
        assert_int_equal(bh_layer_sender_finish(s, &outcome, &none, &err), 0);
        assert_int_equal(receive(fd, &out, &o, &err), -BH_INTERNAL);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_arrives),
        cmocka_unit_test(a_failure_arrives_as_it_was),
        cmocka_unit_test(a_stream_cut_anywhere_is_refused),
        cmocka_unit_test(entries_that_make_no_sense_never_reach_the_sink),
        cmocka_unit_test(content_without_a_file_is_refused),
        cmocka_unit_test(more_or_less_content_than_the_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
