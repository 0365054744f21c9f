/* sys/path.h - paths from outside, resolved inside a directory and never out of it.
 *
 * All lookups go through openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: absolute links
 * and
 * ".." stay inside root. Linux 5.6 or later. */
#pragma once
#include "base/error.h"

#include <sys/types.h>

/* openat2 below root_fd; flags as open(2), O_CLOEXEC always added. *ret_fd is the caller's.
 * Errors: BH_NOT_FOUND, BH_DENIED, BH_IO (ELOOP, ENOTDIR ...). */
int bh_open_in_root(int root_fd, const char *path, int flags, mode_t mode, int *ret_fd,
                    struct bh_error *err) BH_CHECKED;

/* Opens the directory that holds the last component of path, inside root, and copies that component
 * to name (size bytes). The last component is neither followed nor required to exist; it is never
 * "", "." or "..". */
int bh_open_parent_in_root(int root_fd, const char *path, int *ret_fd, char *name, size_t size,
                           struct bh_error *err) BH_CHECKED;

/* Lexical: removes "./", empty components and leading "/" from an archive member's name; a ".."
 * that leaves the root is BH_INVALID, one that stays inside is resolved. out holds len + 1 bytes.
 * The root itself becomes "". */
int bh_path_clean(const char *path, size_t len, char *out, struct bh_error *err) BH_CHECKED;
