#include "base/buf.h"
#include "sys/tar.h"
#include "tar_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Writes down everything the reader says as text, one line a member. */
static int note_member(void *self, const struct bh_tar_member *m, bool *want, struct bh_error *err)
{
    struct bh_buf *out = self;

    (void)err;
    bh_buf_printf(out, "%d %s mode=%o %u:%u size=%llu", (int)m->type, m->name, m->mode, m->uid,
                  m->gid, (unsigned long long)m->size);
    if (m->link_len)
        bh_buf_printf(out, " ->%s", m->link);
    for (size_t i = 0; i < m->xattr_count; i++)
        bh_buf_printf(out, " %s=%.*s", m->xattrs[i].name, (int)m->xattrs[i].len,
                      (const char *)m->xattrs[i].value);
    if (m->mtime != 1700000000)
        bh_buf_printf(out, " mtime=%lld.%09u", (long long)m->mtime, m->mtime_nsec);
    bh_buf_putc(out, '\n');
    *want = m->type == BH_TAR_FILE && strcmp(m->name, "unwanted") != 0;
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

static int read_tar(const struct bh_buf *tar, size_t piece, struct bh_buf *out,
                    struct bh_error *err)
{
    const struct bh_tar_handler h = {out, note_member, note_data, note_hole, note_end};
    BH_AUTO(bh_tar_freep) struct bh_tar *t = bh_tar_new(&h, 4095);
    int r = 0;

    for (size_t at = 0; r == 0 && at < tar->len; at += piece)
        r = bh_tar_feed(t, tar->data + at, BH_MIN(piece, tar->len - at), err);
    return r == 0 ? bh_tar_finish(t, err) : r;
}

static void expect(const struct bh_buf *tar, const char *want)
{
    static const size_t pieces[] = {1, 100, 511, 512, 513, 4096, 1 << 20};

    for (size_t i = 0; i < BH_COUNT_OF(pieces); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        struct bh_error err = BH_ERROR_INIT;

        if (read_tar(tar, pieces[i], &out, &err) < 0)
            fail_msg("pieces of %zu: %s", pieces[i], err.message);
        assert_string_equal(bh_buf_text(&out), want);
    }
}

static void expect_refused(const struct bh_buf *tar, int code)
{
    static const size_t pieces[] = {1, 512, 1 << 20};

    for (size_t i = 0; i < BH_COUNT_OF(pieces); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(read_tar(tar, pieces[i], &out, &err), -code);
        assert_true(err.message[0]);
    }
}

static void plain_members_come_out_whole(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "etc/", .type = '5', .mode = 0755});
    tar_add(&tar, &(struct tar_entry){.name = "etc/motd", .content = "hello", .uid = 7, .gid = 8});
    tar_add(&tar, &(struct tar_entry){.name = "unwanted", .content = "not this"});
    tar_add(&tar, &(struct tar_entry){.name = "l", .type = '2', .link = "/etc/motd", .mode = 0777});
    tar_add(&tar, &(struct tar_entry){.name = "h", .type = '1', .link = "etc/motd", .mode = 04755});
    tar_add(&tar, &(struct tar_entry){.name = "p", .type = '6'});
    tar_add(&tar, &(struct tar_entry){.name = "c", .type = '3', .major = 1, .minor = 3});
    tar_add(&tar, &(struct tar_entry){.name = "old-directory/"});
    tar_add(&tar, &(struct tar_entry){.name = "empty"});
    tar_end(&tar);
    bh_buf_puts(&tar, "whatever follows the end is ignored");
    expect(&tar, "6 etc/ mode=755 0:0 size=0\n"
                 "1 etc/motd mode=644 7:8 size=5\nhello;\n"
                 "1 unwanted mode=644 0:0 size=8\n"
                 "3 l mode=777 0:0 size=0 ->/etc/motd\n"
                 "2 h mode=4755 0:0 size=0 ->etc/motd\n"
                 "7 p mode=644 0:0 size=0\n"
                 "4 c mode=644 0:0 size=0\n"
                 "6 old-directory/ mode=644 0:0 size=0\n"
                 "1 empty mode=644 0:0 size=0\n;\n");
}

