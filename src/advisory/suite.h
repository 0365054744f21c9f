/* advisory/suite.h - the security suite's package index as a source of its own.
 *
 * A fresh machine may reach nothing but the mirror that apt uses. The index of bookworm-security
 * names, per source package, the newest version with security updates; an installed package of that
 * source that is older lacks them. What the index cannot tell is which vulnerabilities they mend
 * and how severe those are, nor anything about vulnerabilities without an update.
 *
 * Each source becomes one advisory: id "debian-security:<source>" (one per source, so that an
 * exception can name it), severity unknown, fixed by the version in the suite, in the database
 * debian-security-<codename>, "debian-security bookworm" in reports, dated by the Release file.
 *
 * The lists are apt's own, which checked their signatures; each index is held against the SHA256 of
 * its Release file again here, in the confined process that reads them. */
#pragma once
#include "advisory/import.h"

#define BH_APT_LISTS "/var/lib/apt/lists"

/* Imports the indexes of every security suite whose lists are in directory.
 * Errors: BH_NOT_FOUND there are none; BH_CORRUPT a digest or the shrink of bh_db_set_commit;
 *         BH_INVALID malformed files. */
int bh_suite_import(const struct bh_import *i, const char *directory, const char *note,
                    struct bh_import_result *ret, struct bh_error *err) BH_CHECKED;

/* Seconds since the oldest of the security suites in directory was published; -1 when there is
 * none. */
int64_t bh_suite_age(const char *directory, int64_t now);
