#include "http/auth.h"

#include "base/mem.h"
#include "http/base64.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define VALUE_MAX 2048u

/* One parameter of a challenge, or the beginning of one. */
struct item {
    const char *name; /* not terminated */
    size_t name_len;
    bool is_scheme;
    char value[VALUE_MAX]; /* of a parameter, unquoted */
};

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_space(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* At a '"': the string without quotes and backslashes. */
static int take_quoted(const char **text, char *out, size_t size, struct bh_error *err)
{
    const char *p = *text + 1;
    size_t n = 0;

    for (; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1])
            p++;
        if (n + 1 >= size)
            return bh_fail(err, BH_LIMIT, "WWW-Authenticate: a value is longer than %zu bytes",
                           size - 1);
        out[n++] = *p;
    }
    if (*p != '"')
        return bh_fail(err, BH_INVALID, "WWW-Authenticate: a quoted value has no end");
    out[n] = '\0';
    *text = p + 1;
    return 0;
}

static int take_token(const char **text, char *out, size_t size, struct bh_error *err)
{
    const char *p = *text;
    size_t n;

    while (is_token_char(*p))
        p++;
    n = (size_t)(p - *text);
    if (n == 0)
        return bh_fail(err, BH_INVALID, "WWW-Authenticate: a parameter has no value");
    if (n >= size)
        return bh_fail(err, BH_LIMIT, "WWW-Authenticate: a value is longer than %zu bytes",
                       size - 1);
    memcpy(out, *text, n);
    out[n] = '\0';
    *text = p;
    return 0;
}

/* The data of a scheme that is given as one word ("Negotiate abc=="): of no use here. */
static const char *skip_token68(const char *p)
{
    const char *end = p;

    while (isalnum((unsigned char)*end) || (*end && strchr("-._~+/", *end)))
        end++;
    if (end == p)
        return p;
    while (*end == '=')
        end++;
    end = skip_space(end);
    return *end == ',' || *end == '\0' ? end : p;
}

/* The next scheme or parameter. A word followed by "=" is a parameter, else it is a scheme. */
static int take_item(const char **text, struct item *ret, struct bh_error *err)
{
    const char *p = *text, *after;
    int r;

    ret->name = p;
    while (is_token_char(*p))
        p++;
    ret->name_len = (size_t)(p - ret->name);
    if (ret->name_len == 0)
        return bh_fail(err, BH_INVALID, "WWW-Authenticate: byte 0x%02x where a name belongs",
                       (unsigned char)*p);
    after = skip_space(p);
    ret->is_scheme = *after != '=';
    if (ret->is_scheme) {
        *text = skip_token68(after);
        return 0;
    }
    after = skip_space(after + 1);
    r = *after == '"' ? take_quoted(&after, ret->value, sizeof ret->value, err)
                      : take_token(&after, ret->value, sizeof ret->value, err);
    if (!r)
        *text = after;
    return r;
}

static bool name_is(const struct item *i, const char *name)
{
    return i->name_len == strlen(name) && strncasecmp(i->name, name, i->name_len) == 0;
}

static int set_field(char *field, size_t size, const struct item *i, struct bh_error *err)
{
    if (field[0])
        return bh_fail(err, BH_INVALID, "WWW-Authenticate: %.*s is there twice", (int)i->name_len,
                       i->name);
    if (strlen(i->value) >= size)
        return bh_fail(err, BH_LIMIT, "WWW-Authenticate: %.*s is longer than %zu bytes",
                       (int)i->name_len, i->name, size - 1);
    memcpy(field, i->value, strlen(i->value) + 1);
    return 0;
}

static int set_parameter(struct bh_auth_challenge *c, const struct item *i, struct bh_error *err)
{
    if (name_is(i, "realm"))
        return set_field(c->realm, sizeof c->realm, i, err);
    if (name_is(i, "service"))
        return set_field(c->service, sizeof c->service, i, err);
    if (name_is(i, "scope"))
        return set_field(c->scope, sizeof c->scope, i, err);
    if (name_is(i, "error"))
        return set_field(c->error, sizeof c->error, i, err);
    return 0;
}

/* Keeps current in *best when it is the better answer. */
static void offer(const struct bh_auth_challenge *current, struct bh_auth_challenge *best)
{
    if (current->scheme == BH_AUTH_BEARER && !current->realm[0])
        return;
    if (current->scheme > best->scheme)
        *best = *current;
}

static enum bh_auth_scheme scheme_of(const struct item *i)
{
    if (name_is(i, "bearer"))
        return BH_AUTH_BEARER;
    return name_is(i, "basic") ? BH_AUTH_BASIC : BH_AUTH_NONE;
}

static int parse_items(const char *p, struct item *i, struct bh_auth_challenge *current,
                       struct bh_auth_challenge *best, struct bh_error *err)
{
    bool any = false;

    for (;;) {
        int r;

        while (*p == ',' || *p == ' ' || *p == '\t')
            p++;
        if (!*p)
            break;
        r = take_item(&p, i, err);
        if (r)
            return r;
        if (i->is_scheme) {
            offer(current, best);
            *current = (struct bh_auth_challenge){.scheme = scheme_of(i)};
            any = true;
            continue;
        }
        if (!any)
            return bh_fail(err, BH_INVALID, "WWW-Authenticate: a parameter before any scheme");
        r = current->scheme == BH_AUTH_NONE ? 0 : set_parameter(current, i, err);
        if (r)
            return r;
        p = skip_space(p);
        if (*p && *p != ',')
            return bh_fail(err, BH_INVALID, "WWW-Authenticate: byte 0x%02x after a value",
                           (unsigned char)*p);
    }
    offer(current, best);
    return 0;
}

int bh_auth_challenge_parse(const char *text, struct bh_auth_challenge *ret, struct bh_error *err)
{
    BH_AUTO(bh_freep) struct item *i = bh_new0(sizeof *i);
    struct bh_auth_challenge current = {0}, best = {0};
    int r = parse_items(text, i, &current, &best, err);

    if (r)
        return r;
    *ret = best;
    return 0;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

int bh_auth_basic_header(const char *username, const char *password, struct bh_buf *out,
                         struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf pair = BH_BUF_INIT(0);

    if (strchr(username, ':') || has_control(username) || has_control(password))
        return bh_fail(err, BH_INVALID,
                       "a user name may have no colon, and neither it nor the password a control "
                       "character");
    bh_buf_puts(&pair, username);
    bh_buf_putc(&pair, ':');
    bh_buf_puts(&pair, password);
    bh_buf_puts(out, "Authorization: Basic ");
    bh_base64_encode(pair.data, pair.len, out);
    explicit_bzero(pair.data, pair.cap);
    return 0;
}

int bh_auth_bearer_header(const char *token, struct bh_buf *out, struct bh_error *err)
{
    for (const char *p = token; *p; p++)
        if (*p <= 0x20 || *p == 0x7f)
            return bh_fail(err, BH_INVALID, "the token has byte 0x%02x", (unsigned char)*p);
    if (!*token)
        return bh_fail(err, BH_INVALID, "the token is empty");
    bh_buf_puts(out, "Authorization: Bearer ");
    bh_buf_puts(out, token);
    return 0;
}
