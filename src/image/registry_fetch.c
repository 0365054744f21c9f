#include "http/retry.h"
#include "image/registry_impl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AUTHORIZATIONS_MAX                                                                         \
    20u /* for one blob: tokens last minutes, a large blob may take longer                         \
         */

enum job_state { JOB_WAITING = 0, JOB_RUNNING, JOB_DONE };

struct job {
    struct work *work;
    const struct bh_descriptor *blob;
    enum job_state state;
    struct bh_ingest *ingest;
    uint64_t id;         /* of the transfer while running */
    uint64_t written;    /* bytes the ingest holds */
    uint64_t begun_at;   /* what it held when the attempt began */
    bool resumed;        /* some of it is of an earlier process, or of another attempt */
    bool from_scratch;   /* a resumed one turned out wrong: once more without */
    unsigned generation; /* of the authorization the attempt was made with */
    unsigned authorizations;
    struct bh_retry retry;
    uint64_t not_before_ms;
};

struct work {
    struct bh_registry *r;
    struct bh_lease *lease;
    struct job *jobs;
    size_t count, running, left;
    uint64_t done_bytes, total_bytes;
    struct bh_http_done *done;
};

static void report(const struct work *w)
{
    if (w->r->o.progress)
        w->r->o.progress(w->r->o.progress_data, "pull", w->done_bytes, w->total_bytes);
}

/* Every process takes partial downloads in this order, so that two that want the same blobs never
 * wait for each other. */
static int by_digest(const void *a, const void *b)
{
    const struct job *x = a, *y = b;
    int order = memcmp(x->blob->digest.bytes, y->blob->digest.bytes, sizeof x->blob->digest.bytes);

    return order ? order : (int)x->blob->digest.algorithm - (int)y->blob->digest.algorithm;
}

static void remove_doubles(struct work *w)
{
    size_t kept = 0;

    qsort(w->jobs, w->count, sizeof *w->jobs, by_digest);
    for (size_t i = 0; i < w->count; i++)
        if (i == 0 || by_digest(&w->jobs[kept - 1], &w->jobs[i]) != 0)
            w->jobs[kept++] = w->jobs[i];
    w->count = kept;
}

static int on_piece(void *context, uint64_t offset, const void *data, size_t len,
                    struct bh_error *err)
{
    struct job *j = context;
    int e = 0;

    if (offset != j->written) {
        if (offset != 0)
            return bh_fail(err, BH_INTERNAL, "a piece for byte %llu, not %llu",
                           (unsigned long long)offset, (unsigned long long)j->written);
        e = bh_ingest_restart(j->ingest, err);
        j->work->done_bytes -= j->written;
        j->written = j->begun_at = 0;
        j->resumed = false;
    }
    if (!e)
        e = bh_ingest_write(j->ingest, data, len, err);
    if (e)
        return e;
    j->written += len;
    j->work->done_bytes += len;
    report(j->work);
    return 0;
}

static void job_is_done(struct work *w, struct job *j)
{
    j->state = JOB_DONE;
    w->left--;
}

static int begin_ingest(struct work *w, struct job *j, struct bh_error *err)
{
    bool there = false;
    int e = bh_ingest_begin(w->lease, &j->blob->digest, j->blob->size_bytes, !j->from_scratch,
                            &j->ingest, &there, err);

    if (e)
        return e;
    if (there) {
        w->done_bytes += j->blob->size_bytes;
        job_is_done(w, j);
        return 0;
    }
    j->written = bh_ingest_offset(j->ingest);
    j->resumed = j->written > 0;
    w->done_bytes += j->written;
    return 0;
}

/* The bytes are all there: the store verifies them. */
static int finish_job(struct work *w, struct job *j, struct bh_error *err)
{
    bool again = j->resumed && !j->from_scratch;
    int e = bh_ingest_commit(BH_TAKE(j->ingest), NULL, err);

    if (e == -BH_CORRUPT && again) {
        w->done_bytes -= j->written;
        j->written = 0;
        j->from_scratch = true;
        return 0;
    }
    if (!e)
        job_is_done(w, j);
    return e;
}

static int start_job(struct work *w, struct job *j, struct bh_error *err)
{
    char digest[BH_DIGEST_TEXT_SIZE];
    BH_AUTO(bh_freep) char *path = NULL;
    BH_AUTO(bh_freep) char *url = NULL;
    const char *headers[] = {w->r->authorization};
    int e = j->ingest ? 0 : begin_ingest(w, j, err);

    if (e || j->state == JOB_DONE)
        return e;
    if (j->written == j->blob->size_bytes)
        return finish_job(w, j, err);
    path = bh_format("blobs/%s", bh_digest_format(&j->blob->digest, digest));
    url = bh_registry_url(w->r, path);
    e = bh_http_start(w->r->client,
                      &(struct bh_http_request){.url = url,
                                                .headers = headers,
                                                .header_count = w->r->authorization ? 1 : 0,
                                                .plain_http = w->r->o.plain_http,
                                                .ca_file = w->r->ca_file,
                                                .offset = j->written,
                                                .bytes_max = j->blob->size_bytes,
                                                .write = on_piece,
                                                .context = j},
                      &j->id, err);
    if (e)
        return e;
    j->state = JOB_RUNNING;
    j->begun_at = j->written;
    j->generation = w->r->generation;
    w->running++;
    return 0;
}

