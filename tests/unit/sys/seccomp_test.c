#include "base/mem.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RULES 300u
#define NUMBERS 600u

/* A small generator of our own, so that a failure can be repeated from its seed. */
static uint64_t random_state;
static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}
static uint32_t random_below(uint32_t n)
{
    return (uint32_t)(random_next() % n);
}

struct random_rule {
    struct bh_seccomp_rule rule;
    struct bh_seccomp_arg args[BH_SECCOMP_ARGS_MAX];
    uint64_t lists[BH_SECCOMP_ARGS_MAX][4];
};

static const uint32_t actions[] = {BH_SECCOMP_ALLOW, BH_SECCOMP_ERRNO(1), BH_SECCOMP_ERRNO(38),
                                   BH_SECCOMP_KILL, BH_SECCOMP_LOG};

/* Values near each other, so that equal and neighbouring ones come up often. */
static uint64_t random_value(bool wide)
{
    static const uint64_t centres[] = {0,          1,           16,          0x7fffffff,
                                       0xffffffff, 0x100000000, 0x10000001f, UINT64_MAX - 1};
    uint64_t v = centres[random_below(BH_COUNT_OF(centres))] + random_below(3);

    return wide ? v : (uint32_t)v;
}

static void random_arg(struct bh_seccomp_arg *a, uint64_t *list)
{
    a->index = (uint8_t)random_below(6);
    a->test = (enum bh_seccomp_test)(1 + random_below(BH_SECCOMP_NOT_IN));
    a->wide = random_below(2);
    a->mask = random_value(a->wide);
    a->value = random_value(a->wide);
    if (a->test == BH_SECCOMP_MASKED_EQUAL)
        a->value &= a->mask;
    a->list = list;
    a->list_count = random_below(5);
    for (size_t i = 0; i < a->list_count; i++)
        list[i] = random_value(a->wide);
}

static bool reference_arg(const struct bh_seccomp_arg *a, const struct seccomp_data *d)
{
    uint64_t v = a->wide ? d->args[a->index] : (uint32_t)d->args[a->index];
    bool in = false;

    for (size_t i = 0; i < a->list_count; i++)
        in |= a->list[i] == v;
    switch (a->test) {
    case BH_SECCOMP_EQUAL:
        return v == a->value;
    case BH_SECCOMP_NOT_EQUAL:
        return v != a->value;
    case BH_SECCOMP_LESS:
        return v < a->value;
    case BH_SECCOMP_LESS_EQUAL:
        return v <= a->value;
    case BH_SECCOMP_GREATER:
        return v > a->value;
    case BH_SECCOMP_GREATER_EQUAL:
        return v >= a->value;
    case BH_SECCOMP_MASKED_EQUAL:
        return (v & a->mask) == a->value;
    case BH_SECCOMP_IN:
        return in;
    case BH_SECCOMP_NOT_IN:
        return !in;
    }
    return false;
}

struct reference {
    struct random_rule rules[RULES];
    size_t count;
    uint32_t other, foreign, unknown_first, unknown;
};

static uint32_t reference_answer(const struct reference *p, const struct seccomp_data *d)
{
    bool named = false;

    if (d->arch != bh_seccomp_native_arch())
        return p->foreign;
    if (d->arch == AUDIT_ARCH_X86_64 && (uint32_t)d->nr >= 0x40000000u)
        return p->foreign;
    for (size_t r = 0; r < p->count; r++) {
        const struct random_rule *is = &p->rules[r];
        bool holds = true;

        if (is->rule.number != (uint32_t)d->nr)
            continue;
        named = true;
        for (size_t a = 0; a < is->rule.arg_count; a++)
            holds &= reference_arg(&is->args[a], d);
        if (holds)
            return is->rule.action;
    }
    return !named && (uint32_t)d->nr >= p->unknown_first ? p->unknown : p->other;
}

static struct bh_seccomp *random_policy(struct reference *p)
{
    struct bh_seccomp *s;
    struct bh_error err = BH_ERROR_INIT;

    p->count = random_below(RULES);
    p->other = actions[random_below(BH_COUNT_OF(actions))];
    p->foreign = BH_SECCOMP_KILL;
    p->unknown_first = random_below(NUMBERS);
    p->unknown = BH_SECCOMP_ERRNO(38);
    s = bh_seccomp_new(p->other, p->foreign);
    bh_seccomp_set_unknown(s, p->unknown_first, p->unknown);
    for (size_t i = 0; i < p->count; i++) {
        struct random_rule *r = &p->rules[i];

        memset(r, 0, sizeof *r);
        r->rule.number = random_below(NUMBERS);
        r->rule.action = actions[random_below(BH_COUNT_OF(actions))];
        r->rule.args = r->args;
        r->rule.arg_count = random_below(3) ? 0 : random_below(BH_SECCOMP_ARGS_MAX + 1);
        for (size_t a = 0; a < r->rule.arg_count; a++)
            random_arg(&r->args[a], r->lists[a]);
        assert_int_equal(bh_seccomp_add(s, &r->rule, &err), 0);
    }
    return s;
}

