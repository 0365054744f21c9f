/* advisory/db_impl.h - what db_read.c and db_write.c share. */
#pragma once
#include "advisory/db.h"
#include "sys/sqlite.h"

struct bh_db_names {
    char **items;
    size_t count, cap;
};
/* File names in a directory that end in suffix, sorted. A missing directory holds none. */
int bh_db_names_read(const char *directory, const char *suffix, struct bh_db_names *ret,
                     struct bh_error *err) BH_CHECKED;
void bh_db_names_done(struct bh_db_names *n);

void bh_db_info_copy(const struct bh_db_info *from, struct bh_db_info *to) BH_NONNULL;
/* The number a query without parameters gives. */
int bh_sqlite_count(struct bh_sqlite *db, const char *sql, int64_t *ret, struct bh_error *err)
    BH_CHECKED;
