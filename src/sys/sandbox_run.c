#include "sys/fd.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What the child sends: this, then len bytes. */
struct outcome {
    int32_t code; /* 0, or a positive enum bh_code */
    int32_t sys_errno;
    uint64_t len;
    char message[BH_ERROR_MESSAGE_SIZE];
};

#define KEPT_MAX 16u

static int compare_fd(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Standard input and output become /dev/null; all else but standard error, out_fd and s->fds is
 * closed. */
static int shed_descriptors(const struct bh_sandbox *s, int out_fd, struct bh_error *err)
{
    int keep[KEPT_MAX + 1], null = open("/dev/null", O_RDWR | O_CLOEXEC);
    size_t count = 0;
    unsigned from = 3;

    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
        return bh_fail_errno(err, "sandbox: open /dev/null");
    for (size_t i = 0; i < s->fd_count; i++)
        if (s->fds[i] > 2)
            keep[count++] = s->fds[i];
    keep[count++] = out_fd;
    qsort(keep, count, sizeof keep[0], compare_fd);
    for (size_t i = 0; i < count; i++) {
        if ((unsigned)keep[i] > from && syscall(SYS_close_range, from, keep[i] - 1, 0) < 0)
            return bh_fail_errno(err, "sandbox: close descriptors");
        from = (unsigned)keep[i] + 1;
    }
    if (syscall(SYS_close_range, from, ~0u, 0) < 0)
        return bh_fail_errno(err, "sandbox: close descriptors");
    return 0;
}

static BH_NORETURN void child_main(const struct bh_sandbox *s, bh_sandbox_work work, void *arg,
                                   int out_fd, size_t limit, pid_t parent)
{
    struct bh_buf out = BH_BUF_INIT(limit);
    struct bh_error err = BH_ERROR_INIT;
    struct outcome o = {0};
    int r;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    r = shed_descriptors(s, out_fd, &err);
    if (r == 0)
        r = bh_sandbox_enter(s, NULL, &err);
    if (r == 0)
        r = work(arg, &out, &err);
    if (r < 0) {
        o.code = -r;
        o.sys_errno = err.sys_errno;
        memcpy(o.message, err.message, sizeof o.message);
        out.len = 0;
    }
    o.len = out.len;
    if (bh_write_full(out_fd, &o, sizeof o, NULL) == 0 &&
        bh_write_full(out_fd, bh_buf_text(&out), out.len, NULL) == 0)
        _exit(0);
    _exit(1);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads until the child closes its end, at most limit bytes. */
static int read_outcome(int fd, int64_t deadline_ms, struct bh_buf *raw, struct bh_error *err)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int wait = deadline_ms < 0 ? -1 : (int)BH_MAX(deadline_ms - now_ms(), (int64_t)0);
        int n = poll(&p, 1, wait);
        ssize_t got;
        char *to;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bh_fail_errno(err, "wait for a worker");
        if (n == 0)
            return bh_fail(err, BH_TIMEOUT, "a worker did not finish in time");
        to = bh_buf_reserve(raw, BH_MIN((size_t)65536, raw->limit - raw->len));
        if (!to || raw->limit == raw->len)
            return bh_fail(err, BH_INTERNAL, "a worker produced more than %zu bytes", raw->limit);
        got = read(fd, to, BH_MIN((size_t)65536, raw->limit - raw->len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bh_fail_errno(err, "read from a worker");
        if (got == 0)
            return 0;
        raw->len += (size_t)got;
    }
}

/* The child may be in an attacker's hands: nothing it says is believed beyond its form. */
static int judge(const struct bh_buf *raw, struct bh_buf *out, struct bh_error *err)
{
    struct outcome o;

    if (raw->len < sizeof o)
        return bh_fail(err, BH_INTERNAL, "a worker died before it gave an answer");
    memcpy(&o, raw->data, sizeof o);
    if (o.code < 0 || o.code > BH_INTERNAL || o.len != raw->len - sizeof o ||
        !memchr(o.message, '\0', sizeof o.message))
        return bh_fail(err, BH_INTERNAL, "a worker gave an answer that makes no sense");
    if (o.code > 0)
        return bh_error_set(err, o.code, o.sys_errno, __FILE__, __LINE__, "%s", o.message);
    return bh_buf_append(out, raw->data + sizeof o, o.len, err);
}

int bh_sandbox_run(const struct bh_sandbox *s, bh_sandbox_work work, void *arg, int timeout_ms,
                   struct bh_buf *out, struct bh_error *err)
{
    BH_AUTO(bh_closep) int read_end = -1;
    BH_AUTO(bh_closep) int write_end = -1;
    BH_AUTO(bh_child_done) struct bh_child child = BH_CHILD_INIT;
    BH_AUTO(bh_buf_done) struct bh_buf raw = BH_BUF_INIT(out->limit + sizeof(struct outcome) + 1);
    pid_t parent = getpid();
    int ends[2], status = 0, r;

    if (s->fd_count > KEPT_MAX)
        return bh_fail(err, BH_LIMIT, "%zu descriptors for a worker, limit %u", s->fd_count,
                       KEPT_MAX);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return bh_fail_errno(err, "pipe");
    read_end = ends[0];
    write_end = ends[1];
    child.pid = fork(); /* not clone3: the child allocates, so libc must know of the fork */
    if (child.pid < 0)
        return bh_fail_errno(err, "fork a worker");
    if (child.pid == 0)
        child_main(s, work, arg, write_end, out->limit - out->len, parent);
    child.pidfd = (int)syscall(SYS_pidfd_open, child.pid, 0);
    if (child.pidfd < 0) {
        kill(child.pid, SIGKILL);
        return bh_fail_errno(err, "pidfd of a worker");
    }
    bh_closep(&write_end);
    r = read_outcome(read_end, timeout_ms < 0 ? -1 : now_ms() + timeout_ms, &raw, err);
    if (r == 0)
        r = bh_child_wait(&child, timeout_ms, &status, err);
    if (r < 0)
        return r;
    if (status == 128 + SIGSYS)
        return bh_fail(err, BH_INTERNAL, "a worker was killed for a forbidden system call");
    return judge(&raw, out, err);
}