static void pax_records_replace_what_the_header_says(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), x = BH_BUF_INIT(0);

    (void)state;
    tar_record(&x, "path", "a/very/long/name", 16);
    tar_record(&x, "uid", "4000000000", 10);
    tar_record(&x, "gid", "3000000", 7);
    tar_record(&x, "mtime", "-1.25", 5);
    tar_record(&x, "SCHILY.xattr.security.capability", "\1cap", 4);
    tar_record(&x, "SCHILY.xattr.user.a", "b", 1);
    tar_record(&x, "comment", "= is no trouble =", 17);
    tar_record(&x, "size", "3", 1);
    tar_add_pax(&tar, &x);
    tar_add(&tar,
            &(struct tar_entry){.name = "short", .content = "abc", .claimed_size = 077777777777});
    tar_add(&tar, &(struct tar_entry){.name = "next"}); /* records hold for one member only */
    tar_end(&tar);
    expect(&tar, "1 a/very/long/name mode=644 4000000000:3000000 size=3"
                 " security.capability=\1cap user.a=b mtime=-2.750000000\nabc;\n"
                 "1 next mode=644 0:0 size=0\n;\n");
}

static void global_pax_headers_are_passed_over(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), x = BH_BUF_INIT(0);

    (void)state;
    tar_record(&x, "path", "elsewhere", 9);
    tar_add(&tar, &(struct tar_entry){
                      .name = "g", .type = 'g', .content = bh_buf_text(&x), .size = x.len});
    tar_add(&tar, &(struct tar_entry){.name = "here"});
    tar_end(&tar);
    expect(&tar, "1 here mode=644 0:0 size=0\n;\n");
}

static void gnu_long_names_are_joined(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), want = BH_BUF_INIT(0);
    char name[301], link[201];

    (void)state;
    memset(name, 'n', 300);
    memset(link, 'l', 200);
    name[300] = link[200] = '\0';
    tar_add(&tar, &(struct tar_entry){
                      .name = "././@LongLink", .type = 'L', .content = name, .size = 301});
    tar_add(&tar, &(struct tar_entry){
                      .name = "././@LongLink", .type = 'K', .content = link, .size = 201});
    tar_add(&tar,
            &(struct tar_entry){.name = "nnn", .type = '2', .link = "lll", .magic = "ustar  "});
    tar_end(&tar);
    bh_buf_printf(&want, "3 %s mode=644 0:0 size=0 ->%s\n", name, link);
    expect(&tar, want.data);
}

static void ustar_prefixes_are_joined(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "b/c"});
    memcpy(tar.data + 345, "usr/share/a", 11);
    tar_checksum(tar.data);
    expect(&tar, "1 usr/share/a/b/c mode=644 0:0 size=0\n;\n");
}

static void base_256_numbers_are_read(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "f"});
    memcpy(tar.data + 108, "\x80\0\0\0\xb2\xd0\x5e\0", 8); /* 3,000,000,000 */
    memcpy(tar.data + 136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12); /* -2 */
    tar_checksum(tar.data);
    expect(&tar, "1 f mode=644 3000000000:0 size=0 mtime=-2.000000000\n;\n");
    memcpy(tar.data + 124, "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 12);
    tar_checksum(tar.data);
    expect_refused(&tar, BH_CORRUPT);
}

