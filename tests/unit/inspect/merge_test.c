#include "base/mem.h"
#include "inspect/layer_sink.h"
#include "inspect/merge.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* A layer as the test writes it: entries with what a tar would hold of them. */
struct member {
    const char *path;
    enum bh_entry_type type;
    enum bh_whiteout whiteout;
    uint32_t mode;
    const char *content;
};

static struct bh_layer_facts *inspect(const struct member *members)
{
    struct bh_inspector *i;
    struct bh_layer_facts *facts;
    struct bh_error err = BH_ERROR_INIT;
    int fd = memfd_create("facts", MFD_CLOEXEC);
    const struct bh_layer_sink *sink;

    assert_true(fd >= 0);
    assert_int_equal(bh_inspector_new(fd, -1, &i, &err), 0);
    sink = bh_inspector_sink(i);
    for (const struct member *m = members; m->path; m++) {
        struct bh_layer_entry e = {.path = m->path,
                                   .path_len = strlen(m->path),
                                   .type = m->type,
                                   .whiteout = m->whiteout,
                                   .mode = m->mode,
                                   .size = m->content ? strlen(m->content) : 0,
                                   .link = ""};
        bool want = false;

        assert_int_equal(sink->entry(sink->self, &e, &want, &err), 0);
        if (!want)
            continue;
        assert_int_equal(sink->data(sink->self, m->content, e.size, &err), 0);
        assert_int_equal(sink->end(sink->self, &err), 0);
    }
    assert_int_equal(bh_inspector_finish(i, &err), 0);
    bh_inspector_free(i);
    assert_int_equal(bh_layer_facts_open(fd, &facts, &err), 0);
    return facts;
}

#define LAYERS_MAX 4
static struct bh_facts *merged(const struct member *const *layers, bool is_directory)
{
    const struct bh_layer_facts *opened[LAYERS_MAX];
    struct bh_facts *f = bh_facts_new();
    struct bh_error err = BH_ERROR_INIT;
    size_t count = 0;

    for (; layers[count]; count++)
        opened[count] = inspect(layers[count]);
    assert_int_equal(bh_merge_layers(opened, count, is_directory, f, &err), 0);
    for (size_t i = 0; i < count; i++) {
        struct bh_layer_facts *gone;

        memcpy(&gone, &opened[i], sizeof gone);
        bh_layer_facts_free(gone);
    }
    return f;
}

#define FILE_OF(p, c)                                                                              \
    {                                                                                              \
        .path = (p), .type = BH_ENTRY_FILE, .mode = 0644, .content = (c)                           \
    }
#define DIR_OF(p)                                                                                  \
    {                                                                                              \
        .path = (p), .type = BH_ENTRY_DIRECTORY, .mode = 0755                                      \
    }
#define WHITEOUT_OF(p)                                                                             \
    {                                                                                              \
        .path = (p), .whiteout = BH_WHITEOUT_PATH                                                  \
    }
#define OPAQUE_OF(p)                                                                               \
    {                                                                                              \
        .path = (p), .whiteout = BH_WHITEOUT_OPAQUE                                                \
    }
#define STATUS "var/lib/dpkg/status"
#define END                                                                                        \
    {                                                                                              \
        .path = NULL                                                                               \
    }

static const struct member base[] = {
    DIR_OF("etc"),
    FILE_OF("etc/os-release", "ID=debian\nVERSION_ID=12\n"),
    FILE_OF(STATUS, "Package: a\nVersion: 1\nArchitecture: all\n\n"
                    "Package: b\nVersion: 1\nArchitecture: all\n"),
    {.path = "usr/bin/su", .type = BH_ENTRY_FILE, .mode = 04755, .content = "x"},
    {.path = "srv/open", .type = BH_ENTRY_FILE, .mode = 0666, .content = "x"},
    {.path = "tmp", .type = BH_ENTRY_DIRECTORY, .mode = 01777},
    END,
};

