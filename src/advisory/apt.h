/* advisory/apt.h - the security suites that this machine's apt is configured with, fetched by apt
 * itself into a directory of our own.
 *
 * apt's mirror, proxy, transports and keys are used as they are configured, and apt checks the
 * signatures; nothing of the system's own state is touched and none of its update hooks run. The
 * administrator's files below /etc/apt are trusted.
 * Source: sources.list(5), one-line and deb822 style. */
#pragma once
#include "base/buf.h"

/* The security entries (suites ending in "-security" or "/updates") of one file of apt's, rewritten
 * for binary packages of these suites alone. deb822 tells the style. With extra suites, each entry
 * names those too. Returns how many entries were appended to out, in the same style. */
size_t bh_apt_security_entries(const char *text, bool deb822, const char *const *extra,
                               struct bh_buf *out) BH_NONNULL_ARGS(1, 4);

/* Makes a directory (free the path; bh_apt_remove) and fetches into its folder "lists" the Release
 * files and indexes of apt's security suites, and of those named in extra (NULL terminated) from
 * the same mirrors.
 * Errors: BH_NOT_FOUND   apt is not here, or has no security suite
 *         BH_UNAVAILABLE apt could not fetch or verify; the message is apt's last */
int bh_apt_fetch(const char *const *extra, char **ret_directory, struct bh_error *err) BH_CHECKED;
void bh_apt_remove(char *directory); /* removes and frees; NULL is allowed */
static inline void bh_apt_removep(char **directory)
{
    bh_apt_remove(*directory);
}
