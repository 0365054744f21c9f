#include "base/mem.h"
#include "image/layer_stream.h"
#include "layer_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int note_entry(void *self, const struct bh_layer_entry *e, bool *want, struct bh_error *err)
{
    static const char *const types[] = {"-",        "file", "dir",  "symlink",
                                        "hardlink", "fifo", "char", "block"};
    static const char *const hides[] = {"", "hides ", "opaque "};
    struct bh_buf *out = self;

    (void)err;
    bh_buf_printf(out, "%s%s [%s]", hides[e->whiteout], types[e->type], e->path);
    if (*e->link)
        bh_buf_printf(out, " -> %s", e->link);
    bh_buf_putc(out, '\n');
    *want = true; /* also for what has no content: must do no harm */
    return 0;
}
static int note_data(void *self, const void *data, size_t len, struct bh_error *err)
{
    (void)err;
    bh_buf_put(self, data, len);
    return 0;
}
static int note_end(void *self, struct bh_error *err)
{
    (void)err;
    bh_buf_puts(self, ";\n");
    return 0;
}

static int stream(const struct bh_buf *blob, const struct bh_layer_limits *limits,
                  const struct bh_digest *digest, const struct bh_digest *diff_id,
                  struct bh_buf *out, struct bh_error *err)
{
    const struct bh_layer_sink sink = {
        .self = out, .entry = note_entry, .data = note_data, .end = note_end};
    const struct bh_layer_source source = {
        .fd = layer_fd(blob), .size = blob->len, .digest = digest, .diff_id = diff_id};
    int r = bh_layer_stream(&source, limits ? limits : &bh_layer_limits_default, &sink, NULL, NULL,
                            NULL, err);

    close(source.fd);
    return r;
}

static void names_are_cleaned_and_whiteouts_understood(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), out = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "./", .type = '5'});
    tar_add(&tar, &(struct tar_entry){.name = "/etc//./x/../motd", .content = "hi"});
    tar_add(&tar, &(struct tar_entry){.name = "etc/link", .type = '2', .link = "/../../host"});
    tar_add(&tar, &(struct tar_entry){.name = "etc/hard", .type = '1', .link = "./etc/motd"});
    tar_add(&tar, &(struct tar_entry){.name = "etc/.wh.gone"});
    tar_add(&tar, &(struct tar_entry){.name = ".wh.top"});
    tar_add(&tar, &(struct tar_entry){.name = "etc/.wh..wh..opq"});
    tar_add(&tar, &(struct tar_entry){.name = ".wh..wh..opq"});
    tar_add(&tar, &(struct tar_entry){.name = ".wh..wh.plnk/1.2", .type = '6'}); /* aufs */
    tar_end(&tar);
    assert_int_equal(stream(&tar, NULL, NULL, NULL, &out, &err), -BH_INVALID);
    tar.len = 9 * 512; /* without the last, which lies below a reserved name */
    out.len = 0;
    tar_add(&tar, &(struct tar_entry){.name = "etc/.wh..wh.aufs"});
    tar_end(&tar);
    if (stream(&tar, NULL, NULL, NULL, &out, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(out.data, "dir []\n"
                                  "file [etc/motd]\nhi;\n"
                                  "symlink [etc/link] -> /../../host\n"
                                  "hardlink [etc/hard] -> etc/motd\n"
                                  "hides - [etc/gone]\n"
                                  "hides - [top]\n"
                                  "opaque - [etc]\n"
                                  "opaque - []\n");
}

struct refusal {
    const char *why;
    struct tar_entry entries[4];
    int code;
};

static void layers_that_cannot_be_applied_are_refused(void **state)
{
    static const struct refusal cases[] = {
        {"a name leaves the root", {{.name = "../etc/passwd"}}, BH_INVALID},
        {"a name leaves the root in its middle", {{.name = "a/../../b"}}, BH_INVALID},
        {"an absolute name leaves the root", {{.name = "/.."}}, BH_INVALID},
        {"a hard link leaves the image",
         {{.name = "h", .type = '1', .link = "../../etc/shadow"}},
         BH_INVALID},
        {"a hard link to what the layer has not",
         {{.name = "h", .type = '1', .link = "etc/shadow"}},
         BH_INVALID},
        {"a hard link to a directory",
         {{.name = "d/", .type = '5'}, {.name = "h", .type = '1', .link = "d"}},
         BH_INVALID},
        {"a hard link to the root", {{.name = "h", .type = '1', .link = "/"}}, BH_INVALID},
        {"a file where a directory is needed", {{.name = "a"}, {.name = "a/b"}}, BH_INVALID},
        {"the same further up", {{.name = "a"}, {.name = "a/b/c/d"}}, BH_INVALID},
        {"a device where a directory is needed",
         {{.name = "a", .type = '3'}, {.name = "a/b"}},
         BH_INVALID},
        {"a directory becomes a file",
         {{.name = "a/", .type = '5'}, {.name = "a", .content = "x"}},
         BH_INVALID},
        {"a directory becomes a link",
         {{.name = "a/", .type = '5'}, {.name = "a", .type = '2', .link = "/"}},
         BH_INVALID},
        {"the root as a file", {{.name = "/", .type = '2', .link = "x"}}, BH_INVALID},
        {"a symbolic link to nothing", {{.name = "a", .type = '2', .link = ""}}, BH_INVALID},
        {"a whiteout of nothing", {{.name = "a/.wh."}}, BH_INVALID},
        {"a whiteout of the parent", {{.name = "a/.wh..."}}, BH_INVALID},
        {"a whiteout of the directory itself", {{.name = "a/.wh.."}}, BH_INVALID},
        {"something below a whiteout", {{.name = "a/.wh.b/c"}}, BH_INVALID},
        {"a kind nobody defined", {{.name = "a", .type = 'Z'}}, BH_UNSUPPORTED},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), out = BH_BUF_INIT(0);
        struct bh_error err = BH_ERROR_INIT;
        int r;

        for (size_t e = 0; e < 4 && cases[i].entries[e].name; e++)
            tar_add(&tar, &cases[i].entries[e]);
        tar_end(&tar);
        r = stream(&tar, NULL, NULL, NULL, &out, &err);
        if (r != -cases[i].code || !err.message[0])
            fail_msg("%s: %d %s", cases[i].why, r, err.message);
    }
}

