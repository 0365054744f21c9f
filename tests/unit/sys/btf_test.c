#include "sys/btf.h"

#include <linux/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Types 1 to 4: int "u32", a structure of two members, typedef "alias" of 1, function "open_it". */
struct blob {
    struct btf_header h;
    uint32_t types[3 + 1 + 3 + 6 + 3 + 3];
    char strings[32];
};

static const char names[] = "\0u32\0record\0alias\0open_it";

static struct blob make(void)
{
    struct blob b = {
        .h = {.magic = BTF_MAGIC,
              .version = BTF_VERSION,
              .hdr_len = sizeof(struct btf_header),
              .type_len = sizeof b.types,
              .str_off = sizeof b.types,
              .str_len = sizeof b.strings},
        .types = {1, (uint32_t)BTF_KIND_INT << 24, 4, 32,                       /* 1 */
                  5, (uint32_t)BTF_KIND_STRUCT << 24 | 2, 8, 0, 1, 0, 0, 1, 32, /* 2 */
                  12, (uint32_t)BTF_KIND_TYPEDEF << 24, 1,                      /* 3 */
                  18, (uint32_t)BTF_KIND_FUNC << 24, 0},                        /* 4 */
    };

    memcpy(b.strings, names, sizeof names);
    return b;
}

static void types_are_found_by_kind_and_name(void **state)
{
    struct blob blob = make();
    struct bh_btf b = {.data = (unsigned char *)&blob, .len = sizeof blob};

    (void)state;
    assert_true(bh_btf_valid(&b));
    assert_int_equal(bh_btf_find(&b, BTF_KIND_TYPEDEF, "alias"), 3);
    assert_int_equal(bh_btf_find(&b, BTF_KIND_FUNC, "open_it"), 4);
    assert_int_equal(bh_btf_find(&b, BTF_KIND_FUNC, "alias"), 0);
    assert_int_equal(bh_btf_find(&b, BTF_KIND_FUNC, "close_it"), 0);
}

static void lengths_that_lead_outside_are_refused(void **state)
{
    struct blob blob = make();
    struct bh_btf b = {.data = (unsigned char *)&blob, .len = sizeof blob};

    (void)state;
    b.len = sizeof blob.h - 1;
    assert_false(bh_btf_valid(&b));
    b.len = sizeof blob - 1;
    assert_false(bh_btf_valid(&b));
    b.len = sizeof blob;
    blob.h.type_off = UINT32_MAX;
    assert_false(bh_btf_valid(&b));
    blob = make();
    blob.h.magic = 0;
    assert_false(bh_btf_valid(&b));
    blob = make();
    blob.strings[sizeof blob.strings - 1] = 'x';
    assert_false(bh_btf_valid(&b));
    blob = make();
    blob.types[5] =
        (uint32_t)BTF_KIND_STRUCT << 24 | 0xFFFF; /* more members than there are bytes */
    assert_int_equal(bh_btf_find(&b, BTF_KIND_FUNC, "open_it"), 0);
    blob = make();
    blob.types[1] = 31u << 24; /* a kind from the future: everything behind it is out of reach */
    assert_int_equal(bh_btf_find(&b, BTF_KIND_FUNC, "open_it"), 0);
}

static void this_kernels_own_types_are_understood(void **state)
{
    struct bh_btf b;

    (void)state;
    if (access("/sys/kernel/btf/vmlinux", R_OK))
        skip();
    assert_int_equal(bh_btf_open(&b, NULL), 0);
    assert_true(bh_btf_find(&b, BTF_KIND_STRUCT, "task_struct") > 0);
    assert_int_equal(bh_btf_find(&b, BTF_KIND_STRUCT, "no_such_structure"), 0);
    bh_btf_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_found_by_kind_and_name),
        cmocka_unit_test(lengths_that_lead_outside_are_refused),
        cmocka_unit_test(this_kernels_own_types_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
