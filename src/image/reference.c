#include "image/reference.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

struct bh_reference {
    char *text, *store_name;
    char *registry, *repository, *tag;
    struct bh_digest digest;
};

/* What is being parsed; offsets in messages count from text. */
struct cursor {
    const char *text;
    size_t at, end;
};

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static int bad(struct bh_error *err, const char *what, size_t at)
{
    return bh_fail(err, BH_INVALID, "%s at byte %zu", what, at);
}

bool bh_tag_is_valid(const char *text, size_t len)
{
    if (len == 0 || len > BH_TAG_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(text[i]) && text[i] != '_' && (i == 0 || (text[i] != '.' && text[i] != '-')))
            return false;
    }
    return true;
}

static int parse_tag(struct cursor c, char **ret, struct bh_error *err)
{
    if (c.at == c.end)
        return bad(err, "empty tag", c.at);
    if (c.end - c.at > BH_TAG_MAX)
        return bh_fail(err, BH_INVALID, "tag of %zu bytes at byte %zu, limit %u", c.end - c.at,
                       c.at, BH_TAG_MAX);
    for (size_t i = c.at; i < c.end; i++) {
        if (!bh_tag_is_valid(c.text + c.at, i + 1 - c.at))
            return bad(err, "a tag is [A-Za-z0-9_][A-Za-z0-9._-]*: bad character", i);
    }
    *ret = bh_strndup(c.text + c.at, c.end - c.at);
    return 0;
}

static int parse_digest(struct cursor c, struct bh_digest *ret, struct bh_error *err)
{
    char text[BH_DIGEST_TEXT_SIZE];
    struct bh_error inner = BH_ERROR_INIT;
    size_t len = c.end - c.at;

    if (len == 0 || len >= sizeof text || memchr(c.text + c.at, '\0', len))
        return bad(err, "not a digest", c.at);
    memcpy(text, c.text + c.at, len);
    text[len] = '\0';
    if (bh_digest_parse(text, ret, &inner) < 0)
        return bh_fail(err, BH_INVALID, "%s at byte %zu", inner.message, c.at);
    return 0;
}

static int bad_letter(struct cursor c, size_t at, struct bh_error *err)
{
    if (at < c.end && c.text[at] >= 'A' && c.text[at] <= 'Z')
        return bad(err, "names are lower case: bad character", at);
    return bad(err, "a name begins and ends with a letter or digit: bad character",
               at < c.end ? at : at - 1);
}

/* Where the separator at i ends: "." | "_" | "__" | "-"+; i when there is none. */
static size_t separator_end(struct cursor c, size_t i)
{
    if (c.text[i] == '.')
        return i + 1;
    if (c.text[i] == '_')
        return i + 1 < c.end && c.text[i + 1] == '_' ? i + 2 : i + 1;
    while (i < c.end && c.text[i] == '-')
        i++;
    return i;
}

/* path-component ::= [a-z0-9]+ ( separator [a-z0-9]+ )* */
static int check_component(struct cursor c, struct bh_error *err)
{
    size_t i = c.at;

    if (c.at == c.end)
        return bad(err, "empty component of a name", c.at);
    for (;;) {
        size_t start = i, next;

        while (i < c.end && is_lower_alnum(c.text[i]))
            i++;
        if (i == start)
            return bad_letter(c, i, err);
        if (i == c.end)
            return 0;
        next = separator_end(c, i);
        if (next == i)
            return bad(err, "bad character in a name", i);
        i = next;
    }
}

static int parse_repository(struct cursor c, char **ret, struct bh_error *err)
{
    size_t start = c.at;

    for (size_t i = c.at; i <= c.end; i++) {
        if (i < c.end && c.text[i] != '/')
            continue;
        int r = check_component((struct cursor){c.text, start, i}, err);

        if (r < 0)
            return r;
        start = i + 1;
    }
    *ret = bh_strndup(c.text + c.at, c.end - c.at);
    return 0;
}

static int check_port(struct cursor c, struct bh_error *err)
{
    unsigned long port = 0;

    if (c.at == c.end)
        return bad(err, "empty port", c.at);
    for (size_t i = c.at; i < c.end; i++) {
        if (c.text[i] < '0' || c.text[i] > '9')
            return bad(err, "a port is a number: bad character", i);
        port = port * 10 + (unsigned long)(c.text[i] - '0');
        if (port > 65535)
            return bad(err, "port over 65535", c.at);
    }
    return 0;
}

static int check_ipv6(struct cursor *c, struct bh_error *err)
{
    size_t i = c->at + 1;

    while (i < c->end && (is_alnum(c->text[i]) || c->text[i] == ':' || c->text[i] == '.'))
        i++;
    if (i == c->end || c->text[i] != ']' || i == c->at + 1)
        return bad(err, "an address in brackets ends with ']'", i);
    c->at = i + 1;
    return 0;
}

/* host ::= label ( "." label )*, label ::= letters and digits, '-' inside. c->at goes to the end of
 * the host: the ':' of a port, or c->end. */
