/* sys/mount.h - mounts by descriptor: made detached, changed, then attached to an open directory.
 *
 * Nothing here takes a path that somebody else could exchange in between: file systems are made by
 * fsopen(2), trees cloned by open_tree(2), and both attached by move_mount(2) to a descriptor whose
 * kind was checked after it was opened. Linux 5.12 or later (mount_setattr). */
#pragma once
#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct bh_mount_option {
    const char *key;
    const char *value; /* NULL: a flag */
};

/* A new file system as a detached mount; options end with a NULL key, NULL is none. attr is of
 * MOUNT_ATTR_*. The kernel's own words about a refused option are part of the message. */
int bh_mount_new(const char *type, const struct bh_mount_option *options, uint64_t attr,
                 int *ret_fd, struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 4);

/* An overlay of layer_count read-only directories, the uppermost first, given as descriptors. upper
 * and work are descriptors or -1 for a read-only overlay. With user_xattr the user.overlay.* marks
 * count (layers unpacked without privilege). scratch is the path of a directory that may be covered
 * for a moment in this mount namespace: kernels before 6.13 take layers by name only. */
int bh_mount_overlay(const int *layers, size_t layer_count, int upper, int work, bool user_xattr,
                     uint64_t attr, const char *scratch, int *ret_fd, struct bh_error *err)
    BH_CHECKED;

/* A detached copy of the tree at (dirfd, path); path "" is dirfd itself. The last component is not
 * followed when it is a symbolic link. */
int bh_mount_clone(int dirfd, const char *path, bool recursive, int *ret_fd, struct bh_error *err)
    BH_CHECKED;
/* Adds attributes to a mount, to all mounts below it too with recursive. */
int bh_mount_set(int fd, uint64_t attr, bool recursive, struct bh_error *err) BH_CHECKED;
/* Puts a detached mount over the open directory or file target_fd. */
int bh_mount_attach(int fd, int target_fd, struct bh_error *err) BH_CHECKED;
/* Nothing mounted from here on reaches another mount namespace, nor the other way round. */
int bh_mount_make_private(struct bh_error *err) BH_CHECKED;
/* Makes the mount at root_fd the root of this mount namespace and lets go of the old one. */
int bh_mount_pivot(int root_fd, struct bh_error *err) BH_CHECKED;
