#include "runtime/request.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define ROW(field, name_, kind_)                                                                   \
    .name = name_, .kind = kind_, .offset = offsetof(struct bh_run_request, field)

static const char *const networks[] = {"none", "host", NULL};
static const char *const user_namespaces[] = {"auto", "single", "ranges", "identity", NULL};
static const char *const booleans[] = {"false", "true", NULL};
static const char *const formats[] = {"text", "json", NULL};

const struct bh_option bh_run_options[] = {
    {ROW(volumes, "volume", BH_OPTION_STRINGS), .letter = 'v', .value = "SRC:DST[:OPTIONS]",
     .text =
         "Show a file or directory of the host inside; OPTIONS of ro, rw, noexec, always nosuid "
         "and nodev",
     .completion = BH_COMPLETE_FILE, .no_config = true},
    {ROW(tmpfs, "tmpfs", BH_OPTION_STRINGS), .value = "DST[:OPTIONS]",
     .text = "An empty directory in memory; OPTIONS of size=, inodes=, mode=, exec",
     .no_config = true},
    {ROW(publish, "publish", BH_OPTION_STRINGS), .letter = 'p', .value = "[ADDRESS:]PORT:PORT",
     .text =
         "Relay a TCP port of the host, on 127.0.0.1 unless ADDRESS says otherwise, to one inside",
     .no_config = true},
    {ROW(entrypoint, "entrypoint", BH_OPTION_STRING), .value = "PROGRAM",
     .text = "Run PROGRAM instead of the image's entry point and command", .no_config = true},
    {ROW(env, "env", BH_OPTION_STRINGS), .letter = 'e', .value = "NAME[=VALUE]",
     .text = "Set an environment variable, or pass on the caller's", .no_config = true},
    {ROW(workdir, "workdir", BH_OPTION_STRING), .letter = 'w', .value = "DIR",
     .text = "Working directory inside", .no_config = true},
    {ROW(user, "user", BH_OPTION_STRING), .letter = 'u', .value = "USER[:GROUP]",
     .text = "User and group, by name in the image or by number", .no_config = true},
    {ROW(hostname, "hostname", BH_OPTION_STRING), .value = "NAME", .text = "Host name inside",
     .no_config = true},
    {ROW(memory_bytes, "memory", BH_OPTION_SIZE), .letter = 'm', .value = "SIZE",
     .text = "Memory limit, without swap; half of the machine's when not given"},
    {ROW(pids, "pids", BH_OPTION_INT), .value = "COUNT", .fallback = "1024", .min = 1,
     .max = 4194304, .text = "Limit of processes and threads"},
    {ROW(cpus, "cpus", BH_OPTION_STRING), .value = "NUMBER",
     .text = "Limit of processor time, 1.5 is one and a half; 0.9 of the machine when not given"},
    {ROW(read_only, "read-only", BH_OPTION_CHOICE), .value = "BOOL", .choices = booleans,
     .fallback = "true",
     .text = "Whether the root file system is read-only; changes of a writable one are discarded"},
    {ROW(network, "network", BH_OPTION_CHOICE), .value = "KIND", .choices = networks,
     .fallback = "none", .text = "Network of its own with only a loopback, or the host's"},
    {ROW(user_namespace, "userns", BH_OPTION_CHOICE), .value = "KIND", .choices = user_namespaces,
     .fallback = "auto",
     .text =
         "User namespace: auto is none for root and single for others; ranges uses /etc/subuid"},
    {ROW(init, "init", BH_OPTION_FLAG),
     .text = "Run a small init as the first process, which reaps what the workload leaves"},
    {ROW(sysfs, "sysfs", BH_OPTION_FLAG), .text = "Show a read-only /sys; it is empty otherwise"},
    {ROW(terminal, "terminal", BH_OPTION_FLAG), .letter = 't',
     .text = "Give the workload a terminal of its own", .no_config = true},
    {ROW(timeout_ms, "timeout", BH_OPTION_DURATION), .value = "TIME",
     .text = "Kill the workload after TIME", .no_config = true},
    {ROW(policy, "policy", BH_OPTION_STRINGS), .value = "FILE", .env = "BULKHEAD_POLICY",
     .text = "Decide by this rule file; later ones refine earlier ones, and \"default\" is the one "
             "that ships",
     .completion = BH_COMPLETE_FILE},
    {ROW(platform, "platform", BH_OPTION_STRING), .value = "OS/ARCH[/VARIANT]",
     .text = "Choose this platform where an image is there for several; the host's otherwise"},
    {ROW(auth_file, "auth-file", BH_OPTION_STRING), .value = "FILE", .env = "REGISTRY_AUTH_FILE",
     .text = "Take the passwords of registries from FILE", .completion = BH_COMPLETE_FILE},
    {ROW(plain_http, "plain-http", BH_OPTION_FLAG),
     .text = "Speak HTTP without TLS to a registry on this host"},
    {ROW(allow_degraded, "allow-degraded", BH_OPTION_FLAG),
     .text = "Go on when the kernel cannot give a protection, and say which"},
    {ROW(format, "format", BH_OPTION_CHOICE), .value = "FORMAT", .choices = formats,
     .fallback = "text", .text = "Form of the events on standard error: text, or JSON lines",
     .no_config = true},
    BH_OPTION_END,
};

