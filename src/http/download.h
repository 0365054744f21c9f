/* http/download.h - one file from a URL into a descriptor, only when it changed.
 *
 * Tries again with back-off when that may help, and goes on where a transfer broke off when the
 * server's entity tag says that it is still the same file. */
#pragma once
#include "http/client.h"

struct bh_http_download {
    const char *url;
    int sink_fd;        /* a regular file, empty, open for writing; borrowed */
    uint64_t bytes_max; /* of the file */
    /* What was had before: NULL or "" for nothing. Both are sent when both are there. */
    const char *etag, *last_modified;
    bool plain_http;
    const char *ca_file; /* as in struct bh_http_request */
    bh_http_progress *progress;
    void *context;
};

struct bh_http_downloaded {
    bool not_modified; /* sink_fd is still empty */
    uint64_t size;
    /* To be kept for the next time; "" when the server states none. */
    char etag[512], last_modified[64];
};

/* c has no other transfer under way. On failure sink_fd may hold a part.
 * Errors: as bh_http_perform and bh_http_check_status, naming the URL. */
int bh_http_download(struct bh_http_client *c, const struct bh_http_download *d,
                     struct bh_http_downloaded *ret, struct bh_error *err) BH_CHECKED;
