#include "runtime/terminal.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int bh_send_fd(int socket, int fd, struct bh_error *err)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 'T';
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    if (sendmsg(socket, &m, MSG_NOSIGNAL) != 1)
        return bh_fail_errno(err, "hand over a descriptor");
    return 0;
}

int bh_receive_fd(int socket, int *ret_fd, struct bh_error *err)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);

    if (n < 0)
        return bh_fail_errno(err, "receive a descriptor");
    if (n == 0 || m.msg_controllen < CMSG_LEN(sizeof(int)) ||
        control.header.cmsg_type != SCM_RIGHTS)
        return bh_fail(err, BH_INTERNAL, "no descriptor came");
    memcpy(ret_fd, CMSG_DATA(&control.header), sizeof *ret_fd);
    return 0;
}

int bh_terminal_open(int devpts, int *ret_master, int *ret_slave, struct bh_error *err)
{
    BH_AUTO(bh_closep) int master = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int unlock = 0, slave;

    if (master < 0)
        return bh_fail_errno(err, "open a terminal");
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
        return bh_fail_errno(err, "unlock the terminal");
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return bh_fail_errno(err, "open the terminal's other side");
    *ret_master = BH_TAKE_FD(master);
    *ret_slave = slave;
    return 0;
}

void bh_terminal_join(struct bh_terminal *t, int master, int in, int out)
{
    struct termios raw;

    *t = (struct bh_terminal){.master = master, .in = in, .out = out};
    (void)fcntl(master, F_SETFL, O_NONBLOCK);
    bh_terminal_resize(t);
    if (tcgetattr(in, &t->saved) < 0)
        return;
    raw = t->saved;
    cfmakeraw(&raw);
    t->raw = tcsetattr(in, TCSADRAIN, &raw) == 0;
}

void bh_terminal_resize(const struct bh_terminal *t)
{
    struct winsize size;

    if (t->master >= 0 && ioctl(t->in, TIOCGWINSZ, &size) == 0)
        (void)ioctl(t->master, TIOCSWINSZ, &size);
}

/* false: the source is gone for good. */
static bool fill(struct bh_pipe *p, int fd)
{
    ssize_t n;

    if (p->from < p->to || p->ended)
        return true;
    n = read(fd, p->data, sizeof p->data);
    if (n > 0) {
        p->from = 0;
        p->to = (size_t)n;
        return true;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void drain(struct bh_pipe *p, int fd)
{
    while (p->from < p->to) {
        ssize_t n = write(fd, p->data + p->from, p->to - p->from);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            p->from = p->to; /* nobody reads any more: the rest has nowhere to go */
        if (n <= 0)
            return;
        p->from += (size_t)n;
    }
}

bool bh_terminal_pump(struct bh_terminal *t, bool in_ready, bool master_ready)
{
    bool open = true;

    if (in_ready && !fill(&t->input, t->in)) {
        /* What the terminal's own Ctrl-D would say, so that a reader inside sees the end. */
        t->input.ended = true;
        (void)!write(t->master, "\004", 1);
    }
    if (master_ready)
        open = fill(&t->output, t->master); /* EIO: every slave is closed */
    drain(&t->input, t->master);
    drain(&t->output, t->out);
    return open;
}

void bh_terminal_leave(struct bh_terminal *t)
{
    if (t->master < 0)
        return;
    do
        drain(&t->output, t->out);
    while (fill(&t->output, t->master) && t->output.from < t->output.to);
    if (t->raw)
        (void)tcsetattr(t->in, TCSADRAIN, &t->saved);
    bh_closep(&t->master);
}
