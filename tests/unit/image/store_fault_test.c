/* The store under kill -9 and a full disk at every write, sync and rename. */
#include "image/store.h"
#include "store_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

enum fault {
    KILL_BEFORE, /* the call never happens */
    KILL_AFTER,  /* the call happened, nothing after it */
    KILL_MIDDLE, /* a write got half of its bytes down; others as KILL_AFTER */
    FAIL,        /* the call fails with ENOSPC, once */
    FAIL_AGAIN,  /* and all that follow, too */
    FAULT_COUNT,
};

static enum fault fault;
static int calls, strike_call;

static bool strikes(void)
{
    calls++;
    return fault == FAIL_AGAIN ? calls >= strike_call : calls == strike_call;
}

static int die(void)
{
    (void)kill(getpid(), SIGKILL);
    return -1;
}

/* For all but writes: what the call gives, done is the real call's result. */
#define FAULTY(real)                                                                               \
    ({                                                                                             \
        bool now_ = strikes();                                                                     \
        int done_ = now_ && fault != KILL_AFTER && fault != KILL_MIDDLE ? -1 : (real);             \
        if (now_ && (fault == FAIL || fault == FAIL_AGAIN))                                        \
            errno = ENOSPC;                                                                        \
        else if (now_)                                                                             \
            done_ = die();                                                                         \
        done_;                                                                                     \
    })

static ssize_t faulty_write(int fd, const void *data, size_t len)
{
    bool half = fault == KILL_MIDDLE && calls + 1 == strike_call;

    return FAULTY((int)write(fd, data, half ? len / 2 : len));
}

static int faulty_fsync(int fd)
{
    return FAULTY(fsync(fd));
}

/* Not the whole file system hundreds of times. */
static int faulty_syncfs(int fd)
{
    return FAULTY(fsync(fd));
}

static int faulty_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    return FAULTY(renameat(from_dir, from, to_dir, to));
}

static const struct bh_store_io faulty = {faulty_write, faulty_fsync, faulty_syncfs, faulty_rename};

static int fill(int fs_fd, void *data, struct bh_error *err)
{
    (void)data;
    return bh_write_file_at(fs_fd, "file", "content", 7, 0644, err);
}

/* Everything a command does: pull over an existing name, unpack, remove, collect. */
static int work(struct bh_store *s, struct bh_error *err)
{
    BH_AUTO(bh_layer_lease_done) struct bh_layer_lease lease = BH_LAYER_LEASE_INIT;
    struct bh_gc_options o = {.with_partials = true};
    struct bh_gc_result gc;
    struct bh_digest d;
    int e = put_image(s, "app", "new layer", err);

    if (e < 0)
        return e;
    bh_digest_of(BH_SHA256, "new layer", strlen("new layer"), &d);
    if ((e = bh_store_layer_lease(s, &d, fill, NULL, &lease, err)) < 0)
        return e;
    return bh_store_collect(s, &o, &gc, err);
}

static int check_blob(const char *hex, void *data, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(1 << 20);
    BH_AUTO(bh_freep) char *text = bh_format("sha256:%s", hex);
    struct bh_digest d;

    if (bh_digest_parse(text, &d, err) < 0)
        return -err->code;
    return bh_store_read_blob(data, &d, 1 << 20, &b, err); /* hashes it */
}

static int check_name(const struct bh_name_record *r, void *data, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(1 << 20);

    assert_string_equal(r->name, "app:latest");
    assert_int_equal(r->layer_count, 1);
    if (bh_store_read_blob(data, &r->manifest.digest, 1 << 20, &b, err) < 0 ||
        bh_store_read_blob(data, &r->config.digest, 1 << 20, &b, err) < 0)
        return -err->code;
    return bh_store_read_blob(data, &r->layers[0].blob.digest, 1 << 20, &b, err);
}

static int check_layer(const char *hex, void *data, struct bh_error *err)
{
    struct bh_store *s = data;
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(100);
    BH_AUTO(bh_freep) char *complete = bh_format("layers/%s/complete", hex);
    BH_AUTO(bh_freep) char *file = bh_format("layers/%s/fs/file", hex);

    if (faccessat(bh_store_root_fd(s), complete, F_OK, 0) < 0)
        return 0; /* does not exist for readers */
    if (bh_read_file_at(bh_store_root_fd(s), file, &b, err) < 0)
        return -err->code;
    assert_string_equal(bh_buf_text(&b), "content");
    return 0;
}

