/* sys/seccomp_emit.h - classic-BPF code written from its end to its start.
 *
 * Private to sys/seccomp. Jumps only lead forward, so emitting backwards means every target is
 * known when a jump to it is made, and one pass suffices. A target further than a conditional jump
 * reaches (255) gets a copy of its return, or an unconditional jump, nearby. */
#pragma once
#include "sys/seccomp.h"

typedef uint32_t bh_label; /* of an emitted instruction: how many were emitted before it */

struct bh_emitter {
    struct sock_filter *code; /* in reverse order; jump offsets are final */
    size_t count, cap;
};
void bh_emitter_done(struct bh_emitter *e);

bh_label bh_emit_return(struct bh_emitter *e, uint32_t action) BH_NONNULL;
/* test: BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET of the accumulator with k. */
bh_label bh_emit_jump(struct bh_emitter *e, uint16_t test, uint32_t k, bh_label yes, bh_label no)
    BH_NONNULL;
/* Loads the word at offset of struct seccomp_data, then goes on at next. */
bh_label bh_emit_load(struct bh_emitter *e, uint32_t offset, bh_label next) BH_NONNULL;
bh_label bh_emit_condition(struct bh_emitter *e, const struct bh_seccomp_arg *arg, bh_label yes,
                           bh_label no) BH_NONNULL;
/* The code in its right order; the last label emitted is its start.
 * Errors: BH_LIMIT more than BPF_MAXINSNS instructions */
int bh_emitter_finish(struct bh_emitter *e, struct sock_filter **ret_code, uint16_t *ret_len,
                      struct bh_error *err) BH_CHECKED;
