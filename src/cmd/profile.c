#include "profile/profile.h"

#include "cmd/run.h"

static int run(const struct bh_call *call, struct bh_error *err)
{
    struct bh_run_request q = *(const struct bh_run_request *)call->options;
    BH_AUTO(bh_launch_freep) struct bh_launch *l = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf document = BH_BUF_INIT(BH_PROFILE_MAX);
    int r = bh_run_request_check(&q, &call->operands, call->dashes, err);

    if (r == 0)
        r = bh_run_prepare(call, &q, &l, err);
    bh_run_request_done(&q);
    if (r == 0)
        r = bh_profile_read(call->root, l->profile_digest, &document, err);
    if (r < 0)
        return r;
    (void)fputs(bh_buf_text(&document), call->out->stream); /* the frame checks the stream */
    return BH_EXIT_DONE;
}

static const struct bh_example examples[] = {
    {"bulkhead profile nginx:1.27", "what a container of this image may do"},
    {"bulkhead profile nginx:1.27 | jq .system_calls.allow", "the system calls alone"},
    {NULL, NULL},
};

const struct bh_command bh_cmd_profile = {
    .name = "profile",
    .group = BH_GROUP_RUN,
    .summary = "Show the confinement that run would give an image",
    .operands = "TARGET [--] [COMMAND...]",
    .operands_min = 1,
    .operands_max = SIZE_MAX,
    .completion = BH_COMPLETE_TARGET,
    .text =
        "Does all that `bulkhead run` does but start the container: brings the image in, lets the "
        "policy judge it, compiles its profile, and prints that as JSON "
        "(docs/schema/profile.schema.json): user, capabilities, system calls, files that may be "
        "written, kernel paths that are masked, ports, limits, and the rules of the policy that "
        "narrowed it. The document is made from the record that is enforced; its system calls are "
        "the "
        "answers of the compiled filter.\n"
        "Takes the options of `bulkhead run`. The exit status is 3 when the policy denies.",
    .options = bh_run_options,
    .options_size = sizeof(struct bh_run_request),
    .end_at_operand = true,
    .examples = examples,
    .run = run,
};