static void check_number(const struct reference *p, const struct bh_seccomp_program *program,
                         uint32_t number)
{
    for (int round = 0; round < 6; round++) {
        struct seccomp_data d = {.nr = (int)number, .arch = bh_seccomp_native_arch()};
        uint32_t got, want;

        for (size_t a = 0; a < 6; a++)
            d.args[a] = random_value(true);
        if (round == 5)
            d.arch = AUDIT_ARCH_I386;
        got = bh_seccomp_evaluate(program->code, program->len, &d);
        want = reference_answer(p, &d);
        if (got != want)
            fail_msg("number %u: filter says %#x, policy says %#x", number, got, want);
    }
}

static void compiled_filters_answer_as_their_policy_for_every_number(void **state)
{
    struct reference *p = bh_new0(sizeof *p);

    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        BH_AUTO(bh_seccomp_freep) struct bh_seccomp *s = NULL;
        struct bh_seccomp_program program = {0};
        struct bh_error err = BH_ERROR_INIT;

        random_state = seed * 0x9e3779b97f4a7c15u;
        s = random_policy(p);
        assert_int_equal(bh_seccomp_compile(s, 0, &program, &err), 0);
        for (uint32_t n = 0; n <= NUMBERS; n++)
            check_number(p, &program, n);
        check_number(p, &program, 0x40000000u);
        check_number(p, &program, 0x40000001u);
        check_number(p, &program, UINT32_MAX);
        bh_seccomp_program_done(&program);
    }
    free(p);
}

static void a_long_allow_list_compiles_to_few_instructions(void **state)
{
    BH_AUTO(bh_seccomp_freep)
    struct bh_seccomp *s = bh_seccomp_new(BH_SECCOMP_ERRNO(EPERM), BH_SECCOMP_KILL);
    struct bh_seccomp_program program = {0};
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    for (uint32_t n = 0; n < 440; n++)
        if (n % 40 != 7)
            assert_int_equal(bh_seccomp_add(s,
                                            &(struct bh_seccomp_rule){.number = n,
                                                                      .action = BH_SECCOMP_ALLOW},
                                            &err),
                             0);
    assert_int_equal(bh_seccomp_compile(s, 0, &program, &err), 0);
    assert_true(program.len < 60);
    bh_seccomp_program_done(&program);
}

static void what_a_policy_cannot_mean_is_refused(void **state)
{
    static const uint64_t big_list[BH_SECCOMP_LIST_MAX + 1] = {0};
    static const struct {
        struct bh_seccomp_arg arg;
        int code;
    } cases[] = {
        {{.index = 6, .test = BH_SECCOMP_EQUAL}, BH_INVALID},
        {{.index = 0, .test = 0}, BH_INVALID},
        {{.index = 0, .test = BH_SECCOMP_NOT_IN + 1}, BH_INVALID},
        {{.index = 0, .test = BH_SECCOMP_EQUAL, .value = 1ull << 32}, BH_INVALID},
        {{.index = 0, .test = BH_SECCOMP_MASKED_EQUAL, .mask = 1, .value = 3}, BH_INVALID},
        {{.index = 0,
          .test = BH_SECCOMP_IN,
          .list = big_list,
          .list_count = BH_SECCOMP_LIST_MAX + 1},
         BH_LIMIT},
    };
    BH_AUTO(bh_seccomp_freep) struct bh_seccomp *s = bh_seccomp_new(0, 0);
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_seccomp_rule r = {.number = 1, .args = &cases[i].arg, .arg_count = 1};

        assert_int_equal(bh_seccomp_add(s, &r, &err), -cases[i].code);
    }
    assert_int_equal(bh_seccomp_add(s, &(struct bh_seccomp_rule){.number = BH_SECCOMP_NUMBERS},
                                    &err),
                     -BH_INVALID);
}

static void a_filter_too_long_for_the_kernel_is_refused(void **state)
{
    struct bh_seccomp_arg arg = {.index = 0, .test = BH_SECCOMP_EQUAL, .wide = true};
    BH_AUTO(bh_seccomp_freep) struct bh_seccomp *s = bh_seccomp_new(0, 0);
    struct bh_seccomp_program program = {0};
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    for (uint32_t i = 0; i < 1100; i++) {
        arg.value = i;
        assert_int_equal(bh_seccomp_add(s,
                                        &(struct bh_seccomp_rule){.number = 1,
                                                                  .action = BH_SECCOMP_ALLOW,
                                                                  .args = &arg,
                                                                  .arg_count = 1},
                                        &err),
                         0);
    }
    assert_int_equal(bh_seccomp_compile(s, 0, &program, &err), -BH_LIMIT);
    assert_null(program.code);
}

