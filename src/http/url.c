#include "http/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HTTP_PORT 80u
#define HTTPS_PORT 443u

static uint16_t default_port(bool https)
{
    return https ? HTTPS_PORT : HTTP_PORT;
}

/* Bytes that may not stand in a URL at all. Bytes above 0x7f belong into escapes. */
static int check_bytes(const char *text, struct bh_error *err)
{
    size_t len = strnlen(text, BH_URL_MAX);

    if (len >= BH_URL_MAX)
        return bh_fail(err, BH_LIMIT, "URL is longer than %u bytes", BH_URL_MAX - 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= 0x20 || c >= 0x7f || c == '\\')
            return bh_fail(err, BH_INVALID, "URL has byte 0x%02x at offset %zu", c, i);
    }
    return 0;
}

static int parse_port(const char *text, size_t len, uint16_t *ret, struct bh_error *err)
{
    unsigned value = 0;

    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]) || i >= 5)
            return bh_fail(err, BH_INVALID, "URL port \"%.*s\" is not a number", (int)len, text);
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value == 0 || value > 65535)
        return bh_fail(err, BH_INVALID, "URL port \"%.*s\" is not from 1 to 65535", (int)len, text);
    *ret = (uint16_t)value;
    return 0;
}

static int check_host(const char *host, bool ipv6, struct bh_error *err)
{
    struct in6_addr address;

    if (ipv6) {
        if (inet_pton(AF_INET6, host, &address) != 1)
            return bh_fail(err, BH_INVALID, "URL host [%s] is not an IPv6 address", host);
        return 0;
    }
    if (!isalnum((unsigned char)host[0]))
        return bh_fail(err, BH_INVALID, "URL host \"%s\" is not a host name", host);
    for (const char *p = host; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr(".-_", *p))
            return bh_fail(err, BH_INVALID, "URL host \"%s\" is not a host name", host);
    return 0;
}

/* host[:port] or [v6][:port] in text[0..len) */
static int parse_authority(const char *text, size_t len, struct bh_url *u, struct bh_error *err)
{
    const char *host = text, *end = text + len, *host_end, *colon;
    size_t n;

    if (memchr(text, '@', len))
        return bh_fail(err, BH_INVALID, "URL carries user information; give credentials apart");
    u->ipv6 = len > 0 && text[0] == '[';
    if (u->ipv6) {
        host++;
        host_end = memchr(text, ']', len);
        if (!host_end)
            return bh_fail(err, BH_INVALID, "URL host lacks its \"]\"");
        colon = host_end + 1;
    } else {
        host_end = memchr(text, ':', len);
        if (!host_end)
            host_end = end;
        colon = host_end;
    }
    n = (size_t)(host_end - host);
    if (n == 0 || n >= sizeof u->host)
        return bh_fail(err, BH_INVALID, "URL host has %zu bytes, not 1 to %u", n,
                       BH_URL_HOST_MAX - 1);
    for (size_t i = 0; i < n; i++)
        u->host[i] = (char)tolower((unsigned char)host[i]);
    u->host[n] = '\0';
    if (check_host(u->host, u->ipv6, err))
        return -BH_INVALID;
    u->port = default_port(u->https);
    if (colon == end)
        return 0;
    if (*colon != ':')
        return bh_fail(err, BH_INVALID, "URL has text between host and port");
    return parse_port(colon + 1, (size_t)(end - colon - 1), &u->port, err);
}

/* Takes "//" + authority + the rest. u->https is set already. */
static int parse_after_scheme(const char *text, struct bh_url *u, struct bh_error *err)
{
    const char *rest = text + 2;
    size_t len = strcspn(rest, "/?#");
    const char *target = rest + len;
    size_t target_len = strcspn(target, "#");
    int r = parse_authority(rest, len, u, err);

    if (r)
        return r;
    if (target_len + 2 > sizeof u->target)
        return bh_fail(err, BH_LIMIT, "URL is longer than %u bytes", BH_URL_MAX - 1);
    u->target[0] = '/';
    if (target[0] == '/')
        memcpy(u->target, target, target_len);
    else
        memcpy(u->target + 1, target, target_len);
    u->target[target_len + (target[0] != '/')] = '\0';
    return 0;
}

