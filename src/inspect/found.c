#include "inspect/found.h"

#include <string.h>

bool bh_package_text_ok(const char *text)
{
    size_t len = strnlen(text, BH_PACKAGE_TEXT_MAX + 1);

    if (len == 0 || len > BH_PACKAGE_TEXT_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return false;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

bool bh_package_text_copy(char *to, size_t size, const char *text, size_t len)
{
    while (len > 0 && is_space(*text)) {
        text++;
        len--;
    }
    while (len > 0 && is_space(text[len - 1]))
        len--;
    if (len >= size || memchr(text, '\0', len))
        return false;
    memcpy(to, text, len);
    to[len] = '\0';
    return true;
}
