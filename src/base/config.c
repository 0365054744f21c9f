#include "base/config.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/bulkhead/config.yaml"
#define FILES_MAX 2

struct file {
    char *path;
    struct bh_tree *tree;
};

struct bh_config {
    struct file files[FILES_MAX]; /* the first wins */
    size_t count;
};

static void close_file(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd); /* it was only read */
}

void bh_config_free(struct bh_config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        free(c->files[i].path);
        bh_tree_free(c->files[i].tree);
    }
    free(c);
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
    c->files[c->count++] = (struct file){.path = bh_strdup(path), .tree = tree};
    return 0;
}

static char *user_file(void)
{
    const char *dir = getenv("XDG_CONFIG_HOME");

    if (dir && *dir == '/')
        return bh_format("%s/bulkhead/config.yaml", dir);
    dir = getenv("HOME");
    if (dir && *dir == '/')
        return bh_format("%s/.config/bulkhead/config.yaml", dir);
    return NULL;
}

int bh_config_load(const char *named, struct bh_config **ret, struct bh_error *err)
{
    BH_AUTO(bh_config_freep) struct bh_config *c = bh_new0(sizeof *c);
    BH_AUTO(bh_freep) char *user = named ? NULL : user_file();
    int result = 0;

    if (named)
        result = add_file(c, named, false, err);
    else if (user)
        result = add_file(c, user, true, err);
    if (!result && !named)
        result = add_file(c, SYSTEM_FILE, true, err);
    if (result)
        return result;
    *ret = BH_TAKE(c);
    return 0;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const struct bh_config_key *find_key(const struct bh_config_key *known, const char *section,
                                            const char *name)
{
    for (; known->section || known->name; known++)
        if (same(known->section, section) && same(known->name, name))
            return known;
    return NULL;
}

static int fail_unknown(const struct file *f, const struct bh_config_key *known,
                        const char *section, const struct bh_node *n, struct bh_error *err)
{
    struct bh_nearest nearest;

    bh_nearest_init(&nearest, n->key, strlen(n->key));
    for (; known->section || known->name; known++) {
        if (section && known->name && same(known->section, section))
            bh_nearest_offer(&nearest, known->name);
        if (!section && (!known->section || !known->name))
            bh_nearest_offer(&nearest, known->section ? known->section : known->name);
    }
    return bh_fail(err, BH_INVALID, "%s:%u:%u: unknown key \"%.80s\"%s%s%s%s%s", f->path,
                   n->key_line, n->key_column, n->key, section ? " in " : "",
                   section ? section : "", nearest.best ? "; did you mean \"" : "",
                   nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
}

static int check_section(const struct file *f, const struct bh_config_key *known,
                         const struct bh_node *section, struct bh_error *err)
{
    if (section->kind == BH_NODE_NULL)
        return 0;
    if (section->kind != BH_NODE_OBJECT)
        return bh_fail(err, BH_INVALID, "%s:%u:%u: %s must hold \"key: value\" lines, not %s",
                       f->path, section->line, section->column, section->key,
                       bh_node_kind_name(section->kind));
    for (const struct bh_node *n = bh_node_first(section); n; n = n->next)
        if (!find_key(known, section->key, n->key))
            return fail_unknown(f, known, section->key, n, err);
    return 0;
}

static int check_file(const struct file *f, const struct bh_config_key *known, struct bh_error *err)
{
    for (const struct bh_node *n = bh_node_first(bh_tree_root(f->tree)); n; n = n->next) {
        const struct bh_config_key *section = find_key(known, n->key, NULL);
        int result = 0;

        if (section && !section->free_form)
            result = check_section(f, known, n, err);
        else if (!section && !find_key(known, NULL, n->key))
            result = fail_unknown(f, known, NULL, n, err);
        if (result)
            return result;
    }
    return 0;
}

int bh_config_check(const struct bh_config *c, const struct bh_config_key *known,
                    struct bh_error *err)
{
    for (size_t i = 0; i < c->count; i++) {
        int result = check_file(&c->files[i], known, err);

        if (result)
            return result;
    }
    return 0;
}

const struct bh_node *bh_config_file(const struct bh_config *c, size_t index, const char **ret_file)
{
    if (!c || index >= c->count)
        return NULL;
    *ret_file = c->files[index].path;
    return bh_tree_root(c->files[index].tree);
}

const struct bh_node *bh_config_get(const struct bh_config *c, const char *section,
                                    const char *name, const char **ret_file)
{
    const struct bh_node *root;
    const char *file;

    for (size_t i = 0; (root = bh_config_file(c, i, &file)); i++) {
        const struct bh_node *n = bh_node_get(section ? bh_node_get(root, section) : root, name);

        if (n) {
            *ret_file = file;
            return n;
        }
    }
    return NULL;
}
