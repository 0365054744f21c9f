/* http/fetch_transfer.h - one request of http/wire.h, carried out by libcurl.
 *
 * Runs inside the fetch process only. */
#pragma once
#include "base/error.h"
#include "http/wire.h"

#include <curl/curl.h>

/* The issuers to trust when a request brings none: Debian's bundle (ca-certificates). */
#define BH_FETCH_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

struct bh_fetch_transfer;

/* Takes the descriptors over, also on failure. q is copied.  Errors: BH_INVALID for a URL or a
 * scheme that may not be used, BH_LIMIT for a certificate file over 1 MiB. */
int bh_fetch_transfer_new(const struct bh_wire_request *q, const int *fds,
                          struct bh_fetch_transfer **ret, struct bh_error *err) BH_CHECKED;
void bh_fetch_transfer_free(struct bh_fetch_transfer *t); /* wipes the request; NULL is allowed */

/* Its handle, to be added to a multi handle; CURLINFO_PRIVATE of it is the transfer. */
CURL *bh_fetch_transfer_handle(const struct bh_fetch_transfer *t) BH_NONNULL;
uint64_t bh_fetch_transfer_id(const struct bh_fetch_transfer *t) BH_NONNULL;

/* libcurl says that the handle, already removed from its multi handle, is done. True when the
 * transfer goes on at another place (a redirect): add the handle again. False when it ended. */
bool bh_fetch_transfer_continues(struct bh_fetch_transfer *t, CURLcode code) BH_NONNULL;

/* What to tell the parent now: kind is BH_WIRE_PROGRESS or, after the end, BH_WIRE_DONE. Borrowed.
 */
const struct bh_wire_event *bh_fetch_transfer_event(struct bh_fetch_transfer *t,
                                                    enum bh_wire_kind kind) BH_NONNULL;
/* Bytes of the body so far, to see whether there is progress to tell. */
uint64_t bh_fetch_transfer_end(const struct bh_fetch_transfer *t) BH_NONNULL;