static void later_members_replace_earlier_ones(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), out = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "a", .content = "1"});
    tar_add(&tar, &(struct tar_entry){.name = "a", .content = "2"});
    tar_add(&tar, &(struct tar_entry){.name = "a", .type = '2', .link = "b"});
    tar_add(&tar, &(struct tar_entry){.name = "a", .type = '5'});
    tar_add(&tar, &(struct tar_entry){.name = "a/b"});
    tar_add(&tar, &(struct tar_entry){.name = "l", .type = '2', .link = "a"});
    tar_add(&tar, &(struct tar_entry){.name = "l/through", .content = "3"});
    tar_add(&tar, &(struct tar_entry){.name = "h", .type = '1', .link = "l/b"});
    tar_end(&tar);
    assert_int_equal(stream(&tar, NULL, NULL, NULL, &out, &err), 0);
}

static void limits_are_named_when_they_are_reached(void **state)
{
    static const struct {
        const char *name;
        struct bh_layer_limits change; /* 0: default */
    } cases[] = {
        {"entries", {.entries = 2}},
        {"total-bytes", {.total_bytes = 4000}},
        {"path-bytes", {.path_bytes = 10}},
        {"depth", {.depth = 3}},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), out = BH_BUF_INIT(0);
        struct bh_layer_limits l = bh_layer_limits_default;
        struct bh_error err = BH_ERROR_INIT;
        static char big[3000];

        memset(big, 'x', sizeof big);
        l.entries = cases[i].change.entries ? cases[i].change.entries : l.entries;
        l.total_bytes = cases[i].change.total_bytes ? cases[i].change.total_bytes : l.total_bytes;
        l.path_bytes = cases[i].change.path_bytes ? cases[i].change.path_bytes : l.path_bytes;
        l.depth = cases[i].change.depth ? cases[i].change.depth : l.depth;
        tar_add(&tar, &(struct tar_entry){.name = "a"});
        tar_add(&tar, &(struct tar_entry){.name = "b", .content = big, .size = sizeof big});
        tar_add(&tar, &(struct tar_entry){.name = "aa/bb/cc/dd"});
        tar_end(&tar);
        assert_int_equal(stream(&tar, &l, NULL, NULL, &out, &err), -BH_LIMIT);
        assert_non_null(strstr(err.message, cases[i].name));
        assert_int_equal(stream(&tar, NULL, NULL, NULL, &out, &err), 0);
    }
}

