#include "beside_decoder.h"
#include "image/store.h"
#include "image/unpack.h"
#include "layer_build.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/xattr.h>
#include <zstd.h>

#include <cmocka.h>

static char root[] = "/tmp/bh-unpack-XXXXXX";
static struct bh_store *store;

struct job {
    struct bh_layer_source source;
    const struct bh_layer_limits *limits;
    struct bh_layer_outcome outcome;
    struct bh_apply_report report;
};

static int fill(int fs_fd, void *data, struct bh_error *err)
{
    struct job *j = data;

    return bh_layer_unpack(&j->source, j->limits, fs_fd, &j->outcome, &j->report, err);
}

/* Unpacks blob into the store under a diff_id of its own, as pulling and running do. */
static int unpack(const struct bh_buf *blob, const struct bh_layer_limits *limits,
                  const struct bh_digest *digest, const struct bh_digest *diff_id, struct job *j,
                  struct bh_layer_lease *lease, struct bh_error *err)
{
    struct bh_digest key;
    int r;

    *j = (struct job){
        .source = {.fd = layer_fd(blob), .size = blob->len, .digest = digest, .diff_id = diff_id},
        .limits = limits};
    bh_digest_of(BH_SHA256, blob->data, blob->len, &key);
    r = bh_store_layer_lease(store, &key, fill, j, lease, err);
    close(j->source.fd);
    return r;
}

static size_t count_below(const char *directory, const char *what)
{
    char path[512];
    struct dirent *e;
    size_t count = 0;
    DIR *d;

    snprintf(path, sizeof path, "%s/%s", root, directory);
    d = opendir(path);
    while (d && (e = readdir(d)))
        if (e->d_name[0] != '.' && (!what || strcmp(e->d_name, what) == 0))
            count++;
    if (d)
        closedir(d);
    return count;
}

static size_t unpacked; /* layers that are in the store for good */

static void assert_nothing_left(void)
{
    char path[512];
    struct dirent *e;
    size_t complete = 0, fs = 0;
    DIR *d;

    assert_int_equal(count_below("tmp", NULL), 0);
    snprintf(path, sizeof path, "%s/layers", root);
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d))) {
        snprintf(path, sizeof path, "layers/%s", e->d_name);
        complete += count_below(path, "complete");
        fs += count_below(path, "fs");
    }
    closedir(d);
    assert_int_equal(complete, unpacked);
    assert_int_equal(fs, unpacked);
}

static void layers_of_every_compression_are_unpacked(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    static char big[300000];

    (void)state;
    memset(big, 'b', sizeof big);
    tar_add(&tar, &(struct tar_entry){.name = "etc/", .type = '5', .mode = 0755});
    tar_add(&tar, &(struct tar_entry){.name = "etc/motd", .content = "hello"});
    tar_add(&tar, &(struct tar_entry){.name = "big", .content = big, .size = sizeof big});
    tar_add(&tar, &(struct tar_entry){.name = "dev/null", .type = '3', .major = 1, .minor = 3});
    tar_add(&tar, &(struct tar_entry){.name = "etc/.wh.gone"});
    tar_end(&tar);
    for (int kind = 0; kind < 3; kind++) {
        BH_AUTO(bh_buf_done) struct bh_buf blob = BH_BUF_INIT(0), got = BH_BUF_INIT(0);
        BH_AUTO(bh_layer_lease_done) struct bh_layer_lease lease = BH_LAYER_LEASE_INIT;
        struct bh_digest digest, diff_id;
        struct bh_error err = BH_ERROR_INIT;
        struct job j;
        int fs;

        if (kind == 0)
            bh_buf_put(&blob, tar.data, tar.len);
        else if (kind == 1)
            layer_gzip(&tar, &blob);
        else
            blob.len = ZSTD_compress(bh_buf_reserve(&blob, tar.len), tar.len, tar.data, tar.len, 3);
        bh_digest_of(BH_SHA256, blob.data, blob.len, &digest);
        bh_digest_of(BH_SHA256, tar.data, tar.len, &diff_id);
        if (unpack(&blob, NULL, &digest, &diff_id, &j, &lease, &err) < 0)
            fail_msg("%s", err.message);
        assert_true(bh_digest_equal(&j.outcome.diff_id, &diff_id));
        assert_int_equal(j.outcome.totals.tar_bytes, tar.len);
        assert_int_equal(j.outcome.totals.compression, kind + 1);
        assert_int_equal(j.report.devices, 1);
        unpacked++;
        fs = open(lease.path, O_RDONLY | O_DIRECTORY);
        assert_int_equal(bh_read_file_at(fs, "big", &got, &err), 0);
        assert_int_equal(got.len, sizeof big);
        assert_memory_equal(got.data, big, sizeof big);
        close(fs);
    }
}

