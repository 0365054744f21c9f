/* http/url.h - http and https URLs: parsing, joining, comparing origins.
 *
 * Strict on purpose: what two parsers could read differently is refused. No user information, no
 * backslash, no control character or space, no escape in the host. A fragment is dropped.
 * Source: RFC 3986 (grammar, 5.2 reference resolution), RFC 6454 section 4 (origin). */
#pragma once
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BH_URL_MAX 8192u     /* bytes of a URL, with the terminating NUL */
#define BH_URL_HOST_MAX 256u /* bytes of a host name, with the terminating NUL */

struct bh_url {
    bool https;
    uint16_t port;              /* the scheme's default when the text has none */
    char host[BH_URL_HOST_MAX]; /* lower case; IPv6 addresses without brackets */
    bool ipv6;
    char target[BH_URL_MAX]; /* path and query, begins with '/' */
};

/* Errors: BH_LIMIT    longer than BH_URL_MAX - 1
 *         BH_INVALID  breaks the grammar, or the scheme is neither http nor https */
int bh_url_parse(const char *text, struct bh_url *ret, struct bh_error *err) BH_CHECKED;

/* What a Location header or a link means, seen from base. ret may be base itself. */
int bh_url_join(const struct bh_url *base, const char *reference, struct bh_url *ret,
                struct bh_error *err) BH_CHECKED;

/* Appends the text; the default port is left out. */
void bh_url_format(const struct bh_url *u, struct bh_buf *out) BH_NONNULL;
/* Appends "scheme://host[:port]", which names a server in messages. */
void bh_url_origin(const struct bh_url *u, struct bh_buf *out) BH_NONNULL;

/* Scheme, host and port are the same: credentials of one may be shown to the other. */
bool bh_url_same_origin(const struct bh_url *a, const struct bh_url *b) BH_NONNULL BH_PURE;

/* "localhost", 127.0.0.0/8 or ::1: the only hosts that may be spoken to without TLS. */
bool bh_url_is_loopback(const struct bh_url *u) BH_NONNULL BH_PURE;
/* The same for a host name alone, without brackets. */
bool bh_host_is_loopback(const char *host) BH_NONNULL BH_PURE;

/* Appends text, with every byte but the unreserved ones (RFC 3986 2.3) written as %XX. */
void bh_url_escape(struct bh_buf *out, const char *text) BH_NONNULL;
