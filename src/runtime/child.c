#include "runtime/start.h"
#include "sys/fd.h"
#include "sys/mount.h"
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CLOSE_ON_EXEC 4u /* CLOSE_RANGE_CLOEXEC */

static BH_NORETURN void give_up(const struct bh_start *s, const struct bh_error *err, int status)
{
    struct bh_report report = {.kind = BH_REPORT_FAILED,
                               .status = status,
                               .code = err->code ? err->code : BH_INTERNAL};

    memcpy(report.text, err->message, sizeof report.text);
    (void)!write(s->report, &report, sizeof report);
    _exit(status);
}

static int enter_user_namespace(const struct bh_start *s, struct bh_error *err)
{
    char byte;

    if (!(s->launch->flags & BH_LAUNCH_USER_NAMESPACE))
        return 0;
    if (s->mapped < 0)
        return bh_start_own_maps(s->launch, err);
    if (read(s->mapped, &byte, 1) != 1)
        return bh_fail(err, BH_INTERNAL, "the supervisor wrote no ID maps");
    /* Root inside, so that what is made from here on belongs to it. */
    if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return bh_fail_errno(err, "become root of the user namespace");
    return 0;
}

static int join_cgroup(const struct bh_start *s, struct bh_error *err)
{
    int r = bh_cgroup_join(s->cgroup, err);

    /* Only now: the namespace's root is the cgroup its maker is in. */
    if (r == 0 && bh_start_has(s, BH_WITHOUT_CGROUP_NAMESPACE) && unshare(CLONE_NEWCGROUP) < 0)
        r = bh_fail_errno(err, "cgroup namespace");
    return r;
}

static int loopback_up(struct bh_error *err)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    BH_AUTO(bh_closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return bh_fail_errno(err, "bring the loopback interface up");
    return 0;
}

static int own_names(const struct bh_start *s, struct bh_error *err)
{
    const struct bh_launch *l = s->launch;

    if (*l->hostname && sethostname(l->hostname, strlen(l->hostname)) < 0)
        return bh_fail_errno(err, "set the host name");
    if (l->flags & BH_LAUNCH_HOST_NETWORK || !bh_start_has(s, BH_WITHOUT_NETWORK_NAMESPACE))
        return 0;
    return loopback_up(err);
}

static int enter_root(struct bh_start *s, int *ret_console, struct bh_error *err)
{
    BH_AUTO(bh_closep) int root = -1;
    int r = bh_mount_make_private(err);

    if (r == 0)
        r = bh_start_layers(s, err);
    if (r == 0)
        r = bh_start_root(s, &root, err);
    if (r == 0)
        r = bh_start_kernel_mounts(s, root, err);
    if (r == 0)
        r = bh_start_devices(s, root, ret_console, err);
    if (r == 0)
        r = bh_start_volumes(s, root, err);
    return r ? r : bh_mount_pivot(root, err);
}

/* The working directory is opened below the root, without the magic links of /proc through which a
 * descriptor of ours would lead out (CVE-2024-21626). */
static int enter_directory(const char *path, struct bh_error *err)
{
    BH_AUTO(bh_closep) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    BH_AUTO(bh_closep) int at = -1;
    int r;

    if (root < 0)
        return bh_fail_errno(err, "open the root");
    r = bh_open_in_root(root, path, O_PATH | O_DIRECTORY, 0, &at, err);
    if (r == 0 && fchdir(at) < 0)
        r = bh_fail_errno(err, "enter");
    return r ? bh_wrap(err, "working directory %s", path) : 0;
}

static int take_streams(const struct bh_start *s, int console, struct bh_error *err)
{
    if (setsid() < 0)
        return bh_fail_errno(err, "new session");
    if (console >= 0 && ioctl(console, TIOCSCTTY, 0) < 0)
        return bh_fail_errno(err, "take the terminal");
    for (int i = 0; i < 3; i++) {
        int from = console >= 0 ? console : s->streams[i];

        if (from != i && dup2(from, i) < 0)
            return bh_fail_errno(err, "standard stream %d", i);
    }
    return 0;
}

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int n = 1; n < SIGRTMIN; n++)
        (void)sigaction(n, &plain, NULL); /* KILL and STOP refuse, and need no reset */
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *path_of(const char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return DEFAULT_PATH;
}

/* execve with the image's PATH. errno of the most telling failure stays. */
static void execute(const struct bh_launch *l)
{
    char *const *argv = (char *const *)(uintptr_t)l->argv;
    char *const *env = (char *const *)(uintptr_t)l->env;
    int number = ENOENT;

    if (strchr(argv[0], '/')) {
        execve(argv[0], argv, env);
        return;
    }
    for (const char *dir = path_of(l->env); *argv[0]; dir++) {
        int len = (int)strcspn(dir, ":");
        char file[4200];

        if ((size_t)snprintf(file, sizeof file, "%.*s/%s", len ? len : 1, len ? dir : ".",
                             argv[0]) < sizeof file)
            execve(file, argv, env);
        if (errno != ENOENT && errno != ENOTDIR)
            number = errno;
        dir += len;
        if (!*dir)
            break;
    }
    errno = number;
}

static int prepare(struct bh_start *s, struct bh_error *err)
{
    BH_AUTO(bh_closep) int console = -1;
    int r;

    /* Early, for a supervisor that dies meanwhile; again after the change of identity. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return bh_fail_errno(err, "tie the workload to its supervisor");
    r = enter_user_namespace(s, err);
    if (r == 0)
        r = join_cgroup(s, err);
    if (r == 0)
        r = own_names(s, err);
    if (r == 0)
        r = enter_root(s, &console, err);
    if (r == 0)
        r = enter_directory(*s->launch->cwd ? s->launch->cwd : "/", err);
    if (r == 0)
        r = take_streams(s, console, err);
    /* Whatever was open by mistake does not reach the workload (CVE-2024-21626). */
    if (r == 0 && syscall(SYS_close_range, 3u, ~0u, CLOSE_ON_EXEC) < 0)
        r = bh_fail_errno(err, "close the descriptors");
    return r;
}

/* Did the supervisor die before we asked to die with it? Then its end of the pipe is closed. */
static bool orphaned(const struct bh_start *s)
{
    struct pollfd p = {.fd = s->report};

    return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

void bh_start_child(struct bh_start *s)
{
    struct bh_error err = BH_ERROR_INIT;
    int r = prepare(s, &err);

    if (r == 0) {
        reset_signals();
        r = bh_start_confine(s, &err);
    }
    if (r == 0 && s->launch->flags & BH_LAUNCH_INIT)
        r = bh_init_fork(&err);
    if (r || orphaned(s))
        give_up(s, &err, BH_EXIT_FAILED);
    if (s->launch->flags & BH_LAUNCH_INIT)
        reset_signals();
    execute(s->launch);
    r = errno;
    (void)bh_fail_errno(&err, "execute %s", s->launch->argv[0]);
    give_up(s, &err, r == ENOENT ? BH_EXIT_NOT_FOUND : BH_EXIT_NOT_EXECUTABLE);
}
