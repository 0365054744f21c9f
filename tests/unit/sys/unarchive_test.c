#include "base/mem.h"
#include "sys/fd.h"
#include "sys/unarchive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* A zip of a directory "d/", "d/a.json" holding "{}\n", and "b" of five bytes, all stored. */
static size_t put16(char *to, unsigned v)
{
    to[0] = (char)(v & 0xff);
    to[1] = (char)(v >> 8 & 0xff);
    return 2;
}

static size_t put32(char *to, unsigned long v)
{
    put16(to, (unsigned)(v & 0xffff));
    put16(to + 2, (unsigned)(v >> 16));
    return 4;
}

static unsigned long crc_of(const char *data, size_t len)
{
    unsigned long crc = 0xffffffffu;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)data[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return crc ^ 0xffffffffu;
}

static size_t put_header(char *to, bool central, const char *name, const char *data, size_t at)
{
    size_t n = put32(to, central ? 0x02014b50u : 0x04034b50u), len = strlen(data);

    if (central)
        n += put16(to + n, 20);
    n += put16(to + n, 20);
    n += put16(to + n, 0);
    n += put16(to + n, 0);
    n += put32(to + n, 0);
    n += put32(to + n, crc_of(data, len));
    n += put32(to + n, len);
    n += put32(to + n, len);
    n += put16(to + n, (unsigned)strlen(name));
    n += put16(to + n, 0);
    if (central) {
        n += put16(to + n, 0);
        n += put16(to + n, 0);
        n += put16(to + n, 0);
        n += put32(to + n, 0);
        n += put32(to + n, at);
    }
    memcpy(to + n, name, strlen(name));
    return n + strlen(name);
}

static int make_zip(size_t *ret_size)
{
    static const char *const members[][2] = {{"d/", ""}, {"d/a.json", "{}\n"}, {"b", "12345"}};
    char zip[1024];
    size_t at[3], n = 0, start;
    int fd = memfd_create("zip", MFD_CLOEXEC);

    for (size_t i = 0; i < 3; i++) {
        at[i] = n;
        n += put_header(zip + n, false, members[i][0], members[i][1], 0);
        memcpy(zip + n, members[i][1], strlen(members[i][1]));
        n += strlen(members[i][1]);
    }
    start = n;
    for (size_t i = 0; i < 3; i++)
        n += put_header(zip + n, true, members[i][0], members[i][1], at[i]);
    n += put32(zip + n, 0x06054b50u);
    n += put32(zip + n, 0);
    n += put16(zip + n, 3);
    n += put16(zip + n, 3);
    n += put32(zip + n, n - start - 12);
    n += put32(zip + n, start);
    n += put16(zip + n, 0);
    assert_int_equal(bh_write_full(fd, zip, n, NULL), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    *ret_size = n;
    return fd;
}

static void files_of_a_zip_come_in_order_and_directories_are_passed_over(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(100);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_unarchive *a;
    const char *name;
    size_t size;
    int fd = make_zip(&size);

    (void)state;
    assert_int_equal(bh_unarchive_open(fd, &a, &err), 0);
    assert_int_equal(bh_unarchive_next(a, &name, &err), 0);
    assert_string_equal(name, "d/a.json");
    assert_int_equal(bh_unarchive_read(a, &b, &err), 0);
    assert_string_equal(bh_buf_text(&b), "{}\n");
    assert_int_equal(bh_unarchive_next(a, &name, &err), 0);
    assert_string_equal(name, "b");
    assert_int_equal(bh_unarchive_next(a, &name, &err), 0);
    assert_null(name);
    bh_unarchive_close(a);
    close(fd);
}

static void
a_file_longer_than_the_buffers_limit_is_refused_and_one_of_just_that_size_is_not(void **state)
{
    for (size_t limit = 4; limit <= 5; limit++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(limit);
        struct bh_error err = BH_ERROR_INIT;
        struct bh_unarchive *a;
        const char *name;
        size_t size;
        int fd = make_zip(&size);

        assert_int_equal(bh_unarchive_open(fd, &a, &err), 0);
        assert_int_equal(bh_unarchive_next(a, &name, &err), 0);
        assert_int_equal(bh_unarchive_next(a, &name, &err), 0);
        assert_int_equal(bh_unarchive_read(a, &b, &err), limit == 4 ? -BH_LIMIT : 0);
        bh_unarchive_close(a);
        close(fd);
    }
    (void)state;
}

static void a_cut_off_zip_is_an_error(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_unarchive *a = NULL;
    const char *name;
    size_t size;
    int fd = make_zip(&size), r;

    (void)state;
    assert_int_equal(ftruncate(fd, (off_t)size - 30), 0);
    r = bh_unarchive_open(fd, &a, &err);
    if (r == 0)
        r = bh_unarchive_next(a, &name, &err);
    assert_true(r < 0);
    bh_unarchive_close(a);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_a_zip_come_in_order_and_directories_are_passed_over),
        cmocka_unit_test(
            a_file_longer_than_the_buffers_limit_is_refused_and_one_of_just_that_size_is_not),
        cmocka_unit_test(a_cut_off_zip_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
