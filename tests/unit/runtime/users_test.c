#include "base/buf.h"
#include "runtime/users.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "web:x:101:102::/home/web:/bin/sh\n"
                             "broken:x:1x:0::/:/bin/sh\n"
                             "huge:x:4294967296:0::/:/bin/sh\n"
                             "4294967297:x:0:0:trap:/:/bin/sh\n"
                             "short:x\n"
                             "last:x:7:8:gecos:relative:/bin/sh";
static const char group[] = "root:x:0:\n"
                            "www:x:33:web,root\n"
                            "extra:x:200:other,web\n"
                            "near:x:201:webb\n"
                            "bad:x:12z:web\n";

static void names_numbers_and_groups_come_from_the_image(void **state)
{
    static const struct {
        const char *text;
        uint32_t uid, gid;
        size_t groups;
        const char *home;
    } cases[] = {
        {"", 0, 0, 1, "/root"},
        {"root", 0, 0, 1, "/root"},
        {"web", 101, 102, 2, "/home/web"},
        {"101", 101, 102, 2, "/home/web"},
        {"web:www", 101, 33, 0, "/home/web"},
        {"web:5", 101, 5, 0, "/home/web"},
        {"65534", 65534, 0, 0, "/"},
        {"1234:1234", 1234, 1234, 0, "/"},
        {"last", 7, 8, 0, "/"},
        {"0:0", 0, 0, 0, "/root"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_user u;

        assert_int_equal(bh_user_resolve(cases[i].text, passwd, group, &u, NULL), 0);
        assert_int_equal(u.uid, cases[i].uid);
        assert_int_equal(u.gid, cases[i].gid);
        assert_int_equal(u.group_count, cases[i].groups);
        assert_string_equal(u.home, cases[i].home);
    }
}

static void what_is_not_exactly_a_user_is_refused(void **state)
{
    static const char *const bad[] = {"nobody",
                                      "we",
                                      "webb",
                                      "-1",
                                      "+1",
                                      " 0",
                                      "0 ",
                                      "0x0",
                                      "1e3",
                                      "4294967295",
                                      "4294967296",
                                      "4294967297",
                                      "99999999999999999999",
                                      ":",
                                      ":0",
                                      "web:",
                                      "web:nope",
                                      "web:4294967295",
                                      "web:33 ",
                                      "broken",
                                      "huge",
                                      "short",
                                      "web:bad",
                                      "web\n",
                                      "root:root:root"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++) {
        struct bh_user u = {.uid = 77};

        if (bh_user_resolve(bad[i], passwd, group, &u, NULL) == 0)
            fail_msg("'%s' was taken for user %u", bad[i], u.uid);
        assert_int_equal(u.uid, 77);
    }
}

static void an_image_without_users_still_has_numbers(void **state)
{
    struct bh_user u;

    (void)state;
    assert_int_equal(bh_user_resolve("", "", "", &u, NULL), 0);
    assert_int_equal(u.uid, 0);
    assert_int_equal(bh_user_resolve("12:13", "", "", &u, NULL), 0);
    assert_int_equal(u.gid, 13);
    assert_int_not_equal(bh_user_resolve("root", "", "", &u, NULL), 0);
}

static void put(int dir, const char *name, const char *text)
{
    BH_AUTO(bh_closep) int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(bh_write_full(fd, text, strlen(text), NULL), 0);
}

static void the_uppermost_layer_that_speaks_of_a_file_decides(void **state)
{
    char dir[] = "/tmp/users_test.XXXXXX";
    int layers[2], top;

    (void)state;
    assert_non_null(mkdtemp(dir));
    top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        char name[2] = {(char)('0' + i), 0};

        assert_int_equal(mkdirat(top, name, 0755), 0);
        layers[i] = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(layers[i], "etc", 0755), 0);
    }
    put(layers[1], "etc/passwd", "lower");
    {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(100);

        assert_int_equal(bh_layers_read(layers, 2, "/etc/passwd", &b, NULL), 0);
        assert_string_equal(bh_buf_text(&b), "lower");
    }
    if (setxattr(dir, "user.test", "y", 1, 0) == 0) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(100);
        BH_AUTO(bh_closep) int etc = openat(layers[0], "etc", O_RDONLY | O_CLOEXEC);

        assert_int_equal(fsetxattr(etc, "user.overlay.opaque", "y", 1, 0), 0);
        assert_int_equal(bh_layers_read(layers, 2, "/etc/passwd", &b, NULL), 0);
        assert_string_equal(bh_buf_text(&b), "");
        assert_int_equal(fremovexattr(etc, "user.overlay.opaque"), 0);
    }
    put(layers[0], "etc/passwd", "upper");
    {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(100);

        assert_int_equal(bh_layers_read(layers, 2, "/etc/passwd", &b, NULL), 0);
        assert_string_equal(bh_buf_text(&b), "upper");
    }
    assert_int_equal(unlinkat(layers[0], "etc/passwd", 0), 0);
    assert_int_equal(symlinkat("/etc/shadow", layers[0], "etc/passwd"), 0);
    {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(100);

        assert_int_not_equal(bh_layers_read(layers, 2, "/etc/passwd", &b, NULL), 0);
    }
    for (int i = 0; i < 2; i++)
        close(layers[i]);
    close(top);
    assert_int_equal(bh_remove_tree_at(AT_FDCWD, dir, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_numbers_and_groups_come_from_the_image),
        cmocka_unit_test(what_is_not_exactly_a_user_is_refused),
        cmocka_unit_test(an_image_without_users_still_has_numbers),
        cmocka_unit_test(the_uppermost_layer_that_speaks_of_a_file_decides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
