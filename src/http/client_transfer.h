/* http/client_transfer.h - the parent's side of one transfer: its pipe, and the sink it fills.
 *
 * What comes through the pipe was written by the fetch process, which may have been taken over: the
 * limits are kept here. Used by client.c alone. */
#pragma once
#include "base/error.h"
#include "http/client.h"
#include "http/wire.h"

#define BH_CLIENT_PIECE (256ul * 1024) /* bytes read from a pipe at once */

struct bh_client_transfer {
    uint64_t id; /* 0: this place is free */
    int pipe;    /* where the body comes from; -1 when it is not kept, or at its end */
    bool kept;   /* the body goes somewhere */
    int sink_fd;
    struct bh_buf *buffer;
    bh_http_write *write;
    bh_http_progress *progress;
    void *context;
    uint64_t asked, bytes_max; /* offset and limit of the request */
    struct bh_wire_body body;  /* as far as it has been read */
    size_t body_len;           /* bytes of it that were read */
    uint64_t end;              /* offset behind the last byte that reached the sink */
    bool cancelled;
    struct bh_error failure; /* ours, when the sink or a limit refused */
};
#define BH_CLIENT_TRANSFER_INIT ((struct bh_client_transfer){.pipe = -1, .sink_fd = -1})

/* Fills *t but for the id. *ret_write_end is the caller's, to be sent and closed; -1 when the body
 * is not kept. */
int bh_client_transfer_begin(struct bh_client_transfer *t, const struct bh_http_request *q,
                             uint64_t bytes_max, int *ret_write_end, struct bh_error *err)
    BH_CHECKED;
/* Moves what the pipe holds to the sink, through piece[0..BH_CLIENT_PIECE): a few pieces, or all
 * when `all` says so. Trouble ends up in t->failure and closes the pipe. */
void bh_client_transfer_drain(struct bh_client_transfer *t, char *piece, bool all) BH_NONNULL;
/* The transfer ended: what there is to report. */
void bh_client_transfer_finish(struct bh_client_transfer *t, const struct bh_wire_event *e,
                               char *piece, struct bh_http_done *ret) BH_NONNULL;
/* Closes what is open, and makes the place free. */
void bh_client_transfer_done(struct bh_client_transfer *t) BH_NONNULL;
