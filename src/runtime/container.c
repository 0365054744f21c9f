#include "runtime/container.h"

#include "base/mem.h"
#include "runtime/publish.h"
#include "runtime/start.h"
#include "runtime/streams.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Everything the supervisor holds for one container; run_done lets go of all of it. */
struct run {
    const struct bh_container *c;
    struct bh_start start;
    struct bh_cgroup cgroup;
    struct bh_child child, relay;
    int listeners[BH_PUBLISH_MAX];
    size_t listener_count;
    int *locks;
    size_t lock_count;
    int signals;       /* signalfd */
    sigset_t mask;     /* as it was */
    int report;        /* read end */
    int terminal_from; /* our side of the socket the terminal's master comes over */
    int mapped;        /* write end */
    struct bh_terminal terminal;
    struct bh_streams streams;
    struct bh_error failure; /* what the child reported */
    int failure_status;
    int forced_status; /* 128 + n when we killed the workload in place of signal n */
    bool started;
};

static void say(const struct run *run, enum bh_event_kind kind, const char *text, uint64_t number)
{
    const struct bh_event event = {
        .kind = kind, .text = text, .pid = run->child.pid, .number = number};

    if (run->c->event)
        run->c->event(run->c->context, &event);
}

static int take_signals(struct run *run, struct bh_error *err)
{
    static const int ours[] = {SIGHUP,  SIGINT,  SIGQUIT,  SIGTERM, SIGUSR1,
                               SIGUSR2, SIGPIPE, SIGWINCH, SIGCHLD};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < BH_COUNT_OF(ours); i++)
        sigaddset(&set, ours[i]);
    if (sigprocmask(SIG_BLOCK, &set, &run->mask) < 0)
        return bh_fail_errno(err, "block the signals");
    run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return run->signals < 0 ? bh_fail_errno(err, "signalfd") : 0;
}

/* Nobody collects a layer while its lock is held. */
static int hold_layers(struct run *run, struct bh_error *err)
{
    const struct bh_launch *l = run->c->launch;

    run->locks = bh_new_array(l->layer_count + 1, sizeof *run->locks);
    for (size_t i = 0; i < l->layer_count; i++) {
        const char *path = l->layers[i].lock;
        int lock = *path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

        if (lock >= 0)
            run->locks[run->lock_count++] = lock;
        if (*path && (lock < 0 || flock(lock, LOCK_SH) < 0))
            return bh_fail_errno(err, "hold layer %s", path);
    }
    return 0;
}

static int make_cgroup(struct run *run, struct bh_error *err)
{
    const struct bh_launch *l = run->c->launch;
    struct bh_cgroup_limits limits = {
        .memory_bytes = l->limits.memory_bytes,
        .swap_bytes = l->limits.swap_bytes,
        .pids = l->limits.pids,
        .cpu_milli = l->limits.cpu_milli,
    };
    char text[200];

    if (!bh_start_has(&run->start, BH_WITHOUT_MEMORY_LIMIT))
        limits.memory_bytes = 0;
    if (!bh_start_has(&run->start, BH_WITHOUT_PIDS_LIMIT))
        limits.pids = 0;
    bh_cgroup_create(&limits, &run->cgroup);
    if (!run->cgroup.missing)
        return 0;
    (void)snprintf(text, sizeof text, "no limit on%s%s%s%s: %s",
                   run->cgroup.missing & BH_CGROUP_MEMORY ? " memory" : "",
                   run->cgroup.missing & BH_CGROUP_SWAP ? " swap" : "",
                   run->cgroup.missing & BH_CGROUP_PIDS ? " processes" : "",
                   run->cgroup.missing & BH_CGROUP_CPU ? " processor time" : "",
                   run->cgroup.reason);
    /* An ordinary user without delegation cannot have them; root can, so for root it is an error.
     */
    if (run->start.privileged && !(l->flags & BH_LAUNCH_ALLOW_DEGRADED))
        return bh_fail(err, BH_UNSUPPORTED, "%s (--allow-degraded goes on without)", text);
    say(run, BH_EVENT_DEGRADED, text, 0);
    return 0;
}

