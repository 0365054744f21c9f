/* cmd/call.h - from a command line to a filled bh_call; used by both the front and the full
 * executable, so it stands on base alone. */
#pragma once
#include "cmd/command.h"

#define BH_PROGRAM "bulkhead"

/* Options every command takes, before or behind its name. */
struct bh_globals {
    const char *root;
    const char *config;
    int color;      /* enum bh_color_when */
    int log_format; /* enum bh_log_format */
    int log_level;  /* enum bh_log_level */
    bool help;
    bool version;
};
extern const struct bh_option bh_global_options[];

/* A command line as it is taken apart. _init borrows argv; _done frees. */
struct bh_invocation {
    struct bh_globals globals;
    struct bh_option_set global_set;
    const struct bh_command *command; /* NULL: none was named */
    void *options;
    struct bh_option_set set;
    struct bh_call call;
    struct bh_term out, err;
    char *root, *run_dir;
    int argc; /* what stands behind the global options: the command's name first */
    char *const *argv;
};

/* Reads the global options that stand before the command's name. argv is without the program. */
int bh_invocation_init(struct bh_invocation *v, int argc, char *const *argv, struct bh_error *err)
    BH_CHECKED;
/* Reads the command's options and operands; words is how many arguments its name took. Operand
 * counts are checked unless --help was given. */
int bh_invocation_parse(struct bh_invocation *v, const struct bh_command *command, size_t words,
                        struct bh_error *err) BH_CHECKED;
/* Environment, configuration (NULL: none) and fallbacks; then terminals, log and state root. */
int bh_invocation_settle(struct bh_invocation *v, const struct bh_config *config,
                         struct bh_error *err) BH_CHECKED;
/* Runs it; a failure is shown. Returns the exit status. */
int bh_invocation_run(struct bh_invocation *v);
void bh_invocation_done(struct bh_invocation *v);

/* Shows err as "bulkhead scan: message" on standard error, control characters escaped, and returns
 * the exit status for it. command may be NULL. */
int bh_show_error(const struct bh_command *command, const struct bh_error *err);

/* The section of a command in a configuration file: "db import" is "db-import". text holds
 * BH_SECTION_SIZE bytes. */
#define BH_SECTION_SIZE 64u
const char *bh_command_section(const struct bh_command *c, char *text);
