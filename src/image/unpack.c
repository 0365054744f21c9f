#include "image/unpack.h"

int bh_layer_unpack(const struct bh_layer_source *layer, const struct bh_layer_limits *limits,
                    int fs_fd, struct bh_layer_outcome *ret_outcome,
                    struct bh_apply_report *ret_report, struct bh_error *err)
{
    BH_AUTO(bh_apply_freep) struct bh_apply *apply = NULL;
    struct bh_layer_outcome outcome;
    struct bh_apply_report report;
    int r = bh_apply_new(fs_fd, &apply, err);

    if (r == 0)
        r = bh_decode_unpack(layer, limits ? limits : &bh_layer_limits_default,
                             bh_apply_sink(apply), &outcome, err);
    if (r == 0)
        r = bh_apply_finish(apply, &report, err);
    if (r < 0)
        return r;
    *ret_outcome = outcome;
    if (ret_report)
        *ret_report = report;
    return 0;
}
