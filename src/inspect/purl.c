#include "inspect/purl.h"

#include <ctype.h>
#include <string.h>

static bool is_type(const char *text, size_t len)
{
    if (len == 0 || !isalpha((unsigned char)text[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !memchr(".-", text[i], 2))
            return false;
    return true;
}

static bool is_qualifier_name(const char *text, size_t len)
{
    if (len == 0 || !(islower((unsigned char)text[0])))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) &&
            !memchr(".-_", text[i], 3))
            return false;
    return true;
}

static char *lowered(struct bh_arena *arena, const char *text, size_t len)
{
    char *out = bh_arena_strndup(arena, text, len);

    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)out[i]);
    return out;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding; NULL for a bad escape or an encoded NUL. */
static char *decoded(struct bh_arena *arena, const char *text, size_t len)
{
    char *out = bh_arena_alloc(arena, len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            out[n++] = text[i];
            continue;
        }
        if (len - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
            return NULL;
        out[n] = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
        if (out[n++] == '\0')
            return NULL;
        i += 2;
    }
    return out;
}

/* Decodes the parts of a namespace or subpath, drops empty ones, joins them again. *ret NULL when
 * nothing is left. */
static int decode_path(struct bh_arena *arena, const char *text, size_t len, bool is_subpath,
                       const char **ret, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

    while (len > 0) {
        const char *slash = memchr(text, '/', len);
        size_t part = slash ? (size_t)(slash - text) : len;
        char *plain;

        plain = decoded(arena, text, part);
        /* An escaped slash would be another path when written again. */
        if (!plain || strchr(plain, '/'))
            return bh_fail(err, BH_INVALID, "package URL: bad escape in '%.*s'", (int)part, text);
        if (*plain && !(is_subpath && (strcmp(plain, ".") == 0 || strcmp(plain, "..") == 0))) {
            if (out.len)
                bh_buf_putc(&out, '/');
            bh_buf_puts(&out, plain);
        }
        text += part;
        len -= part;
        if (len > 0) {
            text++;
            len--;
        }
    }
    *ret = out.len ? bh_arena_strndup(arena, out.data, out.len) : NULL;
    return 0;
}

static int parse_qualifiers(const char *text, size_t len, bool fold_names, struct bh_arena *arena,
                            struct bh_purl *p, struct bh_error *err)
{
    const char *end = text + len;

    while (text < end) {
        const char *next = memchr(text, '&', (size_t)(end - text));
        const char *stop = next ? next : end;
        const char *equal = memchr(text, '=', (size_t)(stop - text));
        struct bh_purl_qualifier *q = &p->qualifiers[p->qualifier_count];

        if (p->qualifier_count == BH_PURL_QUALIFIERS_MAX)
            return bh_fail(err, BH_LIMIT, "package URL: more than %u qualifiers",
                           BH_PURL_QUALIFIERS_MAX);
        if (!equal)
            return bh_fail(err, BH_INVALID, "package URL: a qualifier without '='");
        q->name = fold_names ? lowered(arena, text, (size_t)(equal - text))
                             : bh_arena_strndup(arena, text, (size_t)(equal - text));
        if (!is_qualifier_name(q->name, strlen(q->name)))
            return bh_fail(err, BH_INVALID, "package URL: '%s' is no qualifier name", q->name);
        q->value = decoded(arena, equal + 1, (size_t)(stop - equal - 1));
        if (!q->value)
            return bh_fail(err, BH_INVALID, "package URL: bad escape in qualifier '%s'", q->name);
        if (*q->value)
            p->qualifier_count++;
        text = stop + 1;
    }
    return 0;
}

/* [text, *len) is cut at the last separator that has no '/' after it; returns what follows. */
static const char *cut_last(const char *text, size_t *len, char separator)
{
    const char *at = memrchr(text, separator, *len);

    if (!at || at == text || (separator == '@' && memchr(at, '/', *len - (size_t)(at - text))))
        return NULL;
    *len = (size_t)(at - text);
    return at + 1;
}

/* "namespace/name@version" */
static int parse_names(const char *text, size_t len, struct bh_arena *arena, struct bh_purl *p,
                       struct bh_error *err)
{
    size_t whole = len;
    const char *version = cut_last(text, &len, '@');
    const char *slash;