static void check_packages(const struct bh_facts *f, const char *wanted)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);

    for (size_t i = 0; i < f->package_count; i++)
        bh_buf_printf(&text, "%s=%s@%d ", f->packages[i].name, f->packages[i].version,
                      (int)f->packages[i].layer);
    assert_string_equal(bh_buf_text(&text), wanted);
}

static void one_layer_tells_all(void **state)
{
    const struct member *layers[] = {base, NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

    (void)state;
    check_packages(f, "a=1@0 b=1@0 ");
    assert_string_equal(f->distribution.id, "debian");
    assert_string_equal(f->packages[0].purl, "pkg:deb/debian/a@1?arch=all&distro=debian-12");
    assert_int_equal(f->finding_count, 2);
    assert_string_equal(f->findings[0].rule, "file-setuid");
    assert_string_equal(f->findings[0].path, "/usr/bin/su");
    assert_string_equal(f->findings[1].rule, "file-world-writable");
    assert_int_equal(f->coverage_count, 0);
    assert_int_equal(f->file_count, 4);
}

static void a_directory_has_no_layers(void **state)
{
    const struct member *layers[] = {base, NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, true);

    (void)state;
    check_packages(f, "a=1@-1 b=1@-1 ");
}

static void each_version_belongs_to_the_layer_that_brought_it(void **state)
{
    static const struct member second[] = {
        FILE_OF(STATUS, "Package: a\nVersion: 1\nArchitecture: all\n\n"
                        "Package: c\nVersion: 1\nArchitecture: all\n"),
        END,
    };
    static const struct member third[] = {
        FILE_OF(STATUS, "Package: a\nVersion: 2\nArchitecture: all\n\n"
                        "Package: b\nVersion: 1\nArchitecture: all\n\n"
                        "Package: c\nVersion: 1\nArchitecture: all\n"),
        END,
    };
    const struct member *layers[] = {base, second, third, NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

    (void)state;
    check_packages(f, "a=2@2 b=1@2 c=1@1 ");
}

static void whiteouts_opaque_directories_and_replacements_remove(void **state)
{
    static const struct member whiteout[] = {WHITEOUT_OF("usr/bin/su"), WHITEOUT_OF("srv"), END};
    static const struct member opaque[] = {DIR_OF("srv"), DIR_OF("usr"), OPAQUE_OF("usr"),
                                           OPAQUE_OF("srv"), END};
    static const struct member replaced[] = {
        {.path = "usr", .type = BH_ENTRY_SYMLINK, .mode = 0777},
        FILE_OF("srv/open", "now closed"),
        END};
    const struct member *const uppers[] = {whiteout, opaque, replaced};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(uppers); i++) {
        const struct member *layers[] = {base, uppers[i], NULL};
        BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

        check_packages(f, "a=1@0 b=1@0 ");
        assert_int_equal(f->finding_count, 0);
    }
}

static void an_opaque_directory_keeps_what_its_own_layer_brings(void **state)
{
    static const struct member upper[] = {
        {.path = "srv/new", .type = BH_ENTRY_FILE, .mode = 0666, .content = "x"},
        OPAQUE_OF("srv"),
        END};
    const struct member *layers[] = {base, upper, NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

    (void)state;
    assert_int_equal(f->finding_count, 2);
    assert_string_equal(f->findings[1].path, "/srv/new");
    assert_int_equal(f->findings[1].layer, 1);
}

static void a_removed_database_is_a_gap_and_not_an_empty_list(void **state)
{
    static const struct member file[] = {WHITEOUT_OF(STATUS), END};
    static const struct member directory[] = {WHITEOUT_OF("var"), END};
    static const struct member opaque[] = {OPAQUE_OF(""), END};
    const struct member *const uppers[] = {file, directory, opaque};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(uppers); i++) {
        const struct member *layers[] = {base, uppers[i], NULL};
        BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

        check_packages(f, "");
        assert_true(bh_facts_is_blind(f, BH_SUBJECT_PACKAGES));
        assert_string_equal(f->coverage[0].path, STATUS);
        assert_int_equal(f->coverage[0].layer, 1);
    }
}

static void a_database_that_comes_back_begins_anew(void **state)
{
    static const struct member gone[] = {WHITEOUT_OF("var"), END};
    static const struct member back[] = {
        FILE_OF(STATUS, "Package: a\nVersion: 1\nArchitecture: all\n"), END};
    const struct member *layers[] = {base, gone, back, NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

    (void)state;
    check_packages(f, "a=1@2 ");
    assert_false(bh_facts_is_blind(f, BH_SUBJECT_PACKAGES));
}

static void distroless_lists_one_file_for_each_package(void **state)
{
    static const struct member layer[] = {
        FILE_OF("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12\n"),
        FILE_OF("var/lib/dpkg/status.d/base.md5sums", "0123  usr/share/x\n"),
        FILE_OF("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a-0\n"), END};
    const struct member *layers[] = {layer, NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

    (void)state;
    check_packages(f, "base-files=12@0 tzdata=2024a-0@0 ");
    assert_int_equal(f->coverage_count, 0);
}

static void what_cannot_be_read_is_a_gap(void **state)
{
    static const struct member layer[] = {
        FILE_OF(STATUS, "Package: a\nVersion: 1\n\nnonsense\n"),
        {.path = "lib/apk/db/installed", .type = BH_ENTRY_SYMLINK, .mode = 0777},
        FILE_OF("var/lib/rpm/Packages", "berkeley"),
        {.path = "dev/sda", .type = BH_ENTRY_BLOCK, .mode = 0660},
        END};
    const struct member *layers[] = {layer, NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);
    size_t blind = 0, devices = 0;

    (void)state;
    check_packages(f, "a=1@0 ");
    for (size_t i = 0; i < f->coverage_count; i++) {
        blind += f->coverage[i].blind;
        devices += strcmp(f->coverage[i].subject, "device-node") == 0;
    }
    assert_int_equal(blind, 3);
    assert_int_equal(devices, 1);
}

/* An inspector's gap without a path: more notable files than it may report. */
static void a_gap_of_a_whole_layer_outlives_every_layer_above(void **state)
{
    static struct member many[20003];
    static const struct member root[] = {DIR_OF(""), OPAQUE_OF(""), END};
    const struct member *layers[] = {many, root, NULL};

    (void)state;
    for (size_t i = 0; i + 1 < BH_COUNT_OF(many); i++) {
        static char paths[BH_COUNT_OF(many)][16];

        (void)snprintf(paths[i], sizeof paths[i], "f%zu", i);
        many[i] = (struct member){.path = paths[i], .type = BH_ENTRY_FILE, .mode = 04755};
    }
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

    assert_int_equal(f->finding_count, 0);
    assert_true(bh_facts_is_blind(f, BH_SUBJECT_FINDINGS));
}

static void no_database_at_all_proves_nothing(void **state)
{
    static const struct member layer[] = {FILE_OF("app", "x"), END};
    const struct member *layers[] = {layer, NULL};
    BH_AUTO(bh_facts_freep) struct bh_facts *f = merged(layers, false);

    (void)state;
    assert_true(bh_facts_is_blind(f, BH_SUBJECT_VULNERABILITIES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_layer_tells_all),
        cmocka_unit_test(a_directory_has_no_layers),
        cmocka_unit_test(each_version_belongs_to_the_layer_that_brought_it),
        cmocka_unit_test(whiteouts_opaque_directories_and_replacements_remove),
        cmocka_unit_test(an_opaque_directory_keeps_what_its_own_layer_brings),
        cmocka_unit_test(a_removed_database_is_a_gap_and_not_an_empty_list),
        cmocka_unit_test(a_database_that_comes_back_begins_anew),
        cmocka_unit_test(distroless_lists_one_file_for_each_package),
        cmocka_unit_test(what_cannot_be_read_is_a_gap),
        cmocka_unit_test(a_gap_of_a_whole_layer_outlives_every_layer_above),
        cmocka_unit_test(no_database_at_all_proves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
