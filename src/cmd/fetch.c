/* cmd/fetch.c - the executable bulkhead-fetch: the only process that speaks HTTP and TLS.
 *
 * Started by http/client.h with its socket as descriptor 0; of no use by hand. */
#include "http/fetch_worker.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct bh_error err = BH_ERROR_INIT;
    int type = 0;
    socklen_t size = sizeof type;

    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        type != SOCK_SEQPACKET) {
        fputs("bulkhead-fetch: started by bulkhead itself, not by hand\n", stderr);
        return 2;
    }
    if (bh_fetch_worker(STDIN_FILENO, &err) != 0) {
        fprintf(stderr, "bulkhead-fetch: %s\n", err.message);
        return 1;
    }
    return 0;
}
