#include "inspect/os_release.h"

#include <ctype.h>
#include <string.h>

/* The value as a shell would read it; what a shell would go on to interpret stays as it is. */
static const char *unquoted(struct bh_arena *arena, const char *text, size_t len)
{
    char *out = bh_arena_alloc(arena, len + 1);
    char quote = '\0';
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (quote == '\0' && (c == '"' || c == '\''))
            quote = c;
        else if (quote != '\0' && c == quote)
            quote = '\0';
        else if (c == '\\' && quote != '\'' && i + 1 < len)
            out[n++] = text[++i];
        else if (quote == '\0' && (isspace((unsigned char)c) || c == '#'))
            break;
        else
            out[n++] = c;
    }
    return out;
}

static bool is_id(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (!islower((unsigned char)*text) && !isdigit((unsigned char)*text) &&
            !strchr("._-", *text))
            return false;
    return true;
}

static void take(const char *name, size_t name_len, const char *value, struct bh_distribution *d)
{
    const struct {
        const char *name;
        const char **to;
    } wanted[] = {
        {"ID", &d->id},
        {"VERSION_ID", &d->version_id},
        {"VERSION_CODENAME", &d->codename},
        {"PRETTY_NAME", &d->pretty_name},
        {"ID_LIKE", &d->id_like},
    };

    for (size_t i = 0; i < BH_COUNT_OF(wanted); i++)
        if (strlen(wanted[i].name) == name_len && memcmp(wanted[i].name, name, name_len) == 0)
            *wanted[i].to = *value ? value : NULL;
}

void bh_os_release_parse(const char *text, size_t len, struct bh_arena *arena,
                         struct bh_distribution *ret)
{
    struct bh_distribution d = {0};
    const char *end = text + len;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        const char *equal = memchr(text, '=', (size_t)(stop - text));

        while (text < stop && (*text == ' ' || *text == '\t'))
            text++;
        if (equal && equal > text && *text != '#' && !memchr(text, '\0', (size_t)(stop - text)))
            take(text, (size_t)(equal - text),
                 unquoted(arena, equal + 1, (size_t)(stop - equal - 1)), &d);
        text = stop + 1;
    }
    if (d.id && !is_id(d.id))
        d.id = NULL;
    *ret = d;
}
