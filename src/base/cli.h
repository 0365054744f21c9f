/* base/cli.h - options as tables: one row is parsed, shown in help, completed and configured.
 *
 * A row says where in a struct of the command's own its value is stored; the row's kind says which
 * type stands there. An option's value comes from the first of: command line, environment,
 * configuration, fallback. All strings stored are borrowed: from argv, the environment, the
 * configuration's tree or the table; they live as long as those.
 * Errors: BH_USAGE for the command line and the environment, BH_INVALID for the configuration. */
#pragma once
#include "base/error.h"
#include "base/node.h"

#include <stddef.h>
#include <stdint.h>

/* An option that may be given several times, and the operands. */
struct bh_strings {
    const char **items; /* NULL terminated once there is one */
    size_t count, cap;
};
void bh_strings_add(struct bh_strings *s, const char *text) BH_NONNULL;
void bh_strings_done(struct bh_strings *s) BH_NONNULL;

enum bh_option_kind {
    BH_OPTION_FLAG,     /* bool; takes no value */
    BH_OPTION_STRING,   /* const char * */
    BH_OPTION_STRINGS,  /* struct bh_strings: each use adds one */
    BH_OPTION_INT,      /* int64_t, from min to max */
    BH_OPTION_SIZE,     /* uint64_t bytes: "512", "64K", "16M", "2G", "1T"; powers of 1024 */
    BH_OPTION_DURATION, /* uint64_t milliseconds: "500ms", "10s", "5m", "1h", "7d" */
    BH_OPTION_CHOICE,   /* int: the index into choices */
};

/* What the shell offers for a value. */
enum bh_completion {
    BH_COMPLETE_NOTHING,
    BH_COMPLETE_FILE,
    BH_COMPLETE_DIRECTORY,
    BH_COMPLETE_TARGET, /* an image: names in the store, kinds, paths */
};

struct bh_option {
    const char *name; /* long, without the dashes; NULL ends a table */
    char letter;      /* or 0 */
    enum bh_option_kind kind;
    size_t offset;              /* of the value in the struct that belongs to the table */
    const char *value;          /* what help calls the value: "FILE"; NULL for flags */
    const char *text;           /* one sentence for help and manual, without the full stop */
    const char *const *choices; /* NULL terminated */
    const char *fallback;       /* the default as it would be typed; NULL leaves zero */
    const char *env;            /* environment variable, or NULL */
    int64_t min, max;           /* of BH_OPTION_INT; both 0: 0 to INT64_MAX */
    enum bh_completion completion;
    bool hidden;    /* works, but is not shown */
    bool no_config; /* cannot be set in a configuration file */
};
#define BH_OPTION_END                                                                              \
    {                                                                                              \
        .name = NULL                                                                               \
    }
#define BH_OPTIONS_MAX 64u /* rows of one table */

/* A table and where its values go. */
struct bh_option_set {
    const struct bh_option *options;
    void *values;   /* zeroed by the caller at first */
    uint64_t given; /* bit i: row i has its value */
};

struct bh_cli {
    struct bh_option_set *sets; /* searched in order */
    size_t set_count;
    /* From this operand on (from 1) everything is an operand, "--" too; 0: options may stand
     * anywhere before "--". */
    size_t end_at_operand;
    /* Filled by bh_cli_parse: */
    struct bh_strings operands; /* bh_strings_done by the caller */
    size_t dashes;              /* operands that stood before "--"; operands.count without one */
    size_t used;                /* arguments looked at */
};

/* argv[0..argc) without the program's name. On failure values and operands are partly filled. */
int bh_cli_parse(struct bh_cli *cli, int argc, char *const *argv, struct bh_error *err) BH_CHECKED;
/* Rows not given yet take their value from their environment variable; an empty one counts as not
 * set. */
int bh_cli_from_environment(struct bh_option_set *set, struct bh_error *err) BH_CHECKED;
/* Rows not given yet take their value from the member of the object that has their name. file is
 * for messages. Members that are no rows are left alone: base/config judges them. */
int bh_cli_from_node(struct bh_option_set *set, const struct bh_node *object, const char *file,
                     struct bh_error *err) BH_CHECKED;
void bh_cli_fallbacks(struct bh_option_set *set);
/* Frees the lists of a set's values. */
void bh_option_set_done(struct bh_option_set *set) BH_NONNULL;
bool bh_option_given(const struct bh_option_set *set, const char *name) BH_NONNULL;

/* "64K" and "10s" for other readers of such values; false when text is none. */
bool bh_size_parse(const char *text, uint64_t *ret_bytes) BH_NONNULL;
bool bh_duration_parse(const char *text, uint64_t *ret_ms) BH_NONNULL;
