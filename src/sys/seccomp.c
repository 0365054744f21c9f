#include "sys/seccomp.h"

#include "base/mem.h"
#include "sys/seccomp_emit.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_RULE UINT32_MAX
#define X32_BIT 0x40000000u

struct bh_syscall_entry {
    const char *name;
    uint32_t number;
};
static const struct bh_syscall_entry syscalls[] = {
#include "syscalls.inc" /* generated: gen_syscalls.sh */
};

static int compare_name(const void *key, const void *element)
{
    return strcmp(key, ((const struct bh_syscall_entry *)element)->name);
}

int bh_syscall_number(const char *name)
{
    const struct bh_syscall_entry *e =
        bsearch(name, syscalls, BH_COUNT_OF(syscalls), sizeof syscalls[0], compare_name);

    return e ? (int)e->number : -1;
}

const char *bh_syscall_name(uint32_t number)
{
    for (size_t i = 0; i < BH_COUNT_OF(syscalls); i++)
        if (syscalls[i].number == number)
            return syscalls[i].name;
    return NULL;
}

uint32_t bh_syscall_end(void)
{
    uint32_t end = 0;

    for (size_t i = 0; i < BH_COUNT_OF(syscalls); i++)
        end = BH_MAX(end, syscalls[i].number + 1);
    return end;
}

uint32_t bh_seccomp_native_arch(void)
{
#if defined(__x86_64__)
    return AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
    return AUDIT_ARCH_AARCH64;
#else
#error "name the AUDIT_ARCH of this architecture here"
#endif
}

/* One rule with its own copies of conditions and lists, linked to the next rule of its number. */
struct rule {
    uint32_t action;
    uint32_t next; /* index in rules, or NO_RULE */
    size_t arg_count;
    struct bh_seccomp_arg args[BH_SECCOMP_ARGS_MAX];
};

struct bh_seccomp {
    uint32_t default_action, foreign_action, unknown_first, unknown_action;
    struct bh_arena *arena;
    struct rule *rules;
    size_t rule_count, rule_cap;
    uint32_t first[BH_SECCOMP_NUMBERS], last[BH_SECCOMP_NUMBERS]; /* indices in rules */
};

struct bh_seccomp *bh_seccomp_new(uint32_t default_action, uint32_t foreign_action)
{
    struct bh_seccomp *s = bh_new0(sizeof *s);

    s->default_action = s->unknown_action = default_action;
    s->foreign_action = foreign_action;
    s->unknown_first = BH_SECCOMP_NUMBERS;
    s->arena = bh_arena_new();
    for (size_t i = 0; i < BH_SECCOMP_NUMBERS; i++)
        s->first[i] = s->last[i] = NO_RULE;
    return s;
}

void bh_seccomp_free(struct bh_seccomp *s)
{
    if (!s)
        return;
    bh_arena_free(s->arena);
    free(s->rules);
    free(s);
}

void bh_seccomp_set_unknown(struct bh_seccomp *s, uint32_t first, uint32_t action)
{
    s->unknown_first = BH_MIN(first, BH_SECCOMP_NUMBERS);
    s->unknown_action = action;
}

static int check_value(const struct bh_seccomp_arg *a, uint64_t value, struct bh_error *err)
{
    if (!a->wide && value > UINT32_MAX)
        return bh_fail(err, BH_INVALID, "seccomp: value %#llx of argument %u needs 64 bits",
                       (unsigned long long)value, a->index);
    return 0;
}

