#include "base/utf8.h"

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t bh_utf8_decode(const char *text, size_t len, uint32_t *ret)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead;
    uint32_t code;
    size_t n;

    if (!len)
        return 0;
    lead = (unsigned char)text[0];
    if (lead < 0x80) {
        *ret = lead;
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    n = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (n > len)
        return 0;
    code = lead & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (!continues(text[i]))
            return 0;
        code = code << 6 | ((unsigned char)text[i] & 0x3Fu);
    }
    if (code < smallest[n] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    *ret = code;
    return n;
}

size_t bh_utf8_encode(uint32_t code, char *text)
{
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    if (n == 1) {
        text[0] = (char)code;
        return 1;
    }
    for (size_t i = n; i-- > 1; code >>= 6)
        text[i] = (char)(0x80 | (code & 0x3F));
    text[0] = (char)(lead[n] | code);
    return n;
}

bool bh_utf8_valid(const char *text, size_t len)
{
    uint32_t code;

    for (size_t at = 0, n; at < len; at += n) {
        n = bh_utf8_decode(text + at, len - at, &code);
        if (!n)
            return false;
    }
    return true;
}
