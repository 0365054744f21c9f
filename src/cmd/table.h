/* cmd/table.h - every subcommand there is, in the order help shows them. */
#pragma once
#include "cmd/command.h"

extern const struct bh_command *const bh_commands[]; /* NULL terminated */

/* The command argv[0..argc) begins with; *ret_words is how many arguments its name takes (1 or 2).
 * Errors: BH_USAGE with the nearest known one, or with the members of a family ("db"). */
int bh_command_find(int argc, char *const *argv, const struct bh_command **ret, size_t *ret_words,
                    struct bh_error *err) BH_CHECKED;
/* true when word is the first of a two-word name: "db". */
bool bh_command_is_family(const char *word);
bool bh_command_in_family(const struct bh_command *c, const char *word);