static int check_arg(const struct bh_seccomp_arg *a, struct bh_error *err)
{
    bool list = a->test == BH_SECCOMP_IN || a->test == BH_SECCOMP_NOT_IN;
    int r = 0;

    if (a->index > 5)
        return bh_fail(err, BH_INVALID, "seccomp: argument %u, calls have 0 to 5", a->index);
    if (a->test < BH_SECCOMP_EQUAL || a->test > BH_SECCOMP_NOT_IN)
        return bh_fail(err, BH_INVALID, "seccomp: unknown test %d", (int)a->test);
    if (a->list_count > BH_SECCOMP_LIST_MAX)
        return bh_fail(err, BH_LIMIT, "seccomp: list of %zu values, limit %u", a->list_count,
                       BH_SECCOMP_LIST_MAX);
    if (a->test == BH_SECCOMP_MASKED_EQUAL && a->value & ~a->mask)
        return bh_fail(err, BH_INVALID, "seccomp: value %#llx has bits outside mask %#llx",
                       (unsigned long long)a->value, (unsigned long long)a->mask);
    if (a->test == BH_SECCOMP_MASKED_EQUAL)
        r = check_value(a, a->mask, err);
    if (r == 0 && !list)
        r = check_value(a, a->value, err);
    for (size_t i = 0; r == 0 && list && i < a->list_count; i++)
        r = check_value(a, a->list[i], err);
    return r;
}

static void copy_arg(struct bh_seccomp *s, struct bh_seccomp_arg *to,
                     const struct bh_seccomp_arg *from)
{
    *to = *from;
    to->list = NULL;
    if (from->list_count) {
        uint64_t *list = bh_arena_alloc(s->arena, from->list_count * sizeof *list);

        memcpy(list, from->list, from->list_count * sizeof *list);
        to->list = list;
    }
}

static void append(struct bh_seccomp *s, const struct bh_seccomp_rule *rule)
{
    uint32_t at = (uint32_t)s->rule_count;
    struct rule *r;

    bh_grow(s->rules, s->rule_count, s->rule_cap);
    r = &s->rules[s->rule_count++];
    memset(r, 0, sizeof *r);
    r->action = rule->action;
    r->next = NO_RULE;
    r->arg_count = rule->arg_count;
    for (size_t i = 0; i < rule->arg_count; i++)
        copy_arg(s, &r->args[i], &rule->args[i]);
    if (s->last[rule->number] == NO_RULE)
        s->first[rule->number] = at;
    else
        s->rules[s->last[rule->number]].next = at;
    s->last[rule->number] = at;
}

int bh_seccomp_add(struct bh_seccomp *s, const struct bh_seccomp_rule *rule, struct bh_error *err)
{
    if (rule->number >= BH_SECCOMP_NUMBERS)
        return bh_fail(err, BH_INVALID, "seccomp: system call number %u, limit %u", rule->number,
                       BH_SECCOMP_NUMBERS);
    if (rule->arg_count > BH_SECCOMP_ARGS_MAX)
        return bh_fail(err, BH_LIMIT, "seccomp: rule with %zu conditions, limit %u",
                       rule->arg_count, BH_SECCOMP_ARGS_MAX);
    for (size_t i = 0; i < rule->arg_count; i++) {
        int r = check_arg(&rule->args[i], err);

        if (r < 0)
            return r;
    }
    append(s, rule);
    return 0;
}

void bh_seccomp_add_name(struct bh_seccomp *s, const char *name, uint32_t action, bool *ret_known)
{
    int number = bh_syscall_number(name);
    struct bh_seccomp_rule rule = {.number = (uint32_t)number, .action = action};

    if (ret_known)
        *ret_known = number >= 0;
    if (number >= 0)
        append(s, &rule);
}

void bh_seccomp_add_names(struct bh_seccomp *s, const char *const *names, uint32_t action)
{
    for (; *names; names++)
        bh_seccomp_add_name(s, *names, action, NULL);
}

/* What happens to a number: a plain action, or the rules from `rule` on. */
struct treatment {
    uint32_t rule; /* NO_RULE: action decides */
    uint32_t action;
};

static struct treatment treatment_of(const struct bh_seccomp *s, uint32_t number)
{
    struct treatment t = {.rule = NO_RULE, .action = s->default_action};
    const struct rule *r;

    if (number >= BH_SECCOMP_NUMBERS || s->first[number] == NO_RULE) {
        if (number >= s->unknown_first)
            t.action = s->unknown_action;
        return t;
    }
    t.rule = s->first[number];
    r = &s->rules[t.rule];
    if (r->arg_count == 0) { /* decides whatever follows */
        t.rule = NO_RULE;
        t.action = r->action;
    }
    return t;
}

