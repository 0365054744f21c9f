/* http/fetch_header.h - response header lines, one by one, into the fields of http/wire.h.
 *
 * Runs inside the fetch process only. Everything here comes from a server.
 * Source: RFC 9110 sections 5 (fields), 14.4 (Content-Range). */
#pragma once
#include "base/error.h"
#include "http/wire.h"

#include <stddef.h>
#include <stdint.h>

#define BH_FETCH_HEADER_BYTES_MAX 65536u /* of all responses of one transfer */

struct bh_fetch_headers {
    struct bh_wire_fields fields;
    char location[BH_URL_MAX];
    char content_range[128];
    size_t bytes; /* seen so far */
};

/* One line as received, with or without its line end. A status line ("HTTP/...") begins a new
 * response and clears the fields of the one before.
 * Errors: BH_LIMIT  a field of interest does not fit, or too many header bytes in all */
int bh_fetch_header_line(struct bh_fetch_headers *h, const char *line, size_t len,
                         struct bh_error *err) BH_CHECKED;

/* "bytes FIRST-LAST/TOTAL" or ".../ *". *ret_total is 0 when unknown.  Errors: BH_INVALID. */
int bh_fetch_content_range(const char *text, uint64_t *ret_first, uint64_t *ret_total,
                           struct bh_error *err) BH_CHECKED;
