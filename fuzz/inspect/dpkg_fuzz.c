/* What is found must not depend on the pieces the content came in, and every text found must be one
 * that can be shown and compared. */
#include "base/mem.h"
#include "inspect/dpkg.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int note(void *self, const struct bh_found_package *p, struct bh_error *err)
{
    (void)err;
    assert(bh_package_text_ok(p->name) && bh_package_text_ok(p->version));
    assert(bh_package_text_ok(p->source_name) && bh_package_text_ok(p->source_version));
    bh_buf_printf(self, "%s %s %s %s %s %s\n", p->name, p->version, p->source_name,
                  p->source_version, p->architecture, p->license);
    return 0;
}

static int parse(const uint8_t *data, size_t size, size_t piece, struct bh_buf *out)
{
    BH_AUTO(bh_dpkg_freep)
    struct bh_dpkg *parser = bh_dpkg_new((struct bh_package_listener){.found = note, .self = out});
    struct bh_error err = BH_ERROR_INIT;
    int r = 0;

    for (size_t at = 0; r == 0 && at < size; at += piece)
        r = bh_dpkg_feed(parser, data + at, BH_MIN(piece, size - at), &err);
    if (r == 0)
        r = bh_dpkg_end(parser, &err);
    assert(r == 0 || (r == -err.code && err.message[0]));
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_buf_done) struct bh_buf whole = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf pieces = BH_BUF_INIT(0);
    int r = parse(data, size, size + 1, &whole);

    assert(parse(data, size, 1 + size % 7, &pieces) == r);
    assert(whole.len == pieces.len);
    assert(whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
    return 0;
}
