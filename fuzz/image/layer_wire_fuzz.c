/* Frames from a decoder that an attacker has taken over: whatever gets through is sound. */
#include "check_sink.h"
#include "image/layer_wire.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct check_sink state = {0};
    const struct bh_layer_sink sink = CHECK_SINK(&state);
    struct bh_layer_outcome outcome;
    struct bh_error err = BH_ERROR_INIT;
    int fd = memfd_create("wire", MFD_CLOEXEC), r;

    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    r = bh_layer_receive(fd, &sink, &outcome, &err);
    assert(r == 0 || (r == -err.code && strlen(err.message) < BH_ERROR_MESSAGE_SIZE));
    close(fd);
    return 0;
}
