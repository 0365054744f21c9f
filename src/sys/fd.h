/* sys/fd.h - descriptors: closing, whole reads and writes, files written aside and renamed. */
#pragma once
#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

/* For BH_AUTO: closes when >= 0. */
void bh_closep(int *fd);

/* Read until len bytes or the end; *ret_len says how many. Retries on EINTR. */
int bh_read_full(int fd, void *data, size_t len, size_t *ret_len, struct bh_error *err) BH_CHECKED;
int bh_write_full(int fd, const void *data, size_t len, struct bh_error *err) BH_CHECKED;

/* Appends the rest of fd to out, up to out->limit. BH_LIMIT when there is more. */
int bh_read_all(int fd, struct bh_buf *out, struct bh_error *err) BH_CHECKED;
/* Opens (dirfd, path) read-only, O_CLOEXEC, and appends its content to out. Trusted paths only. */
int bh_read_file_at(int dirfd, const char *path, struct bh_buf *out, struct bh_error *err)
    BH_CHECKED;

/* Replaces (dirfd, name) whole or not at all: written to a temporary name in the same directory,
 * fsynced, renamed, directory fsynced. mode is of the new file. */
int bh_write_file_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
                     struct bh_error *err) BH_CHECKED;

/* mkdir -p of a path the program chose; existing directories are left as they are. */
int bh_mkdir_parents(int dirfd, const char *path, mode_t mode, struct bh_error *err) BH_CHECKED;

/* Removes (dirfd, name) and everything below without following links or crossing mounts. Missing is
 * success. */
int bh_remove_tree_at(int dirfd, const char *name, struct bh_error *err) BH_CHECKED;
