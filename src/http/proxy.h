/* http/proxy.h - which proxy the environment names for a host.
 *
 * HTTPS_PROXY or https_proxy, else ALL_PROXY or all_proxy; NO_PROXY or no_proxy lists hosts that go
 * without: "*", names (with everything below them; a leading dot changes nothing), addresses.
 * Source: what curl and Go do alike; there is no standard. */
#pragma once
#include "base/compiler.h"

/* getenv, or what a test puts in its place. */
typedef const char *bh_getenv(const char *name);
/* secure_getenv. */
const char *bh_http_environment(const char *name);

/* Borrowed from the environment; NULL: none. host is without brackets. */
const char *bh_http_proxy(bh_getenv *environment, const char *host) BH_NONNULL;
