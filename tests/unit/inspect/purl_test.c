#include "base/json.h"
#include "inspect/package_purl.h"
#include "inspect/purl.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *data_dir(void)
{
    const char *dir = getenv("BULKHEAD_TEST_DATA");

    return dir ? dir : "../shared/data";
}

static const char *text_of(const struct bh_node *n, const char *key)
{
    return bh_node_string(bh_node_get(n, key));
}

static void same(const char *a, const char *b)
{
    assert_string_equal(a ? a : "(none)", b ? b : "(none)");
}

/* The parts that a "build" case gives and a "parse" case wants. */
static void parts_of(const struct bh_node *n, struct bh_purl *p)
{
    *p = (struct bh_purl){.type = text_of(n, "type"),
                          .namespace = text_of(n, "namespace"),
                          .name = text_of(n, "name"),
                          .version = text_of(n, "version"),
                          .subpath = text_of(n, "subpath")};
    for (const struct bh_node *q = bh_node_first(bh_node_get(n, "qualifiers")); q; q = q->next)
        p->qualifiers[p->qualifier_count++] = (struct bh_purl_qualifier){q->key, bh_node_string(q)};
}

static void check_format(const struct bh_purl *p, const struct bh_node *test, bool fails)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_error err;

    if (fails) {
        assert_int_not_equal(bh_purl_format(p, &out, &err), 0);
        return;
    }
    assert_int_equal(bh_purl_format(p, &out, &err), 0);
    assert_string_equal(bh_buf_text(&out), text_of(test, "expected_output"));
}

static void check_parts(const struct bh_purl *p, const struct bh_node *wanted)
{
    struct bh_purl w;

    parts_of(wanted, &w);
    same(p->type, w.type);
    same(p->namespace, w.namespace);
    same(p->name, w.name);
    same(p->version, w.version);
    same(p->subpath, w.subpath);
    assert_int_equal(p->qualifier_count, w.qualifier_count);
    for (size_t i = 0; i < w.qualifier_count; i++) {
        size_t k = 0;

        while (k < p->qualifier_count && strcmp(p->qualifiers[k].name, w.qualifiers[i].name) != 0)
            k++;
        assert_true(k < p->qualifier_count);
        same(p->qualifiers[k].value, w.qualifiers[i].value);
    }
}

static void run_case(const struct bh_node *test)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    const char *type = text_of(test, "test_type"), *input = text_of(test, "input");
    bool fails = bh_node_bool_or(bh_node_get(test, "expected_failure"), false);
    struct bh_purl p = {0};
    struct bh_error err;

    if (strcmp(type, "build") == 0) {
        parts_of(bh_node_get(test, "input"), &p);
        check_format(&p, test, fails);
    } else if (strcmp(type, "parse") == 0) {
        int r = bh_purl_parse(input, false, arena, &p, &err);

        assert_int_equal(r != 0, fails);
        if (r == 0)
            check_parts(&p, bh_node_get(test, "expected_output"));
    } else {
        assert_int_equal(bh_purl_parse(input, true, arena, &p, &err) != 0, fails);
        if (!fails)
            check_format(&p, test, fails);
    }
}

static void every_case_of_the_specification_holds(void **state)
{
    static const char *const files[] = {"apk",    "cargo", "deb", "gem",
                                        "golang", "npm",   "rpm", "specification"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(files); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(1 << 20);
        BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
        BH_AUTO(bh_freep)
        char *path = bh_format("%s/purl/%s-test.json", data_dir(), files[i]);
        size_t cases = 0;

        if (bh_read_file_at(AT_FDCWD, path, &text, NULL) < 0) {
            print_message("%s is not there\n", path);
            skip();
        }
        assert_int_equal(bh_json_parse(text.data, text.len, NULL, &tree, NULL), 0);
        for (const struct bh_node *t = bh_node_first(bh_node_get(bh_tree_root(tree), "tests")); t;
             t = t->next, cases++)
            run_case(t);
        assert_true(cases > 0);
    }
}

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "pkg:",
                                        "pkg:deb",
                                        "pkg:deb/",
                                        "pkg:deb/a@%zz",
                                        "pkg:deb/%00",
                                        "pkg:/a",
                                        "pkg:deb/a?x",
                                        "pkg:deb/a?1x=y",
                                        "http:/a/b",
                                        "pkg:deb/a?x=%2",
                                        "pkg:d/@1",
                                        "pkg:d/a%2fb/c",
                                        "pkg:d/a#b%2Fc"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(texts); i++) {
        BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
        struct bh_purl p;

        assert_int_equal(bh_purl_parse(texts[i], false, arena, &p, NULL), -BH_INVALID);
    }
}

static void packages_of_distributions_get_the_url_their_type_defines(void **state)
{
    static const struct {
        struct bh_package p;
        struct bh_distribution d;
        const char *purl;
    } cases[] = {
        {{.type = "deb", .name = "attr", .version = "1:2.4.47-2+b1", .architecture = "amd64"},
         {.id = "debian", .version_id = "12"},
         "pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64&distro=debian-12"},
        {{.type = "rpm", .name = "bind", .version = "32:9.16.23-1.el9", .architecture = "x86_64"},
         {.id = "rhel", .version_id = "9.4"},
         "pkg:rpm/redhat/bind@9.16.23-1.el9?arch=x86_64&distro=rhel-9.4&epoch=32"},
        {{.type = "apk", .name = "musl", .version = "1.2.4-r2", .architecture = ""},
         {.id = NULL},
         "pkg:apk/alpine/musl@1.2.4-r2"},
    };
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++)
        assert_string_equal(bh_package_purl(&cases[i].p, &cases[i].d, arena), cases[i].purl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_of_the_specification_holds),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(packages_of_distributions_get_the_url_their_type_defines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
