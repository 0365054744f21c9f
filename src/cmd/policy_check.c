#include "base/json.h"
#include "cmd/command.h"
#include "policy/rules.h"
#include "sys/digest.h"
#include "sys/fd.h"
#include "sys/sandbox.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX (16u << 20) /* bytes of the answer */

struct options {
    int format;
    bool quiet;
};

static const char *const note_words[] = {
    [BH_NOTE_ERROR] = "error", [BH_NOTE_WARNING] = "warning", [BH_NOTE_INFO] = "note"};

struct counts {
    size_t rules, gates, enabled;
};

static struct counts count_rules(const struct bh_policy *p)
{
    struct counts c = {0};
    const struct bh_rule *rules = bh_policy_rules(p, &c.rules);

    for (size_t i = 0; i < c.rules; i++) {
        c.gates += rules[i].gates != 0;
        c.enabled += rules[i].enabled;
    }
    return c;
}

static void put_place(struct bh_buf *b, const char *file, uint32_t line, uint32_t column)
{
    bh_text_safe(b, file);
    if (line > 0)
        bh_buf_printf(b, ":%u:%u", line, column);
}

static void show_notes(const struct bh_call *call, const struct bh_policy *p)
{
    static const enum bh_style styles[] = {
        [BH_NOTE_ERROR] = BH_RED, [BH_NOTE_WARNING] = BH_YELLOW, [BH_NOTE_INFO] = BH_DIM};
    size_t count, dropped;
    const struct bh_policy_note *notes = bh_policy_notes(p, &count, &dropped);

    for (size_t i = 0; i < count; i++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

        put_place(&b, notes[i].file, notes[i].line, notes[i].column);
        bh_buf_puts(&b, ": ");
        bh_term_printf(call->out, BH_BOLD, "%s", bh_buf_text(&b));
        bh_term_printf(call->out, styles[notes[i].kind], "%s: ", note_words[notes[i].kind]);
        b.len = 0;
        bh_text_safe(&b, notes[i].message);
        bh_term_printf(call->out, BH_PLAIN, "%s\n", bh_buf_text(&b));
    }
    if (dropped > 0)
        bh_term_printf(call->out, BH_PLAIN, "... and %zu more\n", dropped);
}

static void show_unread(const struct bh_call *call, const struct bh_policy *p)
{
    size_t count;
    const struct bh_policy_unread *unread = bh_policy_unread(p, &count);

    if (count == 0)
        return;
    bh_term_printf(
        call->out, BH_PLAIN,
        "%zu fields belong to events that nothing provides yet; rules with them load and "
        "are checked, and wait for the sensor:\n",
        count);
    for (size_t i = 0; i < count; i++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

        put_place(&b, unread[i].file, unread[i].line, unread[i].column);
        bh_term_printf(call->out, BH_DIM, "  %s: %s, used %zu times\n", bh_buf_text(&b),
                       unread[i].field, unread[i].uses);
    }
}

static void show_text(const struct bh_call *call, const struct bh_policy *p, bool failed,
                      bool quiet)
{
    struct counts c = count_rules(p);

    show_notes(call, p);
    if (quiet)
        return;
    show_unread(call, p);
    bh_term_printf(call->out, failed ? BH_RED : BH_GREEN, "%s", failed ? "faulty" : "good");
    bh_term_printf(call->out, BH_PLAIN,
                   ": %zu rules (%zu for gates, %zu for events, %zu switched off), %zu macros, %zu "
                   "lists\n",
                   c.rules, c.gates, c.rules - c.gates, c.rules - c.enabled,
                   bh_policy_macro_count(p), bh_policy_list_count(p));
}

static void place_json(struct bh_json_writer *w, const char *file, uint32_t line, uint32_t column)
{
    bh_json_string(w, "file", file);
    bh_json_int(w, "line", line);
    bh_json_int(w, "column", column);
}

static void show_json(const struct bh_call *call, const struct bh_policy *p, bool failed)
{
    struct bh_json_writer w = BH_JSON_TO_STREAM(call->out->stream, 2);
    struct counts c = count_rules(p);
    size_t count, dropped;
    const struct bh_policy_note *notes = bh_policy_notes(p, &count, &dropped);
    const struct bh_policy_unread *unread;

    bh_json_object(&w, NULL);
    bh_json_string(&w, "schema", "bulkhead/policy-check/1");
    bh_json_bool(&w, "good", !failed);
    bh_json_string(&w, "digest", bh_policy_digest(p));
    bh_json_int(&w, "rules", (int64_t)c.rules);
    bh_json_int(&w, "gate_rules", (int64_t)c.gates);
    bh_json_int(&w, "macros", (int64_t)bh_policy_macro_count(p));
    bh_json_int(&w, "lists", (int64_t)bh_policy_list_count(p));
    bh_json_array(&w, "notes");
    for (size_t i = 0; i < count; i++) {
        bh_json_object(&w, NULL);
        bh_json_string(&w, "kind", note_words[notes[i].kind]);
        place_json(&w, notes[i].file, notes[i].line, notes[i].column);
        bh_json_string(&w, "message", notes[i].message);
        bh_json_end_object(&w);
    }
    bh_json_end_array(&w);
    bh_json_int(&w, "notes_dropped", (int64_t)dropped);
    bh_json_array(&w, "fields_not_provided");
    unread = bh_policy_unread(p, &count);
    for (size_t i = 0; i < count; i++) {
        bh_json_object(&w, NULL);
        bh_json_string(&w, "field", unread[i].field);
        place_json(&w, unread[i].file, unread[i].line, unread[i].column);
        bh_json_int(&w, "uses", (int64_t)unread[i].uses);
        bh_json_end_object(&w);
    }
    bh_json_end_array(&w);
    bh_json_end_object(&w);
    (void)fputc('\n', call->out->stream); /* the frame checks the stream */
}

