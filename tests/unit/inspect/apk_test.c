#include "base/mem.h"
#include "inspect/apk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int note(void *self, const struct bh_found_package *p, struct bh_error *err)
{
    (void)err;
    bh_buf_printf(self, "%s %s %s %s %s;", p->name, p->version, p->source_name, p->architecture,
                  p->license);
    return 0;
}

static int parse(const char *text, size_t piece, struct bh_buf *out, struct bh_error *err)
{
    BH_AUTO(bh_apk_freep)
    struct bh_apk *a = bh_apk_new((struct bh_package_listener){.found = note, .self = out});
    size_t len = strlen(text);
    int r = 0;

    for (size_t at = 0; r == 0 && at < len; at += piece)
        r = bh_apk_feed(a, text + at, piece < len - at ? piece : len - at, err);
    return r < 0 ? r : bh_apk_end(a, err);
}

static const char installed[] =
    "C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=\nP:alpine-baselayout-data\nV:3.4.3-r1\nA:x86_64\nS:11664\n"
    "I:77824\nT:Alpine base dir structure and init scripts\nU:https://git.alpinelinux.org\n"
    "L:GPL-2.0-only\no:alpine-baselayout\nm:Natanael Copa <ncopa@alpinelinux.org>\nt:1683642107\n"
    "r:alpine-baselayout\nF:etc\nR:fstab\nZ:Q11Q7hNe8QpDS531guqCdrXBzoA/o=\nR:group\n\n"
    "C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\nF:lib\na:0:0:755\n\n";
static const char found[] = "alpine-baselayout-data 3.4.3-r1 alpine-baselayout x86_64 GPL-2.0-only;"
                            "musl 1.2.4-r2 musl x86_64 MIT;";

static void packages_are_found_whatever_the_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof installed; piece += piece < 8 ? 1 : 61) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

        assert_int_equal(parse(installed, piece, &out, NULL), 0);
        assert_string_equal(bh_buf_text(&out), found);
    }
}

static void what_cannot_be_a_package_is_an_error_that_names_the_line(void **state)
{
    static const struct {
        const char *text, *where;
    } cases[] = {
        {"P:a\n\n", "line 2"},
        {"P:a\nV:1 2\n\n", "line 3"},
        {"P:a\nV:1\nnothing\n", "line 3"},
        {"V:1\n", "line 1"},
        {"P:a\nV:1\nA:x\x7f\n\n", "line 4"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(parse(cases[i].text, 5, &out, &err), -BH_INVALID);
        assert_non_null(strstr(err.message, cases[i].where));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_are_found_whatever_the_pieces),
        cmocka_unit_test(what_cannot_be_a_package_is_an_error_that_names_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
