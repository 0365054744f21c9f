#include "inspect/inspect.h"

#include "image/decoder.h"
#include "inspect/cache.h"
#include "inspect/config_findings.h"
#include "inspect/merge.h"
#include "sys/fd.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
    size_t index; /* of the layer */
    struct bh_blob blob;
    struct bh_layer_source source;
    int code; /* of the failure, 0 when it went well */
    struct bh_error err;
};

struct run {
    struct bh_image *image;
    const struct bh_inspect_options *options;
    int cache_fd;
    struct bh_layer_facts **layers;
    struct job *jobs;
    size_t job_count;
    pthread_mutex_t lock; /* of what follows */
    size_t next, done;
    bool stop;
};

static void run_done(struct run *run)
{
    for (size_t i = 0; i < run->image->layer_count; i++)
        bh_layer_facts_free(run->layers[i]);
    for (size_t i = 0; i < run->job_count; i++)
        bh_blob_done(&run->jobs[i].blob);
    free(run->layers);
    free(run->jobs);
    bh_closep(&run->cache_fd);
    (void)pthread_mutex_destroy(&run->lock); /* nobody holds it */
}

/* Facts made by a worker are outside bytes: opened, and every path walked once, before they are
 * used or kept. */
static int no_path(void *self, const struct bh_layer_path *p, struct bh_error *err)
{
    (void)self;
    (void)p;
    (void)err;
    return 0;
}

static int take_facts(struct run *run, int fd, const struct bh_digest *diff_id,
                      struct bh_layer_facts **ret, struct bh_error *err)
{
    BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *facts = NULL;
    int r = bh_layer_facts_open(fd, &facts, err);

    if (r == 0)
        r = bh_layer_facts_paths(facts, no_path, NULL, err);
    if (r < 0)
        return bh_wrap(err, "answer of the worker");
    bh_facts_cache_keep(run->cache_fd, facts->fd, diff_id);
    *ret = BH_TAKE(facts);
    return 0;
}

static int do_work(struct run *run, const struct bh_layer_source *source, enum bh_decode_mode mode,
                   struct bh_layer_facts **ret, struct bh_error *err)
{
    static const struct bh_digest unset;
    BH_AUTO(bh_closep) int spool_fd = -1;
    BH_AUTO(bh_closep) int out_fd = -1;
    struct bh_layer_outcome outcome;
    int r = bh_facts_cache_begin(run->cache_fd, &out_fd, err);

    if (r == 0)
        r = bh_facts_cache_begin(run->cache_fd, &spool_fd, err);
    if (r == 0)
        r = bh_decode_inspect(source, mode, run->options->limits, out_fd, spool_fd, &outcome, err);
    if (r < 0)
        return r;
    /* A directory may change under us and has no digest: it is never kept. */
    return take_facts(run, BH_TAKE_FD(out_fd),
                      mode == BH_DECODE_INSPECT ? &outcome.diff_id : &unset, ret, err);
}

/* ---- layers, several at a time ---- */

static struct job *next_job(struct run *run)
{
    struct job *job = NULL;

    (void)pthread_mutex_lock(&run->lock);
    if (!run->stop && run->next < run->job_count)
        job = &run->jobs[run->next++];
    (void)pthread_mutex_unlock(&run->lock);
    return job;
}

static void finish_job(struct run *run, const struct job *job)
{
    const struct bh_inspect_options *o = run->options;

    (void)pthread_mutex_lock(&run->lock);
    run->done++;
    run->stop = run->stop || job->code != 0;
    if (o->progress)
        o->progress(o->progress_data, run->done, run->job_count);
    (void)pthread_mutex_unlock(&run->lock);
}

static void *run_jobs(void *arg)
{
    struct run *run = arg;
    struct job *job;

    while ((job = next_job(run))) {
        job->code =
            do_work(run, &job->source, BH_DECODE_INSPECT, &run->layers[job->index], &job->err);
        finish_job(run, job);
    }
    return NULL;
}

#define WORKERS_MAX 64u

static void run_all(struct run *run)
{
    pthread_t threads[WORKERS_MAX];
    size_t wanted = run->options->workers, started = 0;

    if (wanted == 0)
        wanted = (size_t)BH_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1l);
    wanted = BH_MIN(BH_MIN(wanted, (size_t)WORKERS_MAX), run->job_count);
    /* This thread works as well: one that cannot be started is no failure. */
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, run_jobs, run) == 0)
        started++;
    run_jobs(run);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
}

