/* The launch record's reader: with the right sum put in, so that the bounds behind it are reached.
 */
#include "base/buf.h"
#include "profile/launch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_freep) char *copy = bh_new(size + 1);
    BH_AUTO(bh_launch_freep) struct bh_launch *l = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf again = BH_BUF_INIT(BH_LAUNCH_MAX);
    uint32_t version = BH_LAUNCH_VERSION, length = (uint32_t)size - 24;
    uint64_t sum = 0xcbf29ce484222325u;

    memcpy(copy, data, size);
    if (size >= 24) {
        for (size_t i = 24; i < size; i++)
            sum = (sum ^ data[i]) * 0x100000001b3u;
        memcpy(copy, "BHLAUNCH", 8);
        memcpy(copy + 8, &version, sizeof version);
        memcpy(copy + 12, &length, sizeof length);
        memcpy(copy + 16, &sum, sizeof sum);
    }
    /* What was taken is written the same, byte for byte, but for flags that were not 0 or 1. */
    if (bh_launch_decode(copy, size, &l, NULL) == 0 && bh_launch_encode(l, &again, NULL) == 0 &&
        again.len != size)
        __builtin_trap();
    return 0;
}
