/* cmd/db.h - what the commands of the family "db" share. */
#pragma once
#include "advisory/import.h"
#include "cmd/command.h"

/* Prints what an import left: one row per database, or JSON. */
void bh_db_print_result(const struct bh_term *out, bool json, const struct bh_import_result *r)
    BH_NONNULL;
/* Databases as a table or as members of an open JSON array. */
void bh_db_print_table(const struct bh_term *out, const struct bh_db_info *infos, size_t count)
    BH_NONNULL_ARGS(1);
void bh_db_print_json(FILE *stream, const char *schema, const struct bh_import_result *r,
                      const struct bh_db_info *infos, size_t count) BH_NONNULL_ARGS(1, 2);
/* A warning on err about records that were passed over. */
void bh_db_warn(const struct bh_term *err, const struct bh_feed_result *feed) BH_NONNULL;
/* Progress of downloads, for struct bh_import. */
struct bh_db_progress {
    const struct bh_term *term;
    struct bh_progress progress;
    const char *input; /* being shown */
};
void bh_db_progress_step(void *context, const char *input, uint64_t received, uint64_t total);
void bh_db_progress_end(struct bh_db_progress *p, bool good) BH_NONNULL;
