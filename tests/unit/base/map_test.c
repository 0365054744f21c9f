#include "base/map.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_key_finds_its_own_value_however_many_there_are(void **state)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_map_done) struct bh_map m;
    static int values[10000];

    (void)state;
    bh_map_init(&m);
    assert_null(bh_map_get(&m, "k0", 2));
    for (int i = 0; i < 10000; i++) {
        const char *key = bh_arena_format(arena, "key/%d", i);

        bh_map_set(&m, key, strlen(key), &values[i]);
    }
    assert_int_equal(m.count, 10000);
    for (int i = 0; i < 10000; i++) {
        const char *key = bh_arena_format(arena, "key/%d", i);

        assert_ptr_equal(bh_map_get(&m, key, strlen(key)), &values[i]);
    }
    assert_null(bh_map_get(&m, "key/10000", 9));
}

static void setting_again_replaces_and_length_counts(void **state)
{
    BH_AUTO(bh_map_done) struct bh_map m;
    int a, b;

    (void)state;
    bh_map_init(&m);
    bh_map_set(&m, "abc", 3, &a);
    bh_map_set(&m, "abc", 2, &b);
    bh_map_set(&m, "", 0, &a);
    assert_ptr_equal(bh_map_get(&m, "abc", 3), &a);
    assert_ptr_equal(bh_map_get(&m, "ab", 2), &b);
    assert_ptr_equal(bh_map_get(&m, "", 0), &a);
    bh_map_set(&m, "abc", 3, &b);
    assert_ptr_equal(bh_map_get(&m, "abc", 3), &b);
    assert_int_equal(m.count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_finds_its_own_value_however_many_there_are),
        cmocka_unit_test(setting_again_replaces_and_length_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
