/* cmd/command.h - what a subcommand is: one row of the table from which dispatch, help, manual,
 * completion and the keys of the configuration are made.
 *
 * To add one: a file cmd/NAME.c with `const struct bh_command bh_cmd_NAME = {...};`, a line in
 * cmd/commands.h, the file in cmd/meson.build. */
#pragma once
#include "base/cli.h"
#include "base/config.h"
#include "base/term.h"

enum bh_group {
    BH_GROUP_JUDGE,
    BH_GROUP_RUN,
    BH_GROUP_IMAGES,
    BH_GROUP_ADVISORIES,
    BH_GROUP_HOST,
    BH_GROUP_SELF,
    BH_GROUP_COUNT,
};

/* What a command gets to see. Everything is borrowed and lives until it returns. */
struct bh_call {
    const struct bh_command *command;
    const void *options;             /* the command's own struct, filled */
    const struct bh_option_set *set; /* for bh_option_given */
    struct bh_strings operands;
    size_t dashes;    /* operands before "--"; operands.count when there was none */
    const char *root; /* state root, absolute; may not exist yet */
    bool root_given;
    const char *run_dir; /* volatile state; may not exist yet */
    const struct bh_config
        *config;               /* NULL in the front executable, which runs only without files */
    const struct bh_term *out; /* results go to out->stream, everything else to err->stream */
    const struct bh_term *err;
};

struct bh_example {
    const char *command; /* "bulkhead scan docker://debian:12"; NULL ends a list */
    const char *text;    /* what it does, one line without a full stop */
};

struct bh_command {
    const char *name; /* "scan"; two words for a command of a family: "db import" */
    enum bh_group group;
    const char *summary;  /* one line, imperative, without a full stop */
    const char *operands; /* for the synopsis: "TARGET [-- COMMAND...]"; NULL when there are none */
    size_t operands_min, operands_max; /* max SIZE_MAX: any number */
    enum bh_completion completion;     /* of operands */
    const char *const *operand_words;  /* when operands are words of a list; NULL terminated */
    /* Paragraphs, one per line; a line that begins with a space is shown as it is. */
    const char *text;
    const struct bh_option *options; /* NULL when it has none of its own */
    size_t options_size;             /* of its struct, 0 without options; zeroed before parsing */
    size_t end_at_operand;           /* options behind that operand (from 1) belong to it */
    bool without_config;             /* runs whatever the configuration files say */
    bool hidden;                     /* between Bulkhead's own executables; not in help */
    int failure_status;              /* exit status of every failure of its own; 0: by the code */
    const struct bh_example *examples;
    /* Returns the exit status (enum bh_exit, or a workload's), or -code with *err filled, which is
     * then shown and turned into a status. */
    int (*run)(const struct bh_call *call, struct bh_error *err);
};

/* House-style section 4; `run` and `exec` pass the workload's status on. */
enum bh_exit {
    BH_EXIT_DONE = 0,
    BH_EXIT_FAILED = 1,
    BH_EXIT_USAGE = 2,       /* bad usage or input */
    BH_EXIT_POLICY = 3,      /* policy says no, or findings at the threshold */
    BH_EXIT_UNAVAILABLE = 4, /* unavailable or timed out: a retry may help */
    BH_EXIT_DENIED = 5,
    BH_EXIT_RUN_FAILED = 125, /* `run` itself failed, or the policy refused */
    BH_EXIT_CANNOT_RUN = 126, /* the workload's program cannot be executed */
    BH_EXIT_NO_PROGRAM = 127, /* the workload's program does not exist */
};
int bh_exit_of_code(int code);

/* Choices shared by every command with `--format`. */
extern const char *const bh_format_names[]; /* "table", "json" */
enum bh_format_choice { BH_FORMAT_TABLE, BH_FORMAT_JSON };
