/* An archive says the same whatever pieces it is fed in, and every file comes out at its size.
 * Checksums of headers are put right first, or no mutation would get past them. */
#include "base/buf.h"
#include "base/mem.h"
#include "sys/tar.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t hash; /* of everything heard, FNV-1a */
    uint64_t size, got;
    bool in_file;
};

static void note(struct seen *s, const void *data, size_t len)
{
    const uint8_t *b = data;

    for (size_t i = 0; i < len; i++)
        s->hash = (s->hash ^ b[i]) * 0x100000001b3u;
}

static int on_member(void *self, const struct bh_tar_member *m, bool *want, struct bh_error *err)
{
    struct seen *s = self;

    (void)err;
    assert(!s->in_file);
    assert(strlen(m->name) == m->name_len && strlen(m->link) == m->link_len);
    assert(m->mode <= 07777 && m->mtime_nsec < 1000000000 && m->type >= BH_TAR_FILE);
    assert(m->size == 0 || m->type == BH_TAR_FILE);
    for (size_t i = 0; i < m->xattr_count; i++) {
        note(s, m->xattrs[i].name, strlen(m->xattrs[i].name));
        note(s, m->xattrs[i].value, m->xattrs[i].len);
    }
    note(s, m->name, m->name_len);
    note(s, m->link, m->link_len);
    note(s, &m->size, sizeof m->size);
    note(s, &m->mtime, sizeof m->mtime);
    *want = m->type == BH_TAR_FILE;
    s->in_file = *want;
    s->size = m->size;
    s->got = 0;
    return 0;
}

static int on_data(void *self, const void *data, size_t len, struct bh_error *err)
{
    struct seen *s = self;

    (void)err;
    assert(s->in_file && len > 0);
    s->got += len;
    note(s, data, len);
    return 0;
}

static int on_hole(void *self, uint64_t len, struct bh_error *err)
{
    struct seen *s = self;

    (void)err;
    assert(s->in_file && len > 0);
    s->got += len;
    note(s, &len, sizeof len);
    return 0;
}

static int on_end(void *self, struct bh_error *err)
{
    struct seen *s = self;

    (void)err;
    assert(s->in_file && s->got == s->size);
    s->in_file = false;
    return 0;
}

static int read_tar(const char *data, size_t size, size_t piece, struct seen *s)
{
    const struct bh_tar_handler h = {s, on_member, on_data, on_hole, on_end};
    BH_AUTO(bh_tar_freep) struct bh_tar *t = bh_tar_new(&h, 4095);
    struct bh_error err = BH_ERROR_INIT;
    int r = 0;

    for (size_t at = 0; r == 0 && at < size; at += piece)
        r = bh_tar_feed(t, data + at, BH_MIN(piece, size - at), &err);
    if (r == 0)
        r = bh_tar_finish(t, &err);
    assert(r == 0 || (r == -err.code && err.message[0]));
    return r;
}

static void fix_checksum(char *block)
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)block[i];
    for (int i = 5; i >= 0; i--, sum >>= 3)
        block[148 + i] = (char)('0' + (sum & 7));
    block[154] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_freep) char *copy = bh_strndup((const char *)data, size);
    struct seen whole = {0}, pieces = {0};
    int r;

    for (size_t at = 0; at + 512 <= size; at += 512)
        if (memcmp(copy + at + 257, "ustar", 5) == 0)
            fix_checksum(copy + at);
    r = read_tar(copy, size, size ? size : 1, &whole);
    assert(read_tar(copy, size, 1 + size % 700, &pieces) == r);
    assert(r < 0 || whole.hash == pieces.hash);
    return 0;
}
