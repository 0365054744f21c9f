/* runtime/users.h - users and groups as the image's own /etc/passwd and /etc/group say.
 *
 * The files are read from the image's layers, never from the host, and parsed strictly: what is all
 * digits is a number and nothing else, and a number that is out of range is an error rather than a
 * name (CVE-2026-46680); trailing bytes are errors (CVE-2026-30892). */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define BH_GROUPS_MAX 64u

struct bh_user {
    uint32_t uid, gid;
    uint32_t groups[BH_GROUPS_MAX]; /* supplementary */
    size_t group_count;
    char home[256]; /* "/" when the image does not say */
};

/* text: "", "USER" or "USER:GROUP". passwd and group are the files' contents, "" when missing.
 * Errors: BH_NOT_FOUND a name the image does not have; BH_INVALID. */
int bh_user_resolve(const char *text, const char *passwd, const char *group, struct bh_user *ret,
                    struct bh_error *err) BH_CHECKED;

/* Appends the content of a file as the layers, the uppermost first, show it: whiteouts and opaque
 * directories count. Missing is success with nothing appended. */
struct bh_buf;
int bh_layers_read(const int *layers, size_t count, const char *path, struct bh_buf *out,
                   struct bh_error *err) BH_CHECKED;
