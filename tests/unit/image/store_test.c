#include "image/store.h"
#include "store_fixture.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#define LONG_NAME 900 /* bytes */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct bh_digest digest_of(const char *text)
{
    struct bh_digest d;

    bh_digest_of(BH_SHA256, text, strlen(text), &d);
    return d;
}

static void collect(struct fixture *f, struct bh_gc_result *ret)
{
    struct bh_gc_options o = {.with_partials = false};
    struct bh_error err = BH_ERROR_INIT;

    OK(bh_store_collect(f->store, &o, ret, &err));
}

/* ---- the root ---- */

static void a_directory_with_other_files_is_no_store(void **state)
{
    char dir[] = "/tmp/bh-store-XXXXXX";
    struct bh_error err = BH_ERROR_INIT;
    struct bh_store *s = NULL;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(bh_store_open(dir, false, &s, &err), -BH_NOT_FOUND);
    fd = open(dir, O_RDONLY | O_DIRECTORY);
    OK(bh_write_file_at(fd, "letter.txt", "x", 1, 0600, &err));
    assert_int_equal(bh_store_open(dir, true, &s, &err), -BH_INVALID);
    assert_non_null(strstr(err.message, "so it is no store"));
    assert_int_equal(faccessat(fd, "blobs", F_OK, 0), -1);
    close(fd);
    OK(bh_remove_tree_at(AT_FDCWD, dir, &err));
}

static void a_newer_format_is_refused_with_both_numbers(void **state)
{
    struct fixture *f = *state;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_store *s = NULL;

    OK(bh_write_file_at(bh_store_root_fd(f->store), "VERSION", "bulkhead-store 7\n", 17, 0644,
                        &err));
    assert_int_equal(bh_store_open(f->root, true, &s, &err), -BH_UNSUPPORTED);
    assert_non_null(strstr(err.message, "format 7, this program reads up to 1"));
    OK(bh_write_file_at(bh_store_root_fd(f->store), "VERSION", "hello\n", 6, 0644, &err));
    assert_int_equal(bh_store_open(f->root, true, &s, &err), -BH_INVALID);
}

static void the_store_is_closed_to_other_users(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_int_equal(fstatat(bh_store_root_fd(f->store), "layers", &st, 0), 0);
    assert_int_equal(st.st_mode & 077, 0);
}

/* ---- blobs ---- */

static void a_blob_is_found_under_its_digest(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d;
    bool there = false;

    OK(bh_lease_new(f->store, &l, &err));
    OK(bh_store_put(l, "abc", 3, &d, &err));
    assert_int_equal(faccessat(bh_store_root_fd(f->store), "blobs/sha256/" ABC, F_OK, 0), 0);
    OK(bh_store_has(l, &d, &there, &err));
    assert_true(there);
    OK(bh_store_read_blob(f->store, &d, 3, &b, &err));
    assert_string_equal(bh_buf_text(&b), "abc");
    assert_int_equal(bh_store_read_blob(f->store, &d, 2, &b, &err), -BH_LIMIT);
    assert_int_equal(count_in(f, "tmp"), 0);
}

static char order[32];

static void note(char c)
{
    order[strlen(order)] = c;
}

static ssize_t noted_write(int fd, const void *data, size_t len)
{
    note('w');
    return write(fd, data, len);
}

static int noted_fsync(int fd)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    note(S_ISDIR(st.st_mode) ? 'd' : 'f');
    return fsync(fd);
}

static int noted_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    note('r');
    return renameat(from_dir, from, to_dir, to);
}

static void a_blob_is_synced_before_it_is_renamed_and_its_directory_after(void **state)
{
    static const struct bh_store_io noted = {noted_write, noted_fsync, syncfs, noted_rename};
    struct fixture *f = *state;
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    struct bh_error err = BH_ERROR_INIT;

    OK(bh_lease_new(f->store, &l, &err));
    bh_store_set_io(f->store, &noted);
    OK(bh_store_put(l, "abc", 3, NULL, &err));
    assert_string_equal(order, "wwfwrd"); /* lease, content, file, lease, rename, directory */
}