static void a_sparse_file_counts_with_its_holes(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), x = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    tar_record(&x, "GNU.sparse.map", "0,1", 3);
    tar_record(&x, "GNU.sparse.size", "1000000000000000", 16);
    tar_add_pax(&tar, &x);
    tar_add(&tar, &(struct tar_entry){.name = "s", .content = "1"});
    tar_end(&tar);
    assert_int_equal(stream(&tar, NULL, NULL, NULL, &out, &err), -BH_LIMIT);
    assert_non_null(strstr(err.message, "total-bytes"));
}

static void a_bomb_is_stopped_by_its_ratio(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    size_t size = 100u << 20;

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "zeros", .claimed_size = size});
    memset(bh_buf_reserve(&tar, size), 0, size);
    tar.len += size;
    tar_end(&tar);
    layer_gzip(&tar, &packed);
    assert_true(packed.len < size / 900);
    assert_int_equal(stream(&packed, NULL, NULL, NULL, &out, &err), -BH_LIMIT);
    assert_non_null(strstr(err.message, "ratio"));
}

static void both_digests_must_match(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_digest digest, diff_id, diff_id_512, wrong;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "a", .content = "x"});
    tar_end(&tar);
    layer_gzip(&tar, &packed);
    bh_digest_of(BH_SHA256, packed.data, packed.len, &digest);
    bh_digest_of(BH_SHA256, tar.data, tar.len, &diff_id);
    bh_digest_of(BH_SHA512, tar.data, tar.len, &diff_id_512);
    bh_digest_of(BH_SHA256, "", 0, &wrong);
    assert_int_equal(stream(&packed, NULL, &digest, &diff_id, &out, &err), 0);
    assert_int_equal(stream(&packed, NULL, &digest, &diff_id_512, &out, &err), 0);
    assert_int_equal(stream(&packed, NULL, &wrong, &diff_id, &out, &err), -BH_CORRUPT);
    assert_non_null(strstr(err.message, "digest"));
    assert_int_equal(stream(&packed, NULL, &digest, &wrong, &out, &err), -BH_CORRUPT);
    /* Not compressed: one and the same, also when the algorithms differ. */
    assert_int_equal(stream(&tar, NULL, &diff_id, &diff_id, &out, &err), 0);
    assert_int_equal(stream(&tar, NULL, &diff_id, &diff_id_512, &out, &err), 0);
    assert_int_equal(stream(&tar, NULL, &wrong, &diff_id, &out, &err), -BH_CORRUPT);
    /* The digest covers what follows the end of the archive. */
    bh_buf_puts(&tar, "more");
    assert_int_equal(stream(&tar, NULL, NULL, &diff_id, &out, &err), -BH_CORRUPT);
}

static void a_layer_cut_short_or_damaged_anywhere_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);
    struct bh_digest digest;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "a", .content = "some content"});
    tar_end(&tar);
    layer_gzip(&tar, &packed);
    bh_digest_of(BH_SHA256, packed.data, packed.len, &digest);
    for (size_t i = 0; i < packed.len; i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        struct bh_buf cut = packed;

        cut.len = i;
        assert_true(stream(&cut, NULL, &digest, NULL, &out, &err) < 0);
        packed.data[i] ^= 4;
        assert_true(stream(&packed, NULL, &digest, NULL, &out, &err) < 0);
        packed.data[i] ^= 4;
    }
}

static void a_blob_shorter_than_promised_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), out = BH_BUF_INIT(0);
    const struct bh_layer_sink sink = {
        .self = &out, .entry = note_entry, .data = note_data, .end = note_end};
    struct bh_layer_source source = {0};
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    tar_end(&tar);
    source.fd = layer_fd(&tar);
    source.size = tar.len + 1;
    assert_int_equal(bh_layer_stream(&source, &bh_layer_limits_default, &sink, NULL, NULL, NULL,
                                     &err),
                     -BH_CORRUPT);
    close(source.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_cleaned_and_whiteouts_understood),
        cmocka_unit_test(layers_that_cannot_be_applied_are_refused),
        cmocka_unit_test(later_members_replace_earlier_ones),
        cmocka_unit_test(limits_are_named_when_they_are_reached),
        cmocka_unit_test(a_sparse_file_counts_with_its_holes),
        cmocka_unit_test(a_bomb_is_stopped_by_its_ratio),
        cmocka_unit_test(both_digests_must_match),
        cmocka_unit_test(a_layer_cut_short_or_damaged_anywhere_is_refused),
        cmocka_unit_test(a_blob_shorter_than_promised_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
