#include "sys/seccomp_emit.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define REACH 253u /* 255, less the two instructions that far targets may put in between */

void bh_emitter_done(struct bh_emitter *e)
{
    free(e->code);
    e->code = NULL;
    e->count = e->cap = 0;
}

static bh_label emit(struct bh_emitter *e, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
    bh_grow(e->code, e->count, e->cap);
    e->code[e->count] = (struct sock_filter){.code = code, .jt = jt, .jf = jf, .k = k};
    return (bh_label)e->count++;
}

static bool is_return(const struct bh_emitter *e, bh_label label)
{
    return e->code[label].code == (BPF_RET | BPF_K);
}

/* How many instructions a jump emitted now skips to reach label. */
static uint32_t distance(const struct bh_emitter *e, bh_label label)
{
    assert(label < e->count);
    return (uint32_t)e->count - label - 1;
}

bh_label bh_emit_return(struct bh_emitter *e, uint32_t action)
{
    size_t reach = BH_MIN(e->count, (size_t)REACH / 2);

    for (size_t i = 1; i <= reach; i++)
        if (is_return(e, (bh_label)(e->count - i)) && e->code[e->count - i].k == action)
            return (bh_label)(e->count - i);
    return emit(e, BPF_RET | BPF_K, 0, 0, action);
}

/* label, or something nearby that leads there. */
static bh_label within_reach(struct bh_emitter *e, bh_label label, uint32_t reach)
{
    if (distance(e, label) <= reach)
        return label;
    if (is_return(e, label))
        return emit(e, BPF_RET | BPF_K, 0, 0, e->code[label].k);
    return emit(e, BPF_JMP | BPF_JA, 0, 0, distance(e, label));
}

bh_label bh_emit_jump(struct bh_emitter *e, uint16_t test, uint32_t k, bh_label yes, bh_label no)
{
    if (yes == no)
        return yes;
    yes = within_reach(e, yes, REACH);
    no = within_reach(e, no, REACH);
    return emit(e, BPF_JMP | BPF_K | test, (uint8_t)distance(e, yes), (uint8_t)distance(e, no), k);
}

