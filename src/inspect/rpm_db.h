/* inspect/rpm_db.h - rpm's database in SQLite form: rpmdb.sqlite, table Packages(hnum, blob).
 *
 * Source: rpm 4.16+ lib/backend/sqlite.c. */
#pragma once
#include "inspect/found.h"

#include <stdint.h>

/* fd holds the database (size bytes), read with pread. Every package that can be read is told; the
 * error then speaks of the first that could not.
 * Errors: BH_INVALID, BH_LIMIT (sys/sqlite_fd.h), or what the listener returned. */
int bh_rpm_db_read(int fd, uint64_t size, const struct bh_package_listener *to,
                   struct bh_error *err) BH_CHECKED;
