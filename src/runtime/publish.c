#include "runtime/publish.h"

#include "base/mem.h"
#include "runtime/relay.h"
#include "sys/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool parse_port(const char *text, size_t len, uint16_t *ret)
{
    unsigned long n = 0;

    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (unsigned long)(text[i] - '0');
    }
    if (n == 0 || n > 65535)
        return false;
    *ret = (uint16_t)n;
    return true;
}

static bool parse_address(const char *text, uint16_t port, struct bh_publish *p)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&p->host;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&p->host;
    char bare[64];
    size_t len = strlen(text);

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        p->host_len = sizeof *v4;
        return true;
    }
    if (len < 4 || len > sizeof bare || text[0] != '[' || text[len - 1] != ']')
        return false;
    memcpy(bare, text + 1, len - 2);
    bare[len - 2] = '\0';
    if (inet_pton(AF_INET6, bare, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    p->host_len = sizeof *v6;
    return true;
}

int bh_publish_parse(const char *text, struct bh_publish *ret, struct bh_error *err)
{
    struct bh_publish p = {.host_len = 0};
    BH_AUTO(bh_freep) char *copy = bh_strdup(text);
    char *inside, *host, *end = copy + strlen(copy);
    const char *address = "127.0.0.1";
    uint16_t port;

    if (end - copy > 4 && strcmp(end - 4, "/tcp") == 0)
        end[-4] = '\0';
    inside = strrchr(copy, ':');
    if (!inside || !parse_port(inside + 1, strlen(inside + 1), &p.inside))
        goto bad;
    *inside = '\0';
    host = strrchr(copy, ':');
    if (host) {
        *host++ = '\0';
        address = copy;
    } else {
        host = copy;
    }
    if (!parse_port(host, strlen(host), &port) || !parse_address(address, port, &p))
        goto bad;
    *ret = p;
    return 0;
bad:
    return bh_fail(err, BH_USAGE, "published port '%s' is not [ADDRESS:]PORT:PORT (TCP)", text);
}

int bh_publish_listen(const struct bh_publish *publish, size_t count, int *listeners,
                      struct bh_error *err)
{
    const int on = 1;
    int r = 0;

    for (size_t i = 0; i < count; i++) {
        const struct sockaddr *host = (const struct sockaddr *)&publish[i].host;
        int fd = socket(host->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
            (host->sa_family == AF_INET6 &&
             setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
            bind(fd, host, publish[i].host_len) < 0 || listen(fd, 128) < 0) {
            r = bh_fail_errno(err, "listen on port %u of the host",
                              ntohs(((const struct sockaddr_in *)host)->sin_port));
            bh_closep(&fd);
            while (i > 0)
                bh_closep(&listeners[--i]);
            return r;
        }
        listeners[i] = fd;
    }
    return 0;
}

static BH_NORETURN void relay_main(const struct bh_publish *publish, size_t count, int *listeners,
                                   int pidfd, bool user_namespace)
{
    uint16_t ports[BH_PUBLISH_MAX];
    sigset_t none;

    for (size_t i = 0; i < count; i++)
        ports[i] = publish[i].inside;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* the supervisor ends us, after the workload */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
        setns(pidfd, (user_namespace ? CLONE_NEWUSER : 0) | CLONE_NEWNET) < 0)
        _exit(1);
    if (bh_relay_confine(listeners, count, NULL) != 0)
        _exit(1);
    bh_relay_run(listeners, ports, count);
    _exit(1);
}

int bh_publish_start(const struct bh_publish *publish, size_t count, int *listeners, int pidfd,
                     bool user_namespace, struct bh_child *ret, struct bh_error *err)
{
    struct bh_child child = BH_CHILD_INIT;
    struct clone_args args = {
        .flags = CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)&child.pidfd,
        .exit_signal = SIGCHLD,
    };
    long pid = syscall(SYS_clone3, &args, sizeof args);

    if (pid < 0)
        return bh_fail_errno(err, "start the relay of published ports");
    if (pid == 0)
        relay_main(publish, count, listeners, pidfd, user_namespace);
    child.pid = (pid_t)pid;
    *ret = child;
    return 0;
}
