/* http/fetch_worker.h - the loop of the process bulkhead-fetch. */
#pragma once
#include "base/error.h"

/* Loads what the network library needs from the file system, confines the process (no new
 * privileges, an unprivileged user, Landlock, seccomp) and serves requests from socket until the
 * other side closes it.
 * Errors: BH_UNSUPPORTED the kernel cannot confine it; BH_INVALID the parent broke the protocol */
int bh_fetch_worker(int socket, struct bh_error *err) BH_CHECKED;
