#include "runtime/users.h"

#include "base/buf.h"
#include "sys/fd.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FIELDS_MAX 7u

struct field {
    const char *at;
    size_t len;
};

/* Splits one line at its colons; returns how many fields there are. */
static size_t split(const char *line, size_t len, struct field *fields)
{
    size_t n = 0;

    for (const char *end = line + len;;) {
        const char *colon = memchr(line, ':', (size_t)(end - line));

        if (n == FIELDS_MAX)
            return n;
        fields[n++] = (struct field){line, (size_t)((colon ? colon : end) - line)};
        if (!colon)
            return n;
        line = colon + 1;
    }
}

static bool all_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return len > 0;
}

/* 0 to 2^32 - 2: the last value means "unchanged" to the kernel. */
static bool number(const char *text, size_t len, uint32_t *ret)
{
    uint64_t n = 0;

    if (!all_digits(text, len) || len > 10)
        return false;
    for (size_t i = 0; i < len; i++)
        n = n * 10 + (uint64_t)(text[i] - '0');
    if (n >= UINT32_MAX)
        return false;
    *ret = (uint32_t)n;
    return true;
}

static bool equal(const struct field *f, const char *text, size_t len)
{
    return f->len == len && memcmp(f->at, text, len) == 0;
}

/* The first line for which match says yes; fields are those of that line. */
static bool find_line(const char *file, size_t least, struct field *fields,
                      bool (*match)(const struct field *fields, const void *wanted),
                      const void *wanted)
{
    while (*file) {
        size_t len = strcspn(file, "\n");

        if (split(file, len, fields) >= least && match(fields, wanted))
            return true;
        file += len + (file[len] == '\n');
    }
    return false;
}

static bool has_name(const struct field *fields, const void *wanted)
{
    const struct field *name = wanted;

    return equal(&fields[0], name->at, name->len);
}

static bool has_id(const struct field *fields, const void *wanted)
{
    uint32_t id;

    return number(fields[2].at, fields[2].len, &id) && id == *(const uint32_t *)wanted;
}

static int resolve_group(const struct field *text, const char *group, struct bh_user *u,
                         struct bh_error *err)
{
    struct field fields[FIELDS_MAX];

    if (all_digits(text->at, text->len)) {
        if (!number(text->at, text->len, &u->gid))
            return bh_fail(err, BH_INVALID, "group number %.*s is out of range", (int)text->len,
                           text->at);
        return 0;
    }
    if (!find_line(group, 3, fields, has_name, text) ||
        !number(fields[2].at, fields[2].len, &u->gid))
        return bh_fail(err, BH_NOT_FOUND, "the image has no group '%.*s'; give its number",
                       (int)text->len, text->at);
    return 0;
}

static void take_home(const struct field *f, struct bh_user *u)
{
    if (f->len > 0 && f->len < sizeof u->home && f->at[0] == '/') {
        memcpy(u->home, f->at, f->len);
        u->home[f->len] = '\0';
    }
}

/* Adds every group whose list of members has the user. */
static void take_groups(const struct field *user, const char *group, struct bh_user *u)
{
    while (*group) {
        size_t len = strcspn(group, "\n");
        struct field fields[FIELDS_MAX];
        uint32_t id;

        if (split(group, len, fields) >= 4 && number(fields[2].at, fields[2].len, &id) &&
            id != u->gid && u->group_count < BH_GROUPS_MAX) {
            const char *member = fields[3].at, *end = member + fields[3].len;

            while (member < end) {
                const char *comma = memchr(member, ',', (size_t)(end - member));
                const struct field one = {member, (size_t)((comma ? comma : end) - member)};

                if (equal(&one, user->at, user->len)) {
                    u->groups[u->group_count++] = id;
                    break;
                }
                member = comma ? comma + 1 : end;
            }
        }
        group += len + (group[len] == '\n');
    }
}

