#include "cmd/run.h"

#include "base/json.h"
#include "cmd/call.h"
#include "runtime/container.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <unistd.h>

/* The record of an earlier start, when it still says what is asked for and nothing it was made from
 * has changed. */
static struct bh_launch *find_record(const struct bh_call *call, const char *text)
{
    BH_AUTO(bh_launch_freep) struct bh_launch *l = NULL;
    BH_AUTO(bh_freep) char *path = NULL;
    char key[BH_LAUNCH_KEY_SIZE];

    path = bh_format("%s/launch/%s", call->root, bh_launch_key(text, key));
    if (bh_launch_read(AT_FDCWD, path, &l, NULL) != 0 || strcmp(l->request, text) != 0 ||
        l->flags & BH_LAUNCH_VOLATILE || bh_launch_stale(l))
        return NULL;
    return BH_TAKE(l);
}

static const char *const event_names[] = {
    [BH_EVENT_DEGRADED] = "degraded",    [BH_EVENT_STARTED] = "started",
    [BH_EVENT_OOM] = "out-of-memory",    [BH_EVENT_EXITED] = "exited",
    [BH_EVENT_LEFTOVER] = "left-behind",
};

static void show_json(void *context, const struct bh_event *e)
{
    struct bh_json_writer w = BH_JSON_TO_STREAM(stderr, 0);

    (void)context;
    bh_json_object(&w, NULL);
    bh_json_string(&w, "event", event_names[e->kind]);
    if (e->pid)
        bh_json_int(&w, "pid", e->pid);
    if (e->kind == BH_EVENT_EXITED)
        bh_json_int(&w, "status", (int64_t)e->number);
    if (e->kind == BH_EVENT_OOM)
        bh_json_int(&w, "killed", (int64_t)e->number);
    bh_json_string_opt(&w, "message", e->text);
    bh_json_end_object(&w);
    (void)fputc('\n', stderr);
    (void)fflush(stderr);
}

static void show_text(void *context, const struct bh_event *e)
{
    const struct bh_call *call = context;

    switch (e->kind) {
    case BH_EVENT_DEGRADED:
        bh_term_printf(call->err, BH_YELLOW, "bulkhead run: degraded: %s\n", e->text);
        break;
    case BH_EVENT_OOM:
        bh_term_printf(call->err, BH_RED, "bulkhead run: out of memory: the kernel ended it\n");
        break;
    case BH_EVENT_LEFTOVER:
        bh_term_printf(call->err, BH_YELLOW, "bulkhead run: could not remove cgroup %s\n", e->text);
        break;
    case BH_EVENT_STARTED:
    case BH_EVENT_EXITED:
        break;
    }
}

static void show_warnings(const struct bh_call *call, const struct bh_launch *l, bool json)
{
    for (const char *const *w = l->warnings; *w; w++) {
        struct bh_json_writer out = BH_JSON_TO_STREAM(stderr, 0);

        if (!json) {
            bh_term_printf(call->err, BH_YELLOW, "bulkhead run: %s\n", *w);
            continue;
        }
        bh_json_object(&out, NULL);
        bh_json_string(&out, "event", "warning");
        bh_json_string(&out, "message", *w);
        bh_json_end_object(&out);
        (void)fputc('\n', stderr);
    }
}

static int start(const struct bh_call *call, const struct bh_run_request *q,
                 const struct bh_launch *l, struct bh_error *err)
{
    bool json = q->format == BH_RUN_JSON;
    const struct bh_container container = {
        .launch = l,
        .terminal = q->terminal,
        .publish = q->ports,
        .publish_count = q->port_count,
        .timeout_ms = q->timeout_ms,
        .event = json ? show_json : show_text,
        .context = (void *)(uintptr_t)call,
    };
    int status = BH_EXIT_RUN_FAILED, r;

    if (*l->warnings)
        show_warnings(call, l, json);
    r = bh_container_run(&container, &status, err);
    if (r == 0 || status == BH_EXIT_RUN_FAILED)
        return r ? r : status;
    (void)bh_show_error(call->command, err); /* its exit status tells the kind of failure */
    return status;
}

static int run(const struct bh_call *call, struct bh_error *err)
{
    struct bh_run_request q = *(const struct bh_run_request *)call->options;
    BH_AUTO(bh_launch_freep) struct bh_launch *l = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    int r = bh_run_request_check(&q, &call->operands, call->dashes, err);

    if (r == 0) {
        bh_run_request_text(&q, &text);
        l = find_record(call, bh_buf_text(&text));
        if (!l)
            r = bh_run_prepare(call, &q, &l, err);
    }
    if (r == 0)
        r = start(call, &q, l, err);
    bh_run_request_done(&q);
    return r;
}

static const struct bh_example examples[] = {
    {"bulkhead run oci:image/ --publish 8080:80", "run an image, its port 80 on 127.0.0.1:8080"},
    {"bulkhead run -t debian:12 -- bash", "a shell in a read-only Debian without a network"},
    {"bulkhead run --volume $PWD:/src:ro -w /src dir:rootfs make", "work on a directory"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_run = {
    .name = "run",
    .group = BH_GROUP_RUN,
    .summary = "Judge an image and run it confined",
    .operands = "TARGET [--] [COMMAND...]",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .completion = BH_COMPLETE_TARGET,
    .text =
        "The image is inspected and judged by the policy at the run gate. What it may do is "
        "compiled "
        "once and remembered; the next start of the same image with the same options takes "
        "milliseconds.\n"
        "The workload gets namespaces of its own (mount, process, network, IPC, host name, cgroup, "
        "time; user for ordinary users), a read-only root file system, /tmp and /run in memory, a "
        "minimal /dev, a handful of capabilities or none, a list of system calls, Landlock rules, "
        "and limits on memory, processes and processor time. It has no network but a loopback "
        "unless asked.\n"
        "Exit status: the workload's, 128+n when signal n ended it; 125 when Bulkhead failed or "
        "the "
        "policy denied, 126 when the command cannot be executed, 127 when there is none of that "
        "name.",
    .options = bh_run_options,
    .options_size = sizeof(struct bh_run_request),
    .end_at_operand = 2, /* options may follow TARGET; a command brings its own */
    .failure_status = BH_EXIT_RUN_FAILED,
    .examples = examples,
    .run = run,
};
