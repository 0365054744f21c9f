#include "sys/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* FIPS 180-4, the one-block message "abc". */
static const char abc_256[] =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char abc_512[] =
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

static void the_standard_message_has_the_standard_digest(void **state)
{
    struct bh_digest d;
    char text[BH_DIGEST_TEXT_SIZE];

    (void)state;
    bh_digest_of(BH_SHA256, "abc", 3, &d);
    assert_string_equal(bh_digest_format(&d, text), abc_256);
    bh_digest_of(BH_SHA512, "abc", 3, &d);
    assert_string_equal(bh_digest_format(&d, text), abc_512);
    assert_string_equal(bh_digest_hex(&d, text), abc_512 + 7);
}

static void streaming_in_pieces_gives_the_same_digest(void **state)
{
    BH_AUTO(bh_hasher_freep) struct bh_hasher *h = bh_hasher_new(BH_SHA256);
    struct bh_digest d, want;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    bh_hasher_update(h, "a", 1);
    bh_hasher_update(h, "", 0);
    bh_hasher_update(h, "bc", 2);
    bh_hasher_finish(h, &d);
    assert_int_equal(bh_digest_parse(abc_256, &want, &err), 0);
    assert_true(bh_digest_equal(&d, &want));
    want.bytes[31] ^= 1;
    assert_false(bh_digest_equal(&d, &want));
}

static void only_the_exact_lower_case_form_is_a_digest(void **state)
{
    static const char *const bad[] = {
        "",
        "sha256:",
        "sha256:ab",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
        "sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:../../../../../../../../../../../../../../../../../../../../etc/xx",
    };
    struct bh_digest d = {0};
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_int_equal(bh_digest_parse(bad[i], &d, &err), -BH_INVALID);
    assert_false(bh_digest_is_set(&d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standard_message_has_the_standard_digest),
        cmocka_unit_test(streaming_in_pieces_gives_the_same_digest),
        cmocka_unit_test(only_the_exact_lower_case_form_is_a_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