static void wrong_bytes_are_refused_and_leave_nothing(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        const char *message;
    } cases[] = {
        {"abd", 3, "has other content: its digest is sha256:"},
        {"ab", 3, "is cut short: 2 of 3 bytes"},
        {"abd", UINT64_MAX, "has other content"},
    };
    struct fixture *f = *state;
    struct bh_digest d = digest_of("abc");

    for (size_t n = 0; n < 2 * BH_COUNT_OF(cases); n++) {
        BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
        struct bh_error err = BH_ERROR_INIT;
        struct bh_ingest *i = NULL;
        const char *text = cases[n / 2].text;
        bool done;

        OK(bh_lease_new(f->store, &l, &err));
        OK(bh_ingest_begin(l, &d, cases[n / 2].size, n % 2, &i, &done, &err));
        OK(bh_ingest_write(i, text, strlen(text), &err));
        assert_int_equal(bh_ingest_commit(i, NULL, &err), -BH_CORRUPT);
        assert_non_null(strstr(err.message, cases[n / 2].message));
        assert_int_equal(count_in(f, "tmp"), 0);
        assert_int_equal(count_in(f, "blobs/sha256"), 0);
    }
}

static void more_bytes_than_announced_end_at_once(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("abc");
    struct bh_ingest *i = NULL;
    bool done;

    OK(bh_lease_new(f->store, &l, &err));
    OK(bh_ingest_begin(l, &d, 3, false, &i, &done, &err));
    assert_int_equal(bh_ingest_write(i, "abcd", 4, &err), -BH_CORRUPT);
    bh_ingest_abort(i);
    assert_int_equal(count_in(f, "tmp"), 0);
}

static void an_interrupted_download_goes_on_where_it_broke(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("abc");
    struct bh_gc_result gc;
    struct bh_ingest *i = NULL;
    bool done;

    OK(bh_lease_new(f->store, &l, &err));
    OK(bh_ingest_begin(l, &d, 3, true, &i, &done, &err));
    OK(bh_ingest_write(i, "ab", 2, &err));
    bh_ingest_abort(i);
    collect(f, &gc);
    OK(bh_ingest_begin(l, &d, 3, true, &i, &done, &err));
    assert_int_equal(bh_ingest_offset(i), 2);
    OK(bh_ingest_write(i, "c", 1, &err));
    OK(bh_ingest_commit(i, NULL, &err));
    OK(bh_ingest_begin(l, &d, 3, true, &i, &done, &err));
    assert_true(done);
    assert_int_equal(count_in(f, "tmp"), 0);
}

static void a_restart_forgets_what_was_there(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("abc");
    struct bh_ingest *i = NULL;
    bool done;

    OK(bh_lease_new(f->store, &l, &err));
    OK(bh_ingest_begin(l, &d, 3, true, &i, &done, &err));
    OK(bh_ingest_write(i, "xx", 2, &err));
    OK(bh_ingest_restart(i, &err));
    assert_int_equal(bh_ingest_offset(i), 0);
    OK(bh_ingest_write(i, "abc", 3, &err));
    OK(bh_ingest_commit(i, NULL, &err));
}

