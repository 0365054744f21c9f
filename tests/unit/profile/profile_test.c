#include "base/json.h"
#include "profile/confinement.h"
#include "profile/profile.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const argv[] = {"/bin/true", NULL};
static const char *const ports[] = {"80/tcp", NULL};

/* A record as it is composed for user 0. */
static struct bh_launch a_launch(struct bh_arena *a)
{
    static struct bh_launch_rlimit limits[1];
    struct bh_launch l = {.image_digest = "sha256:abc",
                          .argv = argv,
                          .rlimits = limits,
                          .rlimit_count = 1,
                          .limits = {.memory_bytes = 1 << 30, .pids = 100, .cpu_milli = 1000}};

    limits[0] = (struct bh_launch_rlimit){RLIMIT_NOFILE, 1024, 4096};
    assert_int_equal(bh_confinement_default(&l, a, NULL), 0);
    return l;
}

static uint32_t answer(const struct bh_launch *l, const char *call)
{
    const struct seccomp_data data = {.nr = bh_syscall_number(call),
                                      .arch = bh_seccomp_native_arch()};

    return bh_seccomp_evaluate(l->seccomp, l->seccomp_count, &data);
}

static void a_profile_is_narrowed_never_widened(void **state)
{
    static const char *denied[] = {"unlink", "rename", "bpf", NULL};
    static const struct bh_tightening small = {.memory_bytes = 64 << 20,
                                               .pids = 10,
                                               .open_files = 100,
                                               .keeps_capabilities = true,
                                               .capabilities = 1u << 10 | 1u << 21,
                                               .read_only = true,
                                               .deny_calls = denied};
    static const struct bh_tightening large = {
        .memory_bytes = 1ull << 40, .pids = 100000, .cpu_milli = 64000, .open_files = 1 << 20};
    struct bh_verdict_rule rules[] = {{.name = "s", .profile = &small},
                                      {.name = "none"},
                                      {.name = "l", .profile = &large}};
    const struct bh_verdict v = {.rules = rules, .rule_count = 3};
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    struct bh_launch l = a_launch(a);

    (void)state;
    assert_int_equal(answer(&l, "unlink"), SECCOMP_RET_ALLOW);
    assert_int_equal(bh_profile_narrow(&l, &v, a, NULL), 0);
    assert_int_equal(l.limits.memory_bytes, 64 << 20);
    assert_int_equal(l.limits.pids, 10);
    assert_int_equal(l.limits.cpu_milli, 1000);
    assert_int_equal(l.rlimits[0].soft, 100);
    assert_int_equal(l.rlimits[0].hard, 100);
    assert_int_equal(l.capabilities, 1u << 10); /* CAP_SYS_ADMIN was not there to be kept */
    assert_true(l.flags & BH_LAUNCH_READ_ONLY);
    assert_int_equal(answer(&l, "unlink"), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(answer(&l, "rename"), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(answer(&l, "bpf"), BH_SECCOMP_ERRNO(EPERM));
    assert_int_equal(answer(&l, "read"), SECCOMP_RET_ALLOW);
    assert_int_equal(answer(&l, "ptrace"), BH_SECCOMP_ERRNO(EPERM));
}

static void a_missing_limit_is_taken_from_the_rule(void **state)
{
    static const struct bh_tightening t = {.pids = 10, .open_files = 100};
    struct bh_verdict_rule rules[] = {{.name = "s", .profile = &t}};
    const struct bh_verdict v = {.rules = rules, .rule_count = 1};
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    struct bh_launch l = a_launch(a);

    (void)state;
    l.limits.pids = 0;
    l.rlimit_count = 0;
    assert_int_equal(bh_profile_narrow(&l, &v, a, NULL), 0);
    assert_int_equal(l.limits.pids, 10);
    assert_int_equal(l.rlimit_count, 1);
    assert_int_equal(l.rlimits[0].resource, RLIMIT_NOFILE);
}

static bool has(const struct bh_node *array, const char *text)
{
    for (const struct bh_node *n = bh_node_first(array); n; n = n->next)
        if (strcmp(bh_node_string_or(n, ""), text) == 0)
            return true;
    return false;
}

static void the_document_says_what_the_record_does(void **state)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    const struct bh_profile_subject s = {.platform = "linux/amd64", .ports = ports};
    struct bh_launch l = a_launch(a);
    const struct bh_node *root, *calls;

    (void)state;
    bh_profile_write(&out, &l, &s);
    assert_int_equal(bh_json_parse(out.data, out.len, NULL, &tree, NULL), 0);
    root = bh_tree_root(tree);
    assert_string_equal(bh_node_string(bh_node_get(root, "schema")), BH_PROFILE_SCHEMA);
    assert_string_equal(bh_node_string(bh_node_path(root, "image", "digest", NULL)), "sha256:abc");
    assert_true(has(bh_node_get(root, "capabilities"), "CAP_NET_BIND_SERVICE"));
    assert_false(has(bh_node_get(root, "capabilities"), "CAP_SYS_ADMIN"));
    assert_true(has(bh_node_path(root, "network", "ports", NULL), "80/tcp"));
    assert_int_equal(bh_node_int_or(bh_node_path(root, "limits", "pids", NULL), 0), 100);
    calls = bh_node_get(root, "system_calls");
    assert_true(has(bh_node_get(calls, "allow"), "read"));
    assert_true(has(bh_node_get(calls, "by_argument"), "socket"));
    assert_true(has(bh_node_get(calls, "by_argument"), "clone"));
    assert_true(has(bh_node_get(calls, "by_argument"), "ioctl"));
}

static void what_is_forbidden_is_in_no_list(void **state)
{
    static const char *const never[] = {"ptrace",       "process_vm_readv", "io_uring_setup",
                                        "keyctl",       "add_key",          "userfaultfd",
                                        "bpf",          "perf_event_open",  "mount",
                                        "move_mount",   "fsopen",           "umount2",
                                        "setns",        "kexec_load",       "init_module",
                                        "finit_module", "reboot",           "swapon",
                                        "chroot",       "pivot_root",       "open_by_handle_at",
                                        "request_key",  "fsconfig",         "iopl"};
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    const struct bh_profile_subject s = {.platform = "", .ports = NULL};
    struct bh_launch l = a_launch(a);

    (void)state;
    bh_profile_write(&out, &l, &s);
    assert_int_equal(bh_json_parse(out.data, out.len, NULL, &tree, NULL), 0);
    for (size_t i = 0; i < BH_COUNT_OF(never); i++) {
        const struct bh_node *calls = bh_node_get(bh_tree_root(tree), "system_calls");

        if (has(bh_node_get(calls, "allow"), never[i]) ||
            has(bh_node_get(calls, "by_argument"), never[i]))
            fail_msg("%s", never[i]);
    }
}

static void documents_are_kept_under_their_digest(void **state)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(BH_PROFILE_MAX);
    const struct bh_profile_subject s = {.platform = "linux/amd64", .ports = ports};
    struct bh_launch l = a_launch(a);
    struct bh_error err = BH_ERROR_INIT;
    char root[] = "/tmp/bulkhead-profile-XXXXXX";
    BH_AUTO(bh_freep) char *file = NULL, *dir = NULL;
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(bh_profile_compile(&l, &s, root, a, NULL), 0);
    assert_int_equal(bh_profile_compile(&l, &s, root, a, NULL), 0);
    assert_true(strncmp(l.profile_digest, "sha256:", 7) == 0);
    assert_int_equal(bh_profile_read(root, l.profile_digest, &out, NULL), 0);
    assert_non_null(strstr(bh_buf_text(&out), BH_PROFILE_SCHEMA));
    file = bh_format("%s/profiles/%s.json", root, l.profile_digest + 7);
    f = fopen(file, "a");
    assert_non_null(f);
    fputs("x", f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(bh_profile_read(root, l.profile_digest, &out, NULL), -BH_CORRUPT);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(bh_profile_read(root, l.profile_digest, &out, &err), -BH_NOT_FOUND);
    dir = bh_format("%s/profiles", root);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_narrowed_never_widened),
        cmocka_unit_test(a_missing_limit_is_taken_from_the_rule),
        cmocka_unit_test(the_document_says_what_the_record_does),
        cmocka_unit_test(what_is_forbidden_is_in_no_list),
        cmocka_unit_test(documents_are_kept_under_their_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