static void sparse_files_of_every_format_have_holes_where_they_were(void **state)
{
    static const char *const want = "1 s mode=644 0:0 size=3000\n[1000]abc[997]defg[996];\n";
    static const char *const map_1_0 = "2\n1000\n3\n2000\n4\n";

    (void)state;
    for (int format = 0; format < 4; format++) {
        BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), x = BH_BUF_INIT(0);
        char data[512 + 7] = {0};

        if (format == 0) { /* old GNU, map in the header */
            tar_add(&tar, &(struct tar_entry){
                              .name = "s", .type = 'S', .content = "abcdefg", .magic = "ustar  "});
            for (int i = 0; i < 4; i++)
                tar_octal(tar.data + 386 + 12 * i, 11, (unsigned[]){1000, 3, 2000, 4}[i]);
            tar_octal(tar.data + 483, 11, 3000);
            tar_checksum(tar.data);
            expect(&tar, want);
            continue;
        }
        if (format == 1) { /* 0.0 */
            tar_record(&x, "GNU.sparse.size", "3000", 4);
            tar_record(&x, "GNU.sparse.numblocks", "2", 1);
            tar_record(&x, "GNU.sparse.offset", "1000", 4);
            tar_record(&x, "GNU.sparse.numbytes", "3", 1);
            tar_record(&x, "GNU.sparse.offset", "2000", 4);
            tar_record(&x, "GNU.sparse.numbytes", "4", 1);
        } else if (format == 2) { /* 0.1 */
            tar_record(&x, "GNU.sparse.map", "1000,3,2000,4", 13);
            tar_record(&x, "GNU.sparse.size", "3000", 4);
        } else { /* 1.0 */
            tar_record(&x, "GNU.sparse.major", "1", 1);
            tar_record(&x, "GNU.sparse.minor", "0", 1);
            tar_record(&x, "GNU.sparse.name", "s", 1);
            tar_record(&x, "GNU.sparse.realsize", "3000", 4);
            memcpy(data, map_1_0, strlen(map_1_0));
            memcpy(data + 512, "abcdefg", 7);
        }
        tar_add_pax(&tar, &x);
        tar_add(&tar, &(struct tar_entry){.name = format == 3 ? "GNUSparseFile.1/s" : "s",
                                          .content = format == 3 ? data : "abcdefg",
                                          .size = format == 3 ? sizeof data : 7});
        tar_end(&tar);
        expect(&tar, want);
    }
}

static void sparse_maps_that_do_not_fit_are_refused(void **state)
{
    static const char *const maps[] = {
        "1000,3,2000,5", /* more bytes than stored */
        "1000,3,1001,4", /* overlap */
        "2000,3,1000,4", /* out of order */
        "1000,3,2999,4", /* past the end */
        "1000,3,2000",   /* half a pair */
        "1000,3;2000,4", /* not a comma */
        "99999999999999999999,3,1,4",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(maps); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), x = BH_BUF_INIT(0);

        tar_record(&x, "GNU.sparse.map", maps[i], strlen(maps[i]));
        tar_record(&x, "GNU.sparse.size", "3000", 4);
        tar_add_pax(&tar, &x);
        tar_add(&tar, &(struct tar_entry){.name = "s", .content = "abcdefg"});
        tar_end(&tar);
        expect_refused(&tar, BH_CORRUPT);
    }
}

static void an_archive_cut_anywhere_inside_a_member_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), x = BH_BUF_INIT(0);

    (void)state;
    tar_record(&x, "path", "name", 4);
    tar_add_pax(&tar, &x);
    tar_add(&tar, &(struct tar_entry){.name = "n", .content = "some content"});
    for (size_t whole = tar.len, len = 1; len < whole; len++) {
        tar.len = len;
        expect_refused(&tar, BH_CORRUPT);
    }
}

static void damaged_headers_are_refused(void **state)
{
    static const struct {
        size_t at;
        const char *bytes;
        bool fix_checksum;
        int code;
    } cases[] = {
        {0, "x", false, BH_CORRUPT},         /* checksum */
        {100, "9", true, BH_CORRUPT},        /* not octal */
        {124, "-1", true, BH_CORRUPT},       /* size */
        {124, "\xff\xff", true, BH_CORRUPT}, /* negative base-256 size */
        {156, "Q", true, BH_UNSUPPORTED},    /* type */
        {156, "M", true, BH_UNSUPPORTED},    /* a part of a multi-volume archive */
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);

        tar_add(&tar, &(struct tar_entry){.name = "file", .content = "x"});
        memcpy(tar.data + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
        if (cases[i].fix_checksum)
            tar_checksum(tar.data);
        tar_end(&tar);
        expect_refused(&tar, cases[i].code);
    }
}