static int check_host(struct cursor *c, struct bh_error *err)
{
    size_t label = c->at, i;

    for (i = c->at;; i++) {
        bool ends = i == c->end || c->text[i] == '.' || c->text[i] == ':';

        if (!ends && !is_alnum(c->text[i]) && c->text[i] != '-')
            return bad(err, "bad character in the registry's name", i);
        if (!ends)
            continue;
        if (i == label || c->text[label] == '-' || c->text[i - 1] == '-')
            return bad(err, "a host name's parts begin and end with a letter or digit", label);
        if (i == c->end || c->text[i] == ':')
            break;
        label = i + 1;
    }
    c->at = i;
    return 0;
}

static int parse_registry(struct cursor c, char **ret, struct bh_error *err)
{
    size_t start = c.at;
    int e = c.text[c.at] == '[' ? check_ipv6(&c, err) : check_host(&c, err);

    if (e < 0)
        return e;
    if (c.at < c.end && c.text[c.at] != ':')
        return bad(err, "bad character after the address", c.at);
    if (c.at < c.end && (e = check_port((struct cursor){c.text, c.at + 1, c.end}, err)) < 0)
        return e;
    *ret = bh_strndup(c.text + start, c.end - start);
    return 0;
}

/* Where the registry ends, or at when there is none. */
static size_t registry_end(struct cursor c)
{
    const char *slash = memchr(c.text + c.at, '/', c.end - c.at);
    size_t len;

    if (!slash)
        return c.at;
    len = (size_t)(slash - (c.text + c.at));
    if (len == strlen("localhost") && memcmp(c.text + c.at, "localhost", len) == 0)
        return c.at + len;
    if (memchr(c.text + c.at, '.', len) || memchr(c.text + c.at, ':', len))
        return c.at + len;
    return c.at;
}

static char *store_name_of(const struct bh_reference *r)
{
    if (r->tag || bh_digest_is_set(&r->digest))
        return bh_strdup(r->text);
    return bh_format("%s:latest", r->text);
}

int bh_reference_parse(const char *text, size_t len, struct bh_reference **ret,
                       struct bh_error *err)
{
    BH_AUTO(bh_reference_freep) struct bh_reference *r = bh_new0(sizeof *r);
    struct cursor c = {text, 0, len};
    const char *at;
    size_t registry;
    int e = 0;

    if (len > BH_REFERENCE_MAX)
        return bh_fail(err, BH_LIMIT, "reference of %zu bytes, limit %u", len, BH_REFERENCE_MAX);
    if (len == 0)
        return bad(err, "empty reference", 0);
    at = memchr(text, '@', len);
    if (at) {
        c.end = (size_t)(at - text);
        e = parse_digest((struct cursor){text, c.end + 1, len}, &r->digest, err);
    }
    for (size_t i = c.end; e == 0 && i > c.at && text[i - 1] != '/'; i--) {
        if (text[i - 1] != ':')
            continue;
        e = parse_tag((struct cursor){text, i, c.end}, &r->tag, err);
        c.end = i - 1;
        break;
    }
    if (e < 0)
        return e;
    registry = registry_end(c);
    if (registry > c.at) {
        e = parse_registry((struct cursor){text, c.at, registry}, &r->registry, err);
        if (e < 0)
            return e;
        c.at = registry + 1;
    }
    e = parse_repository(c, &r->repository, err);
    if (e < 0)
        return e;
    r->text = bh_strndup(text, len);
    r->store_name = store_name_of(r);
    *ret = BH_TAKE(r);
    return 0;
}

void bh_reference_free(struct bh_reference *r)
{
    if (!r)
        return;
    free(r->text);
    free(r->store_name);
    free(r->registry);
    free(r->repository);
    free(r->tag);
    free(r);
}

const char *bh_reference_registry(const struct bh_reference *r)
{
    return r->registry;
}

const char *bh_reference_repository(const struct bh_reference *r)
{
    return r->repository;
}

const char *bh_reference_tag(const struct bh_reference *r)
{
    return r->tag;
}

const struct bh_digest *bh_reference_digest(const struct bh_reference *r)
{
    return bh_digest_is_set(&r->digest) ? &r->digest : NULL;
}

const char *bh_reference_text(const struct bh_reference *r)
{
    return r->text;
}

const char *bh_reference_store_name(const struct bh_reference *r)
{
    return r->store_name;
}

struct bh_reference *bh_reference_for_docker(const struct bh_reference *r)
{
    struct bh_reference *n = bh_new0(sizeof *n);
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    char digest[BH_DIGEST_TEXT_SIZE];
    bool library;

    n->registry = bh_strdup(r->registry ? r->registry : "docker.io");
    library = strcmp(n->registry, "docker.io") == 0 && !strchr(r->repository, '/');
    n->repository = library ? bh_format("library/%s", r->repository) : bh_strdup(r->repository);
    n->digest = r->digest;
    if (r->tag)
        n->tag = bh_strdup(r->tag);
    else if (!bh_digest_is_set(&r->digest))
        n->tag = bh_strdup("latest");
    bh_buf_printf(&text, "%s/%s", n->registry, n->repository);
    if (n->tag)
        bh_buf_printf(&text, ":%s", n->tag);
    if (bh_digest_is_set(&n->digest))
        bh_buf_printf(&text, "@%s", bh_digest_format(&n->digest, digest));
    n->text = bh_buf_take(&text);
    n->store_name = store_name_of(n);
    return n;
}
