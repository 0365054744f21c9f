#include "cmd/call.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const color_names[] = {"auto", "always", "never", NULL};
static const char *const log_format_names[] = {"text", "json", NULL};
static const char *const log_level_names[] = {"error", "warn", "info", "debug", NULL};
const char *const bh_format_names[] = {"table", "json", NULL};

#define AT(member) offsetof(struct bh_globals, member)

const struct bh_option bh_global_options[] = {
    {.name = "root",
     .kind = BH_OPTION_STRING,
     .offset = AT(root),
     .value = "DIR",
     .env = "BULKHEAD_ROOT",
     .completion = BH_COMPLETE_DIRECTORY,
     .no_config = true,
     .text = "Keep images, databases, caches and state below DIR"},
    {.name = "config",
     .kind = BH_OPTION_STRING,
     .offset = AT(config),
     .value = "FILE",
     .env = "BULKHEAD_CONFIG",
     .completion = BH_COMPLETE_FILE,
     .no_config = true,
     .text = "Read this configuration instead of the user's and the system's"},
    {.name = "color",
     .kind = BH_OPTION_CHOICE,
     .offset = AT(color),
     .value = "WHEN",
     .choices = color_names,
     .fallback = "auto",
     .env = "BULKHEAD_COLOR",
     .text = "Colour the output"},
    {.name = "log-format",
     .kind = BH_OPTION_CHOICE,
     .offset = AT(log_format),
     .value = "FORMAT",
     .choices = log_format_names,
     .fallback = "text",
     .env = "BULKHEAD_LOG_FORMAT",
     .text = "Write log lines in this form"},
    {.name = "log-level",
     .kind = BH_OPTION_CHOICE,
     .offset = AT(log_level),
     .value = "LEVEL",
     .choices = log_level_names,
     .fallback = "warn",
     .env = "BULKHEAD_LOG_LEVEL",
     .text = "Log events as urgent as this and more"},
    {.name = "help",
     .letter = 'h',
     .kind = BH_OPTION_FLAG,
     .offset = AT(help),
     .no_config = true,
     .text = "Show help and exit"},
    {.name = "version",
     .kind = BH_OPTION_FLAG,
     .offset = AT(version),
     .no_config = true,
     .text = "Show the version and exit"},
    BH_OPTION_END,
};

static const struct bh_option no_options[] = {BH_OPTION_END};

const char *bh_command_section(const struct bh_command *c, char *text)
{
    (void)snprintf(text, BH_SECTION_SIZE, "%s", c->name); /* names of commands are short */
    for (char *at = text; (at = strchr(at, ' '));)
        *at = '-';
    return text;
}

int bh_exit_of_code(int code)
{
    switch (code < 0 ? -code : code) {
    case BH_OK:
        return BH_EXIT_DONE;
    case BH_INVALID:
    case BH_LIMIT:
    case BH_CORRUPT:
    case BH_USAGE:
        return BH_EXIT_USAGE;
    case BH_POLICY:
        return BH_EXIT_POLICY;
    case BH_UNAVAILABLE:
    case BH_TIMEOUT:
        return BH_EXIT_UNAVAILABLE;
    case BH_DENIED:
        return BH_EXIT_DENIED;
    default:
        return BH_EXIT_FAILED;
    }
}

int bh_show_error(const struct bh_command *command, const struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf safe = BH_BUF_INIT(0);
    struct bh_term term;

    bh_term_init(&term, stderr, BH_COLOR_AUTO);
    bh_text_safe(&safe, err->message);
    (void)fflush(stdout); /* what was printed before stands before */
    bh_term_printf(&term, BH_BOLD_RED, "%s%s%s:", BH_PROGRAM, command ? " " : "",
                   command ? command->name : "");
    fprintf(stderr, " %s\n", bh_buf_text(&safe));
    if (err->code == BH_USAGE)
        fprintf(stderr, "See: %s help%s%s\n", BH_PROGRAM, command ? " " : "",
                command ? command->name : "");
    if (command && command->failure_status)
        return command->failure_status;
    return bh_exit_of_code(err->code);
}

