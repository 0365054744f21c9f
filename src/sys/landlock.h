/* sys/landlock.h - file, port and signal rules a process puts on itself and its children for good.
 *
 * What this kernel's Landlock does not know is left out and told, never silently: callers compare
 * what they asked for with bh_landlock_supported. Constants are our own because Debian 12's header
 * ends at ABI 2.
 * Source: landlock(7), Documentation/userspace-api/landlock.rst of Linux 6.18. */
#pragma once
#include "base/error.h"

#include <stdint.h>

/* File rights; the numbers are the kernel's. */
#define BH_LANDLOCK_EXECUTE (1ull << 0)
#define BH_LANDLOCK_WRITE_FILE (1ull << 1)
#define BH_LANDLOCK_READ_FILE (1ull << 2)
#define BH_LANDLOCK_READ_DIR (1ull << 3)
#define BH_LANDLOCK_REMOVE_DIR (1ull << 4)
#define BH_LANDLOCK_REMOVE_FILE (1ull << 5)
#define BH_LANDLOCK_MAKE_CHAR (1ull << 6)
#define BH_LANDLOCK_MAKE_DIR (1ull << 7)
#define BH_LANDLOCK_MAKE_REG (1ull << 8)
#define BH_LANDLOCK_MAKE_SOCK (1ull << 9)
#define BH_LANDLOCK_MAKE_FIFO (1ull << 10)
#define BH_LANDLOCK_MAKE_BLOCK (1ull << 11)
#define BH_LANDLOCK_MAKE_SYM (1ull << 12)
#define BH_LANDLOCK_REFER (1ull << 13)     /* ABI 2 */
#define BH_LANDLOCK_TRUNCATE (1ull << 14)  /* ABI 3 */
#define BH_LANDLOCK_IOCTL_DEV (1ull << 15) /* ABI 5 */
#define BH_LANDLOCK_FS_ALL ((1ull << 16) - 1)
#define BH_LANDLOCK_FS_READ (BH_LANDLOCK_EXECUTE | BH_LANDLOCK_READ_FILE | BH_LANDLOCK_READ_DIR)
/* The rights a file, as opposed to a directory, can be given. */
#define BH_LANDLOCK_FS_ON_FILE                                                                     \
    (BH_LANDLOCK_EXECUTE | BH_LANDLOCK_WRITE_FILE | BH_LANDLOCK_READ_FILE | BH_LANDLOCK_TRUNCATE | \
     BH_LANDLOCK_IOCTL_DEV)

#define BH_LANDLOCK_BIND_TCP (1ull << 0)    /* ABI 4 */
#define BH_LANDLOCK_CONNECT_TCP (1ull << 1) /* ABI 4 */
#define BH_LANDLOCK_NET_ALL ((1ull << 2) - 1)

#define BH_LANDLOCK_SCOPE_ABSTRACT_UNIX (1ull << 0) /* ABI 6 */
#define BH_LANDLOCK_SCOPE_SIGNAL (1ull << 1)        /* ABI 6 */
#define BH_LANDLOCK_SCOPE_ALL ((1ull << 2) - 1)

/* Kinds of action a ruleset governs: each is denied unless a rule allows it. */
struct bh_landlock_handled {
    uint64_t fs, net, scoped;
};

/* The kernel's ABI version; 0 when it has no Landlock or it is switched off. */
int bh_landlock_abi(void);
/* What that version can govern (0 in all members for 0). */
struct bh_landlock_handled bh_landlock_supported(int abi);

/* A ruleset governing what both *handled and this kernel name. *ret_fd is the caller's.
 * Errors: BH_UNSUPPORTED  no Landlock here, or nothing of *handled is known to it */
int bh_landlock_create(const struct bh_landlock_handled *handled, int *ret_fd, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
/* Allows access to the file or below the directory that path_fd (O_PATH will do) names. Rights
 * which do not apply to a file are left out for a file, those unknown to this kernel everywhere. */
int bh_landlock_allow_path(int ruleset_fd, int path_fd, uint64_t access, struct bh_error *err)
    BH_CHECKED;
/* Errors: BH_UNSUPPORTED before ABI 4. */
int bh_landlock_allow_port(int ruleset_fd, uint16_t port, uint64_t access, struct bh_error *err)
    BH_CHECKED;
/* From here on for this thread and its children. no_new_privs must be set, or CAP_SYS_ADMIN held.
 */
int bh_landlock_enforce(int ruleset_fd, struct bh_error *err) BH_CHECKED;
