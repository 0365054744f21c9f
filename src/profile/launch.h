/* profile/launch.h - the launch record: everything a container's start needs, in one flat file.
 *
 * The slow half of `bulkhead run` (import, unpack, inspect, verdict, profile) writes it; the front
 * reads it with libc alone and starts the container without doing any of that again. A record also
 * lists the files it was made from, with the identity they had, so that a changed policy, database
 * or name is noticed by a handful of stat calls.
 *
 * Form: "BHLAUNCH", version, length, FNV-1a of the rest, then the fields of struct bh_launch in the
 * order of the declaration, little endian. Texts are a 32-bit length, the bytes and a NUL; lists
 * are a 32-bit count and the elements. The version changes whenever the declaration does: an
 * unknown version is BH_UNSUPPORTED and the record is made anew, it is never converted.
 *
 * The state root belongs to the user who runs the container, so records are trusted as far as that
 * user is; the reader still checks every bound, because a torn file must not become a wild pointer.
 */
#pragma once
#include "base/error.h"
#include "base/mem.h"

#include <linux/filter.h>
#include <stdint.h>

#define BH_LAUNCH_VERSION 2u
#define BH_LAUNCH_MAX (1u << 20) /* bytes of a record */

/* A file the record depends on. present false: it did not exist, and must still not. */
struct bh_launch_input {
    const char *path;
    bool present;
    uint64_t device, inode, size_bytes;
    int64_t mtime_ns, ctime_ns;
};

struct bh_launch_layer {
    const char *dir;  /* the directory in overlay form */
    const char *lock; /* held with LOCK_SH while the container runs; "" when there is none */
};

enum bh_launch_mount_kind { BH_MOUNT_VOLUME = 1, BH_MOUNT_TMPFS = 2 };

struct bh_launch_mount {
    uint32_t kind;               /* enum bh_launch_mount_kind */
    const char *source;          /* absolute path on the host; "" for a tmpfs */
    const char *target;          /* absolute path inside */
    uint64_t attr;               /* MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC */
    uint64_t size_bytes, inodes; /* of a tmpfs, 0: the default */
    uint32_t mode;               /* of a tmpfs' root */
};

/* A Landlock rule: what may be done beneath path. Rights the kernel does not know are dropped. */
struct bh_launch_landlock {
    const char *path;
    uint64_t access; /* LANDLOCK_ACCESS_FS_* */
};

struct bh_launch_rlimit {
    uint32_t resource; /* RLIMIT_* */
    uint64_t soft, hard;
};

/* A range of a user namespace's mapping, as in user_namespaces(7). */
struct bh_launch_id_map {
    uint32_t inside, outside, count;
};

enum bh_launch_flag {
    BH_LAUNCH_READ_ONLY = 1u << 0,      /* the root file system cannot be written */
    BH_LAUNCH_HOST_NETWORK = 1u << 1,   /* no network namespace of its own */
    BH_LAUNCH_INIT = 1u << 2,           /* our init is PID 1, the workload its child */
    BH_LAUNCH_USER_NAMESPACE = 1u << 3, /* uid_maps and gid_maps apply */
    BH_LAUNCH_MAP_HELPERS = 1u << 4,    /* maps are written by newuidmap and newgidmap */
    BH_LAUNCH_SYSFS = 1u << 5,          /* a read-only /sys; otherwise it is empty */
    BH_LAUNCH_ALLOW_DEGRADED = 1u << 6, /* a protection the kernel cannot give is only reported */
    BH_LAUNCH_VOLATILE = 1u << 7,       /* good for one start: the target can change unseen */
};

/* Limits: 0 is "no limit" only where the record's author wrote so on purpose. */
struct bh_launch_limits {
    uint64_t memory_bytes;
    uint64_t swap_bytes; /* beyond memory; 0 is none, UINT64_MAX no limit */
    uint64_t pids;
    uint64_t cpu_milli; /* thousandths of one processor */
};

struct bh_launch {
    const char *request; /* what was asked for: compared whole, since keys may collide */
    struct bh_launch_input *inputs;
    size_t input_count;
    int64_t expires; /* seconds since the epoch: a verdict speaks of ages and dates; 0 is never */

    const char *reference;       /* as the user named the image */
    const char *image_digest;    /* "" for a plain directory */
    const char *profile_digest;  /* of the profile document this was compiled from, or "" */
    const char *verdict;         /* "allow" or "warn" */
    const char *const *warnings; /* one line each, said at every start */

    struct bh_launch_layer *layers; /* the uppermost first */
    size_t layer_count;
    const char *skeleton; /* lowest layer: the mount points, empty, and the /dev directory */
    uint32_t flags;       /* enum bh_launch_flag */

    const char *const *argv;
    const char *const *env;
    const char *cwd;
    const char *hostname;
    uint32_t uid, gid;
    uint32_t *groups;
    size_t group_count;
    struct bh_launch_id_map *uid_maps, *gid_maps;
    size_t uid_map_count, gid_map_count;
    uint64_t capabilities; /* bit n: capability n, kept in the sets the workload starts with */

    struct sock_filter *seccomp;
    size_t seccomp_count; /* instructions; 0 is no filter, which only a rehearsal asks for */
    struct bh_launch_landlock *landlock;
    size_t landlock_count; /* 0 is no ruleset */
    const char *const *masked_paths;
    const char *const *readonly_paths;

    struct bh_launch_mount *mounts; /* in the order they are made */
    size_t mount_count;
    struct bh_launch_limits limits;
    struct bh_launch_rlimit *rlimits;
    size_t rlimit_count;
    const char *stop_signal; /* "SIGTERM", or "" */

    struct bh_arena *arena; /* not in the file: owns everything above in a record that was read */
};

/* Reads (dirfd, name). On success *ret is the caller's (bh_launch_free).
 * Errors: BH_NOT_FOUND, BH_LIMIT longer than BH_LAUNCH_MAX, BH_UNSUPPORTED another version,
 *         BH_CORRUPT anything out of bounds or a wrong sum. */
int bh_launch_read(int dirfd, const char *name, struct bh_launch **ret, struct bh_error *err)
    BH_CHECKED;
/* The same from memory. */
int bh_launch_decode(const void *data, size_t len, struct bh_launch **ret, struct bh_error *err)
    BH_CHECKED;
void bh_launch_free(struct bh_launch *l); /* NULL is allowed; for records that were read */
static inline void bh_launch_freep(struct bh_launch **l)
{
    bh_launch_free(*l);
}

/* Replaces (dirfd, name) whole or not at all. Text members that are NULL are written as "". */
int bh_launch_write(int dirfd, const char *name, const struct bh_launch *l, struct bh_error *err)
    BH_CHECKED;
/* Appends the record to out; BH_LIMIT past BH_LAUNCH_MAX. */
struct bh_buf;
int bh_launch_encode(const struct bh_launch *l, struct bh_buf *out, struct bh_error *err)
    BH_CHECKED;

/* The identity path has now; a path that cannot be looked at counts as absent. */
void bh_launch_input_of(const char *path, struct bh_launch_input *ret) BH_NONNULL;
/* NULL when every input is as it was and the record has not expired, else what is wrong: the path
 * of the first input that changed, or "its age". */
const char *bh_launch_stale(const struct bh_launch *l) BH_NONNULL;

#define BH_LAUNCH_KEY_SIZE 17u /* 16 hex digits and NUL */
/* The file name for a request's text. */
const char *bh_launch_key(const char *request, char key[BH_LAUNCH_KEY_SIZE]) BH_NONNULL;
