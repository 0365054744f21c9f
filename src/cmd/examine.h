/* cmd/examine.h - from a TARGET to everything known about it: opened, inspected, held against the
 * advisories. What `scan`, `check` and the preparation of `run` have in common. */
#pragma once
#include "cmd/command.h"
#include "cmd/target.h"
#include "fact/facts.h"
#include "image/layer_stream.h"

/* How an image is looked at; beside struct bh_target_options, which choose it. Put a member of this
 * type into the command's struct and BH_EXAMINE_ROWS(struct, member) into its table. */
struct bh_examine_options {
    bool no_cache;
    int64_t workers;
    uint64_t limit_bytes;
    int64_t limit_entries, limit_ratio, limit_path, limit_depth, limit_window;
};

#define BH_EXAMINE_AT_(type, member, field)                                                        \
    (offsetof(type, member) + offsetof(struct bh_examine_options, field))
#define BH_EXAMINE_ROWS(type, member)                                                              \
    {.name = "no-cache",                                                                           \
     .kind = BH_OPTION_FLAG,                                                                       \
     .offset = BH_EXAMINE_AT_(type, member, no_cache),                                             \
     .text = "Read every layer again and keep nothing"},                                           \
        {.name = "workers",                                                                        \
         .kind = BH_OPTION_INT,                                                                    \
         .offset = BH_EXAMINE_AT_(type, member, workers),                                          \
         .value = "N",                                                                             \
         .max = 64,                                                                                \
         .text = "Read at most N layers at the same time; 0 is one per processor"},                \
        {.name = "limit-bytes",                                                                    \
         .kind = BH_OPTION_SIZE,                                                                   \
         .offset = BH_EXAMINE_AT_(type, member, limit_bytes),                                      \
         .value = "SIZE",                                                                          \
         .fallback = "64G",                                                                        \
         .text = "Refuse a layer that is larger when unpacked"},                                   \
        {.name = "limit-entries",                                                                  \
         .kind = BH_OPTION_INT,                                                                    \
         .offset = BH_EXAMINE_AT_(type, member, limit_entries),                                    \
         .value = "N",                                                                             \
         .fallback = "1000000",                                                                    \
         .text = "Refuse a layer with more files"},                                                \
        {.name = "limit-ratio",                                                                    \
         .kind = BH_OPTION_INT,                                                                    \
         .offset = BH_EXAMINE_AT_(type, member, limit_ratio),                                      \
         .value = "N",                                                                             \
         .fallback = "250",                                                                        \
         .max = UINT32_MAX,                                                                        \
         .text = "Refuse a layer that unpacks to more than N times its size"},                     \
        {.name = "limit-path",                                                                     \
         .kind = BH_OPTION_INT,                                                                    \
         .offset = BH_EXAMINE_AT_(type, member, limit_path),                                       \
         .value = "BYTES",                                                                         \
         .fallback = "4095",                                                                       \
         .max = 32768,                                                                             \
         .text = "Refuse a layer with longer names"},                                              \
        {.name = "limit-window",                                                                   \
         .kind = BH_OPTION_INT,                                                                    \
         .offset = BH_EXAMINE_AT_(type, member, limit_window),                                     \
         .value = "BITS",                                                                          \
         .fallback = "25",                                                                         \
         .min = 10,                                                                                \
         .max = 28,                                                                                \
         .text = "Refuse a zstd layer that needs 2 to the power of more BITS bytes of memory"},    \
    {                                                                                              \
        .name = "limit-depth", .kind = BH_OPTION_INT,                                              \
        .offset = BH_EXAMINE_AT_(type, member, limit_depth), .value = "N", .fallback = "256",      \
        .max = 4096, .text = "Refuse a layer with names of more components"                        \
    }

void bh_examine_limits(const struct bh_examine_options *o, struct bh_layer_limits *ret) BH_NONNULL;

/* Inspects an opened image and matches advisories. *ret is the caller's. Progress is shown on
 * call->err when that is a terminal. */
int bh_examine_image(const struct bh_call *call, struct bh_image *image,
                     const struct bh_examine_options *o, struct bh_facts **ret,
                     struct bh_error *err) BH_CHECKED;

/* Opens TARGET and examines it. */
int bh_examine(const struct bh_call *call, const char *text, const struct bh_target_options *target,
               const struct bh_examine_options *o, struct bh_facts **ret, struct bh_error *err)
    BH_CHECKED;
