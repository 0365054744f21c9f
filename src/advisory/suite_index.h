/* advisory/suite_index.h - a Debian suite's Release file and its Packages indexes.
 *
 * Pure parsers of outside bytes, for the confined reader.
 * Source: Debian repository format, wiki.debian.org/DebianRepository/Format; deb822(5). */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define BH_SUITE_WORD_MAX 64u

struct bh_release {
    char origin[BH_SUITE_WORD_MAX];   /* "Debian" */
    char codename[BH_SUITE_WORD_MAX]; /* "bookworm-security" */
    int64_t date;                     /* seconds since 1970 */
    int64_t valid_until;              /* 0 when the file does not say */
};

/* text[0..len) is a Release or InRelease file; what stands outside its signed part is passed over.
 * Errors: BH_INVALID a field is missing or malformed. */
int bh_release_parse(const char *text, size_t len, struct bh_release *ret, struct bh_error *err)
    BH_CHECKED;

/* The SHA256 that the file gives for a member ("main_binary-amd64_Packages", slashes as in apt's
 * file names) of exactly size bytes: 64 lower-case hex digits and NUL. false when it has none. */
bool bh_release_digest(const char *text, size_t len, const char *member, uint64_t size,
                       char *hex65);

/* Called for every binary package with its source and the source's version. Not NUL terminated. */
typedef void bh_packages_sink(void *context, const char *source, size_t source_len,
                              const char *version, size_t version_len);
/* Returns how many stanzas were malformed and passed over. */
size_t bh_packages_parse(const char *text, size_t len, bh_packages_sink *sink, void *context);
