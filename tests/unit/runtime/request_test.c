#include "runtime/request.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#include <cmocka.h>

#define ALWAYS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static void volumes_are_nosuid_and_nodev_whatever_is_said(void **state)
{
    static const struct {
        const char *text, *source, *target;
        uint64_t attr;
    } cases[] = {
        {"/a:/b", "/a", "/b", ALWAYS},
        {"/a:/b/c:ro", "/a", "/b/c", ALWAYS | MOUNT_ATTR_RDONLY},
        {"/a:/b:ro,noexec", "/a", "/b", ALWAYS | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC},
        {"/a:/b:rw,nosuid,nodev,noexec,exec", "/a", "/b", ALWAYS},
    };
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_launch_mount m;

        assert_int_equal(bh_volume_parse(cases[i].text, a, &m, NULL), 0);
        assert_string_equal(m.source, cases[i].source);
        assert_string_equal(m.target, cases[i].target);
        assert_int_equal(m.attr, cases[i].attr);
    }
}

static void volumes_over_the_kernels_places_or_outside_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "/a",
                                      ":/b",
                                      "/a:",
                                      "/a:b",
                                      "/a:/",
                                      "/a:/proc",
                                      "/a:/proc/sys",
                                      "/a:/sys",
                                      "/a:/sys/fs",
                                      "/a:/dev",
                                      "/a:/b/../c",
                                      "/a:/..",
                                      "/a:/b/..",
                                      "/a:/b/./c",
                                      "/a://b",
                                      "/a:/b/",
                                      "/a:/b:suid",
                                      "/a:/b:dev",
                                      "/a:/b:ro:x",
                                      "/a:/b:ro,,x",
                                      "/a:/b:"
                                      "0123456789012345678901234567890123456"
                                      "7890123456789012345678901234567890"};
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++) {
        struct bh_launch_mount m;

        if (bh_volume_parse(bad[i], a, &m, NULL) == 0)
            fail_msg("volume '%s' was taken", bad[i]);
    }
}

static void tmpfs_has_a_size_and_cannot_execute_unless_asked(void **state)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    struct bh_launch_mount m;

    (void)state;
    assert_int_equal(bh_tmpfs_parse("/cache", a, &m, NULL), 0);
    assert_true(m.attr & MOUNT_ATTR_NOEXEC);
    assert_true(m.size_bytes > 0 && m.inodes > 0);
    assert_int_equal(bh_tmpfs_parse("/cache:size=1M,mode=700,exec,inodes=9", a, &m, NULL), 0);
    assert_int_equal(m.size_bytes, 1 << 20);
    assert_int_equal(m.mode, 0700);
    assert_int_equal(m.inodes, 9);
    assert_false(m.attr & MOUNT_ATTR_NOEXEC);
    assert_int_not_equal(bh_tmpfs_parse("/cache:size=0", a, &m, NULL), 0);
    assert_int_not_equal(bh_tmpfs_parse("/cache:mode=999", a, &m, NULL), 0);
    assert_int_not_equal(bh_tmpfs_parse("/cache:mode=", a, &m, NULL), 0);
    assert_int_not_equal(bh_tmpfs_parse("cache", a, &m, NULL), 0);
}

static void processors_are_counted_in_thousandths(void **state)
{
    static const struct {
        const char *text;
        uint64_t milli;
    } good[] = {{"1", 1000},  {"1.5", 1500},   {".5", 500},
                {"0.01", 10}, {"2.125", 2125}, {"1000", 1000000}};
    static const char *const bad[] = {"",      ".",   "0",    "0.001",  "-1",
                                      "1.5.1", "1e3", "1001", "1.2345", "x"};
    uint64_t n;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(good); i++) {
        assert_int_equal(bh_cpus_parse(good[i].text, &n, NULL), 0);
        assert_int_equal(n, good[i].milli);
    }
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        if (bh_cpus_parse(bad[i], &n, NULL) == 0)
            fail_msg("--cpus '%s' was taken", bad[i]);
}

static void a_port_is_published_on_loopback_unless_said(void **state)
{
    static const char *const bad[] = {"",          "80",      "80:",       ":80",
                                      "0:80",      "80:0",    "65536:80",  "80:65536",
                                      "1.2.3:1:2", "x:80:80", "::1:80:80", "[::1:80:80",
                                      "80:80/udp", "80:80:",  "-80:80",    "80: 80",
                                      "[]:1:2"};
    struct bh_publish p;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&p.host;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&p.host;

    (void)state;
    assert_int_equal(bh_publish_parse("8080:80", &p, NULL), 0);
    assert_int_equal(v4->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(ntohs(v4->sin_port), 8080);
    assert_int_equal(p.inside, 80);
    assert_int_equal(bh_publish_parse("0.0.0.0:8080:80/tcp", &p, NULL), 0);
    assert_int_equal(v4->sin_addr.s_addr, 0);
    assert_int_equal(bh_publish_parse("[::1]:8080:80", &p, NULL), 0);
    assert_int_equal(v6->sin6_family, AF_INET6);
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        if (bh_publish_parse(bad[i], &p, NULL) == 0)
            fail_msg("published port '%s' was taken", bad[i]);
}

/* The record's key must not depend on where one word ends and the next begins. */
static void different_requests_have_different_texts(void **state)
{
    const char *one[] = {"a", "bc", NULL}, *two[] = {"ab", "c", NULL}, *three[] = {"abc", NULL},
               *four[] = {"a", "bc", "", NULL};
    const char **commands[] = {one, two, three, four};
    struct bh_buf texts[4] = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct bh_run_request q = {.target = "x", .command = (const char *const *)commands[i]};

        bh_run_request_text(&q, &texts[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(bh_buf_text(&texts[i]), bh_buf_text(&texts[k]));
    }
    for (size_t i = 0; i < 4; i++)
        bh_buf_done(&texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_are_nosuid_and_nodev_whatever_is_said),
        cmocka_unit_test(volumes_over_the_kernels_places_or_outside_are_refused),
        cmocka_unit_test(tmpfs_has_a_size_and_cannot_execute_unless_asked),
        cmocka_unit_test(processors_are_counted_in_thousandths),
        cmocka_unit_test(a_port_is_published_on_loopback_unless_said),
        cmocka_unit_test(different_requests_have_different_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
