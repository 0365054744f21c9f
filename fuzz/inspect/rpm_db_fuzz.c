#include "inspect/rpm_db.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int note(void *self, const struct bh_found_package *p, struct bh_error *err)
{
    (void)self;
    (void)err;
    assert(bh_package_text_ok(p->name) && bh_package_text_ok(p->version));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bh_package_listener to = {.found = note};
    struct bh_error err = BH_ERROR_INIT;
    int fd = memfd_create("fuzz", MFD_CLOEXEC), r;

    assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    r = bh_rpm_db_read(fd, size, &to, &err);
    assert(r == 0 || (r == -err.code && err.message[0]));
    close(fd);
    return 0;
}
