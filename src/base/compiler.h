/* base/compiler.h - attributes and small macros every room uses.
 *
 * BH_AUTO(fn)   scoped cleanup: fn(T *) runs when the variable leaves scope
 * BH_TAKE(p)    passes ownership on: yields p and leaves NULL behind
 * BH_TAKE_FD(f) the same for a descriptor: leaves -1 behind */
#pragma once
#include <stddef.h>

#define BH_AUTO(fn) __attribute__((cleanup(fn)))
#define BH_CHECKED __attribute__((warn_unused_result))
#define BH_NONNULL __attribute__((nonnull))
#define BH_NONNULL_ARGS(...) __attribute__((nonnull(__VA_ARGS__)))
#define BH_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))
#define BH_NORETURN __attribute__((noreturn))
#define BH_UNUSED __attribute__((unused))
#define BH_PURE __attribute__((pure))
#define BH_RETURNS_NONNULL __attribute__((returns_nonnull))

#define BH_TAKE(p)                                                                                 \
    ({                                                                                             \
        __typeof__(p) bh_taken_ = (p);                                                             \
        (p) = NULL;                                                                                \
        bh_taken_;                                                                                 \
    })
#define BH_TAKE_FD(f)                                                                              \
    ({                                                                                             \
        int bh_taken_ = (f);                                                                       \
        (f) = -1;                                                                                  \
        bh_taken_;                                                                                 \
    })

#define BH_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BH_MIN(a, b) ((a) < (b) ? (a) : (b))
#define BH_MAX(a, b) ((a) > (b) ? (a) : (b))
