#include "runtime/start.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

/* Every signal comes here and not to a handler, so nothing is lost between two calls. */
static BH_NORETURN void reap_and_forward(pid_t workload)
{
    sigset_t all;

    sigfillset(&all);
    for (;;) {
        siginfo_t info;
        int n = sigwaitinfo(&all, &info), status;

        if (n > 0 && n != SIGCHLD) {
            (void)kill(workload, n);
            continue;
        }
        for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0;
             pid = waitpid(-1, &status, WNOHANG))
            if (pid == workload)
                _exit(status_of(status)); /* the kernel ends everybody else in the namespace */
    }
}

int bh_init_fork(struct bh_error *err)
{
    sigset_t all;
    pid_t pid;

    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
        return bh_fail_errno(err, "block the signals");
    pid = fork();
    if (pid < 0)
        return bh_fail_errno(err, "start the workload below init");
    if (pid == 0)
        return 0;
    /* /proc/1/exe is the host's file: not to be opened from inside (CVE-2019-5736). */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    /* Nothing of the workload's stays open because of us: not its pipes, not the report. */
    (void)syscall(SYS_close_range, 0u, ~0u, 0u);
    reap_and_forward(pid);
}