/* What any process may see, at any moment. */
static void check_whole(struct fixture *f)
{
    struct bh_store *s = NULL;
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_name_record_freep) struct bh_name_record *r = NULL;

    OK(bh_store_open(f->root, false, &s, &err));
    OK(bh_store_each_entry(s->sha256_fd, check_blob, s, &err));
    OK(bh_store_each_name(s, check_name, s, &err));
    OK(bh_store_get_name(s, "app", &r, &err)); /* the old image or the new one, never none */
    OK(bh_store_each_entry(s->layers_fd, check_layer, s, &err));
    bh_store_close(s);
}

static void check_healed(struct fixture *f)
{
    struct bh_error err = BH_ERROR_INIT;

    OK(work(f->store, &err));
    assert_int_equal(count_in(f, "blobs/sha256"), 3);
    assert_int_equal(count_in(f, "names"), 1);
    assert_int_equal(count_in(f, "layers"), 1);
    assert_int_equal(count_in(f, "tmp") + count_in(f, "leases"), 0);
}

/* true when the fault struck. */
static bool strike_at(struct fixture *f, int n)
{
    struct bh_error err = BH_ERROR_INIT;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct bh_store *s = NULL;
        int e;

        if (bh_store_open(f->root, false, &s, &err) < 0)
            _exit(3);
        bh_store_set_io(s, &faulty);
        strike_call = n;
        e = work(s, &err);
        /* _exit: what the child holds is the kernel's to clean up */
        _exit(e < 0 ? 1 : calls < n ? 2 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGKILL;
    assert_int_not_equal(WEXITSTATUS(status), 3);
    return WEXITSTATUS(status) != 2;
}

static void run_fault(void **state, enum fault which)
{
    struct fixture *f = *state;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_gc_options o = {.with_partials = true};
    struct bh_gc_result gc;
    int n = 1, struck_times = 0;

    fault = which;
    for (bool more = true; more; n++) {
        OK(put_image(f->store, "app", "old layer", &err));
        OK(bh_store_collect(f->store, &o, &gc, &err));
        assert_int_equal(count_in(f, "blobs/sha256"), 3);
        assert_int_equal(count_in(f, "layers"), 0);
        more = strike_at(f, n);
        struck_times += more;
        check_whole(f);
        check_healed(f);
    }
    print_message("%d points\n", struck_times);
    assert_true(struck_times >= 20); /* fewer would mean that the seam is not used */
}

static void killed_before_any_call_nothing_half_written_is_seen(void **state)
{
    run_fault(state, KILL_BEFORE);
}

static void killed_after_any_call_nothing_half_written_is_seen(void **state)
{
    run_fault(state, KILL_AFTER);
}

static void killed_in_the_middle_of_any_write_nothing_half_written_is_seen(void **state)
{
    run_fault(state, KILL_MIDDLE);
}

static void one_failing_call_leaves_a_whole_store(void **state)
{
    run_fault(state, FAIL);
}

static void a_disk_that_stays_full_leaves_a_whole_store(void **state)
{
    run_fault(state, FAIL_AGAIN);
}

/* VERSION is written last, so a half-made layout is completed by the next opener. */
static void a_half_made_layout_is_completed(void **state)
{
    struct fixture *f = *state;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_store *s = NULL;
    int root = bh_store_root_fd(f->store);

    assert_int_equal(unlinkat(root, "VERSION", 0), 0);
    assert_int_equal(unlinkat(root, "tmp", AT_REMOVEDIR), 0);
    assert_int_equal(unlinkat(root, "blobs/sha512", AT_REMOVEDIR), 0);
    OK(bh_store_open(f->root, true, &s, &err));
    OK(put_image(s, "app", "1", &err));
    bh_store_close(s);
}

#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(killed_before_any_call_nothing_half_written_is_seen),
        T(killed_after_any_call_nothing_half_written_is_seen),
        T(killed_in_the_middle_of_any_write_nothing_half_written_is_seen),
        T(one_failing_call_leaves_a_whole_store),
        T(a_disk_that_stays_full_leaves_a_whole_store),
        T(a_half_made_layout_is_completed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
