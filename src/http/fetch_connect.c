/* http/fetch_connect.c - connect(2) as libcurl sees it inside bulkhead-fetch.
 *
 * An engine's unix socket is connected by the parent, which has the right to, and handed over.
 * libcurl is told so (CURL_SOCKOPT_ALREADY_CONNECTED), but 7.88, Debian 12's, calls connect all the
 * same; a unix socket then answers EINVAL to the internet address. This definition comes before
 * libc's in the look-up order and lets such a call succeed; every other goes to the kernel. */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int domain = 0;
    socklen_t domain_size = sizeof domain;

    if (address->sa_family != AF_UNIX &&
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) == 0 && domain == AF_UNIX)
        return 0;
    return (int)syscall(SYS_connect, fd, address, size);
}
