/* http/auth_file.h - credentials for a registry, from the files other tools write.
 *
 * Reads `auths` of containers' auth.json and Docker's config.json. Credential helpers are programs
 * of strangers run with the user's rights: they are refused with a line that says what to do.
 * Source: containers-auth.json(5); Docker CLI configuration. */
#pragma once
#include "base/error.h"
#include "http/proxy.h"

#include <stdbool.h>

#define BH_AUTH_FILE_MAX (1024ul * 1024) /* bytes of such a file */

/* At most one of the two forms is set; none is anonymous. */
struct bh_credential {
    char *username, *password;
    char *identity_token; /* an OAuth refresh token */
};
void bh_credential_done(struct bh_credential *c); /* wipes */
static inline bool bh_credential_is_set(const struct bh_credential *c)
{
    return c->username || c->identity_token;
}

/* Looks an entry up in the text of a file. registry is "host[:port]", repository may be NULL; the
 * most exact key wins: registry/a/b, registry/a, registry. "docker.io" is found under Docker's
 * "https://index.docker.io/v1/" too. *ret is unset when nothing is there.
 * Errors: BH_INVALID      not JSON, or the entry is malformed
 *         BH_UNSUPPORTED  a credential helper is configured for this registry */
int bh_auth_file_parse(const char *text, size_t len, const char *registry, const char *repository,
                       struct bh_credential *ret, struct bh_error *err) BH_CHECKED;

/* The same for a file; it must exist. */
int bh_auth_file_read(const char *path, const char *registry, const char *repository,
                      struct bh_credential *ret, struct bh_error *err) BH_CHECKED;

/* In this order: BULKHEAD_REGISTRY_USER with BULKHEAD_REGISTRY_PASSWORD; auth_file if given, else
 * $REGISTRY_AUTH_FILE (nothing else is looked at then); $XDG_RUNTIME_DIR/containers/auth.json, or
 * /run/containers/0/auth.json for root; $XDG_CONFIG_HOME/containers/auth.json;
 * $DOCKER_CONFIG/config.json or ~/.docker/config.json. The first that has an entry wins. */
int bh_credential_find(const char *auth_file, const char *registry, const char *repository,
                       bh_getenv *getenv_function, struct bh_credential *ret, struct bh_error *err)
    BH_CHECKED;
