/* The profile document: a launch record in words. */
#include "base/json.h"
#include "profile/profile.h"
#include "sys/capability.h"
#include "sys/landlock.h"
#include "sys/seccomp.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void put_list(struct bh_json_writer *w, const char *key, const char *const *list)
{
    bh_json_array(w, key);
    for (size_t i = 0; list && list[i]; i++)
        bh_json_string(w, NULL, list[i]);
    bh_json_end_array(w);
}

static void put_capabilities(struct bh_json_writer *w, uint64_t set)
{
    bh_json_array(w, "capabilities");
    for (int i = 0; i < 64; i++)
        if ((set >> i) & 1 && bh_capability_name(i))
            bh_json_string(w, NULL, bh_capability_name(i));
    bh_json_end_array(w);
}

enum answer { ANSWER_NO, ANSWER_ALWAYS, ANSWER_SOMETIMES };

/* The program itself is asked, with arguments that its conditions tell apart: small numbers are
 * socket families and no flags, TIOCSTI is a forbidden request, all bits are flags and device modes
 * that no container needs. */
static enum answer ask(const struct bh_launch *l, uint32_t number)
{
    static const uint64_t probes[] = {0, 1, 2, 10, TIOCSTI, UINT64_MAX};
    size_t allowed = 0;

    for (size_t i = 0; i < BH_COUNT_OF(probes); i++) {
        struct seccomp_data data = {.nr = (int)number, .arch = bh_seccomp_native_arch()};

        for (size_t n = 0; n < 6; n++)
            data.args[n] = probes[i];
        allowed += bh_seccomp_evaluate(l->seccomp, l->seccomp_count, &data) == SECCOMP_RET_ALLOW;
    }
    return allowed == 0                     ? ANSWER_NO
           : allowed == BH_COUNT_OF(probes) ? ANSWER_ALWAYS
                                            : ANSWER_SOMETIMES;
}

static void put_calls_of(struct bh_json_writer *w, const char *key, const struct bh_launch *l,
                         enum answer wanted)
{
    bh_json_array(w, key);
    for (uint32_t i = 0; i < bh_syscall_end(); i++)
        if (bh_syscall_name(i) && ask(l, i) == wanted)
            bh_json_string(w, NULL, bh_syscall_name(i));
    bh_json_end_array(w);
}

static void put_calls(struct bh_json_writer *w, const struct bh_launch *l)
{
    bh_json_object(w, "system_calls");
    bh_json_string(w, "default", l->seccomp_count > 0 ? "EPERM" : "allow");
    bh_json_string(w, "unknown", l->seccomp_count > 0 ? "ENOSYS" : "allow");
    bh_json_int(w, "steps", (int64_t)l->seccomp_count);
    if (l->seccomp_count > 0) {
        put_calls_of(w, "allow", l, ANSWER_ALWAYS);
        put_calls_of(w, "by_argument", l, ANSWER_SOMETIMES);
    }
    bh_json_end_object(w);
}

static void put_mount(struct bh_json_writer *w, const struct bh_launch_mount *m)
{
    bh_json_object(w, NULL);
    bh_json_string(w, "path", m->target);
    bh_json_string(w, "kind", m->kind == BH_MOUNT_TMPFS ? "tmpfs" : "volume");
    bh_json_string_opt(w, "source", m->source);
    bh_json_bool(w, "executable", !(m->attr & MOUNT_ATTR_NOEXEC));
    if (m->size_bytes > 0)
        bh_json_int(w, "size_bytes", (int64_t)m->size_bytes);
    bh_json_end_object(w);
}

static void put_landlock(struct bh_json_writer *w, const struct bh_launch *l)
{
    bh_json_array(w, "rules");
    for (size_t i = 0; i < l->landlock_count; i++) {
        uint64_t access = l->landlock[i].access;

        bh_json_object(w, NULL);
        bh_json_string(w, "path", l->landlock[i].path);
        bh_json_bool(w, "read", access & BH_LANDLOCK_READ_FILE);
        bh_json_bool(w, "write", access & BH_LANDLOCK_WRITE_FILE);
        bh_json_bool(w, "execute", access & BH_LANDLOCK_EXECUTE);
        bh_json_end_object(w);
    }
    bh_json_end_array(w);
}

