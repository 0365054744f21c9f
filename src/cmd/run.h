/* cmd/run.h - the parts of `bulkhead run` that the front and the full executable share. */
#pragma once
#include "cmd/command.h"
#include "profile/launch.h"
#include "runtime/request.h"

extern const struct bh_command bh_cmd_run;

/* Makes the launch record for a request that has none, or whose inputs changed: the image is
 * brought in, judged at the run gate, and its profile compiled. In the front this becomes the full
 * executable instead, and returns only when that cannot be done.
 * Errors: BH_POLICY with the reason when the policy denies. */
int bh_run_prepare(const struct bh_call *call, const struct bh_run_request *q,
                   struct bh_launch **ret, struct bh_error *err) BH_CHECKED;
