#include "sys/capability.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void names_and_numbers_agree_with_the_kernels_header(void **state)
{
    (void)state;
    assert_int_equal(bh_capability_number("CAP_SYS_ADMIN"), CAP_SYS_ADMIN);
    assert_int_equal(bh_capability_number("net_raw"), CAP_NET_RAW);
    assert_int_equal(bh_capability_number("CAP_CHECKPOINT_RESTORE"), CAP_CHECKPOINT_RESTORE);
    assert_int_equal(bh_capability_number("CAP_"), -1);
    assert_int_equal(bh_capability_number("NET_RA"), -1);
    assert_string_equal(bh_capability_name(CAP_BPF), "CAP_BPF");
    assert_null(bh_capability_name(CAP_LAST_CAP + 1));
    assert_null(bh_capability_name(-1));
    for (int n = 0; n <= CAP_LAST_CAP; n++)
        assert_int_equal(bh_capability_number(bh_capability_name(n)), n);
}

/* In a child, as what is dropped does not come back. */
static void what_is_set_is_what_is_read(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        struct bh_capability_sets none = {0}, now = {.permitted = 1};

        _exit(bh_capability_set(&none, NULL) == 0 && bh_capability_get(&now, NULL) == 0 &&
                      !now.permitted && !now.effective && !now.inheritable
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_numbers_agree_with_the_kernels_header),
        cmocka_unit_test(what_is_set_is_what_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
