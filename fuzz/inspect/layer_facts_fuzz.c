/* The answer of a worker that was taken over, or a damaged file of the cache. */
#include "base/mem.h"
#include "inspect/merge.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_layer_facts_freep) struct bh_layer_facts *facts = NULL;
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    const struct bh_layer_facts *layers[2];
    struct bh_error err = BH_ERROR_INIT;
    int fd = memfd_create("fuzz", MFD_CLOEXEC), r;

    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    r = bh_layer_facts_open(fd, &facts, &err);
    if (r == 0) {
        layers[0] = layers[1] = facts;
        r = bh_merge_layers(layers, 2, false, f, &err);
    }
    assert(r == 0 || (r == -err.code && err.message[0]));
    return 0;
}