bh_label bh_emit_load(struct bh_emitter *e, uint32_t offset, bh_label next)
{
    (void)within_reach(e, next, 0); /* execution falls through to the one emitted before */
    return emit(e, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static bh_label emit_and(struct bh_emitter *e, uint32_t mask, bh_label next)
{
    (void)within_reach(e, next, 0);
    return emit(e, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
}

/* Little-endian words of an argument. */
static uint32_t low_of(uint8_t index)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + 8u * index);
}

static uint32_t high_of(uint8_t index)
{
    return low_of(index) + 4;
}

static bh_label emit_equal(struct bh_emitter *e, const struct bh_seccomp_arg *a, uint64_t value,
                           bh_label yes, bh_label no)
{
    bh_label low = bh_emit_jump(e, BPF_JEQ, (uint32_t)value, yes, no);

    low = bh_emit_load(e, low_of(a->index), low);
    if (!a->wide)
        return low;
    low = bh_emit_jump(e, BPF_JEQ, (uint32_t)(value >> 32), low, no);
    return bh_emit_load(e, high_of(a->index), low);
}

static bh_label emit_masked(struct bh_emitter *e, const struct bh_seccomp_arg *a, bh_label yes,
                            bh_label no)
{
    bh_label at = bh_emit_jump(e, BPF_JEQ, (uint32_t)a->value, yes, no);

    at = emit_and(e, (uint32_t)a->mask, at);
    at = bh_emit_load(e, low_of(a->index), at);
    if (!a->wide)
        return at;
    at = bh_emit_jump(e, BPF_JEQ, (uint32_t)(a->value >> 32), at, no);
    at = emit_and(e, (uint32_t)(a->mask >> 32), at);
    return bh_emit_load(e, high_of(a->index), at);
}

/* test: BPF_JGT or BPF_JGE. */
static bh_label emit_greater(struct bh_emitter *e, const struct bh_seccomp_arg *a, uint16_t test,
                             bh_label yes, bh_label no)
{
    bh_label at = bh_emit_jump(e, test, (uint32_t)a->value, yes, no);

    at = bh_emit_load(e, low_of(a->index), at);
    if (!a->wide)
        return at;
    at = bh_emit_jump(e, BPF_JEQ, (uint32_t)(a->value >> 32), at, no);
    at = bh_emit_jump(e, BPF_JGT, (uint32_t)(a->value >> 32), yes, at);
    return bh_emit_load(e, high_of(a->index), at);
}

static bh_label emit_in(struct bh_emitter *e, const struct bh_seccomp_arg *a, bh_label yes,
                        bh_label no)
{
    bh_label at = no;

    if (a->wide) {
        for (size_t i = a->list_count; i-- > 0;)
            at = emit_equal(e, a, a->list[i], yes, at);
        return at;
    }
    for (size_t i = a->list_count; i-- > 0;)
        at = bh_emit_jump(e, BPF_JEQ, (uint32_t)a->list[i], yes, at);
    return a->list_count ? bh_emit_load(e, low_of(a->index), at) : at;
}

bh_label bh_emit_condition(struct bh_emitter *e, const struct bh_seccomp_arg *a, bh_label yes,
                           bh_label no)
{
    switch (a->test) {
    case BH_SECCOMP_EQUAL:
        return emit_equal(e, a, a->value, yes, no);
    case BH_SECCOMP_NOT_EQUAL:
        return emit_equal(e, a, a->value, no, yes);
    case BH_SECCOMP_GREATER:
        return emit_greater(e, a, BPF_JGT, yes, no);
    case BH_SECCOMP_LESS_EQUAL:
        return emit_greater(e, a, BPF_JGT, no, yes);
    case BH_SECCOMP_GREATER_EQUAL:
        return emit_greater(e, a, BPF_JGE, yes, no);
    case BH_SECCOMP_LESS:
        return emit_greater(e, a, BPF_JGE, no, yes);
    case BH_SECCOMP_MASKED_EQUAL:
        return emit_masked(e, a, yes, no);
    case BH_SECCOMP_IN:
        return emit_in(e, a, yes, no);
    case BH_SECCOMP_NOT_IN:
        return emit_in(e, a, no, yes);
    }
    abort(); /* bh_seccomp_add lets no other test in */
}

int bh_emitter_finish(struct bh_emitter *e, struct sock_filter **ret_code, uint16_t *ret_len,
                      struct bh_error *err)
{
    struct sock_filter *code;

    if (e->count > BPF_MAXINSNS)
        return bh_fail(err, BH_LIMIT,
                       "seccomp: the filter needs %zu instructions, the kernel takes %u; "
                       "name fewer argument conditions",
                       e->count, (unsigned)BPF_MAXINSNS);
    code = bh_new_array(e->count, sizeof *code);
    for (size_t i = 0; i < e->count; i++)
        code[i] = e->code[e->count - 1 - i];
    *ret_code = code;
    *ret_len = (uint16_t)e->count;
    return 0;
}

static bool jump_taken(uint16_t code, uint32_t a, uint32_t k)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ:
        return a == k;
    case BPF_JGT:
        return a > k;
    case BPF_JGE:
        return a >= k;
    default:
        return (a & k) != 0;
    }
}

uint32_t bh_seccomp_evaluate(const struct sock_filter *code, size_t len,
                             const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t at = 0; at < len; at++) {
        const struct sock_filter *i = &code[at];

        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (i->k > sizeof *data - 4)
                return SECCOMP_RET_KILL_PROCESS;
            __builtin_memcpy(&a, (const char *)data + i->k, sizeof a);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JA:
            at += i->k;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            if (BPF_CLASS(i->code) != BPF_JMP)
                return SECCOMP_RET_KILL_PROCESS;
            at += jump_taken(i->code, a, i->k) ? i->jt : i->jf;
            break;
        }
    }
    return SECCOMP_RET_KILL_PROCESS; /* ran off the end: the kernel would not have loaded it */
}
