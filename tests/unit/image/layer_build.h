/* Layers put together in memory, for tests of what reads and applies them. */
#pragma once
#include "../sys/tar_build.h"
#include "image/layer_stream.h"
#include "sys/digest.h"

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

static inline void layer_gzip(const struct bh_buf *tar, struct bh_buf *out)
{
    z_stream z = {0};
    size_t bound = tar->len + 4096;
    char *room = bh_buf_reserve(out, bound);

    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *)tar->data;
    z.avail_in = (uInt)tar->len;
    z.next_out = (Bytef *)room;
    z.avail_out = (uInt)bound;
    deflate(&z, Z_FINISH);
    out->len += bound - z.avail_out;
    deflateEnd(&z);
}

/* A descriptor on the bytes; the caller closes it. */
static inline int layer_fd(const struct bh_buf *bytes)
{
    int fd = memfd_create("layer", MFD_CLOEXEC);

    if (fd >= 0 && bytes->len && write(fd, bytes->data, bytes->len) != (ssize_t)bytes->len)
        return -1;
    return fd;
}
