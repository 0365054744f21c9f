#include "http/fetch_worker.h"

#include "base/mem.h"
#include "http/fetch_transfer.h"
#include "http/wire.h"
#include "sys/sandbox.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_MS 100
#define MEMORY (512ull << 20)
#define DESCRIPTORS 256u /* 16 transfers, each with sockets, pipe and a resolver's */

struct worker {
    int socket;
    CURLM *multi;
    struct bh_fetch_transfer *transfers[BH_WIRE_TRANSFERS_MAX];
    uint64_t told[BH_WIRE_TRANSFERS_MAX]; /* how much of each the parent knows about */
    uint64_t told_ms;
    struct bh_wire_request request;
};

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static size_t find_place(const struct worker *w, const struct bh_fetch_transfer *t)
{
    for (size_t i = 0; i < BH_WIRE_TRANSFERS_MAX; i++)
        if (w->transfers[i] == t)
            return i;
    return BH_WIRE_TRANSFERS_MAX;
}

static int send_event(struct worker *w, const struct bh_wire_event *e, bool wait,
                      struct bh_error *err)
{
    return bh_wire_send(w->socket, e, sizeof *e, NULL, 0, wait, err);
}

/* Tells the parent of the end, and forgets the transfer in place i. */
static int end_transfer(struct worker *w, size_t i, struct bh_error *err)
{
    struct bh_fetch_transfer *t = w->transfers[i];
    int r;

    assert(t);
    r = send_event(w, bh_fetch_transfer_event(t, BH_WIRE_DONE), true, err);

    w->transfers[i] = NULL;
    bh_fetch_transfer_free(t);
    return r;
}

static int refuse(struct worker *w, uint64_t id, const struct bh_error *why, struct bh_error *err)
{
    struct bh_wire_event *e = bh_new0(sizeof *e);
    int r;

    e->magic = BH_WIRE_MAGIC;
    e->kind = BH_WIRE_DONE;
    e->id = id;
    e->code = (uint32_t)why->code;
    memcpy(e->message, why->message, sizeof e->message);
    r = send_event(w, e, true, err);
    free(e);
    return r;
}

static int start(struct worker *w, const int *fds, int fd_count, struct bh_error *err)
{
    struct bh_error why = BH_ERROR_INIT;
    struct bh_fetch_transfer *t = NULL;
    size_t i = find_place(w, NULL);

    if (i == BH_WIRE_TRANSFERS_MAX) {
        for (int k = 0; k < fd_count; k++)
            close(fds[k]);
        return bh_fail(err, BH_INVALID, "more than %u transfers", BH_WIRE_TRANSFERS_MAX);
    }
    if (bh_fetch_transfer_new(&w->request, fds, &t, &why) != 0)
        return refuse(w, w->request.id, &why, err);
    w->transfers[i] = t;
    w->told[i] = 0;
    curl_multi_add_handle(w->multi, bh_fetch_transfer_handle(t));
    return 0;
}

/* A transfer that ended meanwhile has been answered already. */
static int cancel(struct worker *w, uint64_t id, struct bh_error *err)
{
    for (size_t i = 0; i < BH_WIRE_TRANSFERS_MAX; i++) {
        if (!w->transfers[i] || bh_fetch_transfer_id(w->transfers[i]) != id)
            continue;
        curl_multi_remove_handle(w->multi, bh_fetch_transfer_handle(w->transfers[i]));
        return end_transfer(w, i, err);
    }
    return 0;
}

/* All requests that wait. *ret_open is false when the parent closed its end. */
static int take_requests(struct worker *w, bool *ret_open, struct bh_error *err)
{
    for (;;) {
        int fds[BH_WIRE_FDS_MAX], fd_count = 0, r;
        size_t len = 0;

        r = bh_wire_receive(w->socket, &w->request, sizeof w->request, &len, fds, &fd_count, false,
                            err);
        if (r == -BH_LIMIT)
            return 0;
        *ret_open = r == 0 && len > 0;
        if (!*ret_open)
            return r;
        r = bh_wire_check_request(&w->request, len, fd_count, err);
        if (r)
            return r;
        if (w->request.kind == BH_WIRE_START)
            r = start(w, fds, fd_count, err);
        else
            r = cancel(w, w->request.id, err);
        explicit_bzero(&w->request, sizeof w->request);
        if (r)
            return r;
    }
}

