/* inspect/secret.h - secrets in short texts: environment, labels, history.
 *
 * Two ways to be one: a token whose issuer gave it a form (prefix, alphabet, length), or a value
 * assigned to a name that says "password", "token" and the like, unless the value is a reference, a
 * path, a switch or a placeholder. Few and sure rather than many: a list nobody believes hides the
 * one entry that matters. The values never leave here; only what kind of secret it is. */
#pragma once
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* The kind of the first token in text ("AWS access key", "private key" ...), or NULL. */
const char *bh_secret_token(const char *text, size_t len);
/* Is this what somebody would have to change after it became known? name is that of a variable,
 * label or option. */
bool bh_secret_assigned(const char *name, size_t name_len, const char *value, size_t value_len);
/* Looks through a command line or history entry for tokens and for NAME=VALUE and --name=value.
 * Returns the kind, or NULL; *ret_name and *ret_name_len are the name it was assigned to (inside
 * text), or NULL and 0. */
const char *bh_secret_in_command(const char *text, const char **ret_name, size_t *ret_name_len)
    BH_NONNULL;
