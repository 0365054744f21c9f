#include "runtime/compose.h"

#include "base/buf.h"
#include "profile/confinement.h"
#include "runtime/skeleton.h"
#include "runtime/users.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define ETC_FILE_MAX (1u << 20)

static const char *const *arguments(const struct bh_composition *c, struct bh_arena *a)
{
    static const char *const none[] = {NULL};
    const struct bh_run_request *q = c->request;
    const char *const own[] = {q->entrypoint, NULL};
    bool image = c->config->known && !q->entrypoint;
    const char *const *entry = image ? c->config->entrypoint : own;
    const char *const *rest = *q->command ? q->command : image ? c->config->cmd : none;
    size_t n = 0, first = bh_list_length(entry), second = bh_list_length(rest);
    const char **argv = bh_arena_alloc(a, (first + second + 1) * sizeof *argv);

    for (size_t i = 0; i < first; i++)
        argv[n++] = entry[i];
    for (size_t i = 0; i < second; i++)
        argv[n++] = rest[i];
    return argv;
}

static bool same_name(const char *a, const char *b)
{
    size_t len = strcspn(a, "=");

    return strncmp(a, b, len) == 0 && b[len] == '=';
}

static size_t put_env(const char **env, size_t n, const char *entry)
{
    for (size_t i = 0; i < n; i++)
        if (same_name(env[i], entry)) {
            env[i] = entry;
            return n;
        }
    env[n] = entry;
    return n + 1;
}

