/* inspect/os_release.h - the distribution, from etc/os-release or usr/lib/os-release.
 *
 * Source: os-release(5): shell-like assignments, quoting with " and ', backslash escapes. */
#pragma once
#include "base/mem.h"
#include "fact/facts.h"

#define BH_OS_RELEASE_MAX (64u * 1024) /* bytes */

/* Lines that are no assignments are passed over, as os-release(5) readers do. ID must be
 * [a-z0-9._-]+; without a usable one ret->id stays NULL. Strings are owned by arena. */
void bh_os_release_parse(const char *text, size_t len, struct bh_arena *arena,
                         struct bh_distribution *ret) BH_NONNULL_ARGS(1, 3, 4);
