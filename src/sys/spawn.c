#include "sys/spawn.h"

#include "base/mem.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_FDS_MAX 64u

/* Runs in the child, which shares nothing writable with the parent but memory copies: only
 * async-signal-safe calls. Moves every descriptor out of the way first, so that no source is
 * overwritten before it is used. */
static int place_descriptors(const struct bh_spawn *s)
{
    int moved[CHILD_FDS_MAX];

    for (size_t i = 0; i < s->fd_count; i++) {
        int source = s->fds[i] >= 0 ? s->fds[i] : open("/dev/null", O_RDWR | O_CLOEXEC);

        moved[i] = source < 0 ? -1 : fcntl(source, F_DUPFD_CLOEXEC, (int)s->fd_count);
        if (moved[i] < 0)
            return -1;
    }
    for (size_t i = 0; i < s->fd_count; i++)
        if (dup2(moved[i], (int)i) < 0)
            return -1;
    return 0;
}

static void reset_signals(void)
{
    sigset_t none;

    for (int n = 1; n < NSIG; n++)
        signal(n, SIG_DFL); /* SIGKILL, SIGSTOP and libc's own refuse: no matter */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static BH_NORETURN void child_main(const struct bh_spawn *s, int report_fd, pid_t parent)
{
    static char *const empty[] = {NULL};
    char *const *envp = s->envp ? s->envp : empty;
    int exe = s->exe_fd, number;

    reset_signals();
    if (s->die_with_parent) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
    }
    /* The descriptors we still need live above the ones we place. */
    report_fd = fcntl(report_fd, F_DUPFD_CLOEXEC, (int)CHILD_FDS_MAX);
    if (!s->path)
        exe = fcntl(exe, F_DUPFD_CLOEXEC, (int)CHILD_FDS_MAX);
    if (place_descriptors(s) == 0 &&
        syscall(SYS_close_range, (unsigned)s->fd_count, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) == 0) {
        if (s->path)
            execve(s->path, s->argv, envp);
        else
            syscall(SYS_execveat, exe, "", s->argv, envp, AT_EMPTY_PATH);
    }
    number = errno;
    (void)!write(report_fd, &number, sizeof number);
    _exit(127);
}

int bh_spawn(const struct bh_spawn *s, struct bh_child *ret, struct bh_error *err)
{
    BH_AUTO(bh_closep) int read_end = -1;
    BH_AUTO(bh_closep) int write_end = -1;
    struct bh_child child = BH_CHILD_INIT;
    int ends[2], number = 0, pidfd = -1;
    size_t got = 0;
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    pid_t parent = getpid(), pid;

    if (s->fd_count > CHILD_FDS_MAX)
        return bh_fail(err, BH_LIMIT, "%zu descriptors for a child, limit %u", s->fd_count,
                       CHILD_FDS_MAX);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return bh_fail_errno(err, "pipe");
    read_end = ends[0];
    write_end = ends[1];
    pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        return bh_fail_errno(err, "clone3");
    if (pid == 0)
        child_main(s, write_end, parent);
    child.pid = pid;
    child.pidfd = pidfd;
    bh_closep(&write_end);
    if (bh_read_full(read_end, &number, sizeof number, &got, err) < 0 || got == sizeof number) {
        bh_child_done(&child);
        errno = number;
        return bh_fail_errno(err, "execute %s", s->path ? s->path : s->argv[0]);
    }
    *ret = child;
    return 0;
}

static int reap(struct bh_child *c, int *ret_status, struct bh_error *err)
{
    siginfo_t info = {0};

    while (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) < 0)
        if (errno != EINTR)
            return bh_fail_errno(err, "wait for process %ld", (long)c->pid);
    bh_closep(&c->pidfd);
    *ret_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return 0;
}

int bh_child_wait(struct bh_child *c, int timeout_ms, int *ret_status, struct bh_error *err)
{
    struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
    int n;

    do
        n = poll(&p, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return bh_fail_errno(err, "wait for process %ld", (long)c->pid);
    if (n == 0)
        return bh_fail(err, BH_TIMEOUT, "process %ld still runs after %d ms", (long)c->pid,
                       timeout_ms);
    return reap(c, ret_status, err);
}

void bh_child_done(struct bh_child *c)
{
    int status;

    if (c->pidfd < 0)
        return;
    (void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0); /* gone already is fine */
    (void)reap(c, &status, NULL); /* nothing to do about a failure: the descriptor is closed */
    bh_closep(&c->pidfd);
}
