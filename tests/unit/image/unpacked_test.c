/* From sources of every kind to unpacked layers, through the real worker. Images are made by
 * tests/lib/make-image (MAKE_IMAGE). */
#include "beside_decoder.h"
#include "image/unpacked.h"
#include "store_fixture.h"
#include "sys/spawn.h"

static char work[] = "/tmp/bh-unpacked-XXXXXX";

static void run(const char *const *argv)
{
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *const envp[] = {path, NULL};
    const int fds[] = {-1, -1, 2};
    struct bh_spawn s = {.path = argv[0],
                         .argv = (char *const *)(uintptr_t)argv,
                         .envp = envp,
                         .fds = fds,
                         .fd_count = 3};
    BH_AUTO(bh_child_done) struct bh_child child = BH_CHILD_INIT;
    struct bh_error err = BH_ERROR_INIT;
    int status;

    OK(bh_spawn(&s, &child, &err));
    OK(bh_child_wait(&child, 60000, &status, &err));
    assert_int_equal(status, 0);
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})
#define MAKE(...) RUN(getenv("MAKE_IMAGE"), __VA_ARGS__)

static void put_file(const char *path, const char *text)
{
    BH_AUTO(bh_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    struct bh_error err = BH_ERROR_INIT;

    OK(bh_write_full(fd, text, strlen(text), &err));
}

static int make_images(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(work));
    assert_int_equal(chdir(work), 0);
    assert_int_equal(mkdir("base", 0755) | mkdir("top", 0755), 0);
    put_file("base/one", "lower");
    put_file("top/one", "upper");
    put_file("top/two", "2");
    MAKE("oci", "layout", "base", "top");
    MAKE("oci", "zstd", "--compress", "zstd", "base", "top");
    MAKE("oci", "strange", "--layer-type", "application/x-nobody", "base", "top");
    MAKE("oci", "wrong-type", "--layer-type", BH_MEDIA_OCI_LAYER_ZSTD, "base");
    MAKE("oci-archive", "layout.tar", "base", "top");
    MAKE("docker-archive", "saved.tar", "--links", "base", "top", "base");
    RUN("/usr/bin/tar", "-C", "top", "-cf", "rootfs.tar", ".");
    RUN("/usr/bin/tar", "-C", "top", "-czf", "rootfs.tar.gz", ".");
    return 0;
}

static int remove_images(void **state)
{
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    OK(bh_remove_tree_at(AT_FDCWD, work, &err));
    return 0;
}

static int open_image(struct fixture *f, const char *target, struct bh_image **ret,
                      struct bh_error *err)
{
    struct bh_open_options o = {.store = f->store};

    return bh_image_open(&o, target, ret, err);
}

static void assert_content(const struct bh_layer_lease *layer, const char *name, const char *want)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(100);
    BH_AUTO(bh_freep) char *path = bh_format("%s/%s", layer->path, name);
    struct bh_error err = BH_ERROR_INIT;

    OK(bh_read_file_at(AT_FDCWD, path, &b, &err));
    assert_string_equal(bh_buf_text(&b), want);
}

static void every_source_unpacks_to_the_same_layers(void **state)
{
    static const struct {
        const char *target;
        size_t layers;
        bool fresh; /* others have unpacked its layers before */
    } cases[] = {
        {"oci:layout", 2, true},
        {"oci:zstd:latest", 2, false},
        {"oci-archive:layout.tar", 2, false},
        {"docker-archive:saved.tar", 3, false},
        {"./layout", 2, false},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_image_closep) struct bh_image *image = NULL;
        BH_AUTO(bh_unpacked_done) struct bh_unpacked u = BH_UNPACKED_INIT;
        struct bh_error err = BH_ERROR_INIT;

        OK(open_image(f, cases[i].target, &image, &err));
        OK(bh_image_unpack(image, f->store, NULL, NULL, NULL, &u, &err));
        assert_int_equal(u.count, cases[i].layers);
        assert_int_equal(u.fresh, cases[i].fresh);
        assert_content(&u.layers[0], "one", "lower");
        assert_content(&u.layers[1], "one", "upper");
        assert_content(&u.layers[1], "two", "2");
    }
    assert_int_equal(count_in(f, "layers"), 2);
    assert_int_equal(count_in(f, "tmp"), 0);
}

static void a_stored_image_unpacks_and_its_layers_stay_with_its_name(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_image_closep) struct bh_image *layout = NULL, *image = NULL;
    struct bh_unpacked u = BH_UNPACKED_INIT;
    struct bh_open_options o = {.store = f->store};
    struct bh_gc_options all = {.with_partials = true};
    struct bh_error err = BH_ERROR_INIT;
    struct bh_gc_result gc;

    OK(open_image(f, "oci:layout", &layout, &err));
    OK(bh_image_import(layout, f->store, "web", &o, &err));
    OK(open_image(f, "web", &image, &err));
    assert_string_equal(image->kind, "store");
    assert_true(bh_digest_equal(&image->manifest.digest, &layout->manifest.digest));
    OK(bh_image_unpack(image, f->store, NULL, NULL, NULL, &u, &err));
    bh_unpacked_done(&u);
    OK(bh_store_collect(f->store, &all, &gc, &err));
    assert_int_equal(count_in(f, "layers"), 2);
    OK(bh_store_remove_name(f->store, "web", &err));
    OK(bh_store_collect(f->store, &all, &gc, &err));
    assert_int_equal(count_in(f, "layers"), 0);
    assert_int_equal(gc.blobs, 0); /* the open image holds them */
    bh_image_close(image);
    image = NULL;
    OK(bh_store_collect(f->store, &all, &gc, &err));
    assert_int_equal(gc.blobs, 4);
}

