#include "http/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void bh_base64_encode(const void *data, size_t len, struct bh_buf *out)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (left > 2 ? p[i + 2] : 0);

        bh_buf_putc(out, alphabet[bits >> 18]);
        bh_buf_putc(out, alphabet[bits >> 12 & 63]);
        bh_buf_putc(out, left > 1 ? alphabet[bits >> 6 & 63] : '=');
        bh_buf_putc(out, left > 2 ? alphabet[bits & 63] : '=');
    }
}

static size_t without_padding(const char *text, size_t len)
{
    if (len % 4 != 0)
        return len;
    for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
        len--;
    return len;
}

int bh_base64_decode(const char *text, size_t len, struct bh_buf *out, struct bh_error *err)
{
    size_t n = without_padding(text, len);
    uint32_t bits = 0;
    unsigned have = 0;

    if (n % 4 == 1)
        return bh_fail(err, BH_INVALID, "base64 of %zu digits", n);
    for (size_t i = 0; i < n; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        unsigned char byte;
        int r;

        if (!at)
            return bh_fail(err, BH_INVALID, "base64 has byte 0x%02x at offset %zu",
                           (unsigned char)text[i], i);
        bits = bits << 6 | (uint32_t)(at - alphabet);
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        byte = (unsigned char)(bits >> have);
        r = bh_buf_append(out, &byte, 1, err);
        if (r)
            return r;
    }
    if (bits & ((1u << have) - 1))
        return bh_fail(err, BH_INVALID, "base64 ends in bits of no byte");
    return 0;
}
