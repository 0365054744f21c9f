#include "inspect/config_findings.h"

#include "fact/derived.h"
#include "inspect/secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void add(struct bh_facts *f, const char *rule, enum bh_severity severity, const char *path,
                uint32_t layer, const char *message)
{
    struct bh_finding *x = bh_facts_add_finding(f);

    x->rule = rule;
    x->severity = severity;
    x->path = path;
    x->layer = layer;
    x->message = message;
}

static void add_config(struct bh_facts *f, const char *rule, enum bh_severity severity,
                       const char *message)
{
    add(f, rule, severity, NULL, BH_LAYER_NONE, message);
}

static void judge_user(struct bh_facts *f)
{
    const char *user = f->config.user;

    if (!bh_image_config_is_root(&f->config))
        return;
    add_config(f, "config-user-root", BH_SEVERITY_MEDIUM,
               *user ? bh_arena_format(f->arena, "starts as root (USER %s)", user)
                     : "starts as root: no USER is set");
}

static void judge_ports(struct bh_facts *f)
{
    const char *const *ports = f->config.exposed_ports;

    for (size_t i = 0; ports[i]; i++) {
        char *end;
        unsigned long port = strtoul(ports[i], &end, 10);

        if (end == ports[i] || port == 0 || port > 65535)
            continue;
        if (port == 22)
            add_config(f, "config-port-ssh", BH_SEVERITY_MEDIUM,
                       "exposes port 22: a way in that no container needs");
        else if (port < 1024)
            add_config(f, "config-port-privileged", BH_SEVERITY_LOW,
                       bh_arena_format(f->arena, "exposes port %lu, below 1024", port));
    }
}

static void judge_environment(struct bh_facts *f)
{
    const char *const *env = f->config.env;

    for (size_t i = 0; env[i]; i++) {
        size_t name_len = strcspn(env[i], "=");
        const char *value = env[i] + name_len + (env[i][name_len] == '=');
        size_t value_len = strlen(value);
        const char *kind = bh_secret_token(value, value_len);

        if (!kind && bh_secret_assigned(env[i], name_len, value, value_len))
            kind = "secret";
        if (kind)
            add_config(f, "config-secret-env", BH_SEVERITY_HIGH,
                       bh_arena_format(f->arena, "%s in the environment variable %.*s", kind,
                                       (int)BH_MIN(name_len, (size_t)100), env[i]));
        if ((name_len == 10 && memcmp(env[i], "LD_PRELOAD", 10) == 0) ||
            (name_len == 8 && memcmp(env[i], "LD_AUDIT", 8) == 0))
            add_config(f, "config-env-preload", BH_SEVERITY_MEDIUM,
                       bh_arena_format(f->arena, "%.*s loads code into every program",
                                       (int)name_len, env[i]));
    }
}

static void judge_labels(struct bh_facts *f)
{
    const struct bh_image_config *c = &f->config;

    for (size_t i = 0; c->label_names[i] && c->label_values[i]; i++) {
        const char *name = c->label_names[i], *value = c->label_values[i];
        const char *kind = bh_secret_token(value, strlen(value));

        if (!kind && bh_secret_assigned(name, strlen(name), value, strlen(value)))
            kind = "secret";
        if (kind)
            add_config(f, "config-secret-label", BH_SEVERITY_HIGH,
                       bh_arena_format(f->arena, "%s in the label %.100s", kind, name));
    }
}

/* ---- history ---- */

/* Does a shell follow in the same pipeline: "| sh", "|sudo -E bash -" ...? */
static bool pipes_into_shell(const char *text)
{
    static const char *const shells[] = {"sh",  "bash", "ash",     "dash",   "zsh",
                                         "ksh", "perl", "python3", "python", "node"};
    size_t len;

    for (;;) {
        text += strspn(text, " \t");
        len = strcspn(text, " \t;&|\n");
        if (len == 4 && memcmp(text, "sudo", 4) == 0)
            text += len;
        else if (len > 0 && (*text == '-' || memchr(text, '=', len)))
            text += len;
        else
            break;
    }
    for (const char *slash; (slash = memchr(text, '/', len));) {
        len -= (size_t)(slash + 1 - text);
        text = slash + 1;
    }
    for (size_t i = 0; i < BH_COUNT_OF(shells); i++)
        if (strlen(shells[i]) == len && memcmp(shells[i], text, len) == 0)
            return true;
    return false;
}

static bool downloads_into_shell(const char *text)
{
    static const char *const tools[] = {"curl ", "wget "};

    for (size_t i = 0; i < BH_COUNT_OF(tools); i++)
        for (const char *at = strstr(text, tools[i]); at; at = strstr(at + 1, tools[i])) {
            const char *end = at + strcspn(at, ";&\n");

            for (const char *pipe = memchr(at, '|', (size_t)(end - at)); pipe;
                 pipe = memchr(pipe + 1, '|', (size_t)(end - pipe - 1)))
                if (pipes_into_shell(pipe + 1))
                    return true;
        }
    return false;
}

