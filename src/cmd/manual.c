/* `bulkhead manual DIR`: the command table as manual pages, bulkhead.1, one page per command, and
 * bulkhead-config.5. Hidden: the installation runs it. */
#include "base/mem.h"
#include "cmd/call.h"
#include "cmd/help.h"
#include "cmd/table.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct exit_row {
    const char *status, *text;
};

static const struct exit_row exit_rows[] = {
    {"0", "Done."},
    {"1", "It failed; the message says why."},
    {"2", "Bad usage or bad input: an option, an operand, a file that breaks its format."},
    {"3", "The policy says no, or there are findings at the threshold asked for."},
    {"4", "Something was unavailable or too slow; a later try may succeed."},
    {"5", "Access was denied, by the kernel or by a server."},
};

static const struct exit_row run_exit_rows[] = {
    {"0-124", "The workload's own exit status."},
    {"125", "Bulkhead failed before the workload started, or the policy refused it."},
    {"126", "The workload's program cannot be executed."},
    {"127", "The workload's program does not exist."},
    {"128+N", "The workload was ended by signal N."},
};

/* Roff: a backslash and a dash are escaped, a leading dot or quote must not begin a line. */
static void put_roff(FILE *f, const char *text, size_t len)
{
    if (len && (*text == '.' || *text == '\''))
        fputs("\\&", f);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\')
            fputs("\\e", f);
        else if (text[i] == '-')
            fputs("\\-", f);
        else
            fputc(text[i], f);
    }
}

static void put_text(FILE *f, const char *text)
{
    put_roff(f, text, strlen(text));
}

static void put_paragraphs(FILE *f, const char *text)
{
    bool literal = false;

    while (*text) {
        size_t len = strcspn(text, "\n");

        if ((*text == ' ') != literal) {
            fputs(literal ? ".EE\n.RE\n" : ".PP\n.RS\n.EX\n", f);
            literal = !literal;
        }
        if (!literal)
            fputs(".PP\n", f);
        put_roff(f, text, len);
        fputc('\n', f);
        text += len + (text[len] == '\n');
    }
    if (literal)
        fputs(".EE\n.RE\n", f);
}

static void put_option(FILE *f, const struct bh_option *o)
{
    fputs(".TP\n", f);
    if (o->letter)
        fprintf(f, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", f);
    put_text(f, o->name);
    fputs("\\fR", f);
    if (o->value)
        fprintf(f, " \\fI%s\\fR", o->value);
    fputc('\n', f);
    put_text(f, o->text);
    if (o->choices) {
        BH_AUTO(bh_freep) char *choices = bh_help_choices(o->choices);

        fputs(": ", f);
        put_text(f, choices);
    }
    fputs(".", f);
    if (o->kind == BH_OPTION_STRINGS)
        fputs(" May be repeated.", f);
    if (o->fallback) {
        fputs(" Default: ", f);
        put_text(f, o->fallback);
        fputs(".", f);
    }
    if (o->env)
        fprintf(f, " Environment: \\fB%s\\fR.", o->env);
    fputc('\n', f);
}

static void put_options(FILE *f, const char *title, const struct bh_option *options)
{
    fprintf(f, ".SH %s\n", title);
    for (const struct bh_option *o = options; o->name; o++)
        if (!o->hidden)
            put_option(f, o);
}

static void put_exit_rows(FILE *f, const struct exit_row *rows, size_t count)
{
    fputs(".SH EXIT STATUS\n", f);
    for (size_t i = 0; i < count; i++) {
        fputs(".TP\n", f);
        put_text(f, rows[i].status);
        fputc('\n', f);
        put_text(f, rows[i].text);
        fputc('\n', f);
    }
}

static void put_title(FILE *f, const char *page, const char *section, const char *summary)
{
    fprintf(f, ".\\\" Made from the command table by `bulkhead manual`.\n.TH \"");
    for (const char *c = page; *c; c++)
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, f);
    fprintf(f, "\" %s \"\" \"Bulkhead %s\" \"Bulkhead\"\n.SH NAME\n", section, BH_VERSION);
    put_text(f, page);
    fputs(" \\- ", f);
    put_text(f, summary);
    fputc('\n', f);
}