static bool take_scheme(const char *text, bool *ret_https, const char **ret_rest)
{
    bool https = strncasecmp(text, "https:", 6) == 0;

    if (!https && strncasecmp(text, "http:", 5) != 0)
        return false;
    *ret_https = https;
    *ret_rest = text + (https ? 6 : 5);
    return true;
}

int bh_url_parse(const char *text, struct bh_url *ret, struct bh_error *err)
{
    struct bh_url u = {0};
    const char *rest;
    int r = check_bytes(text, err);

    if (r)
        return r;
    if (!take_scheme(text, &u.https, &rest) || strncmp(rest, "//", 2) != 0)
        return bh_fail(err, BH_INVALID, "URL \"%.80s\" does not begin with https:// or http://",
                       text);
    r = parse_after_scheme(rest, &u, err);
    if (r)
        return r;
    *ret = u;
    return 0;
}

/* RFC 3986 5.2.4 on the path of target, in place; the query stays. */
static void remove_dot_segments(char *target)
{
    char *in = target, *out = target;
    char *query = target + strcspn(target, "?");

    while (in < query) {
        size_t len = strcspn(in + 1, "/?");
        bool last = in + 1 + len >= query;

        if (len == 1 && in[1] == '.') {
            if (last)
                *out++ = '/';
        } else if (len == 2 && in[1] == '.' && in[2] == '.') {
            while (out > target) {
                out--;
                if (*out == '/')
                    break;
            }
            if (last)
                *out++ = '/';
        } else {
            memmove(out, in, len + 1);
            out += len + 1;
        }
        in += len + 1;
    }
    if (out == target)
        *out++ = '/';
    memmove(out, query, strlen(query) + 1);
}

/* True for "word:", the scheme of another kind of URL: it ends before any of "/?". */
static bool has_scheme(const char *reference)
{
    size_t n = strcspn(reference, ":/?#");

    return n > 0 && reference[n] == ':';
}

/* How much of the base's target stands before a relative reference. */
static size_t kept_prefix(const char *target, const char *reference)
{
    size_t path = strcspn(target, "?");

    if (reference[0] == '/')
        return 0;
    if (reference[0] == '?')
        return path;
    if (reference[0] == '\0' || reference[0] == '#')
        return strlen(target);
    while (path > 0 && target[path - 1] != '/')
        path--;
    return path;
}

int bh_url_join(const struct bh_url *base, const char *reference, struct bh_url *ret,
                struct bh_error *err)
{
    struct bh_url u = *base;
    size_t keep, len;
    int r = check_bytes(reference, err);

    if (r)
        return r;
    if (has_scheme(reference))
        return bh_url_parse(reference, ret, err);
    if (strncmp(reference, "//", 2) == 0) {
        r = parse_after_scheme(reference, &u, err);
        if (r)
            return r;
        *ret = u;
        return 0;
    }
    keep = kept_prefix(u.target, reference);
    len = strcspn(reference, "#");
    if (keep + len + 2 > sizeof u.target)
        return bh_fail(err, BH_LIMIT, "URL is longer than %u bytes", BH_URL_MAX - 1);
    memcpy(u.target + keep, reference, len);
    u.target[keep + len] = '\0';
    remove_dot_segments(u.target);
    *ret = u;
    return 0;
}

void bh_url_origin(const struct bh_url *u, struct bh_buf *out)
{
    bh_buf_printf(out, u->ipv6 ? "%s://[%s]" : "%s://%s", u->https ? "https" : "http", u->host);
    if (u->port != default_port(u->https))
        bh_buf_printf(out, ":%u", (unsigned)u->port);
}

void bh_url_format(const struct bh_url *u, struct bh_buf *out)
{
    bh_url_origin(u, out);
    bh_buf_puts(out, u->target);
}

bool bh_url_same_origin(const struct bh_url *a, const struct bh_url *b)
{
    return a->https == b->https && a->port == b->port && a->ipv6 == b->ipv6 &&
           strcmp(a->host, b->host) == 0;
}

bool bh_host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool bh_url_is_loopback(const struct bh_url *u)
{
    return bh_host_is_loopback(u->host);
}

void bh_url_escape(struct bh_buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;

        if (isalnum(c) || strchr("-._~", c))
            bh_buf_putc(out, (char)c);
        else
            bh_buf_printf(out, "%%%02X", c);
    }
}