int bh_invocation_init(struct bh_invocation *v, int argc, char *const *argv, struct bh_error *err)
{
    struct bh_cli cli = {.set_count = 1, .end_at_operand = 1};
    int result;

    *v = (struct bh_invocation){.global_set = {.options = bh_global_options},
                                .set = {.options = no_options}};
    v->global_set.values = &v->globals;
    cli.sets = &v->global_set;
    result = bh_cli_parse(&cli, argc, argv, err);
    v->argc = argc - (int)cli.used;
    v->argv = argv + cli.used;
    bh_strings_done(&cli.operands);
    return result;
}

static int check_operands(const struct bh_command *c, const struct bh_strings *operands,
                          struct bh_error *err)
{
    const char *wanted = c->operands ? c->operands : "no operands";

    if (operands->count < c->operands_min)
        return bh_fail(err, BH_USAGE, "%s %s", operands->count ? "more is needed:" : "needs",
                       wanted);
    if (operands->count > c->operands_max)
        return bh_fail(err, BH_USAGE, "\"%.80s\" is one operand too many: takes %s",
                       operands->items[c->operands_max], wanted);
    return 0;
}

int bh_invocation_parse(struct bh_invocation *v, const struct bh_command *command, size_t words,
                        struct bh_error *err)
{
    struct bh_option_set sets[2];
    struct bh_cli cli = {.sets = sets, .set_count = 2, .end_at_operand = command->end_at_operand};
    int result;

    v->command = command;
    v->options = bh_new0(command->options_size);
    v->set.options = command->options ? command->options : no_options;
    v->set.values = v->options;
    sets[0] = v->set;
    sets[1] = v->global_set;
    result = bh_cli_parse(&cli, v->argc - (int)words, v->argv + words, err);
    v->set = sets[0];
    v->global_set = sets[1];
    v->call.operands = cli.operands;
    v->call.dashes = cli.dashes;
    if (!result && !v->globals.help)
        result = check_operands(command, &cli.operands, err);
    return result;
}

static int from_config(struct bh_invocation *v, const struct bh_config *config,
                       struct bh_error *err)
{
    char section[BH_SECTION_SIZE];
    const struct bh_node *root;
    const char *file;

    bh_command_section(v->command, section);
    for (size_t i = 0; (root = bh_config_file(config, i, &file)); i++) {
        int result = bh_cli_from_node(&v->set, bh_node_get(root, section), file, err);

        if (!result)
            result = bh_cli_from_node(&v->global_set, root, file, err);
        if (result)
            return result;
    }
    return 0;
}

int bh_invocation_settle(struct bh_invocation *v, const struct bh_config *config,
                         struct bh_error *err)
{
    int result = bh_cli_from_environment(&v->set, err);

    if (!result)
        result = bh_cli_from_environment(&v->global_set, err);
    if (!result)
        result = from_config(v, config, err);
    if (result)
        return result;
    bh_cli_fallbacks(&v->set);
    bh_cli_fallbacks(&v->global_set);
    result = bh_root_path(v->globals.root, &v->root, &v->call.root_given, err);
    if (result)
        return result;
    v->run_dir = bh_run_path(v->root, v->call.root_given);
    bh_term_init(&v->out, stdout, (enum bh_color_when)v->globals.color);
    bh_term_init(&v->err, stderr, (enum bh_color_when)v->globals.color);
    bh_log_setup(STDERR_FILENO, (enum bh_log_format)v->globals.log_format,
                 (enum bh_log_level)v->globals.log_level);
    v->call.command = v->command;
    v->call.options = v->options;
    v->call.set = &v->set;
    v->call.root = v->root;
    v->call.run_dir = v->run_dir;
    v->call.config = config;
    v->call.out = &v->out;
    v->call.err = &v->err;
    return 0;
}

int bh_invocation_run(struct bh_invocation *v)
{
    struct bh_error err = BH_ERROR_INIT;
    int result = v->command->run(&v->call, &err);

    if (result < 0)
        return bh_show_error(v->command, &err);
    /* A result that did not reach its reader is no result. */
    if (fflush(stdout) || ferror(stdout)) {
        (void)bh_fail_errno(&err, "standard output");
        return bh_show_error(v->command, &err);
    }
    return result;
}

void bh_invocation_done(struct bh_invocation *v)
{
    bh_strings_done(&v->call.operands);
    if (v->options)
        bh_option_set_done(&v->set);
    free(v->options);
    free(v->root);
    free(v->run_dir);
}