static void two_processes_write_one_blob_and_both_have_it(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("abc");
    struct bh_ingest *i = NULL;
    bool done = false;
    int status;
    pid_t pid;

    OK(bh_lease_new(f->store, &l, &err));
    OK(bh_ingest_begin(l, &d, 3, true, &i, &done, &err));
    pid = fork();
    if (pid == 0) {
        struct bh_store *s = NULL;
        struct bh_lease *mine = NULL;
        struct bh_ingest *other = NULL;

        /* Its copies of our descriptors would keep the lock. */
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        if (bh_store_open(f->root, false, &s, &err) < 0 || bh_lease_new(s, &mine, &err) < 0 ||
            bh_ingest_begin(mine, &d, 3, true, &other, &done, &err) < 0)
            _exit(2);
        _exit(done ? 0 : 3);
    }
    usleep(50000); /* it waits for us, or comes later: both must end the same */
    OK(bh_ingest_write(i, "abc", 3, &err));
    OK(bh_ingest_commit(i, NULL, &err));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Waiting while holding another would deadlock two pulls of the same layers, and one of an image
 * that has a layer twice. */
static void who_writes_one_blob_does_not_wait_for_another(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("abc");
    struct bh_ingest *first = NULL, *second = NULL;
    bool done;

    OK(bh_lease_new(f->store, &l, &err));
    OK(bh_ingest_begin(l, &d, 3, true, &first, &done, &err));
    alarm(20);
    OK(bh_ingest_begin(l, &d, 3, true, &second, &done, &err));
    alarm(0);
    OK(bh_ingest_write(first, "ab", 2, &err));
    OK(bh_ingest_write(second, "abc", 3, &err));
    OK(bh_ingest_commit(second, NULL, &err));
    OK(bh_ingest_write(first, "c", 1, &err));
    OK(bh_ingest_commit(first, NULL, &err));
    assert_int_equal(count_in(f, "blobs/sha256"), 1);
    assert_int_equal(count_in(f, "tmp"), 0);
}

static void damage_is_found_and_mended_by_pulling_again(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_gc_options verify = {.verify = true};
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("layer");
    struct bh_gc_result gc;
    char path[256], hex[BH_DIGEST_TEXT_SIZE];
    int fd;

    OK(put_image(f->store, "a", "layer", &err));
    snprintf(path, sizeof path, "%s/blobs/sha256/%s", f->root, bh_digest_hex(&d, hex));
    chmod(path, 0600);
    fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, "L", 1), 1);
    close(fd);
    assert_int_equal(bh_store_read_blob(f->store, &d, 100, &b, &err), -BH_CORRUPT);
    OK(bh_store_collect(f->store, &verify, &gc, &err));
    assert_int_equal(gc.damaged, 1);
    OK(put_image(f->store, "a", "layer", &err));
    OK(bh_store_read_blob(f->store, &d, 100, &b, &err));
    assert_int_equal(truncate(path, 0), 0);
    OK(put_image(f->store, "a", "layer", &err)); /* a wrong size is seen without --verify */
    OK(bh_store_read_blob(f->store, &d, 100, &b, &err));
}

/* ---- names ---- */

static int join_names(const struct bh_name_record *r, void *data, struct bh_error *err)
{
    (void)err;
    bh_buf_printf(data, "%s ", r->name);
    return 0;
}

static void a_name_holds_the_whole_image(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_name_record_freep) struct bh_name_record *r = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("layer");
    struct bh_gc_result gc;

    OK(put_image(f->store, "quay.io:5000/a/b", "layer", &err));
    OK(bh_store_get_name(f->store, "quay.io:5000/a/b:latest", &r, &err));
    assert_string_equal(r->name, "quay.io:5000/a/b:latest");
    assert_string_equal(r->source, "test");
    assert_string_equal(r->platform.architecture, "amd64");
    assert_int_equal(r->layer_count, 1);
    assert_true(bh_digest_equal(&r->layers[0].diff_id, &d));
    assert_string_equal(r->layers[0].created_by, "test");
    assert_string_equal(r->manifest.media_type, BH_MEDIA_OCI_MANIFEST);
    collect(f, &gc);
    assert_int_equal(gc.blobs, 0);
    assert_int_equal(count_in(f, "blobs/sha256"), 3);
}

static void names_are_listed_in_order_and_replaced(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_gc_result gc;

    OK(put_image(f->store, "b", "1", &err));
    OK(put_image(f->store, "a:2", "2", &err));
    OK(put_image(f->store, "b", "3", &err));
    OK(bh_store_each_name(f->store, join_names, &b, &err));
    assert_string_equal(bh_buf_text(&b), "a:2 b:latest ");
    collect(f, &gc);
    assert_int_equal(gc.blobs, 3);
}

static void a_long_name_has_a_file_too(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_name_record_freep) struct bh_name_record *r = NULL;
    struct bh_error err = BH_ERROR_INIT;
    char name[LONG_NAME + 1], path[BH_NAME_PATH_SIZE];

    memset(name, 'n', LONG_NAME);
    name[LONG_NAME] = '\0';
    OK(put_image(f->store, name, "1", &err));
    OK(bh_store_get_name(f->store, name, &r, &err));
    OK(bh_store_name_path(name, path, &err));
    assert_int_equal(faccessat(bh_store_root_fd(f->store), path, F_OK, 0), 0);
    assert_int_equal(bh_store_name_path("../../x.y/etc", path, &err), -BH_INVALID);
    OK(bh_store_name_path("a/b:c", path, &err));
    assert_string_equal(path, "names/a%2Fb%3Ac");
}

