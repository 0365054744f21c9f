#include "advisory/suite_index.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char signed_release[] =
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
    "Origin: Debian\nCodename: bookworm-security\n"
    "Date: Sat, 21 Nov 2026 00:53:02 UTC\nValid-Until: Sat, 28 Nov 2026 00:53:02 UTC\n"
    "MD5Sum:\n " HEX " 5 main/binary-amd64/Packages\n"
    "SHA256:\n " HEX "     7 main/binary-amd64/Packages\n " HEX " 9 main/binary-arm64/Packages\n"
    "-----BEGIN PGP SIGNATURE-----\nOrigin: Mallory\nDate: x\n-----END PGP SIGNATURE-----\n";

static void a_signed_release_file_is_read_between_its_marks(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_release r;

    (void)state;
    assert_int_equal(bh_release_parse(signed_release, sizeof signed_release - 1, &r, &err), 0);
    assert_string_equal(r.origin, "Debian");
    assert_string_equal(r.codename, "bookworm-security");
    assert_int_equal(r.date, 1795222382);
    assert_int_equal(r.valid_until, 1795827182);
}

static void a_digest_is_found_by_name_and_size_in_the_sha256_list_alone(void **state)
{
    char hex[65];

    (void)state;
    assert_true(bh_release_digest(signed_release, sizeof signed_release - 1,
                                  "main_binary-amd64_Packages", 7, hex));
    assert_string_equal(hex, HEX);
    assert_false(bh_release_digest(signed_release, sizeof signed_release - 1,
                                   "main_binary-amd64_Packages", 5, hex));
    assert_false(bh_release_digest(signed_release, sizeof signed_release - 1,
                                   "main_binary-amd64_Package", 7, hex));
}

static void release_files_without_the_needed_fields_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "Origin: Debian\nCodename: x\n",
        "Origin: Debian\nCodename: x\nDate: yesterday\n",
        "Origin: De bian\nCodename: x\nDate: Sat, 21 Nov 2026 00:53:02 UTC\n",
        "Origin: Debian\nCodename: \nDate: Sat, 21 Nov 2026 00:53:02 UTC\n",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++) {
        struct bh_error err = BH_ERROR_INIT;
        struct bh_release r;

        assert_int_equal(bh_release_parse(bad[i], strlen(bad[i]), &r, &err), -BH_INVALID);
    }
}

static void note(void *context, const char *source, size_t source_len, const char *version,
                 size_t version_len)
{
    bh_buf_printf(context, "%.*s=%.*s;", (int)source_len, source, (int)version_len, version);
}

static void each_binary_package_tells_its_source_and_the_sources_version(void **state)
{
    static const char text[] = "Package: a\nVersion: 1\nDescription: x\n Package: hidden\n\n"
                               "Package: b\nSource: src\nVersion: 2-1\n\n\n"
                               "Package: c\r\nSource: src (3-1)\r\nVersion: 3-1+b1\r\n\r\n"
                               "Package: bad version\nVersion: 1\n\n"
                               "Package: d\n\n"
                               "Package: e\nSource: f (\nVersion: 1\n\n"
                               "Package: last\nVersion: 9";
    BH_AUTO(bh_buf_done) struct bh_buf seen = BH_BUF_INIT(0);

    (void)state;
    assert_int_equal(bh_packages_parse(text, sizeof text - 1, note, &seen), 3);
    assert_string_equal(bh_buf_text(&seen), "a=1;src=2-1;src=3-1;last=9;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_release_file_is_read_between_its_marks),
        cmocka_unit_test(a_digest_is_found_by_name_and_size_in_the_sha256_list_alone),
        cmocka_unit_test(release_files_without_the_needed_fields_are_refused),
        cmocka_unit_test(each_binary_package_tells_its_source_and_the_sources_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
