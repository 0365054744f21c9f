/* image/registry_impl.h - what registry*.c share. */
#pragma once
#include "http/auth_file.h"
#include "http/client.h"
#include "image/registry.h"

struct bh_registry {
    struct bh_registry_options o;
    struct bh_http_client *client;
    char *name;       /* of the registry, as in the reference: the key of credentials */
    char *origin;     /* "https://host[:port]" */
    char *repository; /* "library/nginx" */
    char *ca_file;    /* or NULL */
    struct bh_credential credential;
    bool credential_known;
    char *authorization; /* header line, NULL while none is needed */
    unsigned generation; /* of authorization: goes up with every new one */
};

/* Gets a new authorization for what authenticate (WWW-Authenticate) asks.
 * Errors: BH_DENIED as of bh_registry_deny. */
int bh_registry_authorize(struct bh_registry *r, const char *authenticate, struct bh_error *err)
    BH_CHECKED;

/* BH_DENIED, with what credentials there are and how to give others. */
int bh_registry_deny(const struct bh_registry *r, struct bh_error *err) BH_CHECKED;

/* "origin/v2/repository/" and path. The caller frees. */
char *bh_registry_url(const struct bh_registry *r, const char *path) BH_RETURNS_NONNULL;

/* Waits so long. */
void bh_registry_sleep(uint32_t ms);
uint32_t bh_registry_random(void);
uint64_t bh_registry_now_ms(void);

/* Reads the token out of a token server's answer, in a confined child. The caller wipes and frees.
 */
int bh_registry_read_token(const char *json, size_t len, char **ret, struct bh_error *err)
    BH_CHECKED;
