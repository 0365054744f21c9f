/* inspect/dpkg.h - dpkg's database: var/lib/dpkg/status, and distroless'
 * var/lib/dpkg/status.d/NAME.
 *
 * Counted are the packages that have files in the system: every state of dpkg(1) but not-installed
 * and config-files. A stanza without Status (status.d) is installed. Field names in any case.
 * Source: dpkg(1) "Package states", deb-control(5), Debian policy 5.1. */
#pragma once
#include "inspect/found.h"
#include "inspect/lines.h"

struct bh_dpkg;
struct bh_dpkg *bh_dpkg_new(struct bh_package_listener listener) BH_RETURNS_NONNULL;
void bh_dpkg_free(struct bh_dpkg *d); /* NULL is allowed */
static inline void bh_dpkg_freep(struct bh_dpkg **d)
{
    bh_dpkg_free(*d);
}
/* Errors: BH_INVALID names the line, from 1; what was found before it was real. */
int bh_dpkg_feed(struct bh_dpkg *d, const void *data, size_t len, struct bh_error *err) BH_CHECKED;
int bh_dpkg_end(struct bh_dpkg *d, struct bh_error *err) BH_CHECKED;