static void damaged_pax_records_are_refused(void **state)
{
    static const char *const records[] = {
        "x",
        "5 a=",
        "6 a=b\nc",
        "9999 a=b\n",
        "0 a=b\n",
        "6 a:b\n",
        "6 =ab\n",
        "8 uid=x\n",
        "9 uid=-1\n",
        "18 uid=4294967295\n",
        "12 mtime=abc\n",
        "11 size=1x\n",
        "99999999999999999999 a=b\n",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(records); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);

        tar_add(&tar, &(struct tar_entry){.name = "x", .type = 'x', .content = records[i]});
        tar_add(&tar, &(struct tar_entry){.name = "file"});
        tar_end(&tar);
        expect_refused(&tar, BH_CORRUPT);
    }
}

static void names_and_extended_headers_over_their_limits_are_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), x = BH_BUF_INIT(0);
    static char name[5000];

    (void)state;
    memset(name, 'n', sizeof name - 1);
    tar_record(&x, "path", name, sizeof name - 1);
    tar_add_pax(&tar, &x);
    expect_refused(&tar, BH_LIMIT);
    tar.len = 0;
    tar_add(&tar, &(struct tar_entry){.name = "L", .type = 'L', .content = name});
    expect_refused(&tar, BH_LIMIT);
    tar.len = 0;
    tar_add(&tar, &(struct tar_entry){.name = "x", .type = 'x', .claimed_size = 1u << 30});
    expect_refused(&tar, BH_LIMIT);
    tar.len = x.len = 0;
    for (unsigned i = 0; i <= BH_TAR_XATTRS; i++)
        tar_record(&x, "SCHILY.xattr.user.x", "", 0);
    tar_add_pax(&tar, &x);
    expect_refused(&tar, BH_LIMIT);
}

static void a_lone_block_of_zeros_inside_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);

    (void)state;
    tar_end(&tar);
    tar.len = 512;
    tar_add(&tar, &(struct tar_entry){.name = "hidden"});
    expect_refused(&tar, BH_CORRUPT);
}

static void unwanted_content_can_be_skipped(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), out = BH_BUF_INIT(0);
    const struct bh_tar_handler h = {&out, note_member, note_data, note_hole, note_end};
    BH_AUTO(bh_tar_freep) struct bh_tar *t = bh_tar_new(&h, 4095);
    struct bh_error err = BH_ERROR_INIT;
    static char big[100000];
    size_t fed = 0;

    (void)state;
    memset(big, 'b', sizeof big);
    tar_add(&tar, &(struct tar_entry){.name = "unwanted", .content = big, .size = sizeof big});
    tar_add(&tar, &(struct tar_entry){.name = "after", .content = "x"});
    tar_end(&tar);
    for (size_t at = 0; at < tar.len;) {
        uint64_t skip = bh_tar_skippable(t);

        if (skip) {
            bh_tar_skip(t, skip);
            at += skip;
            continue;
        }
        assert_int_equal(bh_tar_feed(t, tar.data + at, 1, &err), 0);
        at++;
        fed++;
    }
    assert_int_equal(bh_tar_finish(t, &err), 0);
    assert_true(bh_tar_ended(t));
    assert_true(fed < 5000);
    assert_string_equal(out.data, "1 unwanted mode=644 0:0 size=100000\n"
                                  "1 after mode=644 0:0 size=1\nx;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_members_come_out_whole),
        cmocka_unit_test(pax_records_replace_what_the_header_says),
        cmocka_unit_test(global_pax_headers_are_passed_over),
        cmocka_unit_test(gnu_long_names_are_joined),
        cmocka_unit_test(ustar_prefixes_are_joined),
        cmocka_unit_test(base_256_numbers_are_read),
        cmocka_unit_test(sparse_files_of_every_format_have_holes_where_they_were),
        cmocka_unit_test(sparse_maps_that_do_not_fit_are_refused),
        cmocka_unit_test(an_archive_cut_anywhere_inside_a_member_is_refused),
        cmocka_unit_test(damaged_headers_are_refused),
        cmocka_unit_test(damaged_pax_records_are_refused),
        cmocka_unit_test(names_and_extended_headers_over_their_limits_are_refused),
        cmocka_unit_test(a_lone_block_of_zeros_inside_is_refused),
        cmocka_unit_test(unwanted_content_can_be_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