/* Every refusal of the image paragraph, through the real worker, with nothing left in the store. */
static void refused_layers_leave_nothing_behind(void **state)
{
    static const struct {
        const char *why;
        struct tar_entry entries[3];
        int code;
        const char *says;
    } cases[] = {
        {"..", {{.name = "../evil"}}, BH_INVALID, "leaves the root"},
        {"hard link", {{.name = "h", .type = '1', .link = "../../x"}}, BH_INVALID, "hard link"},
        {"hard link", {{.name = "h", .type = '1', .link = "x"}}, BH_INVALID, "not in this layer"},
        {"file as directory", {{.name = "ok"}, {.name = "ok/x"}}, BH_INVALID, "directory is"},
        {"behind a dead link",
         {{.name = "l", .type = '2', .link = "gone"}, {.name = "l/x"}},
         BH_INVALID,
         "symbolic link"},
        {"kind", {{.name = "k", .type = 'Z'}}, BH_UNSUPPORTED, "unknown kind"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
        BH_AUTO(bh_layer_lease_done) struct bh_layer_lease lease = BH_LAYER_LEASE_INIT;
        struct bh_error err = BH_ERROR_INIT;
        struct job j;
        int r;

        tar_add(&tar, &(struct tar_entry){.name = "before", .content = "written already"});
        for (size_t e = 0; e < 3 && cases[i].entries[e].name; e++)
            tar_add(&tar, &cases[i].entries[e]);
        tar_end(&tar);
        r = unpack(&tar, NULL, NULL, NULL, &j, &lease, &err);
        if (r != -cases[i].code || !strstr(err.message, cases[i].says))
            fail_msg("%s: %d %s", cases[i].why, r, err.message);
        assert_nothing_left();
    }
}

static void damaged_layers_leave_nothing_behind(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), gzip = BH_BUF_INIT(0);
    struct bh_digest digest, diff_id, wrong;
    struct bh_layer_limits few = bh_layer_limits_default;
    int step;

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "a", .content = "written already"});
    tar_add(&tar, &(struct tar_entry){.name = "b", .content = "and this"});
    tar_end(&tar);
    layer_gzip(&tar, &gzip);
    bh_digest_of(BH_SHA256, gzip.data, gzip.len, &digest);
    bh_digest_of(BH_SHA256, tar.data, tar.len, &diff_id);
    bh_digest_of(BH_SHA256, "x", 1, &wrong);
    for (step = 0; step < 6; step++) {
        BH_AUTO(bh_buf_done) struct bh_buf blob = BH_BUF_INIT(0);
        BH_AUTO(bh_layer_lease_done) struct bh_layer_lease lease = BH_LAYER_LEASE_INIT;
        struct bh_error err = BH_ERROR_INIT;
        struct job j;
        int r;

        bh_buf_put(&blob, gzip.data, step == 2 ? gzip.len - 3 : gzip.len);
        if (step == 3)
            blob.data[blob.len / 2] ^= 1;
        if (step == 4)
            bh_buf_puts(&blob, "trailing");
        few.entries = step == 5 ? 1 : bh_layer_limits_default.entries;
        r = unpack(&blob, &few, step == 0 ? &wrong : NULL, step == 1 ? &wrong : NULL, &j, &lease,
                   &err);
        if (r != (step == 5 ? -BH_LIMIT : -BH_CORRUPT))
            fail_msg("step %d: %d %s", step, r, err.message);
        assert_nothing_left();
    }
    assert_int_equal(step, 6);
}

