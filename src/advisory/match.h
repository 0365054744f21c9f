/* advisory/match.h - what is known to be wrong with the packages of an image. */
#pragma once
#include "fact/facts.h"

/* Looks every package of f up in the databases below root that speak for its distribution (by
 * source package and the distribution's version order) or for its language, and adds:
 *   one vulnerability per package and id, aliases joined;
 *   the sources that were asked, with their dates and counts;
 *   a blind coverage record "vulnerabilities" for every ecosystem that no database speaks for, and
 *   for every database that cannot be read: an empty list is never given as "none found".
 * An advisory named after a distribution and a CVE ("DEBIAN-CVE-2024-1") goes by the CVE's id. It
 * cannot fail: whatever goes wrong is coverage. */
void bh_advisory_match(struct bh_facts *f, const char *root) BH_NONNULL;

/* The database keys that speak for a distribution, NULL terminated, in the facts' arena; empty when
 * no ecosystem is known for it. The first one is named in messages. */
const char *const *bh_advisory_keys(struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
