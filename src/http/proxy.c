#include "http/proxy.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *bh_http_environment(const char *name)
{
    return secure_getenv(name);
}

static const char *either(bh_getenv *environment, const char *upper, const char *lower)
{
    const char *value = environment(upper);

    if (!value || !*value)
        value = environment(lower);
    return value && *value ? value : NULL;
}

/* host is the entry, or a name below it. */
static bool covers(const char *entry, size_t len, const char *host)
{
    size_t host_len = strlen(host);
    const char *tail;

    if (len == 1 && entry[0] == '*')
        return true;
    if (len > 0 && entry[0] == '.') {
        entry++;
        len--;
    }
    if (len == 0 || len > host_len)
        return false;
    tail = host + host_len - len;
    return strncasecmp(tail, entry, len) == 0 && (tail == host || tail[-1] == '.');
}

static bool is_excepted(const char *list, const char *host)
{
    while (*list) {
        size_t len = strcspn(list, ", ");

        if (covers(list, len, host))
            return true;
        list += len;
        list += strspn(list, ", ");
    }
    return false;
}

const char *bh_http_proxy(bh_getenv *environment, const char *host)
{
    const char *proxy = either(environment, "HTTPS_PROXY", "https_proxy");
    const char *except = either(environment, "NO_PROXY", "no_proxy");

    if (!proxy)
        proxy = either(environment, "ALL_PROXY", "all_proxy");
    return proxy && except && is_excepted(except, host) ? NULL : proxy;
}
