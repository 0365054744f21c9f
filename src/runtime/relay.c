#include "runtime/relay.h"

#include "base/mem.h"
#include "sys/capability.h"
#include "sys/fd.h"
#include "sys/landlock.h"
#include "sys/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK 16384u
#define EVENTS 64
#define FIRST_LISTENER 512u

enum { OUTSIDE, INSIDE };

/* Bytes read from one side and not yet written to the other. */
struct flow {
    char data[CHUNK];
    size_t from, to;
    bool ended, passed_on; /* the source has no more; the destination was told */
};

struct connection {
    struct side {
        struct connection *owner; /* NULL: a listener */
        int fd, which;
        uint32_t events; /* as registered */
        bool finished;
    } sides[2];
    struct flow flows[2]; /* flows[n] reads from sides[n] */
    bool connecting, dead;
    struct connection *next_dead;
};

struct listener {
    struct side side; /* first, so that an event's pointer tells which it is */
    uint16_t port;
};

struct relay {
    int epoll;
    size_t open;
    struct connection *dead; /* freed only after the events at hand are done with */
    struct listener *listeners;
    size_t listener_count;
    bool paused;
};

static void watch(struct relay *r, struct side *s, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};

    if (s->events != events && !s->finished)
        (void)epoll_ctl(r->epoll, EPOLL_CTL_MOD, s->fd, &e);
    s->events = events;
}

/* A side with nothing left to read or write would be reported as hung up for ever. */
static void finish(struct relay *r, struct side *s)
{
    if (!s->finished)
        (void)epoll_ctl(r->epoll, EPOLL_CTL_DEL, s->fd, NULL);
    s->finished = true;
}

static void pause_listeners(struct relay *r, bool paused)
{
    if (r->paused == paused)
        return;
    r->paused = paused;
    for (size_t i = 0; i < r->listener_count; i++)
        watch(r, &r->listeners[i].side, paused ? 0 : EPOLLIN);
}

static void drop(struct relay *r, struct connection *c)
{
    if (c->dead)
        return;
    c->dead = true;
    bh_closep(&c->sides[OUTSIDE].fd);
    bh_closep(&c->sides[INSIDE].fd);
    c->next_dead = r->dead;
    r->dead = c;
    r->open--;
}

/* false: the connection is broken. */
static bool move(struct connection *c, int from)
{
    struct flow *f = &c->flows[from];
    int source = c->sides[from].fd, target = c->sides[!from].fd;
    ssize_t n;

    if (f->from == f->to && !f->ended) {
        n = read(source, f->data, CHUNK);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        f->ended = n == 0;
        f->from = 0;
        f->to = n > 0 ? (size_t)n : 0;
    }
    if (f->from < f->to) {
        n = write(target, f->data + f->from, f->to - f->from);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        f->from += n > 0 ? (size_t)n : 0;
    }
    if (f->from == f->to && f->ended && !f->passed_on) {
        (void)shutdown(target, SHUT_WR);
        f->passed_on = true;
    }
    return true;
}

static void rearm(struct relay *r, struct connection *c)
{
    for (int n = 0; n < 2; n++) {
        const struct flow *in = &c->flows[n], *out = &c->flows[!n];
        uint32_t events = 0;

        if (in->from == in->to && !in->ended)
            events |= EPOLLIN;
        if (out->from < out->to || (c->connecting && n == INSIDE))
            events |= EPOLLOUT;
        if (in->ended && out->passed_on)
            finish(r, &c->sides[n]);
        else
            watch(r, &c->sides[n], events);
    }
}

static void serve(struct relay *r, struct connection *c, const struct side *s, uint32_t events)
{
    int number = 0;
    socklen_t len = sizeof number;

    if (c->dead)
        return;
    if (c->connecting) {
        if (s->which != INSIDE) { /* what came is read once there is where to put it */
            if (events & (EPOLLHUP | EPOLLERR))
                drop(r, c);
            return;
        }
        if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0 || number) {
            drop(r, c);
            return;
        }
        c->connecting = false;
    }
    if ((events & EPOLLERR && !(events & EPOLLIN)) || !move(c, OUTSIDE) || !move(c, INSIDE) ||
        (c->flows[OUTSIDE].passed_on && c->flows[INSIDE].passed_on)) {
        drop(r, c);
        return;
    }
    rearm(r, c);
}

static int connect_inside(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        bh_closep(&fd);
    return fd;
}