static int take_ends(struct worker *w, struct bh_error *err)
{
    const CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(w->multi, &left))) {
        struct bh_fetch_transfer *t = NULL;
        CURLcode code = m->data.result;
        CURL *easy = m->easy_handle;
        int r;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
        curl_multi_remove_handle(w->multi, easy);
        if (bh_fetch_transfer_continues(t, code)) {
            curl_multi_add_handle(w->multi, easy);
            continue;
        }
        r = end_transfer(w, find_place(w, t), err);
        if (r)
            return r;
    }
    return 0;
}

/* Progress is advice: when the parent is slow to read it, some is left out. */
static int tell_progress(struct worker *w, struct bh_error *err)
{
    uint64_t now = now_ms();

    if (now - w->told_ms < PROGRESS_MS)
        return 0;
    w->told_ms = now;
    for (size_t i = 0; i < BH_WIRE_TRANSFERS_MAX; i++) {
        int r;

        if (!w->transfers[i] || bh_fetch_transfer_end(w->transfers[i]) == w->told[i])
            continue;
        r = send_event(w, bh_fetch_transfer_event(w->transfers[i], BH_WIRE_PROGRESS), false, err);
        if (r && r != -BH_LIMIT)
            return r;
        w->told[i] = bh_fetch_transfer_end(w->transfers[i]);
    }
    return 0;
}

static int serve(struct worker *w, struct bh_error *err)
{
    bool open = true;

    while (open) {
        struct curl_waitfd extra = {.fd = w->socket, .events = CURL_WAIT_POLLIN};
        int running = 0, r;

        if (curl_multi_perform(w->multi, &running) != CURLM_OK)
            return bh_fail(err, BH_INTERNAL, "curl_multi_perform");
        r = take_ends(w, err);
        if (!r)
            r = tell_progress(w, err);
        if (!r && curl_multi_poll(w->multi, &extra, 1, running ? PROGRESS_MS : 60000, NULL))
            r = bh_fail(err, BH_INTERNAL, "curl_multi_poll");
        if (!r)
            r = take_requests(w, &open, err);
        if (r)
            return r;
    }
    return 0;
}

/* All that can be opened from here on: issuers to trust, and what names are resolved with. */
static int confine(struct bh_error *err)
{
    static const struct bh_sandbox_path paths[] = {
        {BH_FETCH_CA_FILE, false},     {"/etc/resolv.conf", false}, {"/etc/hosts", false},
        {"/etc/nsswitch.conf", false}, {"/etc/host.conf", false},   {"/etc/gai.conf", false},
    };
    /* A thread that begins under the address sanitizer asks for it, and stops on a refusal. */
    static const char *const more[] = {"sched_getaffinity", NULL};
    const struct bh_sandbox s = {
        .extra_calls = more,
        .network = true,
        .threads = true, /* libcurl resolves names in one */
        .paths = paths,
        .path_count = BH_COUNT_OF(paths),
        .memory_bytes = MEMORY,
        .descriptors = DESCRIPTORS,
    };
    int r = bh_sandbox_enter(&s, NULL, err);

    return r ? bh_wrap(err, "confine the network process") : 0;
}

int bh_fetch_worker(int socket, struct bh_error *err)
{
    struct worker w = {.socket = socket};
    int r;

    (void)signal(SIGPIPE, SIG_IGN); /* a parent that wants no more of a body closes its pipe */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return bh_fail(err, BH_INTERNAL, "curl_global_init");
    w.multi = curl_multi_init();
    if (!w.multi)
        abort();
    r = confine(err);
    if (!r)
        r = serve(&w, err);
    for (size_t i = 0; i < BH_WIRE_TRANSFERS_MAX; i++) {
        if (!w.transfers[i])
            continue;
        curl_multi_remove_handle(w.multi, bh_fetch_transfer_handle(w.transfers[i]));
        bh_fetch_transfer_free(w.transfers[i]);
    }
    curl_multi_cleanup(w.multi);
    return r;
}