static void put_command(FILE *f, const struct bh_command *c, const char *page)
{
    BH_AUTO(bh_freep) char *synopsis = bh_help_synopsis(c);

    put_title(f, page, "1", c->summary);
    fputs(".SH SYNOPSIS\n.nf\n", f);
    put_text(f, synopsis);
    fputs("\n.fi\n.SH DESCRIPTION\n", f);
    put_text(f, c->summary);
    fputs(".\n", f);
    if (c->text)
        put_paragraphs(f, c->text);
    if (c->options)
        put_options(f, "OPTIONS", c->options);
    put_options(f, "GLOBAL OPTIONS", bh_global_options);
    if (c->failure_status == BH_EXIT_RUN_FAILED)
        put_exit_rows(f, run_exit_rows, BH_COUNT_OF(run_exit_rows));
    else
        put_exit_rows(f, exit_rows, BH_COUNT_OF(exit_rows));
    if (c->examples) {
        fputs(".SH EXAMPLES\n", f);
        for (const struct bh_example *e = c->examples; e->command; e++) {
            fputs(".PP\n", f);
            put_text(f, e->text);
            fputs(":\n.PP\n.RS\n.EX\n", f);
            put_text(f, e->command);
            fputs("\n.EE\n.RE\n", f);
        }
    }
    fputs(".SH SEE ALSO\n\\fBbulkhead\\fR(1), \\fBbulkhead\\-config\\fR(5)\n", f);
}

/* "db import" has the page bulkhead-db-import. */
static char *page_of(const struct bh_command *c)
{
    char section[BH_SECTION_SIZE];

    return bh_format(BH_PROGRAM "-%s", bh_command_section(c, section));
}

static void put_environment(FILE *f)
{
    fputs(".SH ENVIRONMENT\n", f);
    for (const struct bh_option *o = bh_global_options; o->name; o++) {
        if (!o->env)
            continue;
        fprintf(f, ".TP\n\\fB%s\\fR\nAs \\fB\\-\\-", o->env);
        put_text(f, o->name);
        fputs("\\fR.\n", f);
    }
    fputs(".TP\n\\fBNO_COLOR\\fR\nWhen set and not empty: no colours, unless \\fB\\-\\-color\\fR "
          "says otherwise.\n",
          f);
}

static void put_overview(FILE *f)
{
    put_title(f, "bulkhead", "1", "secure containers from source to running process");
    fputs(".SH SYNOPSIS\n.nf\nbulkhead [GLOBAL OPTION...] COMMAND [OPTION...] [OPERAND...]\n.fi\n"
          ".SH DESCRIPTION\n"
          "Bulkhead finds out what is inside a container image, holds it against known "
          "vulnerabilities and a policy, compiles what it learned into a confinement profile, and "
          "runs the container under it.\n",
          f);
    for (int group = 0; group < BH_GROUP_COUNT; group++) {
        bool titled = false;

        for (size_t i = 0; bh_commands[i]; i++) {
            BH_AUTO(bh_freep) char *page = NULL;

            if (bh_commands[i]->hidden || (int)bh_commands[i]->group != group)
                continue;
            if (!titled)
                fprintf(f, ".SS %s\n", bh_group_titles[group]);
            titled = true;
            page = page_of(bh_commands[i]);
            fputs(".TP\n\\fB", f);
            put_text(f, page);
            fputs("\\fR(1)\n", f);
            put_text(f, bh_commands[i]->summary);
            fputs(".\n", f);
        }
    }
    put_options(f, "GLOBAL OPTIONS", bh_global_options);
    put_exit_rows(f, exit_rows, BH_COUNT_OF(exit_rows));
    put_environment(f);
    fputs(".SH FILES\n"
          ".TP\n/var/lib/bulkhead\nThe state root of the superuser.\n"
          ".TP\n$XDG_DATA_HOME/bulkhead, ~/.local/share/bulkhead\nThe state root of a user.\n"
          ".TP\n/etc/bulkhead/config.yaml, ~/.config/bulkhead/config.yaml\n"
          "Configuration, see \\fBbulkhead\\-config\\fR(5).\n"
          ".SH SEE ALSO\n\\fBbulkhead\\-config\\fR(5)\n",
          f);
}

