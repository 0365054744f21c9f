#include "base/mem.h"
#include "inspect/secret.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_freep) char *text = bh_strndup((const char *)data, size);
    const char *name;
    size_t len;
    const char *kind = bh_secret_in_command(text, &name, &len);

    assert(!name || (kind && name >= text && name + len <= text + size));
    /* Without a NUL behind it: the length is all there is. */
    (void)bh_secret_token((const char *)data, size);
    return 0;
}