struct range {
    uint32_t start; /* up to the start of the next range */
    struct treatment is;
};

static size_t collect_ranges(const struct bh_seccomp *s, struct range *ranges)
{
    size_t count = 0;

    for (uint32_t n = 0; n <= BH_SECCOMP_NUMBERS; n++) {
        struct treatment t = treatment_of(s, n);

        if (count && ranges[count - 1].is.rule == NO_RULE && t.rule == NO_RULE &&
            ranges[count - 1].is.action == t.action)
            continue;
        ranges[count++] = (struct range){.start = n, .is = t};
    }
    return count;
}

static bh_label emit_rules(struct bh_emitter *e, const struct bh_seccomp *s, uint32_t index)
{
    BH_AUTO(bh_freep) uint32_t *chain = bh_new_array(s->rule_count, sizeof *chain);
    size_t count = 0;
    bh_label next = bh_emit_return(e, s->default_action);

    for (uint32_t i = index; i != NO_RULE; i = s->rules[i].next)
        chain[count++] = i;
    while (count-- > 0) {
        const struct rule *r = &s->rules[chain[count]];
        bh_label holds = bh_emit_return(e, r->action);

        for (size_t a = r->arg_count; a-- > 0;)
            holds = bh_emit_condition(e, &r->args[a], holds, next);
        next = holds;
    }
    return next;
}

/* The search tree over ranges[from..to). The loop of a recursion whose depth is log2 of at most
 * BH_SECCOMP_NUMBERS + 1 ranges. */
static bh_label emit_tree(struct bh_emitter *e, const struct bh_seccomp *s,
                          const struct range *ranges, size_t from, size_t to)
{
    size_t middle = from + (to - from) / 2;
    bh_label low, high;

    if (to - from == 1) {
        const struct treatment *t = &ranges[from].is;

        return t->rule == NO_RULE ? bh_emit_return(e, t->action) : emit_rules(e, s, t->rule);
    }
    high = emit_tree(e, s, ranges, middle, to);
    low = emit_tree(e, s, ranges, from, middle);
    return bh_emit_jump(e, BPF_JGE, ranges[middle].start, high, low);
}

int bh_seccomp_compile(const struct bh_seccomp *s, uint32_t audit_arch,
                       struct bh_seccomp_program *ret, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct range *ranges = bh_new_array(BH_SECCOMP_NUMBERS + 1, sizeof *ranges);
    BH_AUTO(bh_emitter_done) struct bh_emitter e = {0};
    size_t count = collect_ranges(s, ranges);
    bh_label at, foreign;

    if (audit_arch == 0)
        audit_arch = bh_seccomp_native_arch();
    foreign = bh_emit_return(&e, s->foreign_action);
    at = emit_tree(&e, s, ranges, 0, count);
    if (audit_arch == AUDIT_ARCH_X86_64)
        at = bh_emit_jump(&e, BPF_JGE, X32_BIT, foreign, at);
    at = bh_emit_load(&e, offsetof(struct seccomp_data, nr), at);
    at = bh_emit_jump(&e, BPF_JEQ, audit_arch, at, foreign);
    (void)bh_emit_load(&e, offsetof(struct seccomp_data, arch), at);
    return bh_emitter_finish(&e, &ret->code, &ret->len, err);
}

void bh_seccomp_program_done(struct bh_seccomp_program *p)
{
    free(p->code);
    p->code = NULL;
    p->len = 0;
}

int bh_seccomp_load(const struct bh_seccomp_program *p, unsigned flags, int *ret_listener_fd,
                    struct bh_error *err)
{
    struct sock_fprog program = {.len = p->len, .filter = p->code};
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

    if (r < 0)
        return bh_fail_errno(err, "load a seccomp filter of %u instructions", p->len);
    if (r > 0 && (flags & SECCOMP_FILTER_FLAG_TSYNC))
        return bh_fail(err, BH_DENIED, "seccomp: thread %ld cannot follow", r);
    if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER && ret_listener_fd)
        *ret_listener_fd = (int)r;
    return 0;
}
