#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
    [BH_OK] = "ok",
    [BH_INVALID] = "invalid",
    [BH_LIMIT] = "limit",
    [BH_NOT_FOUND] = "not-found",
    [BH_EXISTS] = "exists",
    [BH_CORRUPT] = "corrupt",
    [BH_DENIED] = "denied",
    [BH_POLICY] = "policy",
    [BH_UNAVAILABLE] = "unavailable",
    [BH_TIMEOUT] = "timeout",
    [BH_UNSUPPORTED] = "unsupported",
    [BH_USAGE] = "usage",
    [BH_IO] = "io",
    [BH_INTERNAL] = "internal",
};

const char *bh_code_name(int code)
{
    if (code < 0)
        code = -code;
    if ((size_t)code >= BH_COUNT_OF(code_names))
        return "unknown";
    return code_names[code];
}

/* A message that does not fit ends in "..." so that a reader knows there was more. */
static void mark_cut(char *message, int wanted)
{
    if (wanted >= (int)BH_ERROR_MESSAGE_SIZE)
        memcpy(message + BH_ERROR_MESSAGE_SIZE - 4, "...", 4);
}

int bh_error_set(struct bh_error *err, int code, int sys_errno, const char *file, int line,
                 const char *format, ...)
{
    va_list args;

    if (!err)
        return -code;
    err->code = code;
    err->sys_errno = sys_errno;
    err->file = file;
    err->line = line;
    va_start(args, format);
    mark_cut(err->message, vsnprintf(err->message, sizeof err->message, format, args));
    va_end(args);
    return -code;
}

static int code_from_errno(int number)
{
    switch (number) {
    case ENOENT:
        return BH_NOT_FOUND;
    case EACCES:
    case EPERM:
        return BH_DENIED;
    case EEXIST:
        return BH_EXISTS;
    case ETIMEDOUT:
        return BH_TIMEOUT;
    default:
        return BH_IO;
    }
}

int bh_error_set_errno(struct bh_error *err, const char *file, int line, const char *format, ...)
{
    int number = errno;
    int code = code_from_errno(number);
    char text[BH_ERROR_MESSAGE_SIZE];
    va_list args;

    va_start(args, format);
    mark_cut(text, vsnprintf(text, sizeof text, format, args));
    va_end(args);
    return bh_error_set(err, code, number, file, line, "%s: %s", text, strerror(number));
}

int bh_wrap(struct bh_error *err, const char *format, ...)
{
    char old[BH_ERROR_MESSAGE_SIZE];
    char prefix[BH_ERROR_MESSAGE_SIZE];
    va_list args;

    if (!err)
        return -BH_INTERNAL;
    memcpy(old, err->message, sizeof old);
    va_start(args, format);
    mark_cut(prefix, vsnprintf(prefix, sizeof prefix, format, args));
    va_end(args);
    mark_cut(err->message, snprintf(err->message, sizeof err->message, "%.*s: %s",
                                    (int)sizeof prefix, prefix, old));
    return -err->code;
}
