/* Files of apt's sources, in both styles. */
#include "advisory/apt.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const extra[] = {"trixie-security", NULL};
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (int style = 0; style < 4; style++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
        size_t count = bh_apt_security_entries(text, style & 1, style & 2 ? extra : NULL, &out);

        assert((count > 0) == (out.len > 0));
    }
    free(text);
    return 0;
}