static bool adds_url(const char *text)
{
    const char *at = strstr(text, "ADD ");

    if (!at || (at != text && at[-1] != ' '))
        return false;
    return strncmp(at + 4, "http://", 7) == 0 || strncmp(at + 4, "https://", 8) == 0 ||
           strncmp(at + 4, "--checksum", 10) == 0;
}

/* The layer that the nth history entry made is known by its text; BH_LAYER_NONE for entries that
 * only changed the configuration. */
static uint32_t layer_of(const struct bh_facts *f, const char *created_by)
{
    for (size_t i = 0; i < f->layer_count; i++)
        if (*created_by && strcmp(f->layers[i].created_by, created_by) == 0)
            return (uint32_t)i;
    return BH_LAYER_NONE;
}

static void judge_history_line(struct bh_facts *f, const char *line)
{
    const char *name, *kind;
    size_t name_len;
    uint32_t layer = layer_of(f, line);

    kind = bh_secret_in_command(line, &name, &name_len);
    if (kind)
        add(f, "config-secret-history", BH_SEVERITY_HIGH, NULL, layer,
            name ? bh_arena_format(f->arena, "%s given to %.*s while the image was built", kind,
                                   (int)BH_MIN(name_len, (size_t)100), name)
                 : bh_arena_format(f->arena, "%s in a command that built the image", kind));
    if (downloads_into_shell(line))
        add(f, "config-history-pipe-shell", BH_SEVERITY_MEDIUM, NULL, layer,
            "a downloaded script was run without a check while the image was built");
    if (adds_url(line) && !strstr(line, "--checksum"))
        add(f, "config-history-add-url", BH_SEVERITY_LOW, NULL, layer,
            "ADD of a URL without a checksum: what was fetched cannot be told any more");
    if (strstr(line, "chmod 777") || strstr(line, "chmod -R 777") || strstr(line, "chmod a+rwx"))
        add(f, "config-history-chmod-777", BH_SEVERITY_LOW, NULL, layer,
            "made files writable for everybody while the image was built");
}

/* ---- the rest ---- */

static void judge_volumes(struct bh_facts *f)
{
    const char *const *volumes = f->config.volumes;

    for (size_t i = 0; volumes[i]; i++)
        if (strstr(volumes[i], "docker.sock") || strstr(volumes[i], "containerd.sock") ||
            strstr(volumes[i], "podman.sock"))
            add_config(f, "config-volume-engine-socket", BH_SEVERITY_HIGH,
                       bh_arena_format(f->arena,
                                       "declares the volume %.200s: who has an engine's "
                                       "socket has its host",
                                       volumes[i]));
}

static void judge_packages(struct bh_facts *f)
{
    static const struct {
        const char *name, *rule, *message;
        enum bh_severity severity;
    } unwanted[] = {
        {"openssh-server", "package-ssh-server", "an SSH server is installed", BH_SEVERITY_MEDIUM},
        {"openssh-server-pam", "package-ssh-server", "an SSH server is installed",
         BH_SEVERITY_MEDIUM},
        {"dropbear", "package-ssh-server", "an SSH server is installed", BH_SEVERITY_MEDIUM},
        {"telnetd", "package-telnet-server", "a telnet server is installed", BH_SEVERITY_HIGH},
        {"telnet-server", "package-telnet-server", "a telnet server is installed",
         BH_SEVERITY_HIGH},
        {"sudo", "package-sudo", "sudo is installed: a way to become root", BH_SEVERITY_LOW},
        {"doas", "package-sudo", "doas is installed: a way to become root", BH_SEVERITY_LOW},
    };

    for (size_t i = 0; i < f->package_count; i++)
        for (size_t k = 0; k < BH_COUNT_OF(unwanted); k++)
            if (strcmp(f->packages[i].name, unwanted[k].name) == 0)
                add(f, unwanted[k].rule, unwanted[k].severity, NULL, f->packages[i].layer,
                    unwanted[k].message);
}

static void judge_tag(struct bh_facts *f)
{
    const char *tag = bh_facts_name_parts(f)->tag;

    if (tag && strcmp(tag, "latest") == 0)
        add_config(f, "config-tag-latest", BH_SEVERITY_LOW,
                   "the tag \"latest\" means another image tomorrow: name a version or a digest");
}

void bh_config_findings(struct bh_facts *f)
{
    judge_packages(f);
    judge_tag(f);
    if (!f->config.known)
        return;
    judge_user(f);
    judge_ports(f);
    judge_environment(f);
    judge_labels(f);
    judge_volumes(f);
    for (size_t i = 0; f->config.history[i]; i++)
        judge_history_line(f, f->config.history[i]);
    if (!f->config.has_healthcheck)
        add_config(f, "config-healthcheck-missing", BH_SEVERITY_LOW,
                   "no HEALTHCHECK: an engine cannot tell that the service hangs");
}
