#include "image/layer_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Vectors of the SipHash paper's reference code: key 00..0f, input 00, 00 01, 00 01 02 ... */
static void siphash_answers_as_its_reference(void **state)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        {0, 0x726fdb47dd0e0e31u}, {1, 0x74f839c593dc67fdu},  {7, 0xab0200f58b01d137u},
        {8, 0x93f5f5799a932462u}, {15, 0xa129ca6149be45e5u},
    };
    const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    uint8_t in[16];

    (void)state;
    for (uint8_t i = 0; i < sizeof in; i++)
        in[i] = i;
    for (size_t i = 0; i < BH_COUNT_OF(vectors); i++)
        assert_int_equal(bh_siphash(key, in, vectors[i].len), vectors[i].hash);
}

static void kinds_are_remembered_while_the_table_grows(void **state)
{
    BH_AUTO(bh_layer_guard_freep) struct bh_layer_guard *g = bh_layer_guard_new();
    char path[32];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            int len = snprintf(path, sizeof path, "usr/share/%d", i);

            bh_layer_guard_set(g, path, (size_t)len, (enum bh_guard_kind)(1 + (i + round) % 3));
        }
        for (int i = 0; i < 20000; i++) {
            int len = snprintf(path, sizeof path, "usr/share/%d", i);

            assert_int_equal(bh_layer_guard_get(g, path, (size_t)len), 1 + (i + round) % 3);
        }
    }
    assert_int_equal(bh_layer_guard_get(g, "usr", 3), BH_GUARD_UNSEEN);
    assert_int_equal(bh_layer_guard_get(g, "", 0), BH_GUARD_UNSEEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_answers_as_its_reference),
        cmocka_unit_test(kinds_are_remembered_while_the_table_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
