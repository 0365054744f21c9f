#include "inspect/secret.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum alphabet { UPPER_DIGIT, ALNUM, ALNUM_DASH, HEX };

static bool in_alphabet(char c, enum alphabet a)
{
    unsigned char u = (unsigned char)c;

    switch (a) {
    case UPPER_DIGIT:
        return isupper(u) || isdigit(u);
    case ALNUM:
        return isalnum(u);
    case ALNUM_DASH:
        return isalnum(u) || c == '-' || c == '_';
    case HEX:
        return isxdigit(u);
    }
    return false;
}

/* Forms as their issuers document them. min and max count what follows the prefix. */
static const struct form {
    const char *prefix;
    enum alphabet alphabet;
    size_t min, max;
    const char *kind;
} forms[] = {
    {"AKIA", UPPER_DIGIT, 16, 16, "AWS access key"},
    {"ASIA", UPPER_DIGIT, 16, 16, "AWS temporary access key"},
    {"ghp_", ALNUM, 36, 36, "GitHub personal access token"},
    {"gho_", ALNUM, 36, 36, "GitHub OAuth token"},
    {"ghs_", ALNUM, 36, 36, "GitHub app token"},
    {"ghr_", ALNUM, 36, 36, "GitHub refresh token"},
    {"github_pat_", ALNUM_DASH, 82, 82, "GitHub fine-grained token"},
    {"glpat-", ALNUM_DASH, 20, 64, "GitLab personal access token"},
    {"npm_", ALNUM, 36, 36, "npm access token"},
    {"pypi-AgEIcHlwaS5vcmc", ALNUM_DASH, 50, 1000, "PyPI upload token"},
    {"xoxb-", ALNUM_DASH, 40, 100, "Slack bot token"},
    {"xoxp-", ALNUM_DASH, 40, 100, "Slack user token"},
    {"xapp-", ALNUM_DASH, 40, 150, "Slack app token"},
    {"sk_live_", ALNUM, 24, 247, "Stripe secret key"},
    {"rk_live_", ALNUM, 24, 247, "Stripe restricted key"},
    {"AIza", ALNUM_DASH, 35, 35, "Google API key"},
    {"ya29.", ALNUM_DASH, 40, 500, "Google OAuth token"},
    {"SG.", ALNUM_DASH, 22, 22, "SendGrid key"},
    {"hf_", ALNUM, 34, 34, "Hugging Face token"},
    {"dop_v1_", HEX, 64, 64, "DigitalOcean token"},
    {"shpat_", HEX, 32, 32, "Shopify access token"},
    {"hvs.", ALNUM_DASH, 90, 200, "Vault token"},
    {"dckr_pat_", ALNUM_DASH, 27, 27, "Docker access token"},
    {"AGE-SECRET-KEY-1", UPPER_DIGIT, 58, 58, "age secret key"},
};

/* Shannon entropy in bits per byte. */
static double entropy(const char *text, size_t len)
{
    size_t counts[256] = {0};
    double bits = 0;

    for (size_t i = 0; i < len; i++)
        counts[(unsigned char)text[i]]++;
    for (size_t i = 0; i < 256; i++)
        if (counts[i]) {
            double p = (double)counts[i] / (double)len;

            bits -= p * log2(p);
        }
    return bits;
}

#define TOKEN_ENTROPY 3.0 /* keeps "AKIAXXXXXXXXXXXXXXXX" and "...EXAMPLE..." patterns out */

static bool matches(const struct form *f, const char *at, size_t len)
{
    size_t prefix = strlen(f->prefix), n = 0;

    if (len < prefix + f->min || memcmp(at, f->prefix, prefix) != 0)
        return false;
    while (prefix + n < len && in_alphabet(at[prefix + n], f->alphabet))
        n++;
    if (n < f->min || n > f->max || memmem(at, prefix + n, "EXAMPLE", 7))
        return false;
    return entropy(at + prefix, n) >= TOKEN_ENTROPY;
}

static bool is_private_key(const char *text, size_t len)
{
    const char *begin = memmem(text, len, "-----BEGIN ", 11);
    size_t rest;

    if (!begin)
        return false;
    rest = len - (size_t)(begin - text);
    return memmem(begin, BH_MIN(rest, (size_t)64), "PRIVATE KEY", 11) != NULL;
}

/* Three parts of base64url, the first a JSON object ("eyJ" is '{"'). */
static bool is_jwt(const char *at, size_t len)
{
    size_t parts = 0, n = 0;

    if (len < 40 || memcmp(at, "eyJ", 3) != 0)
        return false;
    for (size_t i = 0; i < len && parts < 3; i++) {
        if (in_alphabet(at[i], ALNUM_DASH)) {
            n++;
            continue;
        }
        if (at[i] != '.' || n < 10)
            break;
        parts++;
        n = 0;
    }
    return parts == 2 && n >= 20;
}

static bool is_reference(const char *value, size_t len)
{
    return memchr(value, '$', len) || memchr(value, '<', len) || memmem(value, len, "{{", 2) ||
           memmem(value, len, "***", 3);
}

