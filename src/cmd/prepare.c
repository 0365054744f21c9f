/* The slow half of `bulkhead run`: from TARGET to a launch record. */
#include "base/time.h"
#include "cmd/examine.h"
#include "cmd/run.h"
#include "image/unpacked.h"
#include "policy/judge.h"
#include "profile/profile.h"
#include "runtime/compose.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_SECONDS (24 * 60 * 60) /* a verdict speaks of ages: asked for again after a day */

struct preparation {
    const struct bh_call *call;
    const struct bh_run_request *q;
    struct bh_arena *arena;
    struct bh_target target;
    struct bh_facts *facts;
    struct bh_policy *policy;
    struct bh_verdict *verdict;
    struct bh_unpacked unpacked;
};

static void preparation_done(struct preparation *p)
{
    bh_unpacked_done(&p->unpacked);
    bh_verdict_free(p->verdict);
    bh_policy_free(p->policy);
    bh_facts_free(p->facts);
    bh_target_done(&p->target);
    bh_arena_free(p->arena);
}

/* ---- the verdict ---- */

/* "Fixable critical vulnerability: CVE-2024-1 in libx 1.0, fixed in 1.1 (and 3 more)" */
static const char *describe(const struct bh_verdict_rule *rule, struct bh_arena *a)
{
    const char *message = rule->listed ? rule->matches[0].message : rule->description;

    if (rule->outcome == BH_OUTCOME_UNKNOWN && rule->missing && rule->missing[0])
        message = bh_arena_format(a, "cannot be decided: %s", rule->missing[0]);
    if (rule->match_count > 1)
        return bh_arena_format(a, "%s: %s (and %zu more)", rule->name, message,
                               rule->match_count - 1);
    return bh_arena_format(a, "%s: %s", rule->name, message);
}

static const char *const *lines_of(const struct bh_verdict *v, enum bh_action action,
                                   struct bh_arena *a)
{
    const char **lines = bh_arena_alloc(a, (v->rule_count + 1) * sizeof *lines);
    size_t n = 0;

    for (size_t i = 0; i < v->rule_count; i++)
        if (v->rules[i].action == action)
            lines[n++] = describe(&v->rules[i], a);
    return lines;
}

static int judge(struct preparation *p, struct bh_error *err)
{
    int r = bh_policy_load(p->q->policy.items, p->q->policy.count, &p->policy, err);
    const char *const *reasons;
    size_t n;

    if (r)
        return r;
    p->verdict = bh_policy_judge(p->policy, BH_GATE_RUN, p->facts, bh_time_now());
    if (p->verdict->action != BH_ACTION_DENY)
        return 0;
    reasons = lines_of(p->verdict, BH_ACTION_DENY, p->arena);
    n = bh_list_length(reasons);
    for (size_t i = 1; i < n; i++)
        bh_term_printf(p->call->err, BH_RED, "bulkhead run: denied: %s\n", reasons[i]);
    return bh_fail(err, BH_POLICY,
                   "the policy denies %s: %.300s; `bulkhead check` shows all, an exception in a "
                   "policy file lets it run",
                   p->q->target, reasons[0] ? reasons[0] : "");
}

/* ---- the layers ---- */

static void show_layers(void *data, size_t done, size_t total)
{
    bh_progress_count(data, done, total);
}

/* Every layer unpacked and held; then named for the record, the uppermost first. */
static int unpack(struct preparation *p, struct bh_launch_layer *layers, struct bh_error *err)
{
    struct bh_image *image = p->target.image;
    bool shown = p->call->err->tty && image->layer_count;
    struct bh_progress progress;
    int r = 0;

    /* A root file system tar states none: it was learnt while the layer was inspected. */
    for (size_t i = 0; i < image->layer_count && r == 0; i++)
        r = bh_digest_parse(p->facts->layers[i].diff_id, &image->layers[i].diff_id, err);
    if (r)
        return r;
    if (shown)
        bh_progress_start(&progress, p->call->err, "unpack layers");
    r = bh_image_unpack(image, p->target.store, NULL, shown ? show_layers : NULL, &progress,
                        &p->unpacked, err);
    if (shown)
        fputs("\r\033[K", p->call->err->stream);
    for (size_t i = 0; i < p->unpacked.count; i++) {
        const char *path = p->unpacked.layers[i].path, *slash = strrchr(path, '/');

        layers[p->unpacked.count - 1 - i] =
            (struct bh_launch_layer){bh_arena_strdup(p->arena, path),
                                     bh_arena_format(p->arena, "%.*s/lock", (int)(slash - path),
                                                     path)};
    }
    return r;
}

/* ---- what the record depends on ---- */

static void depend(struct bh_launch *l, struct bh_arena *a, const char *path)
{
    bh_launch_input_of(bh_arena_strdup(a, path), &l->inputs[l->input_count++]);
}

/* The files that say which image TARGET is. false: it can change without any of them changing. */
static bool depend_on_image(const struct preparation *p, struct bh_launch *l)
{
    const struct bh_image *image = p->target.image;
    const char *rest = strchr(p->q->target, ':');
    char name[BH_NAME_PATH_SIZE];

    if (strcmp(image->kind, "store") == 0) {
        if (bh_store_name_path(p->q->target, name, NULL) != 0)
            return false;
        depend(l, p->arena, bh_arena_format(p->arena, "%s/%s", p->call->root, name));
        return true;
    }
    if (access(p->q->target, F_OK) == 0)
        rest = p->q->target;
    else if (rest && access(rest + 1, F_OK) == 0)
        rest = rest + 1;
    else
        return false; /* a registry, an engine, a tag within a layout */
    if (strcmp(image->kind, "oci") == 0)
        depend(l, p->arena, bh_arena_format(p->arena, "%s/index.json", rest));
    depend(l, p->arena, rest);
    return strcmp(image->kind, "dir") != 0;
}

