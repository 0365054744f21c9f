/* cmd/help.h - the command table as help text. */
#pragma once
#include "cmd/command.h"

extern const char *const bh_group_titles[BH_GROUP_COUNT];

void bh_help_overview(const struct bh_term *t) BH_NONNULL;
void bh_help_command(const struct bh_term *t, const struct bh_command *c) BH_NONNULL;
/* The members of "db", with their summaries. */
void bh_help_family(const struct bh_term *t, const char *word) BH_NONNULL;

/* "bulkhead scan [OPTION...] TARGET" (free). */
char *bh_help_synopsis(const struct bh_command *c) BH_NONNULL BH_RETURNS_NONNULL;
/* "table or json", "auto, always or never" (free); for choices. */
char *bh_help_choices(const char *const *choices) BH_NONNULL BH_RETURNS_NONNULL;
