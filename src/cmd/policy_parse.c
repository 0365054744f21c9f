#include "base/mem.h"
#include "base/term.h"
#include "cmd/command.h"
#include "policy/parser.h"
#include "sys/sandbox.h"

#include <string.h>

static void parse_line(const struct bh_call *call, const char *line, size_t len)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf safe = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_position at;

    if (bh_condition_parse(line, len, &c, &at, &err) == 0) {
        (void)fputs("ok\n", call->out->stream); /* the frame checks the stream */
        return;
    }
    bh_text_safe(&safe, err.message);
    (void)fprintf(call->out->stream, "error %u %s\n", at.column, bh_buf_text(&safe));
}

static int run(const struct bh_call *call, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *line = NULL;
    const struct bh_sandbox sandbox = {.file_bytes = UINT64_C(1) << 40}; /* standard output */
    size_t size = 0;
    ssize_t len;
    int r = bh_sandbox_enter(&sandbox, NULL, err);

    if (r < 0)
        return r;
    while ((len = getline(&line, &size, stdin)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        parse_line(call, line, (size_t)len);
    }
    if (ferror(stdin))
        return bh_fail_errno(err, "read standard input");
    return BH_EXIT_DONE;
}

static const struct bh_example examples[] = {
    {"echo 'proc.name in (sh, bash) and not user.name = root' | bulkhead policy parse",
     "is this condition well formed"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_policy_parse = {
    .name = "policy parse",
    .group = BH_GROUP_JUDGE,
    .summary = "Check the grammar of conditions",
    .text = "Reads one condition a line from standard input and prints for each either \"ok\" or "
            "\"error "
            "COLUMN MESSAGE\", with the column in bytes from 1. Names of fields, macros and lists "
            "are not "
            "looked up; `bulkhead policy check` does that for whole files.",
    .examples = examples,
    .run = run,
};
