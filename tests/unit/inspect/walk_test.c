#include "base/mem.h"
#include "inspect/layer_facts.h"
#include "inspect/layer_sink.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct bh_layer_limits limits = {.entries = 1000, .depth = 20};

struct tree {
    char path[64];
    int fd;
};

static void tree_done(struct tree *t)
{
    (void)!bh_remove_tree_at(AT_FDCWD, t->path, NULL);
    close(t->fd);
}

static void make_tree(struct tree *t)
{
    memcpy(t->path, "/tmp/bulkhead-walk-XXXXXX", 26);
    assert_non_null(mkdtemp(t->path));
    t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(t->fd >= 0);
}

static void put_file(const struct tree *t, const char *path, const char *text, mode_t mode)
{
    assert_int_equal(bh_write_file_at(t->fd, path, text, strlen(text), mode, NULL), 0);
    assert_int_equal(fchmodat(t->fd, path, mode, 0), 0);
}

static int walk(const struct tree *t, const struct bh_layer_limits *l, struct bh_layer_facts **ret)
{
    BH_AUTO(bh_inspector_freep) struct bh_inspector *i = NULL;
    int fd = memfd_create("facts", MFD_CLOEXEC), r;

    assert_int_equal(bh_inspector_new(fd, -1, &i, NULL), 0);
    r = bh_inspector_walk(i, t->fd, l, NULL);
    if (r < 0) {
        close(fd);
        return r;
    }
    assert_int_equal(bh_inspector_finish(i, NULL), 0);
    assert_int_equal(bh_layer_facts_open(fd, ret, NULL), 0);
    return 0;
}

static void a_directory_is_read_like_a_layer(void **state)
{
    BH_AUTO(tree_done) struct tree t;
    BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *f = NULL;

    (void)state;
    make_tree(&t);
    assert_int_equal(bh_mkdir_parents(t.fd, "var/lib/dpkg", 0755, NULL), 0);
    assert_int_equal(bh_mkdir_parents(t.fd, "etc", 0755, NULL), 0);
    put_file(&t, "etc/os-release", "ID=debian\n", 0644);
    put_file(&t, "var/lib/dpkg/status", "Package: a\nVersion: 1\n", 0644);
    put_file(&t, "own", "x", 04755);
    assert_int_equal(walk(&t, &limits, &f), 0);
    assert_string_equal(f->distributions[0].distribution.id, "debian");
    assert_string_equal(f->databases[0].packages[0].name, "a");
    assert_string_equal(f->files[0].path, "own");
    assert_int_equal(f->file_count, 3);
    assert_int_equal(f->member_count, 7);
    assert_int_equal(f->gap_count, 0);
}

static void links_are_never_followed(void **state)
{
    BH_AUTO(tree_done) struct tree t;
    BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *f = NULL;

    (void)state;
    make_tree(&t);
    assert_int_equal(bh_mkdir_parents(t.fd, "var/lib", 0755, NULL), 0);
    assert_int_equal(symlinkat("/etc", t.fd, "etc"), 0);
    assert_int_equal(symlinkat("/var/lib/dpkg", t.fd, "var/lib/dpkg"), 0);
    assert_int_equal(symlinkat("..", t.fd, "up"), 0);
    assert_int_equal(walk(&t, &limits, &f), 0);
    assert_int_equal(f->distribution_count, 0);
    assert_int_equal(f->database_count, 0);
    assert_int_equal(f->member_count, 5);
}

static void limits_hold(void **state)
{
    static const struct bh_layer_limits few = {.entries = 3, .depth = 20};
    BH_AUTO(tree_done) struct tree t;
    BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *f = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf deep = BH_BUF_INIT(0);

    (void)state;
    make_tree(&t);
    for (int i = 0; i < 30; i++)
        bh_buf_puts(&deep, i ? "/d" : "d");
    assert_int_equal(bh_mkdir_parents(t.fd, deep.data, 0755, NULL), 0);
    assert_int_equal(walk(&t, &few, &f), -BH_LIMIT);
    assert_int_equal(walk(&t, &limits, &f), 0);
    assert_int_equal(f->gap_count, 1);
    assert_true(f->gaps[0].blind);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_is_read_like_a_layer),
        cmocka_unit_test(links_are_never_followed),
        cmocka_unit_test(limits_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
