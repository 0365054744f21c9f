/* cmd/target.h - the image a command speaks of: the options that choose it, and opening it.
 *
 * Commands that take a TARGET put BH_TARGET_ROWS into their option table and a struct
 * bh_target_options into their options. */
#pragma once
#include "cmd/command.h"
#include "image/source.h"

struct bh_target_options {
    const char *platform;
    const char *auth_file;
    bool plain_http;
};

#define BH_TARGET_ROWS(type, member)                                                               \
    {.name = "platform",                                                                           \
     .kind = BH_OPTION_STRING,                                                                     \
     .offset = offsetof(type, member) + offsetof(struct bh_target_options, platform),              \
     .value = "OS/ARCH[/VARIANT]",                                                                 \
     .text = "Choose this platform where an image is there for several; the host's otherwise"},    \
        {.name = "auth-file",                                                                      \
         .kind = BH_OPTION_STRING,                                                                 \
         .offset = offsetof(type, member) + offsetof(struct bh_target_options, auth_file),         \
         .value = "FILE",                                                                          \
         .completion = BH_COMPLETE_FILE,                                                           \
         .env = "REGISTRY_AUTH_FILE",                                                              \
         .text = "Take the passwords of registries from FILE; otherwise from where podman and "    \
                 "docker keep them"},                                                              \
    {                                                                                              \
        .name = "plain-http", .kind = BH_OPTION_FLAG,                                              \
        .offset = offsetof(type, member) + offsetof(struct bh_target_options, plain_http),         \
        .text = "Speak HTTP without TLS to a registry on this host"                                \
    }

/* An open image and what it stands on. The image is freed before the store. */
struct bh_target {
    struct bh_store *store;
    struct bh_image *image;
    struct bh_open_options options; /* with progress on the terminal of the call */
    struct bh_arena *arena;
    struct bh_progress progress;
    char *title; /* what is being shown; NULL while nothing is */
    const struct bh_term *term;
};
#define BH_TARGET_INIT ((struct bh_target){.store = NULL})

/* Opens the store (made when there is none) and the image. */
int bh_target_open(const struct bh_call *call, const struct bh_target_options *o, const char *text,
                   struct bh_target *ret, struct bh_error *err) BH_CHECKED;
/* Ends the progress display, if one is shown. */
void bh_target_progress_end(struct bh_target *t, bool good);
void bh_target_done(struct bh_target *t);
