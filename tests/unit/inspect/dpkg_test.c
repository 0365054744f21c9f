#include "base/mem.h"
#include "inspect/dpkg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What was found, one "name version source source_version architecture;" each. */
static int note(void *self, const struct bh_found_package *p, struct bh_error *err)
{
    (void)err;
    bh_buf_printf(self, "%s %s %s %s %s;", p->name, p->version, p->source_name, p->source_version,
                  p->architecture);
    return 0;
}

static int parse(const char *text, size_t piece, struct bh_buf *out, struct bh_error *err)
{
    BH_AUTO(bh_dpkg_freep)
    struct bh_dpkg *d = bh_dpkg_new((struct bh_package_listener){.found = note, .self = out});
    size_t len = strlen(text);
    int r = 0;

    for (size_t at = 0; r == 0 && at < len; at += piece)
        r = bh_dpkg_feed(d, text + at, piece < len - at ? piece : len - at, err);
    return r < 0 ? r : bh_dpkg_end(d, err);
}

static const char status[] =
    "Package: libattr1\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\n"
    "Source: attr (1:2.5.1-4)\nVersion: 1:2.5.1-4+b2\nDescription: a\n Package: not this\n .\n b\n"
    "\n\nPackage: bash\nstatus: install ok unpacked\nversion: 5.2.15-2\nArchitecture: amd64\n"
    "Conffiles:\n /etc/bash.bashrc 89269e1298235f1b12b4c16e4065ad0d\n"
    "\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    "\nPackage: never\nStatus: install ok not-installed\n"
    "\nPackage: broken\nStatus: install reinstreq half-installed\nVersion: 2\nArchitecture: all\n"
    "\nPackage: nostatus\nVersion: 3\nSource: other\nArchitecture: all";
static const char found[] = "libattr1 1:2.5.1-4+b2 attr 1:2.5.1-4 amd64;"
                            "bash 5.2.15-2 bash 5.2.15-2 amd64;"
                            "broken 2 broken 2 all;nostatus 3 other 3 all;";

static void packages_with_files_are_found_whatever_the_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof status; piece += piece < 8 ? 1 : 97) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

        assert_int_equal(parse(status, piece, &out, NULL), 0);
        assert_string_equal(bh_buf_text(&out), found);
    }
}

static void a_line_of_any_length_is_passed_over_when_nobody_reads_it(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0), out = BH_BUF_INIT(0);

    (void)state;
    bh_buf_puts(&text, "Package: a\nDepends: ");
    for (int i = 0; i < 100000; i++)
        bh_buf_puts(&text, "libx, ");
    bh_buf_puts(&text, "\nVersion: 1\n");
    assert_int_equal(parse(text.data, 8192, &out, NULL), 0);
    assert_string_equal(bh_buf_text(&out), "a 1 a 1 ;");
}

static void what_cannot_be_a_package_is_an_error_that_names_the_line(void **state)
{
    static const struct {
        const char *text, *where;
    } cases[] = {
        {"Package: a\nVersion: 1\n\nPackage: b\nStatus: install ok installed\n\n", "line 6"},
        {"Package: a b\nVersion: 1\n", "line 2"},
        {"Package: a\nVersion: 1\nnothing\n", "line 3"},
        {"Package: a\nVersion: 1\nSource: (2)\n", "line 3"},
        {"Package: a\nVersion: 1\nSource: x (2\n", "line 3"},
        {"Package: a\nVersion: 1\x01\n", "line 2"},
        {"Version: 1\n", "line 1"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        struct bh_error err = BH_ERROR_INIT;

        assert_int_equal(parse(cases[i].text, 7, &out, &err), -BH_INVALID);
        assert_non_null(strstr(err.message, cases[i].where));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_with_files_are_found_whatever_the_pieces),
        cmocka_unit_test(a_line_of_any_length_is_passed_over_when_nobody_reads_it),
        cmocka_unit_test(what_cannot_be_a_package_is_an_error_that_names_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
