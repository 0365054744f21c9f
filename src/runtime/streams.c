#include "runtime/streams.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* May uid open it again for writing? Pipes can be given away (confine.c), sockets cannot be opened
 * by anybody. */
static bool is_reachable(const struct stat *st, uid_t uid)
{
    if (uid == 0 || (!S_ISREG(st->st_mode) && !S_ISCHR(st->st_mode)))
        return true;
    return st->st_mode & S_IWOTH || (st->st_uid == uid && st->st_mode & S_IWUSR);
}

static int make_pipe(struct bh_streams *s, int index, int target, struct bh_error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return bh_fail_errno(err, "pipe");
    s->copies[index].from = ends[0];
    s->own[index] = ends[1];
    s->copies[index].to = target;
    s->given[index + 1] = ends[1];
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
        return bh_fail_errno(err, "pipe");
    return 0;
}

int bh_streams_open(struct bh_streams *s, const int wanted[3], uid_t uid, struct bh_error *err)
{
    struct stat out, error;
    int r = 0;

    if (wanted[0] || wanted[1] || wanted[2])
        for (int i = 0; i < 3; i++)
            s->given[i] = wanted[i];
    if (fstat(s->given[1], &out) == 0 && !is_reachable(&out, uid))
        r = make_pipe(s, 0, s->given[1], err);
    if (r || fstat(s->given[2], &error) < 0 || is_reachable(&error, uid))
        return r;
    if (s->own[0] >= 0 && out.st_dev == error.st_dev && out.st_ino == error.st_ino) {
        s->given[2] = s->given[1]; /* one file: one pipe keeps the order of what is written */
        return 0;
    }
    return make_pipe(s, 1, s->given[2], err);
}

void bh_streams_started(struct bh_streams *s)
{
    bh_closep(&s->own[0]);
    bh_closep(&s->own[1]);
}

bool bh_stream_pump(struct bh_stream_copy *copy)
{
    char bytes[8192];
    ssize_t n = read(copy->from, bytes, sizeof bytes);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    /* A reader that is gone must not stop the workload: what it does not take is dropped. */
    if (n > 0)
        (void)!bh_write_full(copy->to, bytes, (size_t)n, NULL);
    return n > 0;
}

void bh_streams_done(struct bh_streams *s)
{
    bh_streams_started(s);
    for (int i = 0; i < 2; i++) {
        struct bh_stream_copy *copy = &s->copies[i];
        struct pollfd p = {.fd = copy->from, .events = POLLIN};

        while (copy->from >= 0 && poll(&p, 1, 0) > 0 && bh_stream_pump(copy))
            ;
        bh_closep(&copy->from);
    }
}