static void an_unknown_name_brings_the_nearest(void **state)
{
    struct fixture *f = *state;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_name_record *r = NULL;

    assert_int_equal(bh_store_get_name(f->store, "ngin", &r, &err), -BH_NOT_FOUND);
    assert_non_null(strstr(err.message, "`bulkhead images`"));
    OK(put_image(f->store, "quay.io/x/nginx", "1", &err));
    assert_int_equal(bh_store_get_name(f->store, "ngin", &r, &err), -BH_NOT_FOUND);
    assert_non_null(strstr(err.message, "did you mean \"quay.io/x/nginx:latest\"?"));
    assert_int_equal(bh_store_remove_name(f->store, "nginx", &err), -BH_NOT_FOUND);
    OK(bh_store_remove_name(f->store, "quay.io/x/nginx", &err));
    assert_int_equal(bh_store_remove_name(f->store, "quay.io/x/nginx", &err), -BH_NOT_FOUND);
}

static void a_digest_in_a_name_is_held_against_the_image(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_name_record_freep) struct bh_name_record *r = NULL, *same = NULL;
    struct bh_error err = BH_ERROR_INIT;
    char digest[BH_DIGEST_TEXT_SIZE], name[256];

    OK(put_image(f->store, "quay.io/a/web:1", "1", &err));
    OK(bh_store_get_name(f->store, "quay.io/a/web:1", &r, &err));
    bh_digest_format(&r->manifest.digest, digest);
    snprintf(name, sizeof name, "quay.io/a/web@%s", digest);
    OK(bh_store_get_name(f->store, name, &same, &err));
    assert_string_equal(same->name, "quay.io/a/web:1");
    snprintf(name, sizeof name, "quay.io/a/web:2@%s", digest);
    assert_int_equal(bh_store_get_name(f->store, name, &same, &err), -BH_NOT_FOUND);
    snprintf(name, sizeof name, "a/web@%s", digest);
    assert_int_equal(bh_store_get_name(f->store, name, &same, &err), -BH_NOT_FOUND);
    snprintf(name, sizeof name, "web@sha256:" ABC);
    assert_int_equal(put_image(f->store, name, "1", &err), -BH_CORRUPT);
    assert_non_null(strstr(err.message, "pins another image"));
    snprintf(name, sizeof name, "web@%s", digest);
    OK(put_image(f->store, name, "1", &err));
}

static void a_name_needs_its_blobs_and_agreeing_layers(void **state)
{
    static const char config[] = "{\"rootfs\":{\"diff_ids\":[]}}";
    struct fixture *f = *state;
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_descriptor root = {.media_type = BH_MEDIA_OCI_MANIFEST};
    char digest[BH_DIGEST_TEXT_SIZE];
    struct bh_digest d = digest_of("layer"), c;

    OK(bh_lease_new(f->store, &l, &err));
    OK(bh_store_put(l, config, strlen(config), &c, &err));
    bh_buf_printf(&b,
                  "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" BH_MEDIA_OCI_CONFIG
                  "\",\"digest\":\"%s\",\"size\":%zu},",
                  bh_digest_format(&c, digest), strlen(config));
    bh_buf_printf(&b, "\"layers\":[{\"mediaType\":\"t\",\"digest\":\"%s\",\"size\":5}]}",
                  bh_digest_format(&d, digest));
    OK(bh_store_put(l, b.data, b.len, &root.digest, &err));
    root.size_bytes = b.len;
    assert_int_equal(bh_store_set_name(l, "x", &root, NULL, "t", &err), -BH_NOT_FOUND);
    OK(bh_store_put(l, "layer", 5, NULL, &err));
    assert_int_equal(bh_store_set_name(l, "x", &root, NULL, "t", &err), -BH_INVALID);
    assert_non_null(strstr(err.message, "manifest has 1 layers, its configuration 0 diff_ids"));
    assert_int_equal(count_in(f, "names"), 0);
}