static bool is_inside_path(const char *path)
{
    static const char *const ours[] = {"/", "/proc", "/sys", "/dev"};

    if (path[0] != '/' || strlen(path) >= PATH_MAX)
        return false;
    for (const char *at = path; (at = strchr(at, '/')); at++)
        if (strncmp(at, "/../", 4) == 0 || strcmp(at, "/..") == 0 || strncmp(at, "//", 2) == 0 ||
            strncmp(at, "/./", 3) == 0 || strcmp(at, "/.") == 0)
            return false;
    for (size_t i = 0; i < BH_COUNT_OF(ours); i++)
        if (strcmp(path, ours[i]) == 0)
            return false;
    return strncmp(path, "/proc/", 6) != 0 && strncmp(path, "/sys/", 5) != 0 &&
           path[strlen(path) - 1] != '/';
}

static int check_target(const char *what, const char *target, struct bh_error *err)
{
    if (!is_inside_path(target))
        return bh_fail(err, BH_USAGE,
                       "%s: '%s' is not a place for a mount: it is absolute, in its shortest form, "
                       "and not the root, /proc, /sys or /dev",
                       what, target);
    return 0;
}

/* Calls take for each comma separated word; a word it does not know is an error. */
static int each_word(const char *words, struct bh_launch_mount *m,
                     bool (*take)(const char *word, struct bh_launch_mount *m), const char *what,
                     struct bh_error *err)
{
    while (*words) {
        size_t len = strcspn(words, ",");
        char word[64];

        if (len >= sizeof word)
            return bh_fail(err, BH_USAGE, "%s: option of %zu characters", what, len);
        memcpy(word, words, len);
        word[len] = '\0';
        if (!take(word, m))
            return bh_fail(err, BH_USAGE, "%s: unknown option '%s'", what, word);
        words += len + (words[len] == ',');
    }
    return 0;
}

static bool take_attribute(const char *word, struct bh_launch_mount *m)
{
    if (strcmp(word, "ro") == 0)
        m->attr |= MOUNT_ATTR_RDONLY;
    else if (strcmp(word, "rw") == 0)
        m->attr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
    else if (strcmp(word, "noexec") == 0)
        m->attr |= MOUNT_ATTR_NOEXEC;
    else if (strcmp(word, "exec") == 0)
        m->attr &= ~(uint64_t)MOUNT_ATTR_NOEXEC;
    else
        return strcmp(word, "nosuid") == 0 || strcmp(word, "nodev") == 0;
    return true;
}

static bool take_tmpfs(const char *word, struct bh_launch_mount *m)
{
    uint64_t n;
    char *end;

    if (strncmp(word, "size=", 5) == 0)
        return bh_size_parse(word + 5, &m->size_bytes) && m->size_bytes > 0;
    if (strncmp(word, "inodes=", 7) == 0)
        return bh_size_parse(word + 7, &m->inodes) && m->inodes > 0;
    if (strncmp(word, "mode=", 5) == 0) {
        n = strtoul(word + 5, &end, 8);
        m->mode = (uint32_t)n;
        return word[5] >= '0' && word[5] <= '7' && !*end && n <= 01777;
    }
    return take_attribute(word, m);
}