    if (version) {
        p->version = decoded(arena, version, whole - (size_t)(version - text));
        if (!p->version)
            return bh_fail(err, BH_INVALID, "package URL: bad escape in the version");
        if (!*p->version)
            p->version = NULL;
    }
    while (len > 0 && text[len - 1] == '/')
        len--;
    slash = memrchr(text, '/', len);
    if (slash) {
        int r = decode_path(arena, text, (size_t)(slash - text), false, &p->namespace, err);

        if (r < 0)
            return r;
        len -= (size_t)(slash + 1 - text);
        text = slash + 1;
    }
    /* "maven/@1.3.4": what looks like a name is the version. */
    p->name = len > 0 && text[0] != '@' ? decoded(arena, text, len) : NULL;
    if (!p->name || !*p->name)
        return bh_fail(err, BH_INVALID, "package URL: no name");
    return 0;
}

int bh_purl_parse(const char *text, bool fold_names, struct bh_arena *arena, struct bh_purl *ret,
                  struct bh_error *err)
{
    struct bh_purl p = {0};
    size_t len = strnlen(text, BH_PURL_MAX + 1), whole = len;
    const char *part, *slash;
    int r;

    if (len > BH_PURL_MAX)
        return bh_fail(err, BH_LIMIT, "package URL longer than %u bytes", BH_PURL_MAX);
    if (len < 4 || strncasecmp(text, "pkg:", 4) != 0)
        return bh_fail(err, BH_INVALID, "package URL: does not begin with 'pkg:'");
    part = memrchr(text, '#', len);
    if (part) {
        len = (size_t)(part - text);
        r = decode_path(arena, part + 1, whole - len - 1, true, &p.subpath, err);
        if (r < 0)
            return r;
        whole = len;
    }
    /* From the left: a '?' inside a type must not hide behind a later one. */
    part = memchr(text, '?', len);
    if (part) {
        len = (size_t)(part - text);
        r = parse_qualifiers(part + 1, whole - len - 1, fold_names, arena, &p, err);
        if (r < 0)
            return r;
    }
    text += 4;
    len -= 4;
    while (len > 0 && *text == '/') {
        text++;
        len--;
    }
    slash = memchr(text, '/', len);
    if (!slash || !is_type(text, (size_t)(slash - text)))
        return bh_fail(err, BH_INVALID, "package URL: no type");
    p.type = lowered(arena, text, (size_t)(slash - text));
    len -= (size_t)(slash + 1 - text);
    r = parse_names(slash + 1, len, arena, &p, err);
    if (r == 0)
        *ret = p;
    return r;
}

static void encode(struct bh_buf *out, const char *text, const char *also)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 128 && (isalnum(c) || strchr(".-_~:", c) || strchr(also, c)))
            bh_buf_putc(out, *text);
        else
            bh_buf_printf(out, "%%%02X", c);
    }
}

static void format_qualifiers(const struct bh_purl *p, struct bh_buf *out)
{
    char mark = '?';

    /* By name: at each step the smallest that is greater than the last one written. */
    for (const char *last = "";;) {
        const struct bh_purl_qualifier *next = NULL;

        for (size_t i = 0; i < p->qualifier_count; i++) {
            const struct bh_purl_qualifier *q = &p->qualifiers[i];

            if (strcmp(q->name, last) > 0 && (!next || strcmp(q->name, next->name) < 0))
                next = q;
        }
        if (!next)
            return;
        last = next->name;
        if (!next->value || !*next->value)
            continue;
        bh_buf_printf(out, "%c%s=", mark, next->name);
        encode(out, next->value, "");
        mark = '&';
    }
}

int bh_purl_format(const struct bh_purl *p, struct bh_buf *out, struct bh_error *err)
{
    if (!p->type || !is_type(p->type, strlen(p->type)))
        return bh_fail(err, BH_INVALID, "package URL: no type");
    if (!p->name || !*p->name)
        return bh_fail(err, BH_INVALID, "package URL: no name");
    for (size_t i = 0; i < p->qualifier_count; i++)
        if (!is_qualifier_name(p->qualifiers[i].name, strlen(p->qualifiers[i].name)))
            return bh_fail(err, BH_INVALID, "package URL: '%s' is no qualifier name",
                           p->qualifiers[i].name);
    bh_buf_puts(out, "pkg:");
    for (const char *t = p->type; *t; t++)
        bh_buf_putc(out, (char)tolower((unsigned char)*t));
    bh_buf_putc(out, '/');
    if (p->namespace && *p->namespace) {
        encode(out, p->namespace, "/");
        bh_buf_putc(out, '/');
    }
    encode(out, p->name, "");
    if (p->version && *p->version) {
        bh_buf_putc(out, '@');
        encode(out, p->version, "");
    }
    format_qualifiers(p, out);
    if (p->subpath && *p->subpath) {
        bh_buf_putc(out, '#');
        encode(out, p->subpath, "/");
    }
    return 0;
}
