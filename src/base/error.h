/* base/error.h - what went wrong, as a value on the caller's stack.
 *
 * A function that can fail returns 0, or the negative of a code below with *err filled. Nothing
 * here allocates, so an error can be built after fork, with memory gone, and sent over a socket as
 * bytes. Outputs of a failed function are untouched. Lower rooms say what failed; upper rooms wrap
 * it with what was being done: "pull a/b:1: manifest: bad digest at byte 71". */
#pragma once
#include "base/compiler.h"

#include <stdarg.h>
#include <stdbool.h>

#define BH_ERROR_MESSAGE_SIZE 480u /* bytes, with the terminating NUL */

enum bh_code {
    BH_OK = 0,
    BH_INVALID = 1,     /* input breaks a format or grammar */
    BH_LIMIT = 2,       /* input is larger or deeper than a stated limit */
    BH_NOT_FOUND = 3,   /* the named thing does not exist */
    BH_EXISTS = 4,      /* the named thing exists already, or is held by another */
    BH_CORRUPT = 5,     /* a digest or checksum does not match, or data is truncated */
    BH_DENIED = 6,      /* the kernel or a server refused us */
    BH_POLICY = 7,      /* a policy's verdict forbids it */
    BH_UNAVAILABLE = 8, /* a service or network does not answer; a retry may help */
    BH_TIMEOUT = 9,
    BH_UNSUPPORTED = 10, /* this kernel or build cannot do it */
    BH_USAGE = 11,       /* wrong options or arguments */
    BH_IO = 12,          /* a system call failed; errno is kept */
    BH_INTERNAL = 13,    /* a helper process broke its protocol or died */
};

struct bh_error {
    int code;         /* enum bh_code; 0 when nothing failed */
    int sys_errno;    /* errno of the failing call, 0 when none */
    const char *file; /* source position of the first failure; static strings */
    int line;
    char message[BH_ERROR_MESSAGE_SIZE];
};

#define BH_ERROR_INIT ((struct bh_error){0})

/* Fill *err and return -code, to be used as `return bh_fail(...)`. err may be NULL. */
#define bh_fail(err, code, ...) bh_error_set((err), (code), 0, __FILE__, __LINE__, __VA_ARGS__)

/* As bh_fail for a failed system call: code from errno (ENOENT is BH_NOT_FOUND, EACCES and EPERM
 * are BH_DENIED, EEXIST is BH_EXISTS, all others BH_IO); ": strerror" is appended. */
#define bh_fail_errno(err, ...) bh_error_set_errno((err), __FILE__, __LINE__, __VA_ARGS__)

/* Prefixes err->message with the formatted text and ": ", keeps code and position; returns -code.
 */
int bh_wrap(struct bh_error *err, const char *format, ...) BH_PRINTF(2, 3);

int bh_error_set(struct bh_error *err, int code, int sys_errno, const char *file, int line,
                 const char *format, ...) BH_PRINTF(6, 7);
int bh_error_set_errno(struct bh_error *err, const char *file, int line, const char *format, ...)
    BH_PRINTF(4, 5);

/* "invalid", "limit", ...: the word for a code in JSON output and logs. */
const char *bh_code_name(int code) BH_RETURNS_NONNULL;