static void depend_on_policy(const struct preparation *p, struct bh_launch *l)
{
    const char *const *files = bh_policy_files(p->policy);
    size_t rules = 0;
    const struct bh_rule *rule = bh_policy_rules(p->policy, &rules);

    for (; *files; files++)
        if (access(*files, F_OK) == 0)
            depend(l, p->arena, *files);
    depend(l, p->arena, bh_arena_format(p->arena, "%s/db", p->call->root));
    l->expires = bh_time_now() + RECORD_SECONDS;
    for (size_t i = 0; i < rules; i++)
        for (size_t k = 0; k < rule[i].exception_count; k++)
            if (rule[i].exceptions[k].expires_at > bh_time_now())
                l->expires = BH_MIN(l->expires, rule[i].exceptions[k].expires_at);
}

/* The built-in policy and the default lists are part of the program: a new one asks anew. */
static void depend_on_program(const struct preparation *p, struct bh_launch *l)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

    if (n <= 0)
        return;
    path[n] = '\0';
    depend(l, p->arena, path);
}

static void depend_on_layers(const struct preparation *p, struct bh_launch *l)
{
    depend(l, p->arena, l->skeleton);
    for (size_t i = 0; i < l->layer_count; i++)
        if (*l->layers[i].lock)
            depend(l, p->arena, l->layers[i].lock);
}

/* ---- the record ---- */

static int write_record(const struct bh_call *call, const struct bh_launch *l, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *dir = bh_format("%s/launch", call->root);
    BH_AUTO(bh_closep) int fd = -1;
    char key[BH_LAUNCH_KEY_SIZE];
    int r = bh_mkdir_parents(AT_FDCWD, dir, 0700, err);

    if (r)
        return r;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bh_fail_errno(err, "open %s", dir);
    return bh_launch_write(fd, bh_launch_key(l->request, key), l, err);
}

/* A copy that stands alone. */
static int detach(const struct bh_launch *l, struct bh_launch **ret, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf bytes = BH_BUF_INIT(BH_LAUNCH_MAX);
    int r = bh_launch_encode(l, &bytes, err);

    return r ? r : bh_launch_decode(bytes.data, bytes.len, ret, err);
}

/* What rules of the policy take away, and the document that says what is left. */
static int narrow(struct preparation *p, struct bh_launch *l, struct bh_error *err)
{
    const struct bh_image_config *c = &p->facts->config;
    const struct bh_profile_subject subject = {
        .platform = c->known && c->os && c->architecture
                        ? bh_arena_format(p->arena, "%s/%s%s%s", c->os, c->architecture,
                                          c->variant && *c->variant ? "/" : "",
                                          c->variant ? c->variant : "")
                        : "",
        .ports = c->known ? c->exposed_ports : NULL,
        .verdict = p->verdict,
    };

    return bh_profile_compile(l, &subject, p->call->root, p->arena, err);
}

static int compose(struct preparation *p, struct bh_launch **ret, struct bh_error *err)
{
    struct bh_image *image = p->target.image;
    struct bh_launch_layer *layers =
        bh_arena_alloc(p->arena, (image->layer_count + 1) * sizeof *layers);
    struct bh_composition c = {
        .request = p->q,
        .config = &p->facts->config,
        .layers = layers,
        .layer_count = image->layer_count,
        .root_path = p->call->root,
        .image_digest = p->facts->target.digest,
        .verdict = bh_action_name(p->verdict->action),
        .warnings = lines_of(p->verdict, BH_ACTION_WARN, p->arena),
    };
    struct bh_launch l;
    int r;

    if (image->root_path) {
        layers[0] = (struct bh_launch_layer){image->root_path, ""};
        c.layer_count = 1;
    } else {
        r = unpack(p, layers, err);
        if (r)
            return r;
    }
    r = bh_compose(&c, p->arena, &l, err);
    if (r == 0)
        r = narrow(p, &l, err);
    if (r)
        return r;
    l.inputs =
        bh_arena_alloc(p->arena, (l.layer_count + bh_list_length(bh_policy_files(p->policy)) + 8) *
                                     sizeof *l.inputs);
    depend_on_policy(p, &l);
    depend_on_program(p, &l);
    depend_on_layers(p, &l);
    /* What can change unseen is prepared anew each time. */
    if (depend_on_image(p, &l))
        r = write_record(p->call, &l, err);
    return r ? r : detach(&l, ret, err);
}

int bh_run_prepare(const struct bh_call *call, const struct bh_run_request *q,
                   struct bh_launch **ret, struct bh_error *err)
{
    BH_AUTO(preparation_done)
    struct preparation p = {.call = call,
                            .q = q,
                            .arena = bh_arena_new(),
                            .target = BH_TARGET_INIT,
                            .unpacked = BH_UNPACKED_INIT};
    const struct bh_target_options target = {.platform = q->platform,
                                             .auth_file = q->auth_file,
                                             .plain_http = q->plain_http};
    const struct bh_layer_limits *limits = &bh_layer_limits_default;
    const struct bh_examine_options examine = {.limit_bytes = limits->total_bytes,
                                               .limit_entries = (int64_t)limits->entries,
                                               .limit_ratio = limits->ratio,
                                               .limit_path = limits->path_bytes,
                                               .limit_depth = limits->depth,
                                               .limit_window = limits->window_log};
    int r = bh_target_open(call, &target, q->target, &p.target, err);

    if (r == 0)
        r = bh_examine_image(call, p.target.image, &examine, &p.facts, err);
    if (r == 0)
        r = judge(&p, err);
    return r ? r : compose(&p, ret, err);
}
