#include "image/layer_stream.h"

const struct bh_layer_limits bh_layer_limits_default = {
    .total_bytes = 64ull << 30,
    .entries = 1000000,
    .ratio = 250,
    .path_bytes = 4095,
    .depth = 256,
    .window_log = 25,
};
