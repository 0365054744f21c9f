#include "advisory/apt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, bool deb822, const char *const *extra, const char *expected)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    size_t count = bh_apt_security_entries(text, deb822, extra, &out);

    assert_string_equal(bh_buf_text(&out), expected);
    assert_int_equal(count > 0, *expected != '\0');
}

static void only_lines_of_security_suites_are_taken(void **state)
{
    (void)state;
    expect(
        "# comment\n"
        "deb http://mirror.test/debian bookworm main\n"
        "deb-src http://mirror.test/sec bookworm-security main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/sec bookworm-security main contrib "
        "# why\n"
        "deb http://mirror.test/sec buster/updates main",
        false, NULL,
        "deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/sec bookworm-security main contrib \n"
        "deb http://mirror.test/sec buster/updates main\n");
    expect("deb [broken http://mirror.test x-security main\ndeb\n\n", false, NULL, "");
}

static void further_suites_come_from_the_same_line(void **state)
{
    static const char *const extra[] = {"bookworm-security", "trixie-security", NULL};

    (void)state;
    expect("deb [a=b] http://mirror.test/sec bookworm-security main\n", false, extra,
           "deb [a=b] http://mirror.test/sec bookworm-security main\n"
           "deb [a=b] http://mirror.test/sec trixie-security main\n");
}

static void stanzas_keep_their_keys_and_lose_other_suites(void **state)
{
    static const char *const extra[] = {"trixie-security", NULL};
    static const char text[] = "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm\n\n"
                               "Types: deb deb-src\n# a remark\nURIs: http://mirror.test/sec\n"
                               "Suites: bookworm bookworm-security\nComponents: main\nSigned-By:\n"
                               " -----BEGIN\n .\n -----END\n\n"
                               "Enabled: no\nTypes: deb\nSuites: sid-security\n";

    (void)state;
    expect(text, true, NULL,
           "Types: deb\nSuites: bookworm-security\nURIs: http://mirror.test/sec\nComponents: main\n"
           "Signed-By:\n -----BEGIN\n .\n -----END\n\n");
    expect(text, true, extra,
           "Types: deb\nSuites: bookworm-security trixie-security\nURIs: http://mirror.test/sec\n"
           "Components: main\nSigned-By:\n -----BEGIN\n .\n -----END\n\n");
    expect("Types: deb-src\nSuites: x-security\n", true, NULL, "");
    expect("", true, NULL, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_lines_of_security_suites_are_taken),
        cmocka_unit_test(further_suites_come_from_the_same_line),
        cmocka_unit_test(stanzas_keep_their_keys_and_lose_other_suites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
