/* inspect/rpm_header.h - one package header of an rpm database.
 *
 * Source: rpm 4.18 "Header format" (docs/manual/hregions.md): index length and data length (32 bits
 * each, big endian), index entries of tag, type, offset and count, then the data. Only the tags
 * below are looked at; every offset is checked against the data. */
#pragma once
#include "inspect/found.h"

#include <stdint.h>

#define BH_RPM_HEADER_MAX                                                                          \
    (64u * 1024 * 1024) /* bytes: rpm's own limit on index and data is higher */

struct bh_rpm_header {
    const char *name, *version, *release, *architecture, *license, *source_rpm; /* NULL: none */
    uint32_t epoch;
    bool has_epoch;
};

/* Strings are borrowed from data.
 * Errors: BH_INVALID when the header does not hold together or has no name, version, release. */
int bh_rpm_header_parse(const void *data, size_t len, struct bh_rpm_header *ret,
                        struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 3);

/* Tells the listener: version is "epoch:version-release" as `rpm -q --qf '%{EVR}'` prints it,
 * source name and version are read from the source package's file name. Keys ("gpg-pubkey") are no
 * packages and passed over. */
int bh_rpm_header_tell(const struct bh_rpm_header *h, const struct bh_package_listener *to,
                       struct bh_error *err) BH_CHECKED;