static int try_later(struct work *w, struct job *j, struct bh_error *err)
{
    const struct bh_http_done *d = w->done;
    uint32_t delay_ms = 0;

    if (!bh_retry_next(&j->retry, d->result, d->result ? 0 : d->response.status,
                       d->response.retry_after, j->written > j->begun_at, time(NULL),
                       bh_registry_random(), &delay_ms)) {
        if (!d->result)
            return bh_http_check_status(&d->response, err);
        *err = d->error;
        if (d->result != -BH_LIMIT)
            return d->result;
        return bh_fail(err, BH_CORRUPT,
                       "the registry sends more than the %llu bytes of the "
                       "manifest",
                       (unsigned long long)j->blob->size_bytes);
    }
    j->not_before_ms = bh_registry_now_ms() + delay_ms;
    return 0;
}

static int authorize_job(struct work *w, struct job *j, struct bh_error *err)
{
    if (j->authorizations++ >= AUTHORIZATIONS_MAX)
        return bh_fail(err, BH_DENIED, "%s keeps asking for credentials", w->r->name);
    if (j->generation != w->r->generation)
        return 0; /* another blob got a new token meanwhile */
    return bh_registry_authorize(w->r, w->done->response.authenticate, err);
}

static int end_job(struct work *w, struct job *j, struct bh_error *err)
{
    const struct bh_http_done *d = w->done;
    int status = d->response.status;

    j->state = JOB_WAITING;
    w->running--;
    if (!d->result && status == 401)
        return authorize_job(w, j, err);
    if (!d->result && (status == 200 || status == 206))
        return finish_job(w, j, err);
    if (!d->result && status == 416 && j->resumed && !j->from_scratch) {
        /* What an earlier attempt left is no beginning of this blob. */
        w->done_bytes -= j->written;
        j->written = 0;
        j->resumed = false;
        return bh_ingest_restart(j->ingest, err);
    }
    return try_later(w, j, err);
}

static struct job *find_running(struct work *w, uint64_t id)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->jobs[i].state == JOB_RUNNING && w->jobs[i].id == id)
            return &w->jobs[i];
    return NULL;
}

static int wrap_blob(const struct job *j, struct bh_error *err)
{
    char digest[BH_DIGEST_TEXT_SIZE];

    bh_digest_format(&j->blob->digest, digest);
    /* The store names it by itself. */
    return strstr(err->message, digest) ? -err->code : bh_wrap(err, "blob %s", digest);
}

/* Starts what may start now; *ret_wait_ms is the time until the next may, -1 for none. */
static int start_jobs(struct work *w, int *ret_wait_ms, struct bh_error *err)
{
    uint64_t now = bh_registry_now_ms();

    *ret_wait_ms = -1;
    for (size_t i = 0; i < w->count && w->running < BH_REGISTRY_PARALLEL; i++) {
        struct job *j = &w->jobs[i];

        if (j->state != JOB_WAITING)
            continue;
        if (j->not_before_ms > now) {
            int left = (int)(j->not_before_ms - now);

            *ret_wait_ms = *ret_wait_ms < 0 ? left : BH_MIN(*ret_wait_ms, left);
            continue;
        }
        if (start_job(w, j, err) != 0)
            return wrap_blob(j, err);
        if (j->state == JOB_WAITING)
            *ret_wait_ms = 0; /* begins again from scratch */
    }
    return 0;
}

static int run(struct work *w, struct bh_error *err)
{
    while (w->left > 0) {
        struct job *j;
        int wait_ms, e = start_jobs(w, &wait_ms, err);

        if (e || w->left == 0)
            return e;
        if (w->running == 0) {
            bh_registry_sleep(wait_ms > 0 ? (uint32_t)wait_ms : 0);
            continue;
        }
        e = bh_http_wait(w->r->client, wait_ms, w->done, err);
        if (e == -BH_TIMEOUT)
            continue;
        if (e)
            return e;
        j = find_running(w, w->done->id);
        if (j && end_job(w, j, err) != 0)
            return wrap_blob(j, err);
    }
    return 0;
}

int bh_registry_fetch(struct bh_registry *r, struct bh_lease *lease,
                      const struct bh_descriptor *const *blobs, size_t count, struct bh_error *err)
{
    struct work w = {.r = r, .lease = lease, .count = count};
    struct bh_error unheard = BH_ERROR_INIT;
    int e;

    w.jobs = bh_new_array(count, sizeof *w.jobs);
    w.done = bh_new0(sizeof *w.done);
    for (size_t i = 0; i < count; i++)
        w.jobs[i] = (struct job){.work = &w, .blob = blobs[i]};
    remove_doubles(&w);
    w.left = w.count;
    for (size_t i = 0; i < w.count; i++)
        w.total_bytes += w.jobs[i].blob->size_bytes;
    e = run(&w, err);
    /* The first failure is the one to report; the others stop writing before their ingests go. */
    if (e && bh_http_cancel_all(r->client, &unheard) != 0)
        bh_http_client_close(BH_TAKE(r->client));
    for (size_t i = 0; i < w.count; i++)
        bh_ingest_abort(w.jobs[i].ingest);
    report(&w);
    free(w.jobs);
    free(w.done);
    return e;
}