static void a_worker_that_dies_is_told(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0);
    BH_AUTO(bh_layer_lease_done) struct bh_layer_lease lease = BH_LAYER_LEASE_INIT;
    struct bh_layer_limits nonsense = bh_layer_limits_default;
    struct bh_error err = BH_ERROR_INIT;
    struct job j;

    (void)state;
    tar_end(&tar);
    nonsense.ratio = 0;
    assert_int_equal(unpack(&tar, &nonsense, NULL, NULL, &j, &lease, &err), -BH_USAGE);
    assert_nothing_left();
}

static void a_disk_that_takes_no_more_leaves_nothing_behind(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), packed = BH_BUF_INIT(0);
    BH_AUTO(bh_layer_lease_done) struct bh_layer_lease lease = BH_LAYER_LEASE_INIT;
    static char big[300000];
    struct rlimit old, small;
    struct bh_error err = BH_ERROR_INIT;
    struct job j;
    int r;

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "before", .content = "fits"});
    tar_add(&tar, &(struct tar_entry){.name = "big", .content = big, .size = sizeof big});
    tar_end(&tar);
    layer_gzip(&tar, &packed);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 100000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    r = unpack(&packed, NULL, NULL, NULL, &j, &lease, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(r, -BH_IO);
    assert_non_null(strstr(err.message, "big"));
    assert_nothing_left();
}

static void inspecting_answers_with_digests_and_facts(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf tar = BH_BUF_INIT(0), gzip = BH_BUF_INIT(0);
    struct bh_layer_source source = {0};
    struct bh_layer_outcome outcome;
    struct bh_digest diff_id;
    struct bh_error err = BH_ERROR_INIT;
    int out = memfd_create("facts", MFD_CLOEXEC), spool = memfd_create("spool", MFD_CLOEXEC);

    (void)state;
    tar_add(&tar, &(struct tar_entry){.name = "etc/os-release", .content = "ID=debian\n"});
    tar_end(&tar);
    layer_gzip(&tar, &gzip);
    bh_digest_of(BH_SHA256, tar.data, tar.len, &diff_id);
    source.fd = layer_fd(&gzip);
    source.size = gzip.len;
    if (bh_decode_inspect(&source, BH_DECODE_INSPECT, &bh_layer_limits_default, out, spool,
                          &outcome, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(bh_digest_equal(&outcome.diff_id, &diff_id));
    assert_int_equal(outcome.totals.entries, 1);
    assert_true(lseek(out, 0, SEEK_END) > 0);
    close(source.fd);
    source.fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (bh_decode_inspect(&source, BH_DECODE_INSPECT_TREE, &bh_layer_limits_default, out, spool,
                          &outcome, &err) < 0)
        fail_msg("%s", err.message);
    close(source.fd);
    close(out);
    close(spool);
}

static int make_store(void **state)
{
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    return mkdtemp(root) && bh_store_open(root, true, &store, &err) == 0 ? 0 : -1;
}

static int drop_store(void **state)
{
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    bh_store_close(store);
    return bh_remove_tree_at(AT_FDCWD, root, &err);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_of_every_compression_are_unpacked),
        cmocka_unit_test(refused_layers_leave_nothing_behind),
        cmocka_unit_test(damaged_layers_leave_nothing_behind),
        cmocka_unit_test(a_worker_that_dies_is_told),
        cmocka_unit_test(a_disk_that_takes_no_more_leaves_nothing_behind),
        cmocka_unit_test(inspecting_answers_with_digests_and_facts),
    };
    int failed;

    (void)argc;
    go_beside_decoder(argv);
    failed = cmocka_run_group_tests(tests, make_store, drop_store);
    leave_decoder();
    return failed;
}