static uint64_t namespaces(const struct run *run)
{
    const struct bh_launch *l = run->c->launch;
    const struct bh_start *s = &run->start;
    uint64_t flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWTIME;

    if (l->flags & BH_LAUNCH_USER_NAMESPACE)
        flags |= CLONE_NEWUSER;
    if (bh_start_has(s, BH_WITHOUT_PID_NAMESPACE))
        flags |= CLONE_NEWPID;
    if (bh_start_has(s, BH_WITHOUT_IPC_NAMESPACE))
        flags |= CLONE_NEWIPC;
    if (!(l->flags & BH_LAUNCH_HOST_NETWORK) && bh_start_has(s, BH_WITHOUT_NETWORK_NAMESPACE))
        flags |= CLONE_NEWNET;
    return flags;
}

static bool supervisor_writes_maps(const struct bh_launch *l)
{
    return l->flags & BH_LAUNCH_USER_NAMESPACE &&
           !(l->uid_map_count == 1 && l->uid_maps[0].count == 1);
}

/* The child's ends of the channels are closed on return, whether or not there is a child. */
static int clone_child(struct run *run, struct bh_error *err)
{
    BH_AUTO(bh_closep) int report = -1;
    BH_AUTO(bh_closep) int mapped = -1;
    BH_AUTO(bh_closep) int terminal = -1;
    struct clone_args args = {
        .flags = namespaces(run) | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&run->child.pidfd,
        .exit_signal = SIGCHLD,
    };
    int ends[2];
    long pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return bh_fail_errno(err, "pipe");
    run->report = ends[0];
    run->start.report = report = ends[1];
    if (supervisor_writes_maps(run->c->launch)) {
        if (pipe2(ends, O_CLOEXEC) < 0)
            return bh_fail_errno(err, "pipe");
        run->start.mapped = mapped = ends[0];
        run->mapped = ends[1];
    }
    if (run->c->terminal) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
            return bh_fail_errno(err, "socketpair");
        run->terminal_from = ends[0];
        run->start.terminal = terminal = ends[1];
    }
    if (run->cgroup.into >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)run->cgroup.into;
    }
    pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        return bh_fail_errno(err, "new namespaces%s",
                             errno == ENOSPC ? " (the limit in /proc/sys/user is reached)" : "");
    if (pid == 0) {
        /* The supervisor's own ends: a copy kept here would hide the supervisor's death. */
        bh_closep(&run->report);
        bh_closep(&run->mapped);
        bh_closep(&run->terminal_from);
        bh_start_child(&run->start);
    }
    run->child.pid = (pid_t)pid;
    bh_streams_started(&run->streams);
    return 0;
}

/* The workload's user as the host counts. */
static uid_t host_uid(const struct bh_launch *l)
{
    for (size_t i = 0; i < l->uid_map_count; i++)
        if (l->uid - l->uid_maps[i].inside < l->uid_maps[i].count)
            return l->uid - l->uid_maps[i].inside + l->uid_maps[i].outside;
    return l->uid;
}

static int after_clone(struct run *run, struct bh_error *err)
{
    const struct bh_launch *l = run->c->launch;
    int r = 0;

    if (run->mapped >= 0) {
        r = bh_write_maps(l, run->child.pid, err);
        if (r == 0 && write(run->mapped, "m", 1) != 1)
            r = bh_fail_errno(err, "tell the child of its ID maps");
        bh_closep(&run->mapped);
    }
    if (r == 0 && run->c->publish_count)
        r = bh_publish_start(run->c->publish, run->c->publish_count, run->listeners,
                             run->child.pidfd, l->flags & BH_LAUNCH_USER_NAMESPACE, &run->relay,
                             err);
    bh_cgroup_sweep(&run->cgroup); /* while the child is busy */
    return r;
}

/* Does the workload catch or ignore signal n? A namespace's first process is spared the default
 * action of signals, so what would end any other process would be lost on it. */
