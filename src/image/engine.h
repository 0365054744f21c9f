/* image/engine.h - where Docker and Podman listen on this host.
 *
 * Source: Docker CLI (DOCKER_HOST), podman-system-service(1), podman-remote's CONTAINER_HOST. */
#pragma once
#include "base/error.h"
#include "http/proxy.h"

#include <stddef.h>

#define BH_ENGINE_SOCKETS_MAX 4u

struct bh_engine_sockets {
    char *paths[BH_ENGINE_SOCKETS_MAX]; /* absolute */
    size_t count;
};

/* DOCKER_HOST or CONTAINER_HOST when set, and nothing else then; otherwise the usual places,
 * Docker's first, then Podman's for the system and for this user. Nothing is opened. Errors:
 * BH_UNSUPPORTED  the variable names no unix socket: engines over TCP or SSH are not spoken to */
int bh_engine_sockets_find(bh_getenv *environment, struct bh_engine_sockets *ret,
                           struct bh_error *err) BH_CHECKED;
void bh_engine_sockets_done(struct bh_engine_sockets *s);
