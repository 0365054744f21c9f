/* Header lines of a server, one after the other: fields stay terminated and without control bytes.
 */
#include "http/fetch_header.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bh_fetch_headers headers;

static void check_text(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    assert(len < size);
    for (size_t i = 0; i < len; i++)
        assert((unsigned char)text[i] >= 0x20 || text[i] == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    uint64_t first = 0, total = 0;
    struct bh_error err = BH_ERROR_INIT;

    headers = (struct bh_fetch_headers){.bytes = 0};
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop + 1 : end) - at);

        if (bh_fetch_header_line(&headers, at, len, &err) != 0)
            break;
        at += len;
    }
    check_text(headers.fields.content_type, sizeof headers.fields.content_type);
    check_text(headers.fields.authenticate, sizeof headers.fields.authenticate);
    check_text(headers.fields.link, sizeof headers.fields.link);
    check_text(headers.location, sizeof headers.location);
    if (bh_fetch_content_range(headers.content_range, &first, &total, &err) == 0)
        assert(total == 0 || first < total);
    return 0;
}
