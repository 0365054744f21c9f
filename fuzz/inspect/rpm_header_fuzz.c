#include "inspect/rpm_header.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int note(void *self, const struct bh_found_package *p, struct bh_error *err)
{
    (void)self;
    (void)err;
    assert(bh_package_text_ok(p->name) && bh_package_text_ok(p->version));
    assert(bh_package_text_ok(p->source_name) && bh_package_text_ok(p->source_version));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bh_package_listener to = {.found = note};
    struct bh_rpm_header h;
    struct bh_error err = BH_ERROR_INIT;
    int r = bh_rpm_header_parse(data, size, &h, &err);

    if (r == 0)
        r = bh_rpm_header_tell(&h, &to, &err);
    assert(r == 0 || (r == -err.code && err.message[0]));
    return 0;
}
