/* base NUL reference: a URL that is accepted is written as one that is read back as the same. */
#include "http/url.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_url(const struct bh_url *u)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    struct bh_url again;

    assert(u->host[0] && u->port && u->target[0] == '/');
    bh_url_format(u, &text);
    if (text.len >= BH_URL_MAX)
        return;
    assert(bh_url_parse(bh_buf_text(&text), &again, NULL) == 0);
    assert(bh_url_same_origin(u, &again) && strcmp(u->target, again.target) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 2);
    struct bh_url base, joined;

    assert(text);
    memcpy(text, data, size);
    if (bh_url_parse(text, &base, NULL) == 0) {
        check_url(&base);
        if (bh_url_join(&base, text + strlen(text) + 1, &joined, NULL) == 0)
            check_url(&joined);
    }
    free(text);
    return 0;
}