int bh_volume_parse(const char *text, struct bh_arena *a, struct bh_launch_mount *ret,
                    struct bh_error *err)
{
    struct bh_launch_mount m = {.kind = BH_MOUNT_VOLUME,
                                .attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    char *copy = bh_arena_strdup(a, text), *target = strchr(copy, ':'), *options;
    char here[PATH_MAX];
    int r;

    if (!target || target == copy)
        return bh_fail(err, BH_USAGE, "volume '%s' is not SRC:DST[:OPTIONS]", text);
    *target++ = '\0';
    options = strchr(target, ':');
    if (options)
        *options++ = '\0';
    r = check_target("volume", target, err);
    if (r == 0 && options)
        r = each_word(options, &m, take_attribute, "volume", err);
    if (r)
        return r;
    m.source = copy;
    if (copy[0] != '/') {
        if (!getcwd(here, sizeof here))
            return bh_fail_errno(err, "working directory");
        m.source = bh_arena_format(a, "%s/%s", here, copy);
    }
    m.target = target;
    *ret = m;
    return 0;
}

int bh_tmpfs_parse(const char *text, struct bh_arena *a, struct bh_launch_mount *ret,
                   struct bh_error *err)
{
    struct bh_launch_mount m = {.kind = BH_MOUNT_TMPFS,
                                .source = "",
                                .attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
                                .size_bytes = 64u << 20,
                                .inodes = 16384,
                                .mode = 01777};
    char *copy = bh_arena_strdup(a, text), *options = strchr(copy, ':');
    int r;

    if (options)
        *options++ = '\0';
    r = check_target("tmpfs", copy, err);
    if (r == 0 && options)
        r = each_word(options, &m, take_tmpfs, "tmpfs", err);
    if (r)
        return r;
    m.target = copy;
    *ret = m;
    return 0;
}

int bh_cpus_parse(const char *text, uint64_t *ret_milli, struct bh_error *err)
{
    uint64_t milli = 0, unit = 1000;
    bool point = false, digit = false;

    for (const char *p = text; *p; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9' || milli > 1000000 || (point && unit == 1))
            goto bad;
        digit = true;
        if (point)
            unit /= 10;
        milli =
            point ? milli + (uint64_t)(*p - '0') * unit : milli * 10 + (uint64_t)(*p - '0') * 1000;
    }
    if (digit && milli >= 10 && milli <= 1000000) {
        *ret_milli = milli;
        return 0;
    }
bad:
    return bh_fail(err, BH_USAGE, "--cpus '%s' is not a number from 0.01 to 1000", text);
}

/* NAME alone passes on the caller's value; a variable the caller does not have is left out. */
static int take_env(struct bh_run_request *q, struct bh_error *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < q->env.count; i++) {
        const char *e = q->env.items[i], *value;

        if (*e == '=' || !*e)
            return bh_fail(err, BH_USAGE, "--env '%s' has no name", e);
        if (!strchr(e, '=')) {
            value = getenv(e);
            if (!value)
                continue;
            e = bh_arena_format(q->arena, "%s=%s", e, value);
        }
        q->env.items[kept++] = e;
    }
    q->env.count = kept;
    if (q->env.items)
        q->env.items[kept] = NULL;
    return 0;
}

static int take_mounts(struct bh_run_request *q, struct bh_error *err)
{
    size_t count = q->tmpfs.count + q->volumes.count;
    int r = 0;

    q->mounts = bh_arena_alloc(q->arena, (count + 1) * sizeof *q->mounts);
    for (size_t i = 0; i < q->tmpfs.count && !r; i++)
        r = bh_tmpfs_parse(q->tmpfs.items[i], q->arena, &q->mounts[q->mount_count++], err);
    for (size_t i = 0; i < q->volumes.count && !r; i++)
        r = bh_volume_parse(q->volumes.items[i], q->arena, &q->mounts[q->mount_count++], err);
    return r;
}