static void names_and_numbers_agree_with_the_system_headers(void **state)
{
    (void)state;
    assert_int_equal(bh_syscall_number("openat"), SYS_openat);
    assert_int_equal(bh_syscall_number("fcntl"), SYS_fcntl);
    assert_int_equal(bh_syscall_number("mmap"), SYS_mmap);
    assert_int_equal(bh_syscall_number("mseal"), 462);
    assert_int_equal(bh_syscall_number("no_such_call"), -1);
    assert_string_equal(bh_syscall_name(SYS_execve), "execve");
    assert_null(bh_syscall_name(100000));
    assert_true(bh_syscall_end() > SYS_landlock_restrict_self);
    for (uint32_t n = 0; n < bh_syscall_end(); n++)
        if (bh_syscall_name(n))
            assert_int_equal(bh_syscall_number(bh_syscall_name(n)), n);
}

/* The filter under test in a child: the exit status is what probe returned, or 128 + signal. */
static int in_child(const struct bh_seccomp *s, int (*probe)(void))
{
    struct bh_seccomp_program program = {0};
    struct bh_error err = BH_ERROR_INIT;
    int status = 0;
    pid_t pid;

    assert_int_equal(bh_seccomp_compile(s, 0, &program, &err), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            bh_seccomp_load(&program, 0, NULL, &err) < 0)
            _exit(99);
        _exit(probe());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bh_seccomp_program_done(&program);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int probe_getppid(void)
{
    return syscall(SYS_getppid) < 0 ? errno : 0;
}

static int probe_sockets(void)
{
    int unix_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int inet_errno = socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
    /* The kernel ignores the high half of an int argument, so the filter must as well. */
    int high_errno = syscall(SYS_socket, 0x100000000 | AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;

    return unix_fd >= 0 && inet_errno == EACCES && high_errno == EACCES ? 42 : 1;
}

#ifdef __x86_64__
static int probe_32_bit_call(void)
{
    long r;

    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20 /* i386 getpid */) : "memory");
    return r > 0 ? 1 : 2;
}

static int probe_x32_call(void)
{
    return syscall(0x40000000 | SYS_getppid) < 0 ? 2 : 1;
}
#endif

static struct bh_seccomp *allow_all(void)
{
    return bh_seccomp_new(BH_SECCOMP_ALLOW, BH_SECCOMP_KILL);
}

static void the_kernel_enforces_what_was_compiled(void **state)
{
    BH_AUTO(bh_seccomp_freep) struct bh_seccomp *refuse = allow_all();
    BH_AUTO(bh_seccomp_freep) struct bh_seccomp *kill = allow_all();
    BH_AUTO(bh_seccomp_freep) struct bh_seccomp *sockets = allow_all();
    const struct bh_seccomp_arg not_unix = {.index = 0,
                                            .test = BH_SECCOMP_NOT_EQUAL,
                                            .value = AF_UNIX};
    struct bh_error err = BH_ERROR_INIT;
    bool known = false;

    (void)state;
    bh_seccomp_add_name(refuse, "getppid", BH_SECCOMP_ERRNO(ENOTTY), &known);
    assert_true(known);
    assert_int_equal(in_child(refuse, probe_getppid), ENOTTY);
    bh_seccomp_add_name(kill, "getppid", BH_SECCOMP_KILL, NULL);
    assert_int_equal(in_child(kill, probe_getppid), 128 + SIGSYS);
    assert_int_equal(bh_seccomp_add(sockets,
                                    &(struct bh_seccomp_rule){.number = SYS_socket,
                                                              .action = BH_SECCOMP_ERRNO(EACCES),
                                                              .args = &not_unix,
                                                              .arg_count = 1},
                                    &err),
                     0);
    assert_int_equal(in_child(sockets, probe_sockets), 42);
}

static void calls_of_other_architectures_are_refused(void **state)
{
    (void)state;
#ifdef __x86_64__
    BH_AUTO(bh_seccomp_freep) struct bh_seccomp *s = allow_all();

    assert_int_equal(in_child(s, probe_32_bit_call), 128 + SIGSYS);
    assert_int_equal(in_child(s, probe_x32_call), 128 + SIGSYS);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_filters_answer_as_their_policy_for_every_number),
        cmocka_unit_test(a_long_allow_list_compiles_to_few_instructions),
        cmocka_unit_test(what_a_policy_cannot_mean_is_refused),
        cmocka_unit_test(a_filter_too_long_for_the_kernel_is_refused),
        cmocka_unit_test(names_and_numbers_agree_with_the_system_headers),
        cmocka_unit_test(the_kernel_enforces_what_was_compiled),
        cmocka_unit_test(calls_of_other_architectures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
