/* runtime/skeleton.h - the directory a start needs beside the image's layers.
 *
 *   fs/          the lowest layer: empty mount points and /etc/hosts, so that an image lacking them
 *                starts read-only too
 *   dev/         the container's /dev: the nodes of runtime/device.h (empty files where we may not
 *                make nodes), links, and places for pts, shm, mqueue and console
 *   root, upper  places to mount the root file system and its writable layer
 *   empty, empty-file   what masked paths are covered with
 * Made once for each set of mount points, aside, then renamed; never changed. */
#pragma once
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct bh_skeleton_point {
    const char *path; /* absolute, inside */
    bool directory;
};

/* Below the state root; *ret_path (free) is absolute when root_path is. with_nodes: make device
 * nodes; wants root of the initial user namespace. */
int bh_skeleton_make(const char *root_path, const struct bh_skeleton_point *points, size_t count,
                     bool with_nodes, char **ret_path, struct bh_error *err) BH_CHECKED;