static int check_hostname(const char *name, struct bh_error *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > 63 || name[0] == '-' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") != len)
        return bh_fail(err, BH_USAGE, "--hostname '%s' is not a host name", name);
    return 0;
}

static int take_ports(struct bh_run_request *q, struct bh_error *err)
{
    int r = 0;

    if (q->publish.count > BH_PUBLISH_MAX)
        return bh_fail(err, BH_LIMIT, "%zu published ports, limit %u", q->publish.count,
                       BH_PUBLISH_MAX);
    for (size_t i = 0; i < q->publish.count && !r; i++)
        r = bh_publish_parse(q->publish.items[i], &q->ports[q->port_count++], err);
    if (r == 0 && q->port_count && q->network == BH_NETWORK_HOST)
        r = bh_fail(err, BH_USAGE,
                    "--publish with --network host: the ports are the host's already");
    return r;
}

static int check_words(const struct bh_run_request *q, struct bh_error *err)
{
    if (q->memory_bytes && q->memory_bytes < (4u << 20))
        return bh_fail(err, BH_USAGE, "--memory below 4M starts nothing");
    if (q->workdir && q->workdir[0] != '/')
        return bh_fail(err, BH_USAGE, "--workdir '%s' is not absolute", q->workdir);
    return q->hostname ? check_hostname(q->hostname, err) : 0;
}

int bh_run_request_check(struct bh_run_request *q, const struct bh_strings *operands, size_t dashes,
                         struct bh_error *err)
{
    static const char *const none[] = {NULL};
    int r;

    if (operands->count == 0 || dashes == 0)
        return bh_fail(err, BH_USAGE, "which image? bulkhead run [OPTIONS] TARGET [COMMAND...]");
    q->arena = bh_arena_new();
    q->target = operands->items[0];
    q->command = operands->count > 1 ? (const char *const *)operands->items + 1 : none;
    r = take_env(q, err);
    if (r == 0)
        r = take_mounts(q, err);
    if (r == 0)
        r = take_ports(q, err);
    if (r == 0 && q->cpus)
        r = bh_cpus_parse(q->cpus, &q->cpu_milli, err);
    return r ? r : check_words(q, err);
}

void bh_run_request_done(struct bh_run_request *q)
{
    bh_arena_free(q->arena);
    q->arena = NULL;
}

static void put_text(struct bh_buf *out, const char *text)
{
    bh_buf_printf(out, "%zu:%s,", text ? strlen(text) : 0, text ? text : "");
}

void bh_run_request_text(const struct bh_run_request *q, struct bh_buf *out)
{
    bh_buf_printf(out, "run1 %u ", (unsigned)geteuid());
    put_text(out, q->target);
    for (size_t i = 0; q->command[i]; i++)
        put_text(out, q->command[i]);
    bh_buf_puts(out, " env ");
    for (size_t i = 0; i < q->env.count; i++)
        put_text(out, q->env.items[i]);
    bh_buf_puts(out, " mounts ");
    for (size_t i = 0; i < q->mount_count; i++) {
        const struct bh_launch_mount *m = &q->mounts[i];

        put_text(out, m->source);
        put_text(out, m->target);
        bh_buf_printf(out, "%llx/%llu/%llu/%o,", (unsigned long long)m->attr,
                      (unsigned long long)m->size_bytes, (unsigned long long)m->inodes, m->mode);
    }
    bh_buf_puts(out, " policy ");
    for (size_t i = 0; i < q->policy.count; i++)
        put_text(out, q->policy.items[i]);
    put_text(out, q->platform);
    put_text(out, q->entrypoint);
    put_text(out, q->workdir);
    put_text(out, q->user);
    put_text(out, q->hostname);
    bh_buf_printf(out, " %llu %lld %llu %d%d%d%d%d%d%d", (unsigned long long)q->memory_bytes,
                  (long long)q->pids, (unsigned long long)q->cpu_milli, q->network,
                  q->user_namespace, q->read_only, q->init, q->sysfs, q->allow_degraded,
                  q->terminal);
}