static bool cares_about(pid_t pid, int n)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(16384);
    uint64_t mask = 0;
    char path[40];

    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    if (bh_read_file_at(AT_FDCWD, path, &b, NULL) != 0)
        return true;
    static const char *const keys[] = {"\nSigIgn:", "\nSigCgt:", "\nSigBlk:"};

    for (size_t i = 0; i < BH_COUNT_OF(keys); i++) {
        const char *at = strstr(bh_buf_text(&b), keys[i]);

        if (at)
            mask |= strtoull(at + strlen(keys[i]), NULL, 16);
    }
    return mask >> (n - 1) & 1;
}

static void forward(struct run *run, int n)
{
    if (n == SIGCHLD || n == SIGPIPE)
        return;
    if (n == SIGWINCH) {
        bh_terminal_resize(&run->terminal);
        return;
    }
    if (!run->started || !cares_about(run->child.pid, n)) {
        run->forced_status = 128 + n;
        n = SIGKILL;
    }
    (void)syscall(SYS_pidfd_send_signal, run->child.pidfd, n, NULL, 0);
}

static void take_signal(struct run *run)
{
    struct signalfd_siginfo info;

    while (read(run->signals, &info, sizeof info) == (ssize_t)sizeof info)
        forward(run, (int)info.ssi_signo);
}

static void take_report(struct run *run)
{
    struct bh_report report;
    size_t got = 0;

    if (bh_read_full(run->report, &report, sizeof report, &got, NULL) != 0 || got == 0) {
        bh_closep(&run->report); /* the workload was executed, or the child is gone */
        if (!run->failure.code) {
            run->started = true;
            say(run, BH_EVENT_STARTED, "", 0);
        }
        return;
    }
    if (got != sizeof report)
        return;
    report.text[sizeof report.text - 1] = '\0';
    if (report.kind == BH_REPORT_DEGRADED) {
        say(run, BH_EVENT_DEGRADED, report.text, 0);
        return;
    }
    (void)bh_fail(&run->failure, report.code, "%s", report.text);
    run->failure_status = report.status;
}