static void a_damaged_name_stops_collection(void **state)
{
    struct fixture *f = *state;
    struct bh_gc_options o = {.verify = false};
    struct bh_error err = BH_ERROR_INIT;
    struct bh_gc_result gc;

    OK(put_image(f->store, "a", "1", &err));
    OK(bh_write_file_at(f->store->names_fd, "a%3Alatest", "{", 1, 0600, &err));
    assert_int_equal(bh_store_collect(f->store, &o, &gc, &err), -BH_INVALID);
    assert_non_null(strstr(err.message, "names/a%3Alatest is damaged"));
    assert_int_equal(count_in(f, "blobs/sha256"), 3);
}

/* ---- leases and collection ---- */

static void a_lease_keeps_a_blob_and_its_end_lets_it_go(void **state)
{
    struct fixture *f = *state;
    struct bh_lease *l = NULL;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_gc_result gc;

    OK(bh_lease_new(f->store, &l, &err));
    OK(bh_store_put(l, "abc", 3, NULL, &err));
    collect(f, &gc);
    assert_int_equal(gc.blobs, 0);
    bh_lease_end(l);
    collect(f, &gc);
    assert_int_equal(gc.blobs, 1);
    assert_int_equal(gc.bytes, 3);
    assert_int_equal(count_in(f, "leases"), 0);
}

static void what_a_killed_process_left_is_collected(void **state)
{
    struct fixture *f = *state;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_gc_result gc;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct bh_lease *l = NULL;
        struct bh_ingest *i = NULL;
        bool done;

        if (bh_lease_new(f->store, &l, &err) < 0 || bh_store_put(l, "abc", 3, NULL, &err) < 0 ||
            bh_ingest_begin(l, NULL, UINT64_MAX, false, &i, &done, &err) < 0 ||
            bh_ingest_write(i, "x", 1, &err) < 0)
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(count_in(f, "tmp"), 1);
    assert_int_equal(count_in(f, "leases"), 1);
    collect(f, &gc);
    assert_int_equal(gc.blobs, 1);
    assert_int_equal(gc.temporaries, 2);
    assert_int_equal(count_in(f, "tmp") + count_in(f, "leases") + count_in(f, "blobs/sha256"), 0);
}

static void facts_of_unnamed_layers_and_launch_records_go_when_unused(void **state)
{
    static const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    struct fixture *f = *state;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest named = digest_of("layer"), unnamed = digest_of("other");
    char hex[BH_DIGEST_TEXT_SIZE], name[256];
    int facts = openat(bh_store_root_fd(f->store), "facts", O_RDONLY | O_DIRECTORY);
    int launch = openat(bh_store_root_fd(f->store), "launch", O_RDONLY | O_DIRECTORY);
    struct bh_gc_result gc;

    OK(put_image(f->store, "a", "layer", &err));
    snprintf(name, sizeof name, "%s-1", bh_digest_hex(&named, hex));
    OK(bh_write_file_at(facts, name, "x", 1, 0600, &err));
    assert_int_equal(utimensat(facts, name, old, 0), 0);
    snprintf(name, sizeof name, "%s-1", bh_digest_hex(&unnamed, hex));
    OK(bh_write_file_at(facts, name, "x", 1, 0600, &err));
    collect(f, &gc);
    assert_int_equal(gc.cached, 0);
    assert_int_equal(utimensat(facts, name, old, 0), 0);
    OK(bh_write_file_at(launch, "0123", "x", 1, 0600, &err));
    assert_int_equal(utimensat(launch, "0123", old, 0), 0);
    collect(f, &gc);
    assert_int_equal(gc.cached, 2);
    assert_int_equal(count_in(f, "facts"), 1);
    assert_int_equal(count_in(f, "launch"), 0);
    close(launch);
    close(facts);
}

/* ---- unpacked layers ---- */

static int fill_file(int fs_fd, void *data, struct bh_error *err)
{
    ++*(int *)data;
    return bh_write_file_at(fs_fd, "file", "x", 1, 0644, err);
}

static int fill_fail(int fs_fd, void *data, struct bh_error *err)
{
    int e = fill_file(fs_fd, data, err);

    return e < 0 ? e : bh_fail(err, BH_CORRUPT, "bad tar");
}

