/* runtime/device.h - the device nodes a container gets, and nothing else. */
#pragma once
#include "base/error.h"

#include <sys/types.h>

struct bh_device {
    const char *name;
    unsigned major, minor;
};
extern const struct bh_device bh_devices[];
extern const size_t bh_device_count;

/* 0 when (dirfd, d->name) is exactly this character device, looked at without following links. */
int bh_device_check(int dirfd, const struct bh_device *d, struct bh_error *err) BH_CHECKED;
