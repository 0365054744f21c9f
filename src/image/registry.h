/* image/registry.h - one repository of one registry, read over the distribution protocol.
 *
 * Anonymous, Basic and Bearer (token server) access; answers that may pass (429, 5xx, cut
 * connections) are tried again with back-off, blobs from the byte they broke off at. Everything a
 * registry sends is verified by digest before it counts; its token answers are read in a confined
 * child. The network itself is in another process (http/client.h).
 * Source: OCI distribution-spec 1.1; the distribution token authentication specification. */
#pragma once
#include "image/manifest.h"
#include "image/reference.h"
#include "image/store.h"

struct bh_registry;

struct bh_registry_options {
    bool plain_http;           /* http:// when the host is this machine's loopback */
    const char *auth_file;     /* NULL: the usual places (http/auth_file.h) */
    const char *fetch_program; /* NULL: beside this program; for tests */
    /* As in struct bh_open_options. */
    void (*progress)(void *data, const char *what, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_data;
};

/* reference names a registry. Nothing is asked of it yet. */
int bh_registry_open(const struct bh_reference *reference, const struct bh_registry_options *o,
                     struct bh_registry **ret, struct bh_error *err) BH_CHECKED;
void bh_registry_close(struct bh_registry *r); /* NULL is allowed */
static inline void bh_registry_closep(struct bh_registry **r)
{
    bh_registry_close(*r);
}

/* The manifest or index under a tag or a digest (expected; NULL for a tag). bytes is appended to,
 * at most BH_MANIFEST_MAX; media_type holds 256 bytes and is "" when the registry states none.
 * Errors: BH_CORRUPT      other bytes than the digest, asked for or stated, says
 *         BH_NOT_FOUND    no such image
 *         BH_DENIED       the registry wants other credentials, or its certificate is not accepted
 *         BH_UNAVAILABLE, BH_TIMEOUT  after the attempts of http/retry.h */
int bh_registry_manifest(struct bh_registry *r, const char *tag, const struct bh_digest *expected,
                         struct bh_buf *bytes, char *media_type, struct bh_digest *ret_digest,
                         struct bh_error *err) BH_CHECKED;

#define BH_REGISTRY_PARALLEL 6u /* blobs fetched at the same time */

/* Brings blobs into the store, those it does not have yet, several at once. The first that cannot
 * be had ends all; what arrived of the others stays for the next attempt. An equal digest twice is
 * fetched once. */
int bh_registry_fetch(struct bh_registry *r, struct bh_lease *lease,
                      const struct bh_descriptor *const *blobs, size_t count, struct bh_error *err)
    BH_CHECKED;
