/* sys/seccomp.h - system call filters compiled by our own classic-BPF emitter.
 *
 * A policy is a default action and rules; compiling it takes microseconds (libseccomp: 22 ms), so a
 * filter can be made at every start or kept as bytes in a launch record. The program checks the
 * architecture first, refuses the x32 numbers, and finds the number in a binary search tree over
 * ranges of equal treatment; numbers that are allowed whatever their arguments are cached by the
 * kernel (5.11 and later) and cost nothing.
 *
 * Conditions look at the low 32 bits of an argument unless `wide` says otherwise: that is all the
 * kernel looks at for int, flags and command arguments, and comparing 64 bits there would let a
 * caller slip past a "not equal" by setting high bits.
 * Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst, linux/seccomp.h. */
#pragma once
#include "base/error.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#define BH_SECCOMP_NUMBERS 1024u /* system call numbers a policy may name: 0 to this, excluded */
#define BH_SECCOMP_ARGS_MAX 6u   /* conditions of one rule */
#define BH_SECCOMP_LIST_MAX 64u  /* values of one BH_SECCOMP_IN condition */

/* Actions: SECCOMP_RET_* with data. */
#define BH_SECCOMP_ALLOW SECCOMP_RET_ALLOW
#define BH_SECCOMP_LOG SECCOMP_RET_LOG
#define BH_SECCOMP_KILL SECCOMP_RET_KILL_PROCESS
#define BH_SECCOMP_NOTIFY SECCOMP_RET_USER_NOTIF
#define BH_SECCOMP_ERRNO(number) (SECCOMP_RET_ERRNO | ((uint32_t)(number)&SECCOMP_RET_DATA))

enum bh_seccomp_test {
    BH_SECCOMP_EQUAL = 1,
    BH_SECCOMP_NOT_EQUAL,
    BH_SECCOMP_LESS, /* unsigned, as all orderings here */
    BH_SECCOMP_LESS_EQUAL,
    BH_SECCOMP_GREATER,
    BH_SECCOMP_GREATER_EQUAL,
    BH_SECCOMP_MASKED_EQUAL, /* (argument & mask) == value */
    BH_SECCOMP_IN,           /* argument is one of list[0..list_count) */
    BH_SECCOMP_NOT_IN,
};

struct bh_seccomp_arg {
    uint8_t index; /* 0 to 5 */
    enum bh_seccomp_test test;
    bool wide; /* compare all 64 bits; otherwise value, mask and list must fit in 32 */
    uint64_t value, mask;
    const uint64_t *list; /* copied */
    size_t list_count;
};

/* Holds when all conditions hold. Rules for one number are tried in the order they were added; the
 * first that holds decides, the default action when none does. */
struct bh_seccomp_rule {
    uint32_t number;
    uint32_t action;
    const struct bh_seccomp_arg *args;
    size_t arg_count;
};

struct bh_seccomp; /* a policy being written */

/* default_action: for numbers without a rule that holds. foreign_action: for another architecture
 * (32-bit calls) and for x32 numbers. */
struct bh_seccomp *bh_seccomp_new(uint32_t default_action, uint32_t foreign_action)
    BH_RETURNS_NONNULL;
void bh_seccomp_free(struct bh_seccomp *s); /* NULL is allowed */
static inline void bh_seccomp_freep(struct bh_seccomp **s)
{
    bh_seccomp_free(*s);
}

/* Errors: BH_INVALID  a number, index, test or value that is out of range
 *         BH_LIMIT    too many conditions or values */
int bh_seccomp_add(struct bh_seccomp *s, const struct bh_seccomp_rule *rule, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
/* Without conditions, by name. A name this architecture does not have is passed over: *ret_known
 * (may be NULL) tells. */
void bh_seccomp_add_name(struct bh_seccomp *s, const char *name, uint32_t action, bool *ret_known)
    BH_NONNULL_ARGS(1, 2);
/* The same for a NULL-terminated list of names. */
void bh_seccomp_add_names(struct bh_seccomp *s, const char *const *names, uint32_t action)
    BH_NONNULL;
/* For numbers from first to the end of the table and beyond that no rule names: what a kernel newer
 * than this build may add. The usual choice is ENOSYS, so that a newer libc falls back. */
void bh_seccomp_set_unknown(struct bh_seccomp *s, uint32_t first, uint32_t action) BH_NONNULL;

struct bh_seccomp_program {
    struct sock_filter *code;
    uint16_t len; /* instructions, at most BPF_MAXINSNS (4096) */
};
void bh_seccomp_program_done(struct bh_seccomp_program *p);

/* audit_arch: AUDIT_ARCH_* of linux/audit.h; 0 for the architecture of this build.
 * Errors: BH_LIMIT  the program has more than 4096 instructions */
int bh_seccomp_compile(const struct bh_seccomp *s, uint32_t audit_arch,
                       struct bh_seccomp_program *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 3);

/* Puts the calling process (all its threads) under the program for good. no_new_privs must be set,
 * or CAP_SYS_ADMIN held. flags: SECCOMP_FILTER_FLAG_*; with NEW_LISTENER the descriptor goes to
 * *ret_listener_fd (else it may be NULL). */
int bh_seccomp_load(const struct bh_seccomp_program *p, unsigned flags, int *ret_listener_fd,
                    struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1);

/* What the program answers for a call: the interpreter tests and `explain` use. */
uint32_t bh_seccomp_evaluate(const struct sock_filter *code, size_t len,
                             const struct seccomp_data *data) BH_NONNULL;

/* Names of this architecture's calls. -1 and NULL when there is none. */
int bh_syscall_number(const char *name) BH_NONNULL;
const char *bh_syscall_name(uint32_t number);
/* The number past the highest one this build knows. */
uint32_t bh_syscall_end(void);
/* Native AUDIT_ARCH_*. */
uint32_t bh_seccomp_native_arch(void);
