#include "http/download.h"

#include "base/mem.h"
#include "http/retry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A weak tag names no exact bytes (RFC 9110 13.1.5). */
static bool is_strong(const char *etag)
{
    return etag[0] == '"';
}

/* One attempt. resume is the tag of the part that is there already, "" for none. */
static int attempt(struct bh_http_client *c, const struct bh_http_download *d, uint64_t offset,
                   const char *resume, struct bh_http_done *done, struct bh_error *err)
{
    char *lines[2] = {NULL};
    size_t count = 0;
    uint64_t id;
    int r;

    if (offset) {
        lines[count++] = bh_format("If-Range: %s", resume);
    } else {
        if (d->etag && *d->etag)
            lines[count++] = bh_format("If-None-Match: %s", d->etag);
        if (d->last_modified && *d->last_modified)
            lines[count++] = bh_format("If-Modified-Since: %s", d->last_modified);
    }
    r = bh_http_start(c,
                      &(struct bh_http_request){.url = d->url,
                                                .headers = (const char *const *)lines,
                                                .header_count = count,
                                                .plain_http = d->plain_http,
                                                .ca_file = d->ca_file,
                                                .offset = offset,
                                                .bytes_max = d->bytes_max,
                                                .sink_fd = d->sink_fd,
                                                .progress = d->progress,
                                                .context = d->context},
                      &id, err);
    free(lines[0]);
    free(lines[1]);
    return r ? r : bh_http_wait(c, -1, done, err);
}

static void wait_ms(uint32_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}

static int finish(const struct bh_http_download *d, const struct bh_http_done *done,
                  struct bh_http_downloaded *ret, struct bh_error *err)
{
    int r;

    if (done->result) {
        *err = done->error;
        return bh_wrap(err, "%.300s", d->url);
    }
    r = done->response.status == 304 ? 0 : bh_http_check_status(&done->response, err);
    if (r)
        return bh_wrap(err, "%.300s", d->url);
    ret->not_modified = done->response.status == 304;
    ret->size = ret->not_modified ? 0 : done->response.received;
    memcpy(ret->etag, done->response.etag, sizeof ret->etag);
    memcpy(ret->last_modified, done->response.last_modified, sizeof ret->last_modified);
    return 0;
}

int bh_http_download(struct bh_http_client *c, const struct bh_http_download *d,
                     struct bh_http_downloaded *ret, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct bh_http_done *done = bh_new0(sizeof *done);
    struct bh_error own = BH_ERROR_INIT, *e = err ? err : &own;
    struct bh_retry retry = {0};
    char resume[512] = "";
    uint64_t offset = 0;

    for (;;) {
        uint32_t delay_ms = 0;
        uint64_t end;
        int r = attempt(c, d, offset, resume, done, e);

        if (r)
            return bh_wrap(e, "%.300s", d->url);
        end = done->response.received;
        if (!bh_retry_next(&retry, done->result, done->result ? 0 : done->response.status,
                           done->response.retry_after, done->result && end > offset, time(NULL),
                           (uint32_t)(uintptr_t)done ^ (uint32_t)clock(), &delay_ms))
            return finish(d, done, ret, e);
        /* A part counts only while its exact bytes have a name. */
        offset = 0;
        if (done->result && is_strong(done->response.etag)) {
            offset = end;
            memcpy(resume, done->response.etag, sizeof resume);
        } else if (ftruncate(d->sink_fd, 0) != 0) {
            return bh_fail_errno(e, "empty the file to begin again");
        }
        wait_ms(delay_ms);
    }
}