static void take_terminal(struct run *run)
{
    int master = -1;

    if (bh_receive_fd(run->terminal_from, &master, NULL) == 0)
        bh_terminal_join(&run->terminal, master, 0, 1);
    bh_closep(&run->terminal_from);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int remaining(const struct run *run, uint64_t began)
{
    uint64_t gone = now_ms() - began;

    if (!run->c->timeout_ms)
        return -1;
    return gone >= run->c->timeout_ms ? 0 : (int)(run->c->timeout_ms - gone);
}

enum { CHILD, SIGNALS, REPORT, SOCKET, MASTER, INPUT, OUTPUT, ERRORS, WATCHED };

static void what_to_watch(const struct run *run, struct pollfd p[WATCHED])
{
    const struct bh_terminal *t = &run->terminal;
    const int fds[WATCHED] = {
        [CHILD] = run->child.pidfd,
        [SIGNALS] = run->signals,
        [REPORT] = run->report,
        [SOCKET] = run->terminal_from,
        [MASTER] = t->master,
        [INPUT] = t->master >= 0 && !t->input.ended ? t->in : -1,
        [OUTPUT] = run->streams.copies[0].from,
        [ERRORS] = run->streams.copies[1].from,
    };

    for (int i = 0; i < WATCHED; i++)
        p[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
}

static void move_bytes(struct run *run, const struct pollfd p[WATCHED])
{
    struct bh_terminal *t = &run->terminal;

    if (p[SOCKET].revents)
        take_terminal(run);
    else if (t->master >= 0 && !bh_terminal_pump(t, p[INPUT].revents, p[MASTER].revents))
        bh_terminal_leave(t);
    for (int i = 0; i < 2; i++)
        if (p[OUTPUT + i].revents && !bh_stream_pump(&run->streams.copies[i]))
            bh_closep(&run->streams.copies[i].from);
}

/* Until the container's first process has ended. */
static int watch(struct run *run, struct bh_error *err)
{
    uint64_t began = run->c->timeout_ms ? now_ms() : 0;

    for (;;) {
        struct pollfd p[WATCHED];
        int n;

        what_to_watch(run, p);
        n = poll(p, WATCHED, remaining(run, began));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "wait for the container");
        if (n == 0)
            forward(run, SIGKILL);
        if (p[REPORT].revents)
            take_report(run);
        if (p[SIGNALS].revents)
            take_signal(run);
        move_bytes(run, p);
        if (p[CHILD].revents)
            return 0;
    }
}

static void run_done(struct run *run)
{
    bh_terminal_leave(&run->terminal);
    bh_child_done(&run->child);
    bh_streams_done(&run->streams);
    bh_child_done(&run->relay);
    for (size_t i = 0; i < run->listener_count; i++)
        bh_closep(&run->listeners[i]);
    if (!bh_cgroup_remove(&run->cgroup))
        say(run, BH_EVENT_LEFTOVER, run->cgroup.name, 0);
    for (size_t i = 0; i < run->lock_count; i++)
        bh_closep(&run->locks[i]);
    free(run->locks);
    bh_closep(&run->report);
    bh_closep(&run->mapped);
    bh_closep(&run->terminal_from);
    if (run->signals >= 0) {
        take_signal(run); /* what came for a container that is gone */
        bh_closep(&run->signals);
        (void)sigprocmask(SIG_SETMASK, &run->mask, NULL);
    }
}

static int prepare(struct run *run, struct bh_error *err)
{
    const struct bh_container *c = run->c;
    int r = take_signals(run, err);

    if (r == 0)
        r = hold_layers(run, err);
    if (r == 0 && c->publish_count > BH_PUBLISH_MAX)
        r = bh_fail(err, BH_LIMIT, "%zu published ports, limit %u", c->publish_count,
                    BH_PUBLISH_MAX);
    if (r == 0 && c->publish_count) {
        r = bh_publish_listen(c->publish, c->publish_count, run->listeners, err);
        run->listener_count = r ? 0 : c->publish_count;
    }
    if (r == 0)
        r = make_cgroup(run, err);
    run->start.streams = run->streams.given;
    return r || c->terminal ? r
                            : bh_streams_open(&run->streams, c->streams, host_uid(c->launch), err);
}

/* The status to pass on, from what is known of the end. */
static int outcome(struct run *run, int *ret_status, struct bh_error *err)
{
    int status = 0;
    int r = bh_child_wait(&run->child, -1, &status, err);
    uint64_t kills;

    while (run->report >= 0)
        take_report(run);
    if (r)
        return r;
    if (run->failure.code) {
        *ret_status = run->failure_status;
        return bh_fail(err, run->failure.code, "%s", run->failure.message);
    }
    kills = status == 128 + SIGKILL ? bh_cgroup_oom_kills(&run->cgroup) : 0;
    if (kills)
        say(run, BH_EVENT_OOM, "", kills);
    if (status == 128 + SIGKILL && run->forced_status)
        status = run->forced_status;
    say(run, BH_EVENT_EXITED, "", (uint64_t)status);
    *ret_status = status;
    return 0;
}

int bh_container_run(const struct bh_container *c, int *ret_status, struct bh_error *err)
{
    BH_AUTO(run_done)
    struct run run = {
        .c = c,
        .start = {.container = c,
                  .launch = c->launch,
                  .cgroup = &run.cgroup,
                  .skeleton = -1,
                  .report = -1,
                  .mapped = -1,
                  .terminal = -1,
                  .privileged = geteuid() == 0},
        .cgroup = BH_CGROUP_INIT,
        .child = BH_CHILD_INIT,
        .relay = BH_CHILD_INIT,
        .signals = -1,
        .report = -1,
        .terminal_from = -1,
        .mapped = -1,
        .terminal = BH_TERMINAL_INIT,
        .streams = BH_STREAMS_INIT,
    };
    int r = prepare(&run, err);

    *ret_status = BH_EXIT_FAILED;
    if (r == 0)
        r = clone_child(&run, err);
    if (r == 0)
        r = after_clone(&run, err);
    if (r == 0)
        r = watch(&run, err);
    return r ? r : outcome(&run, ret_status, err);
}