static void put_keys(FILE *f, const char *section, const struct bh_option *options)
{
    for (const struct bh_option *o = options; o && o->name; o++) {
        if (o->no_config || o->hidden)
            continue;
        fputs(".TP\n\\fB", f);
        if (section) {
            put_text(f, section);
            fputc('.', f);
        }
        put_text(f, o->name);
        fputs("\\fR\n", f);
        put_text(f, o->text);
        fputs(".\n", f);
    }
}

static void put_config_page(FILE *f)
{
    put_title(f, "bulkhead-config", "5", "configuration of bulkhead");
    fputs(".SH DESCRIPTION\n"
          "One YAML file: settings for every command, and one section per command whose members "
          "are that command's options without their dashes. A setting is taken from the command "
          "line, else the environment, else the user's file, else the system's. A key that is not "
          "known is an error. The file must belong to root or to the user who runs Bulkhead, and "
          "must not be writable by everybody.\n"
          ".PP\n.RS\n.EX\ncolor: never\nlog\\-level: info\nscan:\n  format: json\n.EE\n.RE\n"
          ".SH SETTINGS\n",
          f);
    put_keys(f, NULL, bh_global_options);
    fputs(".SH SECTIONS\n", f);
    for (size_t i = 0; bh_commands[i]; i++) {
        char section[BH_SECTION_SIZE];

        if (!bh_commands[i]->hidden)
            put_keys(f, bh_command_section(bh_commands[i], section), bh_commands[i]->options);
    }
    fputs(".SH SEE ALSO\n\\fBbulkhead\\fR(1)\n", f);
}

/* ---- the command ---- */

typedef void put_page(FILE *f, const struct bh_command *c, const char *page);

static void overview_page(FILE *f, const struct bh_command *c, const char *page)
{
    (void)c, (void)page;
    put_overview(f);
}

static void config_page(FILE *f, const struct bh_command *c, const char *page)
{
    (void)c, (void)page;
    put_config_page(f);
}

static int write_page(int dir, const char *name, put_page *put, const struct bh_command *c,
                      const char *page, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    if (!f)
        return bh_fail_errno(err, "%s", name);
    put(f, c, page);
    if (fclose(f))
        return bh_fail_errno(err, "%s", name);
    return bh_write_file_at(dir, name, text, len, 0644, err);
}

static int run_manual(const struct bh_call *call, struct bh_error *err)
{
    const char *path = call->operands.items[0];
    BH_AUTO(bh_closep) int dir = -1;
    int result = bh_mkdir_parents(AT_FDCWD, path, 0755, err);

    if (result)
        return result;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return bh_fail_errno(err, "%s", path);

    result = write_page(dir, "bulkhead.1", overview_page, NULL, NULL, err);
    if (!result)
        result = write_page(dir, "bulkhead-config.5", config_page, NULL, NULL, err);
    for (size_t i = 0; bh_commands[i] && !result; i++) {
        BH_AUTO(bh_freep) char *page = NULL;
        BH_AUTO(bh_freep) char *name = NULL;

        if (bh_commands[i]->hidden)
            continue;
        page = page_of(bh_commands[i]);
        name = bh_format("%s.1", page);
        result = write_page(dir, name, put_command, bh_commands[i], page, err);
    }
    return result;
}

extern const struct bh_command bh_cmd_manual;
const struct bh_command bh_cmd_manual = {
    .name = "manual",
    .group = BH_GROUP_SELF,
    .summary = "Write the manual pages into a directory",
    .operands = "DIR",
    .operands_min = 1,
    .operands_max = 1,
    .completion = BH_COMPLETE_DIRECTORY,
    .without_config = true,
    .hidden = true,
    .run = run_manual,
};
