#include "base/buf.h"
#include "profile/launch.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct bh_launch_input sample_inputs[] = {{.path = "/a", .present = true, .inode = 7}};
static struct bh_launch_layer sample_layers[] = {{"/l1/fs", "/l1/lock"}, {"/l2/fs", ""}};
static struct sock_filter sample_filter[] = {{0x20, 0, 0, 4}, {0x06, 0, 0, 0x7fff0000}};
static struct bh_launch_landlock sample_rules[] = {{"/", 13}, {"/tmp", 0xffff}};
static struct bh_launch_mount sample_mounts[] = {{BH_MOUNT_VOLUME, "/srv", "/data", 5, 0, 0, 0},
                                                 {BH_MOUNT_TMPFS, "", "/tmp", 6, 4096, 64, 01777}};
static struct bh_launch_rlimit sample_rlimits[] = {{7, 1024, 4096}};
static struct bh_launch_id_map sample_map[] = {{0, 1000, 1}};
static uint32_t sample_groups[] = {4, 24};

static struct bh_launch sample(void)
{
    static const char *const argv[] = {"/bin/true", "", NULL};
    static const char *const env[] = {"A=1", NULL};
    static const char *const masked[] = {"/proc/kcore", NULL};

    return (struct bh_launch){
        .request = "dir:/x",
        .inputs = sample_inputs,
        .input_count = 1,
        .reference = "x:1",
        .layers = sample_layers,
        .layer_count = 2,
        .flags = BH_LAUNCH_READ_ONLY,
        .argv = argv,
        .env = env,
        .cwd = "/",
        .uid = 101,
        .gid = 102,
        .groups = sample_groups,
        .group_count = 2,
        .uid_maps = sample_map,
        .uid_map_count = 1,
        .capabilities = 1u << 10,
        .seccomp = sample_filter,
        .seccomp_count = 2,
        .landlock = sample_rules,
        .landlock_count = 2,
        .masked_paths = masked,
        .mounts = sample_mounts,
        .mount_count = 2,
        .limits = {.memory_bytes = 1 << 20, .pids = 9},
        .rlimits = sample_rlimits,
        .rlimit_count = 1,
    };
}

static void what_is_written_is_read_back_whole(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(BH_LAUNCH_MAX);
    BH_AUTO(bh_launch_freep) struct bh_launch *l = NULL;
    const struct bh_launch was = sample();
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_launch_encode(&was, &b, &err), 0);
    assert_int_equal(bh_launch_decode(b.data, b.len, &l, &err), 0);
    assert_string_equal(l->request, "dir:/x");
    assert_string_equal(l->image_digest, "");
    assert_int_equal(l->input_count, 1);
    assert_true(l->inputs[0].present);
    assert_int_equal(l->inputs[0].inode, 7);
    assert_string_equal(l->layers[1].dir, "/l2/fs");
    assert_string_equal(l->argv[1], "");
    assert_null(l->argv[2]);
    assert_null(l->warnings[0]);
    assert_int_equal(l->uid, 101);
    assert_int_equal(l->groups[1], 24);
    assert_int_equal(l->uid_maps[0].outside, 1000);
    assert_memory_equal(l->seccomp, sample_filter, sizeof sample_filter);
    assert_int_equal(l->landlock[1].access, 0xffff);
    assert_string_equal(l->masked_paths[0], "/proc/kcore");
    assert_int_equal(l->mounts[1].mode, 01777);
    assert_int_equal(l->limits.pids, 9);
    assert_int_equal(l->rlimits[0].hard, 4096);
}

static void every_cut_and_every_flipped_byte_is_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(BH_LAUNCH_MAX);
    const struct bh_launch was = sample();
    struct bh_launch *l = NULL;

    (void)state;
    assert_int_equal(bh_launch_encode(&was, &b, NULL), 0);
    for (size_t n = 0; n < b.len; n++) {
        assert_int_not_equal(bh_launch_decode(b.data, n, &l, NULL), 0);
        b.data[n] = (char)(b.data[n] ^ 0x40);
        assert_int_not_equal(bh_launch_decode(b.data, b.len, &l, NULL), 0);
        b.data[n] = (char)(b.data[n] ^ 0x40);
    }
}

