#include "base/buf.h"
#include "base/config_files.h"
#include "base/mem.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_file(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* it was only read */
}

static int check_owner(int fd, const char *path, struct bh_error *err)
{
    struct stat st;

    if (fstat(fd, &st))
        return bh_fail_errno(err, "%s", path);
    if (!S_ISREG(st.st_mode))
        return bh_fail(err, BH_INVALID, "%s: not a regular file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return bh_fail(err, BH_DENIED,
                       "%s: belongs to user %u; a configuration must belong to root or to you",
                       path, st.st_uid);
    if (st.st_mode & S_IWOTH)
        return bh_fail(err, BH_DENIED, "%s: everybody can write to it; run: chmod o-w %s", path,
                       path);
    return 0;
}

/* base/ stands below sys/, so the whole file is read here by its own few lines. */
static int read_file(int fd, const char *path, struct bh_buf *out, struct bh_error *err)
{
    for (;;) {
        char *to = bh_buf_reserve(out, 4096);
        ssize_t n;

        if (!to)
            return bh_fail(err, BH_LIMIT, "%s: larger than %zu bytes", path, out->limit);
        n = read(fd, to, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "%s", path);
        if (n == 0)
            return 0;
        out->len += (size_t)n;
    }
}

static int parse_file(int fd, const char *path, struct bh_tree **ret, struct bh_error *err)
{
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(bh_yaml_limits_default.bytes + 4096);
    enum bh_node_kind kind;
    int result = check_owner(fd, path, err);

    if (!result)
        result = read_file(fd, path, &text, err);
    if (result)
        return result;
    if (bh_yaml_parse(bh_buf_text(&text), text.len, NULL, &tree, err))
        return bh_wrap(err, "%s", path);
    kind = bh_tree_root(tree)->kind;
    if (kind != BH_NODE_OBJECT && kind != BH_NODE_NULL)
        return bh_fail(err, BH_INVALID, "%s: must hold \"key: value\" lines, not one %s", path,
                       bh_node_kind_name(kind));
    *ret = BH_TAKE(tree);
    return 0;
}

static int add_file(struct bh_config *c, const char *path, bool optional, struct bh_error *err)
{
    BH_AUTO(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct bh_tree *tree = NULL;
    int result;

    if (fd < 0 && optional && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return 0;
    if (fd < 0)
        return bh_fail_errno(err, "configuration %s", path);
    result = parse_file(fd, path, &tree, err);
    if (result)
        return result;
    c->files[c->count++] = (struct bh_config_source){.path = bh_strdup(path), .tree = tree};
    return 0;
}

int bh_config_load(const char *named, struct bh_config **ret, struct bh_error *err)
{
    BH_AUTO(bh_config_freep) struct bh_config *c = bh_new0(sizeof *c);
    BH_AUTO(bh_freep) char *user = named ? NULL : bh_config_user_path();
    int result = 0;

    if (named)
        result = add_file(c, named, false, err);
    else if (user)
        result = add_file(c, user, true, err);
    if (!result && !named)
        result = add_file(c, BH_CONFIG_SYSTEM_PATH, true, err);
    if (result)
        return result;
    *ret = BH_TAKE(c);
    return 0;
}