/* "scheme://user:password@host"; [at, len) begins at "://". */
static bool is_url_with_password(const char *text, const char *at, size_t len)
{
    const char *end = at, *host, *colon;

    while (end < at + len && !strchr(" \t\n\"'`", *end))
        end++;
    if (at == text || !isalnum((unsigned char)at[-1]))
        return false;
    at += 3;
    host = memchr(at, '@', (size_t)(end - at));
    if (!host || memchr(at, '/', (size_t)(host - at)))
        return false;
    colon = memchr(at, ':', (size_t)(host - at));
    return colon && colon > at && host - colon > 3 &&
           !is_reference(colon + 1, (size_t)(host - colon - 1));
}

const char *bh_secret_token(const char *text, size_t len)
{
    if (is_private_key(text, len))
        return "private key";
    for (size_t i = 0; i < len; i++) {
        bool starts = i == 0 || !in_alphabet(text[i - 1], ALNUM);

        if (text[i] == ':' && len - i > 6 && memcmp(text + i, "://", 3) == 0 &&
            is_url_with_password(text, text + i, len - i))
            return "URL with a password";
        if (!starts)
            continue;
        for (size_t k = 0; k < BH_COUNT_OF(forms); k++)
            if (matches(&forms[k], text + i, len - i))
                return forms[k].kind;
        if (is_jwt(text + i, len - i))
            return "JSON web token";
    }
    return NULL;
}

/* ---- assignments ---- */

static bool ends_with_word(const char *name, size_t len, const char *word)
{
    size_t n = strlen(word);

    if (len < n || strncasecmp(name + len - n, word, n) != 0)
        return false;
    return len == n || !isalpha((unsigned char)name[len - n - 1]) ||
           /* camelCase */
           (islower((unsigned char)name[len - n - 1]) && isupper((unsigned char)name[len - n])) ||
           strcasecmp(word, "password") == 0 || strcasecmp(word, "passwd") == 0;
}

/* 0: says nothing; 1: a password, which people choose badly; 2: a key, which machines make. */
static int name_class(const char *name, size_t len)
{
    static const char *const passwords[] = {"password", "passwd", "pwd", "passphrase", "pass"};
    static const char *const keys[] = {
        "secret",      "token",          "api_key",       "apikey",      "api-key",    "secret_key",
        "secretkey",   "private_key",    "access_key",    "auth_key",    "secret-key", "access-key",
        "credentials", "encryption_key", "client_secret", "signing_key", "master_key",
    };
    /* PWD and OLDPWD are directories. */
    static const char *const not [] = {"PWD", "OLDPWD"};

    for (size_t i = 0; i < BH_COUNT_OF(not ); i++)
        if (strlen(not [i]) == len && memcmp(not [i], name, len) == 0)
            return 0;
    for (size_t i = 0; i < BH_COUNT_OF(keys); i++)
        if (ends_with_word(name, len, keys[i]))
            return 2;
    for (size_t i = 0; i < BH_COUNT_OF(passwords); i++)
        if (ends_with_word(name, len, passwords[i]))
            return 1;
    return 0;
}

static bool is_placeholder(const char *value, size_t len)
{
    static const char *const words[] = {
        "true",  "false", "yes",    "no",      "on",       "off",     "none",        "null",
        "nil",   "0",     "1",      "random",  "xxx",      "xxxx",    "placeholder", "redacted",
        "empty", "unset", "ignore", "disable", "disabled", "enabled", "prompt",      "stdin",
    };

    for (size_t i = 0; i < BH_COUNT_OF(words); i++)
        if (strlen(words[i]) == len && strncasecmp(words[i], value, len) == 0)
            return true;
    return false;
}

bool bh_secret_assigned(const char *name, size_t name_len, const char *value, size_t value_len)
{
    int class = name_class(name, name_len);

    if (class == 0 || value_len < 4 || is_placeholder(value, value_len) ||
        is_reference(value, value_len))
        return false;
    if (value[0] == '/' || value[0] == '.' || value[0] == '@' || value[0] == '`')
        return false; /* where it is, not what it is */
    if (memmem(value, value_len, "://", 3))
        return false; /* tokens look at URLs */
    if (class == 2)
        return value_len >= 12 && entropy(value, value_len) >= TOKEN_ENTROPY;
    return true;
}

/* The value of an assignment: to the closing quote, or to white space. */
static size_t value_length(const char **value)
{
    const char *at = *value;

    if (*at == '"' || *at == '\'') {
        *value = at + 1;
        return strcspn(at + 1, *at == '"' ? "\"" : "'");
    }
    return strcspn(at, " \t\n;&|\"'");
}

const char *bh_secret_in_command(const char *text, const char **ret_name, size_t *ret_name_len)
{
    *ret_name = NULL;
    *ret_name_len = 0;
    for (const char *equal = strchr(text, '='); equal; equal = strchr(equal + 1, '=')) {
        const char *name = equal, *value = equal + 1;
        size_t value_len = value_length(&value), name_len;
        const char *kind;

        while (name > text && (in_alphabet(name[-1], ALNUM_DASH) || name[-1] == '.'))
            name--;
        while (name < equal && *name == '-')
            name++;
        name_len = (size_t)(equal - name);
        kind = bh_secret_token(value, value_len);
        if (!kind && name_len > 0 && bh_secret_assigned(name, name_len, value, value_len))
            kind = "secret";
        if (kind) {
            *ret_name = name_len ? name : NULL;
            *ret_name_len = name_len;
            return kind;
        }
    }
    return bh_secret_token(text, strlen(text));
}
