#include "advisory/suite_index.h"

#include "advisory/version.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct line {
    const char *at;
    size_t len;
};

/* The next line without its end; false at the end of text. */
static bool take_line(const char **at, const char *end, struct line *ret)
{
    const char *stop;

    if (*at >= end)
        return false;
    stop = memchr(*at, '\n', (size_t)(end - *at));
    ret->at = *at;
    ret->len = (size_t)((stop ? stop : end) - *at);
    *at = stop ? stop + 1 : end;
    if (ret->len && ret->at[ret->len - 1] == '\r')
        ret->len--;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "Name: value" of the wanted name; the value without white space around it. */
static bool field_is(const struct line *l, const char *name, struct line *ret_value)
{
    size_t n = strlen(name);
    const char *at, *end = l->at + l->len;

    if (l->len <= n || l->at[n] != ':' || strncasecmp(l->at, name, n) != 0)
        return false;
    at = l->at + n + 1;
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    *ret_value = (struct line){at, (size_t)(end - at)};
    return true;
}

/* ---- Release ---- */

/* Copies text into one of the fixed fields: a word without surprises. */
static bool copy_word(const struct line *value, char *to)
{
    if (value->len == 0 || value->len >= BH_SUITE_WORD_MAX)
        return false;
    for (size_t i = 0; i < value->len; i++)
        if (!isalnum((unsigned char)value->at[i]) && !strchr("-._/", value->at[i]))
            return false;
    memcpy(to, value->at, value->len);
    to[value->len] = '\0';
    return true;
}

/* "Sat, 21 Nov 2026 00:53:02 UTC" */
static bool parse_date(const struct line *value, int64_t *ret)
{
    char text[64];
    struct tm tm = {0};
    const char *rest;

    if (value->len >= sizeof text)
        return false;
    memcpy(text, value->at, value->len);
    text[value->len] = '\0';
    rest = strptime(text, "%a, %d %b %Y %H:%M:%S", &tm);
    if (!rest || (strcmp(rest, " UTC") != 0 && strcmp(rest, " +0000") != 0 &&
                  strcmp(rest, " GMT") != 0 && strcmp(rest, " Z") != 0))
        return false;
    *ret = (int64_t)timegm(&tm);
    return true;
}

/* Narrows text to what a clear-signed message signs. */
static void find_signed(const char **text, size_t *len)
{
    static const char begin[] = "-----BEGIN PGP SIGNED MESSAGE-----";
    static const char signature[] = "\n-----BEGIN PGP SIGNATURE-----";
    const char *stop, *body;

    if (*len < sizeof begin || strncmp(*text, begin, sizeof begin - 1) != 0)
        return;
    body = memmem(*text, *len, "\n\n", 2); /* after the armour's own header */
    if (!body)
        return;
    body += 2;
    *len -= (size_t)(body - *text);
    *text = body;
    stop = memmem(*text, *len, signature, sizeof signature - 1);
    if (stop)
        *len = (size_t)(stop + 1 - *text);
}

int bh_release_parse(const char *text, size_t len, struct bh_release *ret, struct bh_error *err)
{
    struct bh_release release = {0};
    bool dated = false, good = true;
    const char *at, *end;
    struct line l, v;

    find_signed(&text, &len);
    for (at = text, end = text + len; good && take_line(&at, end, &l);) {
        if (field_is(&l, "Origin", &v))
            good = copy_word(&v, release.origin);
        else if (field_is(&l, "Codename", &v))
            good = copy_word(&v, release.codename);
        else if (field_is(&l, "Date", &v))
            good = dated = parse_date(&v, &release.date);
        else if (field_is(&l, "Valid-Until", &v))
            good = parse_date(&v, &release.valid_until);
    }
    if (!good)
        return bh_fail(err, BH_INVALID, "a field of the Release file is malformed");
    if (!dated || !*release.codename || !*release.origin)
        return bh_fail(err, BH_INVALID, "no Release file: Origin, Codename or Date is missing");
    *ret = release;
    return 0;
}

static void skip_blanks(struct line *l)
{
    while (l->len && is_blank(*l->at))
        l->at++, l->len--;
}

static bool take_hex(struct line *l, char *hex65)
{
    if (l->len < 65)
        return false;
    for (size_t i = 0; i < 64; i++)
        if (!strchr("0123456789abcdef", l->at[i]) || !l->at[i])
            return false;
    memcpy(hex65, l->at, 64);
    hex65[64] = '\0';
    l->at += 64;
    l->len -= 64;
    return is_blank(*l->at);
}

static uint64_t take_size(struct line *l)
{
    uint64_t n = 0;

    for (; l->len && isdigit((unsigned char)*l->at) && n < UINT64_MAX / 16; l->at++, l->len--)
        n = n * 10 + (uint64_t)(*l->at - '0');
    return n;
}

/* " <hex> <size> <path>" */
static bool member_is(struct line l, const char *member, uint64_t size, char *hex65)
{
    skip_blanks(&l);
    if (!take_hex(&l, hex65))
        return false;
    skip_blanks(&l);
    if (take_size(&l) != size)
        return false;
    skip_blanks(&l);
    if (l.len != strlen(member))
        return false;
    for (size_t i = 0; i < l.len; i++)
        if ((l.at[i] == '/' ? '_' : l.at[i]) != member[i])
            return false;
    return true;
}

bool bh_release_digest(const char *text, size_t len, const char *member, uint64_t size, char *hex65)
{
    bool in_list = false;
    const char *at, *end;
    struct line l, v;

    find_signed(&text, &len);
    for (at = text, end = text + len; take_line(&at, end, &l);) {
        if (l.len == 0 || !is_blank(*l.at))
            in_list = field_is(&l, "SHA256", &v);
        else if (in_list && member_is(l, member, size, hex65))
            return true;
    }
    return false;
}

/* ---- Packages ---- */

struct stanza {
    struct line package, source, version;
};

static bool is_name(const struct line *l)
{
    if (l->len < 1 || l->len > 200)
        return false;
    for (size_t i = 0; i < l->len; i++)
        if (!isalnum((unsigned char)l->at[i]) && !strchr("+-.", l->at[i]))
            return false;
    return true;
}

/* "gcc-12 (12.2.0-14)" into name and version. */
static bool split_source(struct line *source, struct line *ret_version)
{
    const char *open = memchr(source->at, '(', source->len), *end = source->at + source->len;

    if (!open)
        return true;
    if (end[-1] != ')')
        return false;
    *ret_version = (struct line){open + 1, (size_t)(end - open) - 2};
    source->len = (size_t)(open - source->at);
    while (source->len && is_blank(source->at[source->len - 1]))
        source->len--;
    return true;
}

/* true unless the stanza is malformed. */
static bool end_stanza(struct stanza *s, bh_packages_sink *sink, void *context)
{
    struct line source = s->source.len ? s->source : s->package, version = s->version;
    bool empty = !s->package.len && !s->version.len && !s->source.len;

    *s = (struct stanza){0};
    if (empty)
        return true;
    if (!source.len || !split_source(&source, &version) || !is_name(&source) ||
        bh_version_check(version.at, version.len, NULL) < 0)
        return false;
    sink(context, source.at, source.len, version.at, version.len);
    return true;
}

size_t bh_packages_parse(const char *text, size_t len, bh_packages_sink *sink, void *context)
{
    const char *at = text, *end = text + len;
    struct stanza s = {0};
    size_t malformed = 0;
    struct line l, v;

    while (take_line(&at, end, &l)) {
        if (l.len == 0)
            malformed += !end_stanza(&s, sink, context);
        else if (field_is(&l, "Package", &v))
            s.package = v;
        else if (field_is(&l, "Source", &v))
            s.source = v;
        else if (field_is(&l, "Version", &v))
            s.version = v;
    }
    malformed += !end_stanza(&s, sink, context);
    return malformed;
}
