/* bulkhead: the front. Static and small, so that what it does itself starts in no time: it runs
 * containers whose launch record is ready. Everything else is bulkhead-main's. */
#include "base/mem.h"
#include "cmd/call.h"
#include "cmd/run.h"
#include "sys/fd.h"
#include "sys/sibling.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_LINE_MAX (4u << 20)

static int become_main(char *const *argv, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *path = NULL;
    int result = bh_sibling_path("bulkhead-main", &path, err);

    if (result)
        return result;
    (void)execv(path, argv); /* comes back only when it failed */
    return bh_fail_errno(err, "%s", path);
}

/* The full executable does it all over, from the same command line. */
int bh_run_prepare(const struct bh_call *call, const struct bh_run_request *q,
                   struct bh_launch **ret, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf line = BH_BUF_INIT(COMMAND_LINE_MAX);
    BH_AUTO(bh_freep) char **argv = NULL;
    size_t count = 0, cap = 0;
    int result = bh_read_file_at(AT_FDCWD, "/proc/self/cmdline", &line, err);

    (void)call;
    (void)q;
    (void)ret;
    if (result)
        return bh_wrap(err, "own command line");
    for (char *at = line.data; at && at < line.data + line.len; at += strlen(at) + 1) {
        bh_grow(argv, count, cap);
        argv[count++] = at;
    }
    bh_grow(argv, count, cap);
    argv[count] = NULL;
    return become_main(argv, err);
}

/* Whether this is a start the front can do: `run`, no help wanted, no configuration file to read.
 * Mistakes in the options are reported here too, in the same words. */
static bool is_plain_run(const struct bh_invocation *v)
{
    return v->argc > 0 && strcmp(v->argv[0], bh_cmd_run.name) == 0 && !v->globals.help &&
           !v->globals.version &&
           !bh_config_exists(v->globals.config ? v->globals.config : getenv("BULKHEAD_CONFIG"));
}

int main(int argc, char **argv)
{
    struct bh_invocation v;
    struct bh_error err = BH_ERROR_INIT;
    int result = bh_invocation_init(&v, argc > 0 ? argc - 1 : 0, argv + (argc > 0), &err);

    if (result == 0 && is_plain_run(&v)) {
        result = bh_invocation_parse(&v, &bh_cmd_run, 1, &err);
        if (result == 0 && v.globals.help)
            result = become_main(argv, &err);
        if (result == 0)
            result = bh_invocation_settle(&v, NULL, &err);
        if (result == 0)
            result = bh_invocation_run(&v);
    } else {
        result = become_main(argv, &err);
    }
    if (result < 0)
        result = bh_show_error(v.command, &err);
    bh_invocation_done(&v);
    return result;
}
