#include "inspect/os_release.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    struct bh_distribution d;

    bh_os_release_parse((const char *)data, size, arena, &d);
    assert(!d.id || (*d.id && !strpbrk(d.id, "/ \n")));
    assert(!d.version_id || strlen(d.version_id) <= size);
    return 0;
}