/* Rule files may come from strangers, so they are read here and parsed in a process that can do
 * nothing but hand back text. */
struct inquiry {
    const struct bh_call *call;
    struct bh_buf *texts; /* of the operands */
};

static int add_files(struct bh_policy *p, const struct inquiry *q, struct bh_error *err)
{
    const struct bh_strings *names = &q->call->operands;
    int r = names->count == 0 ? bh_policy_add_default(p, err) : 0;

    for (size_t i = 0; i < names->count && r == 0; i++)
        r = bh_policy_add_text(p, names->items[i], bh_buf_text(&q->texts[i]), q->texts[i].len, err);
    return r;
}

/* The first byte of what comes back says whether there was a fault. */
static int check_confined(void *arg, struct bh_buf *out, struct bh_error *err)
{
    BH_AUTO(bh_policy_freep) struct bh_policy *p = bh_policy_new();
    const struct inquiry *q = arg;
    const struct options *o = q->call->options;
    struct bh_call call = *q->call;
    struct bh_term term = *call.out;
    char *text = NULL;
    size_t len = 0;
    int r = add_files(p, q, err);
    bool failed;

    if (r < 0)
        return r;
    failed = bh_policy_finish(p, NULL) < 0;
    term.stream = open_memstream(&text, &len);
    if (!term.stream)
        return bh_fail_errno(err, "memory stream");
    call.out = &term;
    if (o->format == BH_FORMAT_JSON)
        show_json(&call, p, failed);
    else
        show_text(&call, p, failed, o->quiet);
    if (fclose(term.stream) != 0)
        r = bh_fail_errno(err, "memory stream");
    if (r == 0)
        r = bh_buf_append(out, failed ? "f" : "g", 1, err);
    if (r == 0)
        r = bh_buf_append(out, text, len, err);
    free(text);
    return r;
}

static int read_files(const struct bh_call *call, struct bh_buf *texts, struct bh_error *err)
{
    for (size_t i = 0; i < call->operands.count; i++) {
        int r;

        texts[i] = BH_BUF_INIT(BH_POLICY_FILE_MAX);
        r = bh_read_file_at(AT_FDCWD, call->operands.items[i], &texts[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int run(const struct bh_call *call, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(OUTPUT_MAX);
    BH_AUTO(bh_freep)
    struct bh_buf *texts = bh_new0((call->operands.count + 1) * sizeof *texts);
    const struct bh_sandbox sandbox = {.cpu_seconds = 60};
    struct inquiry q = {.call = call, .texts = texts};
    struct bh_digest warm;
    int r = read_files(call, texts, err);

    /* OpenSSL reads its configuration when first used, which the child cannot. */
    bh_digest_of(BH_SHA256, "", 0, &warm);
    if (r == 0)
        r = bh_sandbox_run(&sandbox, check_confined, &q, -1, &out, err);
    for (size_t i = 0; i < call->operands.count; i++)
        bh_buf_done(&texts[i]);
    if (r < 0)
        return r;
    (void)fputs(bh_buf_text(&out) + 1, call->out->stream); /* the frame checks the stream */
    return out.data[0] == 'g' ? BH_EXIT_DONE : BH_EXIT_USAGE;
}

static const struct bh_option options[] = {
    {.name = "format",
     .kind = BH_OPTION_CHOICE,
     .offset = offsetof(struct options, format),
     .value = "FORMAT",
     .text = "Print text, or JSON",
     .choices = bh_format_names,
     .fallback = "table"},
    {.name = "quiet",
     .letter = 'q',
     .kind = BH_OPTION_FLAG,
     .offset = offsetof(struct options, quiet),
     .text = "Print faults only"},
    BH_OPTION_END,
};

static const struct bh_example examples[] = {
    {"bulkhead policy check mine.yaml", "before it decides anything"},
    {"bulkhead policy check falco_rules.yaml", "which rules of Falco load, which fields are not "
                                               "provided yet"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_policy_check = {
    .name = "policy check",
    .group = BH_GROUP_JUDGE,
    .summary = "Check rule files",
    .operands = "[FILE...]",
    .operands_max = SIZE_MAX,
    .completion = BH_COMPLETE_FILE,
    .text =
        "Reads rule files in the order given, later ones refining earlier ones, and prints every "
        "fault with file, line, column and the nearest known word. Without a FILE the policy that "
        "ships with Bulkhead is checked. Rule files of Falco are read as they are; fields of "
        "events "
        "that nothing provides yet are listed.\n"
        "The exit status is 2 when there is a fault.",
    .options = options,
    .options_size = sizeof(struct options),
    .examples = examples,
    .run = run,
};
