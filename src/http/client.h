/* http/client.h - HTTP from a process that never parses a byte of it.
 *
 * The work is done by `bulkhead-fetch`, a confined process that holds the network and the TLS
 * library and nothing else; this side hands it a URL, header lines and a pipe for the body, and
 * gets back a status and a few header fields (http/wire.h). Every limit on a body is kept on this
 * side too. Several transfers run at once. Bodies of answers that are not 2xx never reach the sink;
 * their first bytes are kept as an excerpt for the message.
 *
 * TLS 1.2 or later with a verified certificate. http:// is refused, except to this machine's own
 * loopback addresses when the request says plain_http, and over a unix socket. Redirects are
 * followed by the fetch process, never from https to http, and lose every credential header when
 * they leave the origin.
 *
 * A client belongs to one thread. */
#pragma once
#include "base/buf.h"
#include "base/error.h"
#include "http/proxy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bh_http_client;

struct bh_http_options {
    /* The executable to run; NULL: bulkhead-fetch beside this program or in its libexec folder. */
    const char *worker_path;
    /* Where proxies are named (http/proxy.h), for hosts that are not loopback; NULL: none. */
    bh_getenv *environment;
};

/* Starts the fetch process. options NULL means all defaults.
 * Errors: BH_NOT_FOUND the executable is missing; BH_IO, BH_UNSUPPORTED it cannot be started. */
int bh_http_client_open(const struct bh_http_options *options, struct bh_http_client **ret,
                        struct bh_error *err) BH_CHECKED;
/* Ends the process and every transfer. NULL is allowed. */
void bh_http_client_close(struct bh_http_client *c);
static inline void bh_http_client_closep(struct bh_http_client **c)
{
    bh_http_client_close(*c);
}

enum bh_http_method { BH_HTTP_GET = 1, BH_HTTP_HEAD = 2, BH_HTTP_POST = 3 };

/* Called from bh_http_wait. total is 0 while unknown; both count from the start of the whole body,
 * so that a resumed transfer begins at its offset. */
typedef void bh_http_progress(void *context, uint64_t received, uint64_t total);

/* Called from bh_http_wait with each piece of a 2xx body, in order. offset is the place of its
 * first byte in the whole body. The first piece of a resumed transfer comes with offset 0 when the
 * server ignored the wish to resume: what was there before is to be thrown away. A result other
 * than 0 ends the transfer with that error. */
typedef int bh_http_write(void *context, uint64_t offset, const void *data, size_t len,
                          struct bh_error *err);

struct bh_http_request {
    enum bh_http_method method; /* 0 is BH_HTTP_GET */
    const char *url;
    /* Lines "Name: value", without line ends. They are copied, sent, and wiped. */
    const char *const *headers;
    size_t header_count;
    const void *body; /* of a POST; at most 8 KiB */
    size_t body_len;
    const char *unix_socket; /* connect here instead of to the URL's host; NULL: TCP */
    const char *ca_file;     /* PEM: trust these issuers alone; NULL: the system's */
    bool plain_http;
    uint64_t offset;             /* resume: sink holds this many bytes already */
    uint64_t bytes_max;          /* of the body; 0 means BH_HTTP_BYTES_DEFAULT */
    uint32_t connect_timeout_ms; /* 0 means 15 s */
    uint32_t total_timeout_ms;   /* 0 means none */
    uint32_t stall_timeout_ms;   /* no 1 KiB/s for this long; 0 means 30 s */
    uint32_t redirects_max;      /* at most 32; BH_HTTP_NO_REDIRECTS for none, 0 means 5 */
    /* Where a 2xx body goes, the first of these that is set: pieces to write(); *buffer, whose
     * limit also bounds bytes_max; sink_fd (> 0), a regular file open for writing, at the offset.
     * With none of them the body is not kept. All are borrowed until the transfer is done. */
    bh_http_write *write;
    struct bh_buf *buffer;
    int sink_fd;
    bh_http_progress *progress;
    void *context; /* of write and progress */
};
#define BH_HTTP_BYTES_DEFAULT (4ull * 1024 * 1024)
#define BH_HTTP_NO_REDIRECTS UINT32_MAX

struct bh_http_response {
    int status;
    uint64_t offset;   /* where this body began: 0 when the server ignored the request's */
    uint64_t received; /* bytes of the whole body that are there now */
    /* Field values, "" when absent. */
    char content_type[256];
    char content_digest[160]; /* Docker-Content-Digest */
    char etag[512];
    char last_modified[64];
    char retry_after[64];
    char link[1024];
    char authenticate[4096]; /* all WWW-Authenticate lines, joined with ", " */
    char excerpt[1025];      /* of a body that is not 2xx: printable ASCII, the rest as '.' */
};

/* Runs one request to its end; others go on meanwhile. 0 when a whole response arrived, whatever
 * its status. Errors: BH_INVALID     the URL or a header is malformed, http:// where it is not
 * allowed BH_UNAVAILABLE no connection, or it was cut BH_TIMEOUT     one of the three time limits
 *         BH_DENIED      the certificate was not accepted, or a redirect was refused
 *         BH_LIMIT       a larger body than bytes_max, too many redirects or headers
 *         BH_INTERNAL    the fetch process died or broke its protocol */
int bh_http_perform(struct bh_http_client *c, const struct bh_http_request *q,
                    struct bh_http_response *ret, struct bh_error *err) BH_CHECKED;

#define BH_HTTP_TRANSFERS_MAX 16u

/* Begins a request; *ret_id names it. q and what it points to may go away, but for the sink and
 * context. BH_LIMIT when BH_HTTP_TRANSFERS_MAX are under way. */
int bh_http_start(struct bh_http_client *c, const struct bh_http_request *q, uint64_t *ret_id,
                  struct bh_error *err) BH_CHECKED;

struct bh_http_done {
    uint64_t id;
    int result; /* 0 or -code, as bh_http_perform would have returned */
    struct bh_http_response response;
    struct bh_error error;
};

/* Waits for the next transfer to end, calling progress functions meanwhile.
 * Errors: BH_TIMEOUT after timeout_ms (< 0: never), BH_NOT_FOUND none is under way, BH_INTERNAL the
 * fetch process died: every transfer is lost. */
int bh_http_wait(struct bh_http_client *c, int timeout_ms, struct bh_http_done *ret,
                 struct bh_error *err) BH_CHECKED;

/* Ends all transfers; their ends are not reported any more. */
int bh_http_cancel_all(struct bh_http_client *c, struct bh_error *err) BH_CHECKED;

/* Turns a status that is not 2xx into an error that names it: 401 and 403 BH_DENIED, 404 and 410
 * BH_NOT_FOUND, 408, 429 and 5xx BH_UNAVAILABLE, others BH_INVALID. 0 for 2xx. */
int bh_http_check_status(const struct bh_http_response *r, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1);
