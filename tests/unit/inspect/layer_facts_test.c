#include "base/mem.h"
#include "inspect/layer_facts.h"
#include "inspect/layer_sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATHS 20000

static void path_of(int i, char *path, size_t size)
{
    (void)snprintf(path, size, "usr/share/d%d/a-file-with-a-name-%d%s", i / 100, i,
                   i % 97 == 0 ? "-and-a-longer-end-than-the-others" : "");
}

/* What an inspector writes about many files and one database. */
static int written(void)
{
    struct bh_inspector *i;
    int fd = memfd_create("facts", MFD_CLOEXEC);
    const struct bh_layer_sink *sink;
    static const char status[] = "Package: a\nVersion: 1\n";
    bool want = false;

    assert_int_equal(bh_inspector_new(fd, -1, &i, NULL), 0);
    sink = bh_inspector_sink(i);
    for (int k = 0; k < PATHS; k++) {
        char path[200];
        struct bh_layer_entry e = {
            .path = path, .type = BH_ENTRY_FILE, .mode = 0644, .size = (uint64_t)k, .link = ""};

        path_of(k, path, sizeof path);
        e.path_len = strlen(path);
        assert_int_equal(sink->entry(sink->self, &e, &want, NULL), 0);
        assert_false(want);
    }
    assert_int_equal(sink->entry(sink->self,
                                 &(struct bh_layer_entry){.path = "var/lib/dpkg/status",
                                                          .path_len = 19,
                                                          .type = BH_ENTRY_FILE,
                                                          .mode = 0666,
                                                          .link = ""},
                                 &want, NULL),
                     0);
    assert_true(want);
    assert_int_equal(sink->data(sink->self, status, strlen(status), NULL), 0);
    assert_int_equal(sink->end(sink->self, NULL), 0);
    assert_int_equal(bh_inspector_finish(i, NULL), 0);
    bh_inspector_free(i);
    return fd;
}

struct walk {
    int next;
};

static int check_path(void *self, const struct bh_layer_path *p, struct bh_error *err)
{
    struct walk *w = self;
    char path[200];

    (void)err;
    if (w->next < PATHS) {
        path_of(w->next, path, sizeof path);
        assert_string_equal(p->path, path);
        assert_int_equal(p->len, strlen(path));
        assert_int_equal(p->size, w->next);
        assert_int_equal(p->mode, 0644);
    }
    w->next++;
    return 0;
}

static void everything_written_reads_back(void **state)
{
    BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *f = NULL;
    struct walk w = {0};

    (void)state;
    assert_int_equal(bh_layer_facts_open(written(), &f, NULL), 0);
    assert_int_equal(f->member_count, PATHS + 1);
    assert_int_equal(f->file_count, PATHS + 1);
    assert_int_equal(f->database_count, 1);
    assert_string_equal(f->databases[0].packages[0].name, "a");
    assert_int_equal(f->file_note_count, 1);
    assert_int_equal(f->files[0].marks, BH_FILE_WORLD_WRITABLE);
    assert_int_equal(bh_layer_facts_paths(f, check_path, &w, NULL), 0);
    assert_int_equal(w.next, PATHS + 1);
    /* Shared beginnings are written once. */
    assert_true(f->path_bytes < (uint64_t)PATHS * 16);
}

static int any_path(void *self, const struct bh_layer_path *p, struct bh_error *err)
{
    (void)self;
    (void)err;
    assert_int_equal(strlen(p->path) <= p->len, 1);
    return 0;
}

static int copy_of(int fd, off_t size)
{
    int copy = memfd_create("copy", MFD_CLOEXEC);
    BH_AUTO(bh_freep) char *data = bh_new((size_t)size);

    assert_int_equal(pread(fd, data, (size_t)size, 0), size);
    assert_int_equal(write(copy, data, (size_t)size), size);
    return copy;
}

static void a_file_that_was_cut_or_changed_never_crashes(void **state)
{
    int fd = written();
    struct stat st;

    (void)state;
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t len = 0; len < st.st_size; len += len < 64 ? 1 : 4099) {
        struct bh_layer_facts *f = NULL;
        int cut = copy_of(fd, st.st_size);

        assert_int_equal(ftruncate(cut, len), 0);
        assert_int_equal(bh_layer_facts_open(cut, &f, NULL), -BH_CORRUPT);
    }
    for (off_t at = 0; at < st.st_size; at += at < 128 || at > st.st_size - 160 ? 1 : 9973) {
        BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *f = NULL;
        int changed = copy_of(fd, st.st_size);

        assert_int_equal(pwrite(changed, "\xff", 1, at), 1);
        if (bh_layer_facts_open(changed, &f, NULL) == 0)
            (void)!bh_layer_facts_paths(f, any_path, NULL, NULL);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_written_reads_back),
        cmocka_unit_test(a_file_that_was_cut_or_changed_never_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
