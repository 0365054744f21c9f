/* base/log.h - what a command or daemon says while it works, as one event per call.
 *
 * Only cmd/ and the loops of daemons log; other rooms return errors. An event has a fixed name
 * ("image.pulled") and typed fields; it is written in one write(2), as a JSON line or as text, with
 * outside values escaped either way. The sink is the one static mutable thing of this room: set it
 * up before threads start.
 *     bh_log(BH_LOG_INFO, "image.pulled", BH_LOG_S("name", name), BH_LOG_I("bytes", size)); */
#pragma once
#include "base/compiler.h"

#include <stdint.h>

enum bh_log_level { BH_LOG_ERROR, BH_LOG_WARN, BH_LOG_INFO, BH_LOG_DEBUG };
enum bh_log_format { BH_LOG_TEXT, BH_LOG_JSON };

struct bh_log_field {
    const char *name; /* NULL ends a list */
    enum { BH_LOG_STRING, BH_LOG_INT, BH_LOG_BOOL } kind;
    union {
        const char *string; /* NULL is written as null */
        int64_t integer;
        int boolean;
    };
};
#define BH_LOG_S(name_, value) ((struct bh_log_field){name_, BH_LOG_STRING, .string = (value)})
#define BH_LOG_I(name_, value) ((struct bh_log_field){name_, BH_LOG_INT, .integer = (value)})
#define BH_LOG_B(name_, value) ((struct bh_log_field){name_, BH_LOG_BOOL, .boolean = (value)})

/* Events less urgent than level are left out. Without this call: text to standard error, from
 * warnings on. */
void bh_log_setup(int fd, enum bh_log_format format, enum bh_log_level level);
void bh_log_fields(enum bh_log_level level, const char *event, const struct bh_log_field *fields)
    BH_NONNULL;
#define bh_log(level, event, ...)                                                                  \
    bh_log_fields((level), (event), (const struct bh_log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