static void a_root_file_system_tar_is_one_layer(void **state)
{
    static const char *const targets[] = {"tar:rootfs.tar", "dir:rootfs.tar.gz", "./rootfs.tar.gz"};
    struct fixture *f = *state;

    for (size_t i = 0; i < BH_COUNT_OF(targets); i++) {
        BH_AUTO(bh_image_closep) struct bh_image *image = NULL;
        BH_AUTO(bh_unpacked_done) struct bh_unpacked u = BH_UNPACKED_INIT;
        struct bh_error err = BH_ERROR_INIT;

        OK(open_image(f, targets[i], &image, &err));
        assert_string_equal(image->kind, "tar");
        assert_null(image->config);
        OK(bh_image_unpack(image, f->store, NULL, NULL, NULL, &u, &err));
        assert_int_equal(u.count, 1);
        assert_int_equal(u.fresh, i < 2);
        assert_content(&u.layers[0], "two", "2");
    }
}

static void a_directory_is_used_where_it_is(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_image_closep) struct bh_image *image = NULL;
    BH_AUTO(bh_unpacked_done) struct bh_unpacked u = BH_UNPACKED_INIT;
    struct bh_error err = BH_ERROR_INIT;

    OK(open_image(f, "dir:top", &image, &err));
    assert_string_equal(image->kind, "dir");
    assert_int_equal(image->layer_count, 0);
    assert_non_null(strstr(image->root_path, "/top"));
    assert_int_equal(faccessat(image->root_fd, "two", F_OK, 0), 0);
    OK(bh_image_unpack(image, f->store, NULL, NULL, NULL, &u, &err));
    assert_int_equal(u.count, 0);
}

static void a_layer_nobody_defined_is_refused_before_anything_is_unpacked(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_image_closep) struct bh_image *image = NULL;
    struct bh_unpacked u = BH_UNPACKED_INIT;
    struct bh_error err = BH_ERROR_INIT;

    OK(open_image(f, "oci:strange", &image, &err));
    assert_int_equal(bh_image_unpack(image, f->store, NULL, NULL, NULL, &u, &err), -BH_UNSUPPORTED);
    assert_non_null(strstr(err.message, "application/x-nobody"));
    assert_int_equal(count_in(f, "layers"), 0);
}

static void a_layer_that_is_not_what_its_type_says_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_image_closep) struct bh_image *image = NULL;
    struct bh_unpacked u = BH_UNPACKED_INIT;
    struct bh_error err = BH_ERROR_INIT;
    struct bh_gc_options all = {.with_partials = true};
    struct bh_gc_result gc;

    OK(open_image(f, "oci:wrong-type", &image, &err));
    assert_int_not_equal(bh_image_unpack(image, f->store, NULL, NULL, NULL, &u, &err), 0);
    assert_non_null(strstr(err.message, "layer 1 of 1 sha256:"));
    assert_null(u.layers);
    assert_int_equal(count_in(f, "tmp"), 0);
    OK(bh_store_collect(f->store, &all, &gc, &err));
    assert_int_equal(count_in(f, "layers"), 0);
}

static void an_opened_image_states_its_facts(void **state)
{
    struct fixture *f = *state;
    BH_AUTO(bh_image_closep) struct bh_image *image = NULL;
    BH_AUTO(bh_facts_freep) struct bh_facts *facts = bh_facts_new();
    struct bh_error err = BH_ERROR_INIT;

    OK(open_image(f, "oci:layout", &image, &err));
    bh_image_describe(image, facts);
    assert_string_equal(facts->target.kind, "oci");
    assert_string_equal(facts->target.reference, "oci:layout");
    assert_memory_equal(facts->target.digest, "sha256:", 7);
    assert_true(facts->config.known);
    assert_string_equal(facts->config.architecture, "amd64");
    assert_int_equal(facts->layer_count, 2);
    assert_string_equal(facts->layers[0].created_by, "layer 0");
    assert_string_equal(facts->layers[1].media_type, BH_MEDIA_OCI_LAYER_GZIP);
    assert_string_not_equal(facts->layers[1].digest, facts->layers[1].diff_id);
}

static void a_target_that_is_nothing_says_what_was_tried(void **state)
{
    static const struct {
        const char *target;
        int code;
        const char *message;
    } cases[] = {
        {"", BH_USAGE, "empty image name"},
        {"oci:", BH_USAGE, "write oci:DIR[:NAME]"},
        {"oci:nowhere", BH_NOT_FOUND, "oci:nowhere: open nowhere: No such file"},
        {"nowhere", BH_NOT_FOUND, "no image \"nowhere:latest\" in the store"},
        {"./nowhere", BH_NOT_FOUND, "./nowhere: open ./nowhere: No such file"},
        {"docker-archive:layout.tar", BH_NOT_FOUND, "no archive of `docker save`"},
        {"oci-archive:saved.tar", BH_NOT_FOUND, "no OCI image layout"},
        {"oci:base", BH_NOT_FOUND, "no OCI image layout"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_image *image = NULL;
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(open_image(f, cases[i].target, &image, &err), -cases[i].code);
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].target, err.message);
    }
}

#define T(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(every_source_unpacks_to_the_same_layers),
        T(a_stored_image_unpacks_and_its_layers_stay_with_its_name),
        T(a_root_file_system_tar_is_one_layer),
        T(a_directory_is_used_where_it_is),
        T(a_layer_nobody_defined_is_refused_before_anything_is_unpacked),
        T(a_layer_that_is_not_what_its_type_says_leaves_nothing),
        T(an_opened_image_states_its_facts),
        T(a_target_that_is_nothing_says_what_was_tried),
    };

    int failed;

    (void)argc;
    go_beside_decoder(argv);
    failed = cmocka_run_group_tests(tests, make_images, remove_images);
    leave_decoder();
    return failed;
}
