#include "profile/profile.h"

#include "sys/digest.h"
#include "sys/fd.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t smaller(uint64_t limit, uint64_t wanted)
{
    return wanted == 0 ? limit : limit == 0 ? wanted : BH_MIN(limit, wanted);
}

static void narrow_open_files(struct bh_launch *l, uint64_t wanted, struct bh_arena *a)
{
    struct bh_launch_rlimit *limits;

    if (wanted == 0)
        return;
    for (size_t i = 0; i < l->rlimit_count; i++) {
        if (l->rlimits[i].resource != RLIMIT_NOFILE)
            continue;
        l->rlimits[i].soft = BH_MIN(l->rlimits[i].soft, wanted);
        l->rlimits[i].hard = BH_MIN(l->rlimits[i].hard, wanted);
        return;
    }
    limits = bh_arena_alloc(a, (l->rlimit_count + 1) * sizeof *limits);
    if (l->rlimit_count > 0)
        memcpy(limits, l->rlimits, l->rlimit_count * sizeof *limits);
    limits[l->rlimit_count++] = (struct bh_launch_rlimit){RLIMIT_NOFILE, wanted, wanted};
    l->rlimits = limits;
}

/* Puts "these numbers are refused" in front of the program. It looks at the number alone: a call of
 * another architecture that happens to have the number is refused there anyway. */
static int deny_calls(struct bh_launch *l, const char *const *names, struct bh_arena *a,
                      struct bh_error *err)
{
    size_t count = 0, n = 0;
    struct sock_filter *code;

    while (names && names[count])
        count++;
    if (count == 0 || l->seccomp_count == 0)
        return 0;
    if (l->seccomp_count + 1 + 2 * count > BPF_MAXINSNS)
        return bh_fail(err, BH_LIMIT, "profile: the system call program has more than %u steps",
                       BPF_MAXINSNS);
    code = bh_arena_alloc(a, (l->seccomp_count + 1 + 2 * count) * sizeof *code);
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++) {
        int number = bh_syscall_number(names[i]);

        if (number < 0)
            continue;
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, BH_SECCOMP_ERRNO(EPERM));
    }
    memcpy(code + n, l->seccomp, l->seccomp_count * sizeof *code);
    l->seccomp = code;
    l->seccomp_count += n;
    return 0;
}

static int narrow(struct bh_launch *l, const struct bh_tightening *t, struct bh_arena *a,
                  struct bh_error *err)
{
    l->limits.memory_bytes = smaller(l->limits.memory_bytes, t->memory_bytes);
    l->limits.pids = smaller(l->limits.pids, t->pids);
    l->limits.cpu_milli = smaller(l->limits.cpu_milli, t->cpu_milli);
    narrow_open_files(l, t->open_files, a);
    if (t->keeps_capabilities)
        l->capabilities &= t->capabilities;
    if (t->read_only)
        l->flags |= BH_LAUNCH_READ_ONLY;
    return deny_calls(l, t->deny_calls, a, err);
}

int bh_profile_narrow(struct bh_launch *l, const struct bh_verdict *v, struct bh_arena *a,
                      struct bh_error *err)
{
    for (size_t i = 0; i < v->rule_count; i++) {
        int r = v->rules[i].profile ? narrow(l, v->rules[i].profile, a, err) : 0;

        if (r < 0)
            return bh_wrap(err, "rule '%s'", v->rules[i].name);
    }
    return 0;
}

int bh_profile_compile(struct bh_launch *l, const struct bh_profile_subject *s,
                       const char *root_path, struct bh_arena *a, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf document = BH_BUF_INIT(0);
    BH_AUTO(bh_closep) int dir = -1;
    char text[BH_DIGEST_TEXT_SIZE], name[BH_DIGEST_TEXT_SIZE + 8];
    const char *path = bh_arena_format(a, "%s/profiles", root_path);
    struct bh_digest d;
    int r = s->verdict ? bh_profile_narrow(l, s->verdict, a, err) : 0;

    if (r < 0)
        return r;
    bh_profile_write(&document, l, s);
    bh_digest_of(BH_SHA256, document.data, document.len, &d);
    l->profile_digest = bh_arena_strdup(a, bh_digest_format(&d, text));
    (void)snprintf(name, sizeof name, "%s.json", bh_digest_hex(&d, text));
    r = bh_mkdir_parents(AT_FDCWD, path, 0700, err);
    if (r < 0)
        return r;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return bh_fail_errno(err, "open %s", path);
    if (faccessat(dir, name, R_OK, 0) == 0)
        return 0; /* named by what it holds */
    return bh_write_file_at(dir, name, document.data, document.len, 0600, err);
}

int bh_profile_read(const char *root_path, const char *digest, struct bh_buf *out,
                    struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf document = BH_BUF_INIT(BH_PROFILE_MAX);
    BH_AUTO(bh_freep) char *path = NULL;
    char text[BH_DIGEST_TEXT_SIZE];
    struct bh_digest want, have;
    int r = bh_digest_parse(digest, &want, err);

    if (r < 0)
        return r;
    path = bh_format("%s/profiles/%s.json", root_path, bh_digest_hex(&want, text));
    r = bh_read_file_at(AT_FDCWD, path, &document, err);
    if (r < 0)
        return bh_wrap(err, "profile");
    bh_digest_of(BH_SHA256, document.data, document.len, &have);
    if (!bh_digest_equal(&want, &have))
        return bh_fail(err, BH_CORRUPT, "%s: does not have the digest it is named by", path);
    return bh_buf_append(out, document.data, document.len, err);
}