static void take(struct relay *r, const struct listener *l)
{
    int outside = accept4(l->side.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int inside = outside >= 0 ? connect_inside(l->port) : -1;
    struct connection *c = inside >= 0 ? calloc(1, sizeof *c) : NULL;

    if (!c) {
        bh_closep(&outside);
        bh_closep(&inside);
        return;
    }
    r->open++;
    c->connecting = true;
    c->sides[OUTSIDE] = (struct side){.owner = c, .fd = outside, .which = OUTSIDE};
    c->sides[INSIDE] = (struct side){.owner = c, .fd = inside, .which = INSIDE, .events = EPOLLOUT};
    for (int n = 0; n < 2; n++) {
        struct epoll_event e = {.events = c->sides[n].events, .data.ptr = &c->sides[n]};

        if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->sides[n].fd, &e) < 0) {
            drop(r, c);
            return;
        }
    }
}

/* The listeners move to FIRST and the numbers after it; everything else is closed. */
static int keep_only(int *listeners, size_t count, struct bh_error *err)
{
    for (size_t i = 0; i < count; i++) {
        listeners[i] = fcntl(listeners[i], F_DUPFD_CLOEXEC, FIRST_LISTENER);
        if (listeners[i] < 0)
            return bh_fail_errno(err, "keep a listener");
    }
    if (syscall(SYS_close_range, 0u, FIRST_LISTENER - 1u, 0u) < 0 ||
        syscall(SYS_close_range, FIRST_LISTENER + (unsigned)count, ~0u, 0u) < 0)
        return bh_fail_errno(err, "close the descriptors");
    return 0;
}

int bh_relay_confine(int *listeners, size_t count, struct bh_error *err)
{
    static const char *const calls[] = {
        "accept4",   "brk",        "close",        "connect",    "epoll_create1",
        "epoll_ctl", "epoll_wait", "epoll_pwait",  "exit_group", "getsockopt",
        "mmap",      "mremap",     "munmap",       "read",       "shutdown",
        "socket",    "write",      "rt_sigreturn", "futex",      NULL,
    };
    static const struct bh_landlock_handled handled = {.fs = BH_LANDLOCK_FS_ALL};
    static const struct bh_capability_sets none = {0};
    BH_AUTO(bh_seccomp_freep)
    struct bh_seccomp *policy = bh_seccomp_new(BH_SECCOMP_KILL, BH_SECCOMP_KILL);
    BH_AUTO(bh_seccomp_program_done) struct bh_seccomp_program program = {0};
    BH_AUTO(bh_closep) int rules = -1;
    int r;

    r = keep_only(listeners, count, err);
    if (r)
        return r;
    r = bh_capability_bound(0, NULL);
    (void)r; /* already empty for an ordinary user, who may not touch it */
    r = bh_capability_set(&none, err);
    if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = bh_fail_errno(err, "set no_new_privs");
    if (r == 0 && bh_landlock_create(&handled, &rules, NULL) == 0)
        r = bh_landlock_enforce(rules, err);
    bh_seccomp_add_names(policy, calls, BH_SECCOMP_ALLOW);
    if (r == 0)
        r = bh_seccomp_compile(policy, 0, &program, err);
    return r ? r : bh_seccomp_load(&program, 0, NULL, err);
}

void bh_relay_run(const int *listeners, const uint16_t *ports, size_t count)
{
    struct relay r = {.epoll = epoll_create1(EPOLL_CLOEXEC), .listener_count = count};
    struct epoll_event events[EVENTS];

    r.listeners = bh_new0(count * sizeof *r.listeners);
    for (size_t i = 0; i < count; i++) {
        struct listener *l = &r.listeners[i];
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &l->side};

        *l = (struct listener){.side = {.fd = listeners[i], .events = EPOLLIN}, .port = ports[i]};
        if (epoll_ctl(r.epoll, EPOLL_CTL_ADD, l->side.fd, &e) < 0)
            break;
    }
    for (;;) {
        int n = epoll_wait(r.epoll, events, EVENTS, -1);

        if (n < 0 && errno != EINTR)
            break;
        for (int i = 0; i < n; i++) {
            struct side *s = events[i].data.ptr;

            if (s->owner)
                serve(&r, s->owner, s, events[i].events);
            else
                take(&r, (const struct listener *)s);
        }
        while (r.dead) {
            struct connection *c = r.dead;

            r.dead = c->next_dead;
            free(c);
        }
        pause_listeners(&r, r.open >= BH_RELAY_CONNECTIONS);
    }
    free(r.listeners);
}