/* The sum guards against accidents only: with a right sum the bounds must hold by themselves. */
static void a_count_or_length_beyond_the_file_is_refused_even_with_a_right_sum(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(BH_LAUNCH_MAX);
    const struct bh_launch was = sample();
    static const uint32_t bad[] = {UINT32_MAX, 0x7fffffff, 0x10000};

    (void)state;
    assert_int_equal(bh_launch_encode(&was, &b, NULL), 0);
    for (size_t at = 24; at + 4 <= b.len; at++)
        for (size_t k = 0; k < BH_COUNT_OF(bad); k++) {
            struct bh_launch *l = NULL;
            uint64_t h = 0xcbf29ce484222325u;
            BH_AUTO(bh_freep) char *copy = bh_new(b.len);

            memcpy(copy, b.data, b.len);
            memcpy(copy + at, &bad[k], 4);
            for (size_t i = 24; i < b.len; i++)
                h = (h ^ (unsigned char)copy[i]) * 0x100000001b3u;
            memcpy(copy + 16, &h, sizeof h);
            if (bh_launch_decode(copy, b.len, &l, NULL) == 0)
                bh_launch_free(l); /* only a plain number was changed */
        }
}

static void another_version_is_unsupported_not_corrupt(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(BH_LAUNCH_MAX);
    const struct bh_launch was = sample();
    struct bh_launch *l = NULL;

    (void)state;
    assert_int_equal(bh_launch_encode(&was, &b, NULL), 0);
    b.data[8]++;
    assert_int_equal(bh_launch_decode(b.data, b.len, &l, NULL), -BH_UNSUPPORTED);
}

static void a_changed_or_appearing_input_makes_the_record_stale(void **state)
{
    char dir[] = "/tmp/launch_test.XXXXXX";
    struct bh_launch_input in[2];
    struct bh_launch l = {.inputs = in, .input_count = 2};
    char there[64], missing[64];
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(there, sizeof there, "%s/a", dir);
    (void)snprintf(missing, sizeof missing, "%s/b", dir);
    fd = open(there, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    bh_launch_input_of(there, &in[0]);
    bh_launch_input_of(missing, &in[1]);
    assert_null(bh_launch_stale(&l));
    assert_int_equal(write(fd, "x", 1), 1);
    assert_string_equal(bh_launch_stale(&l), there);
    bh_launch_input_of(there, &in[0]);
    assert_int_equal(mkdir(missing, 0700), 0);
    assert_string_equal(bh_launch_stale(&l), missing);
    bh_launch_input_of(missing, &in[1]);
    assert_null(bh_launch_stale(&l));
    l.expires = 1;
    assert_string_equal(bh_launch_stale(&l), "its age");
    close(fd);
    assert_int_equal(bh_remove_tree_at(AT_FDCWD, dir, NULL), 0);
}

static void a_record_too_large_is_not_written(void **state)
{
    BH_AUTO(bh_freep) char *big = bh_new0(BH_LAUNCH_MAX + 1);
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(BH_LAUNCH_MAX);
    struct bh_launch l = sample();

    (void)state;
    memset(big, 'x', BH_LAUNCH_MAX);
    l.request = big;
    assert_int_equal(bh_launch_encode(&l, &b, NULL), -BH_LIMIT);
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back_whole),
        cmocka_unit_test(every_cut_and_every_flipped_byte_is_refused),
        cmocka_unit_test(a_count_or_length_beyond_the_file_is_refused_even_with_a_right_sum),
        cmocka_unit_test(another_version_is_unsupported_not_corrupt),
        cmocka_unit_test(a_changed_or_appearing_input_makes_the_record_stale),
        cmocka_unit_test(a_record_too_large_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
