#include "base/json.h"
#include "cmd/run.h"
#include "image/store.h"
#include "runtime/compose.h"
#include "runtime/rehearsal.h"
#include "sys/fd.h"
#include "sys/sibling.h"

#include <fcntl.h>
#include <unistd.h>

#define ATTACKER_INSIDE "/bulkhead-attacker"

struct rehearse_options {
    const char *user;
    int format;
};

static const struct bh_option options[] = {
    {.name = "user",
     .letter = 'u',
     .kind = BH_OPTION_STRING,
     .offset = offsetof(struct rehearse_options, user),
     .value = "USER[:GROUP]",
     .fallback = "0",
     .text = "Attack as this user of the image; root is the worst case",
     .no_config = true},
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct rehearse_options, format),
     .value = "FORMAT",
     .choices = bh_format_names,
     .fallback = "table",
     .text = "Form of the result"},
    BH_OPTION_END,
};

struct tally {
    const struct bh_call *call;
    struct bh_progress progress;
    struct bh_table *table;
    struct bh_json_writer json;
    bool as_json;
    size_t done, stopped, escaped, inapplicable;
};

static void put_protections(const struct bh_attempt_result *r, struct bh_buf *out)
{
    for (size_t i = 0; i < BH_REHEARSAL_PROTECTIONS; i++)
        if (r->stopped_by >> i & 1)
            bh_buf_printf(out, "%s%s", out->len ? ", " : "", bh_rehearsal_protection(i));
    if (r->together)
        bh_buf_puts(out, "several together");
    if (r->confirmed)
        bh_buf_puts(out, " (only this; without it, it succeeds)");
}

static const char *const outcome_names[] = {
    [BH_ATTEMPT_STOPPED] = "stopped",
    [BH_ATTEMPT_ESCAPED] = "ESCAPED",
    [BH_ATTEMPT_INAPPLICABLE] = "not possible",
};
static const char *const outcome_words[] = {
    [BH_ATTEMPT_STOPPED] = "stopped",
    [BH_ATTEMPT_ESCAPED] = "escaped",
    [BH_ATTEMPT_INAPPLICABLE] = "inapplicable",
};

static void show_row(struct tally *t, const struct bh_attempt_result *r)
{
    static const enum bh_style styles[] = {
        [BH_ATTEMPT_STOPPED] = BH_GREEN,
        [BH_ATTEMPT_ESCAPED] = BH_BOLD_RED,
        [BH_ATTEMPT_INAPPLICABLE] = BH_DIM,
    };
    BH_AUTO(bh_buf_done) struct bh_buf by = BH_BUF_INIT(0);

    put_protections(r, &by);
    if (r->outcome == BH_ATTEMPT_INAPPLICABLE)
        bh_buf_puts(&by, "refused with all our protections off too");
    bh_table_cell(t->table, BH_PLAIN, r->title);
    bh_table_cell(t->table, styles[r->outcome], outcome_names[r->outcome]);
    bh_table_cell(t->table, BH_DIM, r->evidence);
    bh_table_cell(t->table, BH_PLAIN, bh_buf_text(&by));
}

static void write_json(struct tally *t, const struct bh_attempt_result *r)
{
    bh_json_object(&t->json, NULL);
    bh_json_string(&t->json, "attempt", r->name);
    bh_json_string(&t->json, "title", r->title);
    bh_json_string(&t->json, "outcome", outcome_words[r->outcome]);
    bh_json_string(&t->json, "evidence", r->evidence);
    bh_json_array(&t->json, "stopped_by");
    for (size_t i = 0; i < BH_REHEARSAL_PROTECTIONS; i++)
        if (r->stopped_by >> i & 1)
            bh_json_string(&t->json, NULL, bh_rehearsal_protection(i));
    bh_json_end_array(&t->json);
    bh_json_bool(&t->json, "confirmed", r->confirmed);
    bh_json_end_object(&t->json);
}

static void take_result(void *context, const struct bh_attempt_result *r)
{
    struct tally *t = context;

    t->done++;
    t->stopped += r->outcome == BH_ATTEMPT_STOPPED;
    t->escaped += r->outcome == BH_ATTEMPT_ESCAPED;
    t->inapplicable += r->outcome == BH_ATTEMPT_INAPPLICABLE;
    bh_progress_count(&t->progress, t->done, bh_rehearsal_count());
    if (t->as_json)
        write_json(t, r);
    else
        show_row(t, r);
}

/* Without an image: an empty root, in which only the attacker is. */
static int prepare_empty(const struct bh_call *call, const struct bh_run_request *q,
                         struct bh_launch **ret, struct bh_error *err)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf bytes = BH_BUF_INIT(BH_LAUNCH_MAX);
    const struct bh_image_config config = {.known = false};
    struct bh_launch_layer layer = {bh_arena_format(a, "%s/rehearsal/empty", call->root), ""};
    const struct bh_composition c = {.request = q,
                                     .config = &config,
                                     .layers = &layer,
                                     .layer_count = 1,
                                     .root_path = call->root,
                                     .image_digest = ""};
    struct bh_launch l;
    int r = bh_mkdir_parents(AT_FDCWD, layer.dir, 0755, err);

    if (r == 0)
        r = bh_compose(&c, a, &l, err);
    if (r == 0)
        r = bh_launch_encode(&l, &bytes, err);
    return r ? r : bh_launch_decode(bytes.data, bytes.len, ret, err);
}

