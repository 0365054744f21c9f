/* inspect/package_purl.h - the package URL of an installed package of a distribution.
 *
 * deb and apk keep the whole version; rpm's epoch is a qualifier. The distribution is the namespace
 * and, with its version, the qualifier distro.
 * Source: purl-spec, types-doc/{deb,apk,rpm}-definition. */
#pragma once
#include "fact/facts.h"

/* Owned by arena; "" when the package has no name. */
const char *bh_package_purl(const struct bh_package *p, const struct bh_distribution *d,
                            struct bh_arena *arena) BH_NONNULL BH_RETURNS_NONNULL;
