/* runtime/publish.h - ports of the host relayed to ports inside, by a process of its own.
 *
 * The listening sockets are made in the host's network namespace before the container starts, the
 * connections into the container by a relay that has moved into the container's network namespace:
 * no virtual Ethernet, no route and no rule on the host, and nothing inside can reach out. The
 * relay can do nothing but that: it has no capability, no file system and a system call list of
 * twenty. */
#pragma once
#include "runtime/container.h"
#include "sys/spawn.h"

#define BH_PUBLISH_MAX 64u

/* "8080:80", "127.0.0.1:8080:80", "[::1]:8080:80", each with an optional "/tcp". Without an address
 * it is 127.0.0.1: a port for everybody must be asked for, as 0.0.0.0. */
int bh_publish_parse(const char *text, struct bh_publish *ret, struct bh_error *err) BH_CHECKED;

/* listeners has room for count; all or none are opened. */
int bh_publish_listen(const struct bh_publish *publish, size_t count, int *listeners,
                      struct bh_error *err) BH_CHECKED;
/* Starts the relay for the container whose first process pidfd names. */
int bh_publish_start(const struct bh_publish *publish, size_t count, int *listeners, int pidfd,
                     bool user_namespace, struct bh_child *ret, struct bh_error *err) BH_CHECKED;