static enum bh_compression compression_of(const char *media_type)
{
    switch (bh_layer_format(media_type)) {
    case BH_LAYER_TAR:
        return BH_COMPRESSION_NONE;
    case BH_LAYER_TAR_GZIP:
        return BH_COMPRESSION_GZIP;
    case BH_LAYER_TAR_ZSTD:
        return BH_COMPRESSION_ZSTD;
    default:
        return BH_COMPRESSION_DETECT;
    }
}

static int add_job(struct run *run, size_t index, struct bh_error *err)
{
    const struct bh_image_layer *layer = &run->image->layers[index];
    struct job *job = &run->jobs[run->job_count];
    int r = bh_image_open_layer(run->image, index, &job->blob, err);

    if (r < 0)
        return bh_wrap(err, "layer %zu", index + 1);
    run->job_count++;
    job->index = index;
    job->source = (struct bh_layer_source){
        .fd = job->blob.fd,
        .offset = job->blob.offset,
        .size = job->blob.size_bytes,
        .compression = compression_of(layer->blob.media_type),
        .digest = bh_digest_is_set(&layer->blob.digest) ? &layer->blob.digest : NULL,
        .diff_id = bh_digest_is_set(&layer->diff_id) ? &layer->diff_id : NULL,
    };
    return 0;
}

/* Takes from the cache what is there, and makes a job of every other layer. */
static int plan(struct run *run, struct bh_facts *f, struct bh_error *err)
{
    for (size_t i = 0; i < run->image->layer_count; i++) {
        const struct bh_image_layer *layer = &run->image->layers[i];
        struct bh_error why = BH_ERROR_INIT;

        run->layers[i] = bh_facts_cache_get(run->cache_fd, &layer->diff_id);
        if (run->layers[i])
            continue;
        if (bh_layer_format_check(layer->blob.media_type, &why) < 0) {
            bh_facts_not_covered(f, BH_SUBJECT_FILES, NULL, (uint32_t)i, true,
                                 bh_arena_strdup(f->arena, why.message));
            continue;
        }
        int r = add_job(run, i, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int inspect_layers(struct run *run, struct bh_facts *f, struct bh_error *err)
{
    int r = plan(run, f, err);

    if (r < 0)
        return r;
    if (run->job_count > 0)
        run_all(run);
    for (size_t i = 0; i < run->job_count; i++)
        if (run->jobs[i].code < 0) {
            if (err)
                *err = run->jobs[i].err;
            return bh_wrap(err, "layer %zu", run->jobs[i].index + 1);
        }
    return bh_merge_layers((const struct bh_layer_facts *const *)run->layers,
                           run->image->layer_count, false, f, err);
}

static int inspect_directory(struct run *run, struct bh_facts *f, struct bh_error *err)
{
    BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *facts = NULL;
    const struct bh_layer_source source = {.fd = run->image->root_fd};
    int r = do_work(run, &source, BH_DECODE_INSPECT_TREE, &facts, err);

    if (r < 0)
        return bh_wrap(err, "%s", run->image->root_path);
    return bh_merge_layers((const struct bh_layer_facts *const *)&facts, 1, true, f, err);
}

static void tell_what_is_never_seen(const struct run *run, struct bh_facts *f)
{
    bh_facts_not_covered(f, "unpackaged", NULL, BH_LAYER_NONE, false,
                         "programs and libraries outside of dpkg, apk and rpm are not looked at");
    if (!run->image->config)
        bh_facts_not_covered(f, BH_SUBJECT_CONFIG, NULL, BH_LAYER_NONE, false,
                             "a plain root file system has no image configuration");
}

int bh_inspect_image(struct bh_image *image, const struct bh_inspect_options *o, struct bh_facts *f,
                     struct bh_error *err)
{
    BH_AUTO(run_done)
    struct run run = {
        .image = image,
        .options = o,
        .cache_fd = bh_facts_cache_open(o->root_fd),
        .layers = bh_new_array(image->layer_count, sizeof *run.layers),
        .jobs = bh_new_array(image->layer_count, sizeof *run.jobs),
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    int r;

    bh_image_describe(image, f);
    /* Only an archive of Docker's carries its name; others suggest one made from a path. */
    if (*image->suggested_name && strcmp(image->kind, "docker-archive") == 0)
        f->target.name = bh_arena_strdup(f->arena, image->suggested_name);
    r = image->root_path ? inspect_directory(&run, f, err) : inspect_layers(&run, f, err);
    if (r < 0)
        return r;
    tell_what_is_never_seen(&run, f);
    bh_config_findings(f);
    return 0;
}
