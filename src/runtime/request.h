/* runtime/request.h - what `bulkhead run` was asked for: its options, checked, and their one text.
 *
 * The text names a launch record: two command lines that ask for the same container have the same
 * text, and nothing that does not change the record is part of it. */
#pragma once
#include "base/buf.h"
#include "base/cli.h"
#include "base/mem.h"
#include "profile/launch.h"
#include "runtime/publish.h"

enum bh_network { BH_NETWORK_NONE, BH_NETWORK_HOST };
enum bh_user_namespace {
    BH_USERNS_AUTO,     /* none for root, single for everybody else */
    BH_USERNS_SINGLE,   /* the caller's own ID, as the workload's user */
    BH_USERNS_RANGES,   /* root is the caller, other IDs come from /etc/subuid */
    BH_USERNS_IDENTITY, /* root only: the same IDs, but no capability outside */
};
enum bh_run_format { BH_RUN_TEXT, BH_RUN_JSON };

struct bh_run_request {
    /* As the option table fills it. */
    struct bh_strings env, volumes, tmpfs, publish, policy;
    const char *platform, *auth_file;
    const char *workdir, *user, *hostname, *cpus, *entrypoint;
    uint64_t memory_bytes;
    int64_t pids;
    uint64_t timeout_ms;
    int network, user_namespace, read_only, format;
    bool init, sysfs, terminal, allow_degraded, plain_http;
    /* Operands. */
    const char *target;
    const char *const *command; /* NULL terminated; empty: the image's own */

    /* Made by bh_run_request_check, owned by arena. */
    struct bh_arena *arena;
    struct bh_launch_mount *mounts;
    size_t mount_count;
    struct bh_publish ports[BH_PUBLISH_MAX];
    size_t port_count;
    uint64_t cpu_milli; /* 0: not given */
};

/* The rows of `bulkhead run`, ended by BH_OPTION_END. */
extern const struct bh_option bh_run_options[];

/* Takes the operands TARGET [--] [COMMAND...] and checks every value. */
int bh_run_request_check(struct bh_run_request *q, const struct bh_strings *operands, size_t dashes,
                         struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2);
/* Frees what check made; the option table's lists belong to the option set. */
void bh_run_request_done(struct bh_run_request *q);
/* Appends the text. */
void bh_run_request_text(const struct bh_run_request *q, struct bh_buf *out) BH_NONNULL;

/* "SRC:DST[:OPTION,...]" with ro, rw, exec, noexec, nosuid, nodev; strings are copied to a. A
 * relative SRC is below the working directory. */
int bh_volume_parse(const char *text, struct bh_arena *a, struct bh_launch_mount *ret,
                    struct bh_error *err) BH_CHECKED;
/* "DST[:OPTION,...]" with size=, inodes=, mode=, exec, noexec. */
int bh_tmpfs_parse(const char *text, struct bh_arena *a, struct bh_launch_mount *ret,
                   struct bh_error *err) BH_CHECKED;
/* "1.5" processors as thousandths: 10 to 1,000,000. */
int bh_cpus_parse(const char *text, uint64_t *ret_milli, struct bh_error *err) BH_CHECKED;
