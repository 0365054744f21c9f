#include "cmd/help.h"

#include "base/mem.h"
#include "cmd/call.h"
#include "cmd/table.h"

#include <stdlib.h>
#include <string.h>

const char *const bh_group_titles[BH_GROUP_COUNT] = {
    [BH_GROUP_JUDGE] = "Judge an image", [BH_GROUP_RUN] = "Run it guarded",
    [BH_GROUP_IMAGES] = "Keep images",   [BH_GROUP_ADVISORIES] = "Know vulnerabilities",
    [BH_GROUP_HOST] = "Know this host",  [BH_GROUP_SELF] = "Bulkhead itself",
};

char *bh_help_synopsis(const struct bh_command *c)
{
    return bh_format("%s %s%s%s%s", BH_PROGRAM, c->name, c->options ? " [OPTION...]" : "",
                     c->operands ? " " : "", c->operands ? c->operands : "");
}

char *bh_help_choices(const char *const *choices)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

    for (size_t i = 0; choices[i]; i++)
        bh_buf_printf(&b, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
    return bh_buf_take(&b);
}

/* "-f, --format FORMAT" */
static char *option_head(const struct bh_option *o)
{
    char letter[8] = "    ";

    if (o->letter)
        (void)snprintf(letter, sizeof letter, "-%c, ", o->letter);
    return bh_format("  %s--%s%s%s", letter, o->name, o->value ? " " : "",
                     o->value ? o->value : "");
}

/* Text, then what the row itself says: choices, default, variable. */
static char *option_text(const struct bh_option *o)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    BH_AUTO(bh_freep) char *choices = o->choices ? bh_help_choices(o->choices) : NULL;

    bh_buf_puts(&b, o->text);
    if (choices)
        bh_buf_printf(&b, ": %s", choices);
    if (o->kind == BH_OPTION_STRINGS)
        bh_buf_puts(&b, " (may be repeated)");
    if (o->fallback)
        bh_buf_printf(&b, " (default: %s)", o->fallback);
    return bh_buf_take(&b);
}

static void put_heading(const struct bh_term *t, const char *title)
{
    bh_term_printf(t, BH_BOLD, "\n%s:", title);
    fputc('\n', t->stream);
}

#define OPTION_COLUMN 28u
#define COMMAND_COLUMN 18u

/* The head, then the text from a column on, below the head when that is long. */
static void put_entry(const struct bh_term *t, const char *head, unsigned column, const char *text)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    BH_AUTO(bh_freep) char *wrapped = NULL;
    size_t wrapped_len, len = strlen(head);
    struct bh_term to = *t;

    to.stream = open_memstream(&wrapped, &wrapped_len);
    if (!to.stream)
        abort(); /* only for want of memory */
    bh_term_paragraphs(&to, column, text);
    if (fclose(to.stream))
        abort();
    bh_term_printf(t, BH_CYAN, "%s", head);
    if (len + 2 > column)
        fprintf(t->stream, "\n%s", wrapped);
    else
        fputs(wrapped + len, t->stream);
}

static void put_options(const struct bh_term *t, const char *title, const struct bh_option *options)
{
    put_heading(t, title);
    for (const struct bh_option *o = options; o->name; o++) {
        BH_AUTO(bh_freep) char *head = NULL;
        BH_AUTO(bh_freep) char *text = NULL;

        if (o->hidden)
            continue;
        head = option_head(o);
        text = option_text(o);
        put_entry(t, head, OPTION_COLUMN, text);
    }
}

static void put_summary(const struct bh_term *t, const struct bh_command *c)
{
    BH_AUTO(bh_freep) char *head = bh_format("  %s", c->name);

    put_entry(t, head, COMMAND_COLUMN, c->summary);
}

void bh_help_overview(const struct bh_term *t)
{
    bh_term_printf(t, BH_BOLD, "Bulkhead");
    fprintf(t->stream,
            " secures containers from source to running process.\n\n"
            "Usage: " BH_PROGRAM " [GLOBAL OPTION...] COMMAND [OPTION...] [OPERAND...]\n");
    for (int group = 0; group < BH_GROUP_COUNT; group++) {
        bool titled = false;

        for (size_t i = 0; bh_commands[i]; i++) {
            if (bh_commands[i]->hidden || (int)bh_commands[i]->group != group)
                continue;
            if (!titled)
                put_heading(t, bh_group_titles[group]);
            titled = true;
            put_summary(t, bh_commands[i]);
        }
    }
    put_options(t, "Global options", bh_global_options);
    fprintf(t->stream, "\n\"" BH_PROGRAM " help COMMAND\" explains a command, with examples.\n");
}

void bh_help_family(const struct bh_term *t, const char *word)
{
    fprintf(t->stream, "Usage: " BH_PROGRAM " %s COMMAND [OPTION...] [OPERAND...]\n\n", word);
    for (size_t i = 0; bh_commands[i]; i++)
        if (!bh_commands[i]->hidden && bh_command_in_family(bh_commands[i], word))
            put_summary(t, bh_commands[i]);
    fprintf(t->stream, "\n\"" BH_PROGRAM " help %s COMMAND\" explains one.\n", word);
}

void bh_help_command(const struct bh_term *t, const struct bh_command *c)
{
    BH_AUTO(bh_freep) char *synopsis = bh_help_synopsis(c);

    fprintf(t->stream, "Usage: %s\n\n", synopsis);
    bh_term_printf(t, BH_BOLD, "%s.", c->summary);
    fputc('\n', t->stream);
    if (c->text) {
        fputc('\n', t->stream);
        bh_term_paragraphs(t, 0, c->text);
    }
    if (c->options)
        put_options(t, "Options", c->options);
    put_options(t, "Global options", bh_global_options);
    if (c->examples) {
        put_heading(t, "Examples");
        for (const struct bh_example *e = c->examples; e->command; e++) {
            bh_term_printf(t, BH_CYAN, "  %s", e->command);
            fprintf(t->stream, "\n      %s\n", e->text);
        }
    }
}

/* ---- the command ---- */

static int run_help(const struct bh_call *call, struct bh_error *err)
{
    const struct bh_command *c;
    char *words[2] = {NULL, NULL};
    size_t used = 0;
    int result;

    if (call->operands.count == 0) {
        bh_help_overview(call->out);
        return BH_EXIT_DONE;
    }
    if (call->operands.count == 1 && bh_command_is_family(call->operands.items[0])) {
        bh_help_family(call->out, call->operands.items[0]);
        return BH_EXIT_DONE;
    }
    for (size_t i = 0; i < call->operands.count; i++)
        words[i] = bh_strdup(call->operands.items[i]);
    result = bh_command_find((int)call->operands.count, words, &c, &used, err);
    if (!result && used < call->operands.count)
        result = bh_fail(err, BH_USAGE, "\"%s\" has no command \"%.80s\"", c->name, words[1]);
    if (!result)
        bh_help_command(call->out, c);
    free(words[0]);
    free(words[1]);
    return result;
}

static const struct bh_example help_examples[] = {
    {"bulkhead help scan", "Explains the command scan"},
    {"bulkhead help db", "Lists the commands of the family db"},
    {NULL, NULL},
};

extern const struct bh_command bh_cmd_help;
const struct bh_command bh_cmd_help = {
    .name = "help",
    .group = BH_GROUP_SELF,
    .summary = "Explain a command",
    .operands = "[COMMAND]",
    .operands_max = 2,
    .text = "Without COMMAND the overview is shown. The same text is in the manual pages: "
            "bulkhead(1), bulkhead-scan(1) and so on.",
    .without_config = true,
    .examples = help_examples,
    .run = run_help,
};