/* The record of a container with the attacker in it, and with the decoys when exposed. */
static int prepare(const struct bh_call *call, const char *attacker, const char *decoy,
                   bool exposed, struct bh_launch **ret, struct bh_error *err)
{
    const struct rehearse_options *o = call->options;
    struct bh_run_request q = {.pids = 1024, .read_only = 1, .user = o->user};
    BH_AUTO(bh_strings_done) struct bh_strings operands = {0};
    BH_AUTO(bh_freep) char *first = bh_format("%s:" ATTACKER_INSIDE ":ro", attacker);
    BH_AUTO(bh_freep) char *second = bh_format("%s:" BH_REHEARSAL_DECOY ":ro", decoy);
    bool has_image = call->operands.count > 0;
    int r;

    bh_strings_add(&operands, has_image ? call->operands.items[0] : "");
    bh_strings_add(&operands, ATTACKER_INSIDE);
    bh_strings_add(&q.volumes, first);
    if (exposed)
        bh_strings_add(&q.volumes, second);
    r = bh_run_request_check(&q, &operands, 1, err);
    if (r == 0)
        r = has_image ? bh_run_prepare(call, &q, ret, err) : prepare_empty(call, &q, ret, err);
    bh_run_request_done(&q);
    bh_strings_done(&q.volumes);
    return r;
}

static int finish(struct tally *t)
{
    char text[96];

    (void)snprintf(text, sizeof text, "%zu stopped, %zu not possible here, %zu escaped", t->stopped,
                   t->inapplicable, t->escaped);
    bh_progress_end(&t->progress, t->escaped == 0, text);
    if (t->as_json) {
        bh_json_end_array(&t->json);
        bh_json_int(&t->json, "stopped", (int64_t)t->stopped);
        bh_json_int(&t->json, "inapplicable", (int64_t)t->inapplicable);
        bh_json_int(&t->json, "escaped", (int64_t)t->escaped);
        bh_json_end_object(&t->json);
        (void)fputc('\n', t->call->out->stream);
    } else {
        bh_table_print(t->table, t->call->out);
    }
    return t->escaped ? BH_EXIT_POLICY : BH_EXIT_DONE;
}

static int rehearse(const struct bh_call *call, struct bh_error *err)
{
    static const struct bh_column columns[] = {{"ATTEMPT", BH_COLUMN_LEFT},
                                               {"OUTCOME", BH_COLUMN_LEFT},
                                               {"SEEN AS", BH_COLUMN_LEFT},
                                               {"STOPPED BY, EACH ALONE", BH_COLUMN_WRAP}};
    const struct rehearse_options *o = call->options;
    BH_AUTO(bh_launch_freep) struct bh_launch *plain = NULL;
    BH_AUTO(bh_launch_freep) struct bh_launch *exposed = NULL;
    BH_AUTO(bh_table_freep) struct bh_table *table = bh_table_new(columns, BH_COUNT_OF(columns));
    BH_AUTO(bh_freep) char *attacker = NULL;
    BH_AUTO(bh_freep) char *decoy = bh_format("%s/rehearsal/%ld", call->root, (long)getpid());
    BH_AUTO(bh_closep) int root = -1;
    struct tally t = {.call = call,
                      .table = table,
                      .as_json = o->format == BH_FORMAT_JSON,
                      .json = BH_JSON_TO_STREAM(call->out->stream, 2)};
    int r = bh_sibling_path("bulkhead-attacker", &attacker, err);

    if (r == 0)
        r = bh_root_open(call->root, true, &root, err);
    if (r == 0)
        r = bh_mkdir_parents(AT_FDCWD, decoy, 0755, err);
    if (r == 0)
        r = prepare(call, attacker, decoy, false, &plain, err);
    if (r == 0)
        r = prepare(call, attacker, decoy, true, &exposed, err);
    if (r)
        return r;
    const struct bh_rehearsal rehearsal = {.launch = plain,
                                           .exposed = exposed,
                                           .attacker = ATTACKER_INSIDE,
                                           .decoy = decoy,
                                           .result = take_result,
                                           .context = &t};

    if (t.as_json) {
        bh_json_object(&t.json, NULL);
        bh_json_array(&t.json, "attempts");
    }
    bh_progress_start(&t.progress, call->err, "Attack rehearsal");
    r = bh_rehearse(&rehearsal, err);
    if (bh_remove_tree_at(AT_FDCWD, decoy, NULL) != 0 && r == 0)
        r = bh_fail(err, BH_IO, "remove %s", decoy);
    return r ? r : finish(&t);
}

static const struct bh_example examples[] = {
    {"bulkhead rehearse", "attack from an empty container"},
    {"bulkhead rehearse oci:image/ --format json", "from a container of this image"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_rehearse = {
    .name = "rehearse",
    .group = BH_GROUP_RUN,
    .summary = "Try attacks from inside a container and show what stops each",
    .operands = "[TARGET]",
    .operands_max = 1,
    .completion = BH_COMPLETE_TARGET,
    .text =
        "Starts a small program of ours in containers confined as `bulkhead run` would confine "
        "them, as root inside unless told otherwise, "
        "and lets it attempt, one at a time, what an intruder would. Then each attempt is repeated "
        "with all protections switched off but one, so that the table shows which of them stop it, "
        "each by itself, on this kernel.\n"
        "Nothing of the host is changed: files are opened and never written, limits are small, and "
        "everything aimed at is a decoy of this command.\n"
        "Exit status: 0 when every attempt was stopped, 3 when one escaped.",
    .options = options,
    .options_size = sizeof(struct rehearse_options),
    .examples = examples,
    .run = rehearse,
};
