#include "inspect/file_caps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void attributes_are_told_as_getcap_prints_them(void **state)
{
    static const struct {
        uint8_t bytes[24];
        size_t len;
        const char *text;
    } cases[] = {
        {{1, 0, 0, 2, 0, 0x20}, 20, "cap_net_raw=ep"},
        {{0, 0, 0, 2, 0, 0x04, 0, 0, 0, 0x20}, 20, "cap_net_bind_service,cap_net_raw=ip"},
        {{1, 0, 0, 3, 0, 0, 0x20, 0, 0, 0, 0, 0, 0x80}, 24, "cap_sys_admin,cap_bpf=ep"},
        {{0, 0, 0, 1, 1}, 12, "cap_chown=p"},
        {{0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80}, 20, "47=p"},
        {{0, 0, 0, 2}, 20, "="},
        {{0, 0, 0, 9}, 20, "unreadable"},
        {{0, 0, 0, 2}, 12, "unreadable"},
        {{0, 0, 0, 2}, 3, "unreadable"},
        {{0}, 0, "unreadable"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

        bh_file_caps_text(cases[i].bytes, cases[i].len, &out);
        assert_string_equal(bh_buf_text(&out), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_are_told_as_getcap_prints_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