static const char *const *environment(const struct bh_composition *c, const struct bh_user *u,
                                      const char *hostname, struct bh_arena *a)
{
    static const char *const none[] = {NULL};
    const char *const *image = c->config->known ? c->config->env : none;
    const struct bh_run_request *q = c->request;
    size_t n = 0;
    const char **env = bh_arena_alloc(a, (bh_list_length(image) + q->env.count + 5) * sizeof *env);

    n = put_env(env, n, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    n = put_env(env, n, bh_arena_format(a, "HOSTNAME=%s", hostname));
    n = put_env(env, n, bh_arena_format(a, "HOME=%s", u->home));
    if (q->terminal)
        n = put_env(env, n, "TERM=xterm");
    for (; *image; image++)
        if (strchr(*image, '='))
            n = put_env(env, n, *image);
    for (size_t i = 0; i < q->env.count; i++)
        n = put_env(env, n, q->env.items[i]);
    return env;
}

static int find_user(const struct bh_composition *c, struct bh_user *ret, struct bh_error *err)
{
    const char *text = c->request->user   ? c->request->user
                       : c->config->known ? c->config->user
                                          : "";
    BH_AUTO(bh_buf_done) struct bh_buf passwd = BH_BUF_INIT(ETC_FILE_MAX);
    BH_AUTO(bh_buf_done) struct bh_buf group = BH_BUF_INIT(ETC_FILE_MAX);
    BH_AUTO(bh_freep) int *layers = bh_new_array(c->layer_count + 1, sizeof *layers);
    size_t open_count = 0;
    int r = 0;

    for (; open_count < c->layer_count && !r; open_count++) {
        layers[open_count] = open(c->layers[open_count].dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (layers[open_count] < 0)
            r = bh_fail_errno(err, "layer %s", c->layers[open_count].dir);
    }
    if (r == 0)
        r = bh_layers_read(layers, c->layer_count, "/etc/passwd", &passwd, err);
    if (r == 0)
        r = bh_layers_read(layers, c->layer_count, "/etc/group", &group, err);
    while (open_count > 0)
        bh_closep(&layers[--open_count]);
    return r ? r
             : bh_user_resolve(text ? text : "", bh_buf_text(&passwd), bh_buf_text(&group), ret,
                               err);
}

/* /tmp and /run, the request's own, and the host's resolver where the host's network is used. */
static void mounts(const struct bh_composition *c, struct bh_arena *a, struct bh_launch *l)
{
    static const struct bh_launch_mount always[] = {
        {BH_MOUNT_TMPFS, "", "/tmp", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
         256u << 20, 65536, 01777},
        {BH_MOUNT_TMPFS, "", "/run", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
         64u << 20, 16384, 0755},
    };
    const struct bh_run_request *q = c->request;
    size_t n = 0;

    l->mounts = bh_arena_alloc(a, (BH_COUNT_OF(always) + q->mount_count + 1) * sizeof *l->mounts);
    for (size_t i = 0; i < BH_COUNT_OF(always); i++) {
        bool replaced = false;

        for (size_t k = 0; k < q->mount_count; k++)
            replaced = replaced || strcmp(q->mounts[k].target, always[i].target) == 0;
        if (!replaced)
            l->mounts[n++] = always[i];
    }
    for (size_t i = 0; i < q->mount_count; i++)
        l->mounts[n++] = q->mounts[i];
    l->mount_count = n;
}

static int skeleton(const struct bh_composition *c, struct bh_arena *a, struct bh_launch *l,
                    struct bh_error *err)
{
    struct bh_skeleton_point *points = bh_arena_alloc(a, (l->mount_count + 1) * sizeof *points);
    BH_AUTO(bh_freep) char *path = NULL;
    size_t n = 0;
    struct stat st;
    int r;

    for (size_t i = 0; i < l->mount_count; i++) {
        const struct bh_launch_mount *m = &l->mounts[i];

        if (m->kind == BH_MOUNT_VOLUME && stat(m->source, &st) < 0)
            return bh_fail_errno(err, "volume %s", m->source);
        points[n++] =
            (struct bh_skeleton_point){m->target, m->kind == BH_MOUNT_TMPFS || S_ISDIR(st.st_mode)};
    }
    r = bh_skeleton_make(c->root_path, points, n, geteuid() == 0, &path, err);
    if (r == 0)
        l->skeleton = bh_arena_strdup(a, path);
    return r;
}

static void limits(const struct bh_run_request *q, struct bh_arena *a, struct bh_launch *l)
{
    struct sysinfo info = {0};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct bh_launch_rlimit *r = bh_arena_alloc(a, 4 * sizeof *r);
    size_t n = 0;

    (void)sysinfo(&info);
    l->limits.memory_bytes =
        q->memory_bytes ? q->memory_bytes : (uint64_t)info.totalram * info.mem_unit / 2;
    l->limits.pids = (uint64_t)q->pids;
    /* The tenth left over keeps a host answering whose container spins. */
    l->limits.cpu_milli = q->cpu_milli ? q->cpu_milli : (uint64_t)BH_MAX(processors, 1) * 900;
    r[n++] = (struct bh_launch_rlimit){RLIMIT_NOFILE, 16384, 65536};
    r[n++] = (struct bh_launch_rlimit){RLIMIT_CORE, 0, 0};
    if (l->flags & BH_LAUNCH_USER_NAMESPACE) {
        /* Counted per user namespace, so these hold where no cgroup is delegated. */
        r[n++] = (struct bh_launch_rlimit){RLIMIT_NPROC, l->limits.pids, l->limits.pids};
        r[n++] =
            (struct bh_launch_rlimit){RLIMIT_DATA, l->limits.memory_bytes, l->limits.memory_bytes};
    }
    l->rlimits = r;
    l->rlimit_count = n;
}

/* The first range /etc/subuid or /etc/subgid gives this user. */
static bool sub_range(const char *file, uint32_t *ret_first, uint32_t *ret_count)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(ETC_FILE_MAX);
    const struct passwd *me = getpwuid(geteuid());
    char number[16];

    if (bh_read_file_at(AT_FDCWD, file, &b, NULL) != 0)
        return false;
    (void)snprintf(number, sizeof number, "%u", (unsigned)geteuid());
    for (const char *line = bh_buf_text(&b); *line;) {
        size_t len = strcspn(line, "\n"), name = strcspn(line, ":\n");
        unsigned long first = 0, count = 0;
        char *end;

        if (name < len &&
            ((me && strlen(me->pw_name) == name && strncmp(line, me->pw_name, name) == 0) ||
             (strlen(number) == name && strncmp(line, number, name) == 0))) {
            first = strtoul(line + name + 1, &end, 10);
            count = *end == ':' ? strtoul(end + 1, &end, 10) : 0;
            if (count && end == line + len && first < UINT32_MAX && count < UINT32_MAX - first) {
                *ret_first = (uint32_t)first;
                *ret_count = (uint32_t)count;
                return true;
            }
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

static struct bh_launch_id_map *map(struct bh_arena *a, struct bh_launch_id_map first,
                                    struct bh_launch_id_map second, size_t *ret_count)
{
    struct bh_launch_id_map *maps = bh_arena_alloc(a, 2 * sizeof *maps);

    maps[0] = first;
    maps[1] = second;
    *ret_count = second.count ? 2 : 1;
    return maps;
}

static int user_namespace(int kind, struct bh_arena *a, struct bh_launch *l, struct bh_error *err)
{
    const struct bh_launch_id_map none = {0, 0, 0};
    uint32_t first_uid, first_gid, uids, gids;

    if (kind == BH_USERNS_AUTO && geteuid() == 0)
        return 0;
    l->flags |= BH_LAUNCH_USER_NAMESPACE;
    if (kind == BH_USERNS_IDENTITY) {
        const struct bh_launch_id_map all = {0, 0, 65536};

        if (geteuid() != 0)
            return bh_fail(err, BH_USAGE, "--userns identity is for root; use single or ranges");
        l->uid_maps = map(a, all, none, &l->uid_map_count);
        l->gid_maps = map(a, all, none, &l->gid_map_count);
        return 0;
    }
    if (kind != BH_USERNS_RANGES) {
        l->uid_maps =
            map(a, (struct bh_launch_id_map){l->uid, geteuid(), 1}, none, &l->uid_map_count);
        l->gid_maps =
            map(a, (struct bh_launch_id_map){l->gid, getegid(), 1}, none, &l->gid_map_count);
        l->group_count = 0;
        return 0;
    }
    if (!sub_range("/etc/subuid", &first_uid, &uids) ||
        !sub_range("/etc/subgid", &first_gid, &gids))
        return bh_fail(err, BH_NOT_FOUND,
                       "--userns ranges: /etc/subuid and /etc/subgid give this user no range; "
                       "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER");
    l->flags |= BH_LAUNCH_MAP_HELPERS;
    l->uid_maps = map(a, (struct bh_launch_id_map){0, geteuid(), 1},
                      (struct bh_launch_id_map){1, first_uid, uids}, &l->uid_map_count);
    l->gid_maps = map(a, (struct bh_launch_id_map){0, getegid(), 1},
                      (struct bh_launch_id_map){1, first_gid, gids}, &l->gid_map_count);
    return 0;
}

static uint32_t flags(const struct bh_run_request *q)
{
    return (q->read_only ? BH_LAUNCH_READ_ONLY : 0u) |
           (q->network == BH_NETWORK_HOST ? BH_LAUNCH_HOST_NETWORK : 0u) |
           (q->init ? BH_LAUNCH_INIT : 0u) | (q->sysfs ? BH_LAUNCH_SYSFS : 0u) |
           (q->allow_degraded ? BH_LAUNCH_ALLOW_DEGRADED : 0u);
}

int bh_compose(const struct bh_composition *c, struct bh_arena *a, struct bh_launch *ret,
               struct bh_error *err)
{
    const struct bh_run_request *q = c->request;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    struct bh_launch l = {.reference = q->target,
                          .image_digest = c->image_digest,
                          .verdict = c->verdict,
                          .warnings = c->warnings,
                          .flags = flags(q)};
    struct bh_user u;
    int r = find_user(c, &u, err);

    if (r)
        return r;
    bh_run_request_text(q, &text);
    l.request = bh_arena_strdup(a, bh_buf_text(&text));
    l.uid = u.uid;
    l.gid = u.gid;
    l.group_count = u.group_count;
    l.groups = bh_arena_alloc(a, sizeof u.groups);
    memcpy(l.groups, u.groups, sizeof u.groups);
    r = user_namespace(q->user_namespace, a, &l, err);
    if (r)
        return r;
    l.layers = bh_arena_alloc(a, (c->layer_count + 1) * sizeof *l.layers);
    memcpy(l.layers, c->layers, c->layer_count * sizeof *l.layers);
    l.layer_count = c->layer_count;
    l.hostname = q->hostname ? q->hostname : "bulkhead";
    l.argv = arguments(c, a);
    if (!l.argv[0])
        return bh_fail(err, BH_USAGE, "the image names no command; give one after TARGET");
    l.env = environment(c, &u, l.hostname, a);
    l.cwd = q->workdir ? q->workdir : c->config->known ? c->config->working_dir : "/";
    l.stop_signal = c->config->known ? c->config->stop_signal : "";
    mounts(c, a, &l);
    limits(q, a, &l);
    r = skeleton(c, a, &l, err);
    if (r == 0)
        r = bh_confinement_default(&l, a, err);
    if (r == 0)
        *ret = l;
    return r;
}
