/* http/wire.h - the messages between a process that wants something fetched and bulkhead-fetch.
 *
 * Both directions are SOCK_SEQPACKET datagrams of one fixed size each; a message of another size,
 * kind or version, or a text field without its NUL, ends the conversation. Descriptors travel with
 * a request in the order of BH_WIRE_FD_*. Nothing is parsed but what is named here, so that a
 * fetch process taken over by a server can say nothing else to its parent. Bodies come through one
 * pipe for each transfer; the fetch process never holds a descriptor of a file to write to.
 *
 * Passing of credentials: they stand in `headers` and nowhere else; both ends wipe a request when
 * it is done. */
#pragma once
#include "base/error.h"
#include "http/url.h"

#include <stdbool.h>
#include <stdint.h>

#define BH_WIRE_MAGIC 0x31484642u  /* "BFH1" */
#define BH_WIRE_HEADERS_MAX 24576u /* bytes of "Name: value\n" lines; bearer tokens are long */
#define BH_WIRE_BODY_MAX 8192u     /* of a request */
#define BH_WIRE_EXCERPT_MAX 4096u  /* of the body of an answer that is not 2xx */
#define BH_WIRE_TRANSFERS_MAX 16u  /* at once in one process */

enum bh_wire_kind {
    BH_WIRE_START = 1,    /* request: begin transfer `id` */
    BH_WIRE_CANCEL = 2,   /* request: end transfer `id`; answered by BH_WIRE_DONE */
    BH_WIRE_PROGRESS = 3, /* event: received and total changed */
    BH_WIRE_DONE = 4,     /* event: transfer `id` ended; nothing follows for it */
};

enum bh_wire_method { BH_WIRE_GET = 1, BH_WIRE_HEAD = 2, BH_WIRE_POST = 3 };

enum bh_wire_flag {
    BH_WIRE_PLAIN_HTTP = 1u << 0, /* http:// is allowed to loopback addresses */
    /* Which descriptors come along, in this order. */
    BH_WIRE_FD_SINK = 1u << 1,   /* a pipe: bh_wire_body and a 2xx body go there */
    BH_WIRE_FD_CA = 1u << 2,     /* a PEM file: trust these issuers instead of the system's */
    BH_WIRE_FD_SOCKET = 1u << 3, /* a connected stream socket to use instead of TCP */
};
#define BH_WIRE_FDS_MAX 3
#define BH_WIRE_FLAGS_ALL (BH_WIRE_PLAIN_HTTP | BH_WIRE_FD_SINK | BH_WIRE_FD_CA | BH_WIRE_FD_SOCKET)

struct bh_wire_request {
    uint32_t magic, kind;
    uint64_t id; /* not 0; chosen by the parent */
    uint32_t method, flags;
    uint32_t connect_timeout_ms, total_timeout_ms; /* 0: none */
    uint32_t stall_timeout_ms;                     /* 0: none */
    uint32_t redirects_max;
    uint64_t offset;    /* ask for the body from this byte on */
    uint64_t bytes_max; /* of the whole body, what was there before `offset` included */
    uint32_t body_len;
    uint32_t reserved; /* 0 */
    char url[BH_URL_MAX];
    char proxy[BH_URL_MAX]; /* "" for none */
    char headers[BH_WIRE_HEADERS_MAX];
    char body[BH_WIRE_BODY_MAX];
};

/* What a pipe begins with, before the first byte of a body. */
struct bh_wire_body {
    uint64_t offset; /* of the byte that follows: the request's, or 0 when the server ignored it */
    uint64_t total;  /* bytes of the whole body as far as known, else 0 */
};

/* The response fields that anything above asks for. Absent ones are "". */
struct bh_wire_fields {
    char content_type[256];
    char content_digest[160]; /* Docker-Content-Digest */
    char etag[512];
    char last_modified[64];
    char retry_after[64];
    char link[1024];
    char authenticate[4096]; /* all WWW-Authenticate lines, joined with ", " */
};

struct bh_wire_event {
    uint32_t magic, kind;
    uint64_t id;
    uint32_t status; /* of the last response, 0 when there was none */
    uint32_t code;   /* enum bh_code; BH_OK when a whole response arrived, whatever its status */
    uint64_t offset; /* as in bh_wire_body */
    uint64_t end;    /* offset and the bytes put into the pipe */
    uint64_t total;  /* size of the whole body as far as known, else 0 */
    uint32_t excerpt_len;
    uint32_t redirects;
    char message[BH_ERROR_MESSAGE_SIZE]; /* when code is not BH_OK */
    struct bh_wire_fields fields;
    char excerpt[BH_WIRE_EXCERPT_MAX]; /* bytes from the server: not text */
};

/* Say whether a message obeys everything above.  Errors: BH_INVALID. */
int bh_wire_check_request(const void *data, size_t len, int fd_count, struct bh_error *err)
    BH_CHECKED;
int bh_wire_check_event(const void *data, size_t len, struct bh_error *err) BH_CHECKED;

/* How many descriptors flags announce. */
int bh_wire_fd_count(uint32_t flags) BH_PURE;

/* One whole message. Sending with wait false returns BH_LIMIT when the socket is full. The
 * descriptors stay the caller's.  Errors: BH_UNAVAILABLE the other side is gone. */
int bh_wire_send(int socket, const void *message, size_t size, const int *fds, int fd_count,
                 bool wait, struct bh_error *err) BH_CHECKED;

/* One whole message into message[0..size); a longer one is BH_INVALID. *ret_len is 0 when the other
 * side closed. Descriptors received are the caller's (close-on-exec), also when the message is then
 * found invalid; at most BH_WIRE_FDS_MAX are kept. BH_LIMIT when wait is false and nothing is
 * there.
 */
int bh_wire_receive(int socket, void *message, size_t size, size_t *ret_len, int *fds,
                    int *ret_fd_count, bool wait, struct bh_error *err) BH_CHECKED;
