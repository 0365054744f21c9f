#include "runtime/start.h"
#include "sys/capability.h"
#include "sys/fd.h"
#include "sys/landlock.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int bh_start_degraded(const struct bh_start *s, const char *what, struct bh_error *err)
{
    struct bh_report report = {.kind = BH_REPORT_DEGRADED};

    if (!(s->launch->flags & BH_LAUNCH_ALLOW_DEGRADED))
        return bh_wrap(err, "%s (--allow-degraded goes on without)", what);
    (void)snprintf(report.text, sizeof report.text, "%s: %.400s", what, err->message);
    *err = BH_ERROR_INIT;
    if (write(s->report, &report, sizeof report) != (ssize_t)sizeof report)
        return bh_fail_errno(err, "tell the supervisor");
    return 0;
}

static bool is_left_out(const struct bh_start *s, uint32_t resource)
{
    return (resource == RLIMIT_DATA && !bh_start_has(s, BH_WITHOUT_MEMORY_LIMIT)) ||
           (resource == RLIMIT_NPROC && !bh_start_has(s, BH_WITHOUT_PIDS_LIMIT));
}

static int limit_resources(const struct bh_start *s, struct bh_error *err)
{
    const struct bh_launch *l = s->launch;

    for (size_t i = 0; i < l->rlimit_count; i++) {
        const struct bh_launch_rlimit *want = &l->rlimits[i];
        struct rlimit now, set;

        if (is_left_out(s, want->resource))
            continue;
        /* What the caller may not have, the workload cannot get: the lower of both. */
        if (getrlimit(want->resource, &now) < 0)
            return bh_fail_errno(err, "resource limit %u", want->resource);
        set.rlim_max = BH_MIN(want->hard, now.rlim_max);
        set.rlim_cur = BH_MIN(want->soft, set.rlim_max);
        if (setrlimit(want->resource, &set) < 0)
            return bh_fail_errno(err, "resource limit %u", want->resource);
    }
    return 0;
}

/* A pipe belongs to whoever made it: handed to the workload's user, or its /dev/stdout could not be
 * opened again. Failing is no harm: the descriptor itself works. */
static void give_pipes(uint32_t uid)
{
    struct stat st;

    for (int fd = 0; fd < 3 && uid; fd++)
        if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_nlink == 1)
            (void)!fchown(fd, uid, (gid_t)-1);
}

static int become_user(const struct bh_start *s, struct bh_error *err)
{
    const struct bh_launch *l = s->launch;
    bool own_ids =
        l->flags & BH_LAUNCH_USER_NAMESPACE && l->gid_map_count == 1 && l->gid_maps[0].count == 1;

    /* With a single mapped ID the kernel forbids setgroups, and there is no other group to have. */
    if (!own_ids && setgroups(l->group_count, l->groups) < 0)
        return bh_fail_errno(err, "set the supplementary groups");
    if (setresgid(l->gid, l->gid, l->gid) < 0)
        return bh_fail_errno(err, "become group %u", l->gid);
    if (setresuid(l->uid, l->uid, l->uid) < 0)
        return bh_fail_errno(err, "become user %u", l->uid);
    return 0;
}

#define LOCKED_BITS                                                                                \
    (SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NOROOT_LOCKED |              \
     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* Leaves exactly `keep`, in all five sets as far as the user's ID needs: root keeps it through the
 * bounding set, anybody else through the ambient one, and nobody has it inheritable without cause
 * (CVE-2022-24769). */
static int drop_capabilities(const struct bh_start *s, uint64_t keep, struct bh_error *err)
{
    uint64_t inherit = s->launch->uid ? keep : 0;
    unsigned bits = LOCKED_BITS | (keep ? 0u : SECBIT_NOROOT);
    struct bh_capability_sets sets;
    int r = bh_capability_bound(keep, err);

    if (r == 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        r = bh_fail_errno(err, "keep the capabilities while changing user");
    if (r == 0)
        r = become_user(s, err);
    if (r == 0)
        r = bh_capability_get(&sets, err);
    if (r)
        return r;
    sets.effective = sets.permitted; /* the change of user cleared them; the next steps need some */
    sets.inheritable = inherit;
    r = bh_capability_set(&sets, err);
    if (r == 0)
        r = bh_capability_ambient(inherit, err);
    if (r == 0 && prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
        r = bh_fail_errno(err, "lock the secure bits");
    sets =
        (struct bh_capability_sets){.effective = keep, .permitted = keep, .inheritable = inherit};
    return r ? r : bh_capability_set(&sets, err);
}

/* A workload that opens /dev/stdout gets to the very file or terminal it was given: allowed as far
 * as the descriptor allows. Pipes and sockets need no rule. */
static int allow_streams(int rules, struct bh_error *err)
{
    for (int fd = 0; fd < 3; fd++) {
        uint64_t access = BH_LANDLOCK_IOCTL_DEV;
        int mode = fcntl(fd, F_GETFL), r;
        struct stat st;

        if (mode < 0 || fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)))
            continue;
        mode &= O_ACCMODE;
        if (mode != O_WRONLY)
            access |= BH_LANDLOCK_READ_FILE;
        if (mode != O_RDONLY)
            access |= BH_LANDLOCK_WRITE_FILE | BH_LANDLOCK_TRUNCATE;
        r = bh_landlock_allow_path(rules, fd, access, err);
        if (r)
            return bh_wrap(err, "standard stream %d", fd);
    }
    return 0;
}

static int restrict_files(const struct bh_start *s, struct bh_error *err)
{
    static const struct bh_landlock_handled handled = {.fs = BH_LANDLOCK_FS_ALL,
                                                       .scoped = BH_LANDLOCK_SCOPE_ALL};
    const struct bh_launch *l = s->launch;
    BH_AUTO(bh_closep) int rules = -1;
    int r = bh_landlock_create(&handled, &rules, err);

    if (r)
        return bh_start_degraded(s, "Landlock", err);
    for (size_t i = 0; i < l->landlock_count && !r; i++) {
        BH_AUTO(bh_closep) int at = open(l->landlock[i].path, O_PATH | O_CLOEXEC);

        if (at < 0 && errno == ENOENT)
            continue; /* what is not there needs no permission */
        if (at < 0)
            return bh_fail_errno(err, "Landlock rule for %s", l->landlock[i].path);
        r = bh_landlock_allow_path(rules, at, l->landlock[i].access, err);
    }
    if (r == 0)
        r = allow_streams(rules, err);
    return r ? r : bh_landlock_enforce(rules, err);
}

int bh_start_confine(const struct bh_start *s, struct bh_error *err)
{
    const struct bh_launch *l = s->launch;
    struct bh_seccomp_program filter = {.code = l->seccomp, .len = (uint16_t)l->seccomp_count};
    int r = limit_resources(s, err);

    give_pipes(l->uid);
    if (r == 0)
        r = bh_start_has(s, BH_WITHOUT_CAPABILITY_DROP) ? drop_capabilities(s, l->capabilities, err)
                                                        : become_user(s, err);
    /* Cleared by every change of identity, hence only now. */
    if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        r = bh_fail_errno(err, "tie the workload to its supervisor");
    if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = bh_fail_errno(err, "set no_new_privs");
    if (r == 0 && l->landlock_count && bh_start_has(s, BH_WITHOUT_LANDLOCK))
        r = restrict_files(s, err);
    if (r == 0 && l->seccomp_count && bh_start_has(s, BH_WITHOUT_SECCOMP))
        r = bh_seccomp_load(&filter, 0, NULL, err);
    return r;
}
