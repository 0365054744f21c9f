/* inspect/found.h - a package as a database lists it, and who wants to hear of it. */
#pragma once
#include "base/error.h"

#define BH_PACKAGE_TEXT_MAX 511u /* bytes of a name, version or architecture */

/* Borrowed for the call. Never NULL, "" when the database does not say. */
struct bh_found_package {
    const char *name, *version, *source_name, *source_version, *architecture, *license;
};

struct bh_package_listener {
    int (*found)(void *self, const struct bh_found_package *p, struct bh_error *err);
    void *self;
};

/* true for text that can be a name, version or architecture: not empty, printable ASCII without
 * white space, at most BH_PACKAGE_TEXT_MAX bytes. */
bool bh_package_text_ok(const char *text) BH_NONNULL;
/* Copies [text, len) without white space around it; false when it does not fit in size. */
bool bh_package_text_copy(char *to, size_t size, const char *text, size_t len) BH_NONNULL;