static void a_layer_is_unpacked_once_and_held(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_layer_lease_done) struct bh_layer_lease a = BH_LAYER_LEASE_INIT;
    BH_AUTO(bh_layer_lease_done) struct bh_layer_lease b = BH_LAYER_LEASE_INIT;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("layer");
    struct bh_gc_result gc;
    char path[256];
    int fills = 0;

    assert_int_equal(bh_store_layer_lease(f->store, &d, NULL, NULL, &a, &err), -BH_NOT_FOUND);
    OK(bh_store_layer_lease(f->store, &d, fill_file, &fills, &a, &err));
    OK(bh_store_layer_lease(f->store, &d, fill_file, &fills, &b, &err));
    assert_int_equal(fills, 1);
    snprintf(path, sizeof path, "%s/file", a.path);
    assert_int_equal(access(path, F_OK), 0);
    collect(f, &gc);
    assert_int_equal(gc.busy_layers, 1);
    assert_int_equal(access(path, F_OK), 0);
    bh_layer_lease_done(&a);
    bh_layer_lease_done(&b);
    collect(f, &gc);
    assert_int_equal(gc.layers, 1);
    assert_int_equal(count_in(f, "layers") + count_in(f, "tmp"), 0);
}

static void a_failed_unpacking_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct bh_layer_lease a = BH_LAYER_LEASE_INIT;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("layer");
    int fills = 0;

    assert_int_equal(bh_store_layer_lease(f->store, &d, fill_fail, &fills, &a, &err), -BH_CORRUPT);
    assert_int_equal(count_in(f, "tmp"), 0);
    assert_int_equal(bh_store_layer_lease(f->store, &d, NULL, NULL, &a, &err), -BH_NOT_FOUND);
    OK(bh_store_layer_lease(f->store, &d, fill_file, &fills, &a, &err));
    bh_layer_lease_done(&a);
}

static void a_layer_without_its_mark_does_not_exist(void **state)
{
    struct fixture *f = *state;
    struct bh_layer_lease a = BH_LAYER_LEASE_INIT;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_digest d = digest_of("layer");
    char path[256], hex[BH_DIGEST_TEXT_SIZE];
    int fills = 0;

    OK(bh_store_layer_lease(f->store, &d, fill_file, &fills, &a, &err));
    bh_layer_lease_done(&a);
    snprintf(path, sizeof path, "layers/%s/complete", bh_digest_hex(&d, hex));
    assert_int_equal(unlinkat(bh_store_root_fd(f->store), path, 0), 0);
    assert_int_equal(bh_store_layer_lease(f->store, &d, NULL, NULL, &a, &err), -BH_NOT_FOUND);
    OK(bh_store_layer_lease(f->store, &d, fill_file, &fills, &a, &err));
    assert_int_equal(fills, 2);
    bh_layer_lease_done(&a);
}

#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_with_other_files_is_no_store),
        T(a_newer_format_is_refused_with_both_numbers),
        T(the_store_is_closed_to_other_users),
        T(a_blob_is_found_under_its_digest),
        T(a_blob_is_synced_before_it_is_renamed_and_its_directory_after),
        T(wrong_bytes_are_refused_and_leave_nothing),
        T(more_bytes_than_announced_end_at_once),
        T(an_interrupted_download_goes_on_where_it_broke),
        T(a_restart_forgets_what_was_there),
        T(two_processes_write_one_blob_and_both_have_it),
        T(who_writes_one_blob_does_not_wait_for_another),
        T(damage_is_found_and_mended_by_pulling_again),
        T(a_name_holds_the_whole_image),
        T(names_are_listed_in_order_and_replaced),
        T(a_long_name_has_a_file_too),
        T(an_unknown_name_brings_the_nearest),
        T(a_digest_in_a_name_is_held_against_the_image),
        T(a_name_needs_its_blobs_and_agreeing_layers),
        T(a_damaged_name_stops_collection),
        T(a_lease_keeps_a_blob_and_its_end_lets_it_go),
        T(what_a_killed_process_left_is_collected),
        T(facts_of_unnamed_layers_and_launch_records_go_when_unused),
        T(a_layer_is_unpacked_once_and_held),
        T(a_failed_unpacking_leaves_nothing),
        T(a_layer_without_its_mark_does_not_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
