/* advisory/version.h - the order of versions, exactly as each packaging system sorts them.
 *
 * Every order is total over all strings: text that a packaging system would refuse still has one
 * defined place, so that a strange record can never stop a scan. Nothing allocates, numbers may
 * have any number of digits, and time is linear in the length of both texts.
 *
 * Sources: Debian policy 5.6.12 and deb-version(7); apk-tools 3 (where its answer differs from 2.x,
 * for versions neither calls valid and for components with leading zeros, 3 is followed); rpm 4.18
 * rpmvercmp with tilde and caret, and its epoch-version-release rules; Semantic Versioning 2.0.0;
 * PEP 440; the documented orders of RubyGems, NuGet, pub, CRAN, Hackage, Maven and Composer. */
#pragma once
#include "base/error.h"

#include <stddef.h>

#define BH_VERSION_MAX 1024u /* bytes that a reader of outside versions accepts */

enum bh_version_scheme {
    BH_VERSION_NONE = 0, /* an ecosystem whose order is not known here */
    BH_VERSION_DEB,
    BH_VERSION_APK,
    BH_VERSION_RPM,
    BH_VERSION_SEMVER, /* npm, Go, crates.io, Hex, SwiftURL ... */
    BH_VERSION_PYPI,
    BH_VERSION_GEM,
    BH_VERSION_NUGET,
    BH_VERSION_PUB,
    BH_VERSION_DOTTED, /* CRAN, Hackage */
    BH_VERSION_MAVEN,
    BH_VERSION_COMPOSER,
};

/* The order of an OSV ecosystem ("Debian:12", "crates.io"), a package URL type ("deb", "cargo") or
 * a common name ("redhat"); case does not matter and a release after ':' is ignored. */
enum bh_version_scheme bh_version_scheme_of(const char *ecosystem) BH_NONNULL;

/* < 0, 0 or > 0. BH_VERSION_NONE compares bytes. */
int bh_version_compare(enum bh_version_scheme scheme, const char *a, const char *b) BH_NONNULL;

/* Refuses what no reader should store or compare: empty, longer than BH_VERSION_MAX, with white
 * space or control characters. */
int bh_version_check(const char *text, size_t len, struct bh_error *err) BH_CHECKED;