/* Takes IDs and home from the user's line, when there is one. */
static int look_up(struct field *user, bool by_number, const char *passwd, struct bh_user *u,
                   bool *ret_found, struct bh_error *err)
{
    struct field fields[FIELDS_MAX];
    bool found = by_number ? find_line(passwd, 6, fields, has_id, &u->uid)
                           : find_line(passwd, 6, fields, has_name, user);

    *ret_found = found;
    if (!found)
        return by_number
                   ? 0
                   : bh_fail(err, BH_NOT_FOUND, "the image has no user '%.*s'; give its number",
                             (int)user->len, user->at);
    if (!number(fields[2].at, fields[2].len, &u->uid) ||
        !number(fields[3].at, fields[3].len, &u->gid))
        return bh_fail(err, BH_INVALID, "the image's /etc/passwd has a broken line for '%.*s'",
                       (int)user->len, user->at);
    take_home(&fields[5], u);
    *user = fields[0];
    return 0;
}

int bh_user_resolve(const char *text, const char *passwd, const char *group, struct bh_user *ret,
                    struct bh_error *err)
{
    const char *colon = strchr(text, ':');
    struct field user = {text, colon ? (size_t)(colon - text) : strlen(text)};
    struct bh_user u = {.home = "/"};
    bool found = false, by_number;
    int r;

    if (user.len == 0 && !colon)
        user = (struct field){"0", 1};
    by_number = all_digits(user.at, user.len);
    if (by_number && !number(user.at, user.len, &u.uid))
        return bh_fail(err, BH_INVALID, "user number %.*s is out of range", (int)user.len, user.at);
    r = look_up(&user, by_number, passwd, &u, &found, err);
    if (r == 0 && colon) {
        const struct field name = {colon + 1, strlen(colon + 1)};

        r = resolve_group(&name, group, &u, err);
    } else if (r == 0 && found) {
        take_groups(&user, group, &u);
    }
    if (r == 0)
        *ret = u;
    return r;
}

/* What one layer says about path: 0 nothing, 1 opened, 2 it is deleted or hidden from here down. */
static int ask_layer(int layer, const char *path, int *ret_fd, struct bh_error *err,
                     int *ret_answer)
{
    char dir[256], mark[4];
    struct stat st;
    int r = bh_open_in_root(layer, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0, ret_fd, err);

    *ret_answer = 1;
    if (r == 0)
        return 0;
    (void)snprintf(dir, sizeof dir, "%s", path);
    dir[strlen(dir) - strlen(strrchr(dir, '/'))] = '\0';
    *ret_answer = 2;
    if (fstatat(layer, path + 1, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return S_ISCHR(st.st_mode) && st.st_rdev == 0
                   ? 0
                   : bh_fail(err, BH_INVALID, "the image's %s is not a plain file; give numbers",
                             path);
    *ret_answer = 0;
    if (errno == ENOENT && *dir && fstatat(layer, dir + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(st.st_mode)) {
        BH_AUTO(bh_closep) int fd = openat(layer, dir + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0 && fgetxattr(fd, "user.overlay.opaque", mark, sizeof mark) == 1 &&
            mark[0] == 'y')
            *ret_answer = 2;
    } else if (errno == ENOTDIR) {
        *ret_answer = 2; /* the directory itself is deleted here, or is something else */
    }
    return 0;
}

int bh_layers_read(const int *layers, size_t count, const char *path, struct bh_buf *out,
                   struct bh_error *err)
{
    for (size_t i = 0; i < count; i++) {
        BH_AUTO(bh_closep) int fd = -1;
        struct stat st;
        int answer = 0;
        int r = ask_layer(layers[i], path, &fd, err, &answer);

        if (r)
            return r;
        if (answer == 0)
            continue;
        if (answer == 2)
            return 0;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
            return S_ISCHR(st.st_mode) && st.st_rdev == 0
                       ? 0
                       : bh_fail(err, BH_INVALID, "the image's %s is not a plain file", path);
        r = bh_read_all(fd, out, err);
        return r ? bh_wrap(err, "the image's %s", path) : 0;
    }
    return 0;
}
