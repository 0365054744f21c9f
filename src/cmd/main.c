/* bulkhead-main: every command but the fast path of `run`, which the front executable does itself.
 */
#include "cmd/call.h"
#include "cmd/config_keys.h"
#include "cmd/help.h"
#include "cmd/table.h"

#include <stdlib.h>
#include <string.h>

static int show_help(const struct bh_invocation *v)
{
    struct bh_term out;

    bh_term_init(&out, stdout, (enum bh_color_when)v->globals.color);
    if (v->command)
        bh_help_command(&out, v->command);
    else if (v->argc > 0 && bh_command_is_family(v->argv[0]))
        bh_help_family(&out, v->argv[0]);
    else
        bh_help_overview(&out);
    return fflush(stdout) ? BH_EXIT_FAILED : BH_EXIT_DONE;
}

static bool asks_family_help(const struct bh_invocation *v)
{
    return v->argc > 1 && bh_command_is_family(v->argv[0]) &&
           (strcmp(v->argv[1], "--help") == 0 || strcmp(v->argv[1], "-h") == 0);
}

static int show_nothing_named(void)
{
    struct bh_term err;

    bh_term_init(&err, stderr, BH_COLOR_AUTO);
    bh_help_overview(&err);
    return BH_EXIT_USAGE;
}

static int load_config(const struct bh_invocation *v, struct bh_config **ret, struct bh_error *err)
{
    BH_AUTO(bh_config_freep) struct bh_config *config = NULL;
    const char *named = v->globals.config ? v->globals.config : getenv("BULKHEAD_CONFIG");
    int result = bh_config_load(named && *named ? named : NULL, &config, err);

    if (!result)
        result = bh_config_keys_check(config, err);
    if (!result)
        *ret = BH_TAKE(config);
    return result;
}

static int run(struct bh_invocation *v, struct bh_error *err)
{
    BH_AUTO(bh_config_freep) struct bh_config *config = NULL;
    const struct bh_command *command = NULL;
    size_t words = 0;
    int result;

    if (v->globals.version) {
        printf(BH_PROGRAM " %s\n", BH_VERSION);
        return BH_EXIT_DONE;
    }
    if (v->globals.help || asks_family_help(v))
        return show_help(v);
    if (v->argc == 0)
        return show_nothing_named();
    result = bh_command_find(v->argc, v->argv, &command, &words, err);
    if (!result)
        result = bh_invocation_parse(v, command, words, err);
    if (result)
        return result;
    if (v->globals.help)
        return show_help(v);
    if (!command->without_config)
        result = load_config(v, &config, err);
    if (!result)
        result = bh_invocation_settle(v, config, err);
    return result ? result : bh_invocation_run(v);
}

int main(int argc, char **argv)
{
    struct bh_invocation v;
    struct bh_error err = BH_ERROR_INIT;
    int result = bh_invocation_init(&v, argc > 0 ? argc - 1 : 0, argv + (argc > 0), &err);

    if (!result)
        result = run(&v, &err);
    if (result < 0)
        result = bh_show_error(v.command, &err);
    bh_invocation_done(&v);
    return result;
}
