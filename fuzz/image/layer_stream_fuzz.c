/* A whole layer: what the pass lets through is sound, and the receiver believes all of it. */
#include "check_sink.h"
#include "image/layer_wire.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bh_layer_limits limits = {.total_bytes = 4u << 20,
                                              .entries = 1000,
                                              .ratio = 100,
                                              .path_bytes = 4095,
                                              .depth = 50,
                                              .window_log = 20};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct check_sink state = {0};
    const struct bh_layer_sink check = CHECK_SINK(&state);
    struct bh_layer_outcome outcome, received;
    struct bh_error err = BH_ERROR_INIT, receive_err = BH_ERROR_INIT;
    int layer = memfd_create("layer", MFD_CLOEXEC), wire = memfd_create("wire", MFD_CLOEXEC);
    BH_AUTO(bh_layer_sender_freep) struct bh_layer_sender *sender = bh_layer_sender_new(wire);
    const struct bh_layer_source source = {.fd = layer, .size = size};
    int r;

    assert(write(layer, data, size) == (ssize_t)size);
    r = bh_layer_stream(&source, &limits, bh_layer_sender_sink(sender), &outcome.digest,
                        &outcome.diff_id, &outcome.totals, &err);
    assert(r == 0 || (r == -err.code && err.message[0]));
    assert(bh_layer_sender_finish(sender, &outcome, &err, &receive_err) == 0);
    assert(lseek(wire, 0, SEEK_SET) == 0);
    assert(bh_layer_receive(wire, &check, &received, &receive_err) == r);
    close(layer);
    close(wire);
    return 0;
}