static void put_files(struct bh_json_writer *w, const struct bh_launch *l)
{
    bh_json_object(w, "files");
    bh_json_bool(w, "root_read_only", l->flags & BH_LAUNCH_READ_ONLY);
    bh_json_array(w, "writable");
    for (size_t i = 0; i < l->mount_count; i++)
        if (!(l->mounts[i].attr & MOUNT_ATTR_RDONLY))
            put_mount(w, &l->mounts[i]);
    bh_json_end_array(w);
    bh_json_array(w, "read_only");
    for (size_t i = 0; i < l->mount_count; i++)
        if (l->mounts[i].attr & MOUNT_ATTR_RDONLY)
            put_mount(w, &l->mounts[i]);
    bh_json_end_array(w);
    put_list(w, "masked", l->masked_paths);
    put_list(w, "kernel_read_only", l->readonly_paths);
    put_landlock(w, l);
    bh_json_end_object(w);
}

/* 0 is "no limit", which is left out. */
static void put_limit(struct bh_json_writer *w, const char *key, uint64_t value)
{
    if (value > 0 && value <= INT64_MAX)
        bh_json_int(w, key, (int64_t)value);
}

static void put_limits(struct bh_json_writer *w, const struct bh_launch *l)
{
    bh_json_object(w, "limits");
    put_limit(w, "memory_bytes", l->limits.memory_bytes);
    if (l->limits.swap_bytes <= INT64_MAX)
        bh_json_int(w, "swap_bytes", (int64_t)l->limits.swap_bytes);
    put_limit(w, "pids", l->limits.pids);
    put_limit(w, "cpu_milli", l->limits.cpu_milli);
    for (size_t i = 0; i < l->rlimit_count; i++)
        if (l->rlimits[i].resource == RLIMIT_NOFILE)
            put_limit(w, "open_files", l->rlimits[i].hard);
    bh_json_end_object(w);
}

static void put_user(struct bh_json_writer *w, const struct bh_launch *l)
{
    bh_json_object(w, "user");
    bh_json_int(w, "uid", l->uid);
    bh_json_int(w, "gid", l->gid);
    bh_json_array(w, "groups");
    for (size_t i = 0; i < l->group_count; i++)
        bh_json_int(w, NULL, l->groups[i]);
    bh_json_end_array(w);
    bh_json_bool(w, "own_user_namespace", l->flags & BH_LAUNCH_USER_NAMESPACE);
    bh_json_end_object(w);
}

static void put_subject(struct bh_json_writer *w, const struct bh_launch *l,
                        const struct bh_profile_subject *s)
{
    bh_json_object(w, "image");
    bh_json_string(w, "digest", l->image_digest);
    bh_json_string(w, "platform", s->platform);
    bh_json_end_object(w);
    put_list(w, "command", l->argv);
    bh_json_object(w, "policy");
    bh_json_string(w, "digest", s->verdict ? s->verdict->policy_digest : "");
    bh_json_array(w, "narrowed_by");
    for (size_t i = 0; s->verdict && i < s->verdict->rule_count; i++)
        if (s->verdict->rules[i].profile)
            bh_json_string(w, NULL, s->verdict->rules[i].name);
    bh_json_end_array(w);
    bh_json_end_object(w);
}

void bh_profile_write(struct bh_buf *out, const struct bh_launch *l,
                      const struct bh_profile_subject *s)
{
    struct bh_json_writer w = BH_JSON_TO_BUF(out, 2);

    bh_json_object(&w, NULL);
    bh_json_string(&w, "schema", BH_PROFILE_SCHEMA);
    put_subject(&w, l, s);
    put_user(&w, l);
    put_capabilities(&w, l->capabilities);
    bh_json_bool(&w, "no_new_privileges", true);
    put_calls(&w, l);
    put_files(&w, l);
    bh_json_object(&w, "network");
    bh_json_string(&w, "mode", l->flags & BH_LAUNCH_HOST_NETWORK ? "host" : "none");
    put_list(&w, "ports", s->ports);
    bh_json_end_object(&w);
    put_limits(&w, l);
    bh_json_end_object(&w);
    bh_buf_putc(out, '\n');
}
