/* sys/sibling.h - the other executables of this installation.
 *
 * Found from /proc/self/exe alone, never through PATH or the environment: beside this executable
 * (the build tree, and libexec itself), else in ../libexec/bulkhead/ seen from it (bin/bulkhead).
 */
#pragma once
#include "base/error.h"

/* *ret is the absolute path of the executable named "bulkhead-main", "bulkhead-decode" ... (free).
 * Errors: BH_NOT_FOUND says where it was looked for; BH_IO. */
int bh_sibling_path(const char *name, char **ret, struct bh_error *err) BH_CHECKED;
