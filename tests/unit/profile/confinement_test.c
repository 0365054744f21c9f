#include "profile/confinement.h"
#include "sys/landlock.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct sock_filter *program;
static size_t program_len;

static uint32_t ask(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
    const struct seccomp_data data = {.nr = bh_syscall_number(name),
                                      .arch = bh_seccomp_native_arch(),
                                      .args = {a, b, c}};

    assert_true(data.nr >= 0);
    return bh_seccomp_evaluate(program, program_len, &data);
}

static void ordinary_calls_are_allowed(void **state)
{
    static const char *const names[] = {"read",  "write",       "openat", "execve",    "mmap",
                                        "futex", "exit_group",  "wait4",  "accept4",   "epoll_wait",
                                        "rseq",  "close_range", "statx",  "getrandom", "setuid"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(names); i++)
        assert_int_equal(ask(names[i], 0, 0, 0), SECCOMP_RET_ALLOW);
}

static void calls_into_the_kernels_depths_are_refused(void **state)
{
    static const char *const names[] = {"mount",
                                        "umount2",
                                        "pivot_root",
                                        "fsopen",
                                        "fsconfig",
                                        "fsmount",
                                        "open_tree",
                                        "move_mount",
                                        "mount_setattr",
                                        "setns",
                                        "chroot",
                                        "ptrace",
                                        "process_vm_readv",
                                        "process_vm_writev",
                                        "pidfd_getfd",
                                        "bpf",
                                        "perf_event_open",
                                        "userfaultfd",
                                        "io_uring_setup",
                                        "io_uring_enter",
                                        "keyctl",
                                        "add_key",
                                        "request_key",
                                        "init_module",
                                        "finit_module",
                                        "delete_module",
                                        "kexec_load",
                                        "kexec_file_load",
                                        "reboot",
                                        "swapon",
                                        "open_by_handle_at",
                                        "name_to_handle_at",
                                        "syslog",
                                        "acct",
                                        "quotactl",
                                        "vmsplice",
                                        "memfd_secret",
                                        "settimeofday",
                                        "clock_settime",
                                        "fanotify_init"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(names); i++)
        assert_int_equal(ask(names[i], 0, 0, 0), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(ask("clone3", 0, 0, 0), BH_SECCOMP_ERRNO(ENOSYS));
}

static void socket_families_are_those_programs_need(void **state)
{
    (void)state;
    for (uint64_t family = 0; family < 64; family++) {
        bool plain = family == AF_UNIX || family == AF_INET || family == AF_INET6;

        assert_int_equal(ask("socket", family, SOCK_STREAM, 1),
                         plain ? SECCOMP_RET_ALLOW : BH_SECCOMP_ERRNO(EAFNOSUPPORT));
    }
    assert_int_equal(ask("socket", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), SECCOMP_RET_ALLOW);
    assert_int_equal(ask("socket", AF_NETLINK, SOCK_RAW, NETLINK_XFRM),
                     BH_SECCOMP_ERRNO(EAFNOSUPPORT));
    /* The kernel looks at the low half of an int: so must the filter. */
    assert_int_equal(ask("socket", AF_ALG | 1ull << 32, 0, 0), BH_SECCOMP_ERRNO(EAFNOSUPPORT));
    assert_int_equal(ask("socketpair", AF_UNIX, 0, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask("socketpair", AF_INET, 0, 0), BH_SECCOMP_ERRNO(EAFNOSUPPORT));
}

static void arguments_decide_where_the_number_says_too_little(void **state)
{
    (void)state;
    assert_int_equal(ask("clone", CLONE_VM | CLONE_THREAD, 0, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask("clone", CLONE_NEWUSER, 0, 0), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(ask("unshare", CLONE_FILES, 0, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask("unshare", CLONE_NEWTIME, 0, 0), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(ask("ioctl", 0, TIOCGWINSZ, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(ask("ioctl", 0, TIOCSTI, 0), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(ask("ioctl", 0, TIOCSTI | 1ull << 32, 0), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(ask("mknodat", 0, 0, S_IFIFO | 0600), SECCOMP_RET_ALLOW);
    assert_int_equal(ask("mknodat", 0, 0, S_IFBLK | 0600), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(ask("mknodat", 0, 0, S_IFCHR | 0600), BH_SECCOMP_ERRNO(EPERM));
}

static void other_architectures_and_unknown_numbers_do_not_exist(void **state)
{
    struct seccomp_data data = {.nr = 3, .arch = 0x40000003};

    (void)state;
    assert_int_equal(bh_seccomp_evaluate(program, program_len, &data), BH_SECCOMP_ERRNO(ENOSYS));
    data.arch = bh_seccomp_native_arch();
    data.nr = (int)bh_syscall_end();
    assert_int_equal(bh_seccomp_evaluate(program, program_len, &data), BH_SECCOMP_ERRNO(ENOSYS));
}

static void every_name_of_the_list_is_a_system_call_here_or_elsewhere(void **state)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    const char *const *names = bh_confinement_calls(a);
    size_t known = 0, all = 0;

    (void)state;
    for (; names[all]; all++)
        known += bh_syscall_number(names[all]) >= 0;
    assert_true(all > 250);
    assert_true(known > all * 8 / 10);
    assert_true(program_len < 400);
}

static void only_root_keeps_capabilities_and_none_that_reaches_the_kernel(void **state)
{
    uint64_t root = bh_confinement_capabilities(0);

    (void)state;
    assert_int_equal(bh_confinement_capabilities(101), 0);
    assert_false(root >> CAP_SYS_ADMIN & 1);
    assert_false(root >> CAP_NET_RAW & 1);
    assert_false(root >> CAP_MKNOD & 1);
    assert_false(root >> CAP_SYS_CHROOT & 1);
    assert_false(root >> CAP_SETPCAP & 1);
}

static void a_read_only_root_is_not_writable_for_landlock_either(void **state)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    struct bh_launch_mount mounts[] = {
        {.kind = BH_MOUNT_VOLUME, .target = "/data"},
        {.kind = BH_MOUNT_VOLUME, .target = "/config", .attr = MOUNT_ATTR_RDONLY}};
    struct bh_launch l = {.flags = BH_LAUNCH_READ_ONLY, .mounts = mounts, .mount_count = 2};
    bool data = false;

    (void)state;
    assert_int_equal(bh_confinement_default(&l, a, NULL), 0);
    for (size_t i = 0; i < l.landlock_count; i++) {
        assert_string_not_equal(l.landlock[i].path, "/config");
        if (strcmp(l.landlock[i].path, "/") == 0)
            assert_false(l.landlock[i].access & BH_LANDLOCK_WRITE_FILE);
        data = data || (strcmp(l.landlock[i].path, "/data") == 0 &&
                        l.landlock[i].access & BH_LANDLOCK_WRITE_FILE);
        assert_false(l.landlock[i].access & BH_LANDLOCK_MAKE_BLOCK);
    }
    assert_true(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_calls_are_allowed),
        cmocka_unit_test(calls_into_the_kernels_depths_are_refused),
        cmocka_unit_test(socket_families_are_those_programs_need),
        cmocka_unit_test(arguments_decide_where_the_number_says_too_little),
        cmocka_unit_test(other_architectures_and_unknown_numbers_do_not_exist),
        cmocka_unit_test(every_name_of_the_list_is_a_system_call_here_or_elsewhere),
        cmocka_unit_test(only_root_keeps_capabilities_and_none_that_reaches_the_kernel),
        cmocka_unit_test(a_read_only_root_is_not_writable_for_landlock_either),
    };
    int failed;

    if (bh_confinement_seccomp(&program, &program_len, NULL) != 0)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(program);
    return failed;
}
