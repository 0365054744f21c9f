#include "sys/digest.h"

#include "base/mem.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

struct algorithm {
    const char *prefix;
    size_t size; /* bytes of the digest */
};

static const struct algorithm algorithms[] = {
    [BH_SHA256] = {"sha256:", 32},
    [BH_SHA512] = {"sha512:", 64},
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1; /* the specification allows lower case only */
}

int bh_digest_parse(const char *text, struct bh_digest *ret, struct bh_error *err)
{
    for (size_t a = BH_SHA256; a < BH_COUNT_OF(algorithms); a++) {
        const struct algorithm *is = &algorithms[a];
        const char *hex = text + strlen(is->prefix);
        struct bh_digest d = {.algorithm = (enum bh_digest_algorithm)a};

        if (strncmp(text, is->prefix, strlen(is->prefix)) != 0)
            continue;
        if (strlen(hex) != is->size * 2)
            return bh_fail(err, BH_INVALID, "digest \"%.80s\" needs %zu hex digits", text,
                           is->size * 2);
        for (size_t i = 0; i < is->size; i++) {
            int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

            if (high < 0 || low < 0)
                return bh_fail(err, BH_INVALID,
                               "digest \"%.80s\" has a character that is not 0-9a-f", text);
            d.bytes[i] = (uint8_t)(high << 4 | low);
        }
        *ret = d;
        return 0;
    }
    return bh_fail(err, BH_INVALID, "digest \"%.80s\" is neither sha256:<hex> nor sha512:<hex>",
                   text);
}

const char *bh_digest_hex(const struct bh_digest *d, char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t size;

    assert(d->algorithm == BH_SHA256 || d->algorithm == BH_SHA512);
    size = algorithms[d->algorithm].size;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[d->bytes[i] >> 4];
        text[2 * i + 1] = digits[d->bytes[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

const char *bh_digest_format(const struct bh_digest *d, char *text)
{
    const char *prefix;

    assert(d->algorithm == BH_SHA256 || d->algorithm == BH_SHA512);
    prefix = algorithms[d->algorithm].prefix;
    memcpy(text, prefix, strlen(prefix));
    (void)bh_digest_hex(d, text + strlen(prefix));
    return text;
}

bool bh_digest_equal(const struct bh_digest *a, const struct bh_digest *b)
{
    return a->algorithm == b->algorithm && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct bh_hasher {
    EVP_MD_CTX *context;
    enum bh_digest_algorithm algorithm;
};

struct bh_hasher *bh_hasher_new(enum bh_digest_algorithm algorithm)
{
    struct bh_hasher *h = bh_new0(sizeof *h);
    int ok;

    h->algorithm = algorithm;
    h->context = EVP_MD_CTX_new();
    ok = h->context &&
         EVP_DigestInit_ex(h->context, algorithm == BH_SHA512 ? EVP_sha512() : EVP_sha256(), NULL);
    assert(ok && "OpenSSL has no SHA-2");
    return h;
}

void bh_hasher_update(struct bh_hasher *h, const void *data, size_t len)
{
    int ok = EVP_DigestUpdate(h->context, data, len);

    assert(ok);
}

void bh_hasher_finish(struct bh_hasher *h, struct bh_digest *ret)
{
    struct bh_digest d = {.algorithm = h->algorithm};
    int ok = EVP_DigestFinal_ex(h->context, d.bytes, NULL);

    assert(ok);
    *ret = d;
}

void bh_hasher_free(struct bh_hasher *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->context);
    bh_freep(&h);
}

void bh_digest_of(enum bh_digest_algorithm algorithm, const void *data, size_t len,
                  struct bh_digest *ret)
{
    BH_AUTO(bh_hasher_freep) struct bh_hasher *h = bh_hasher_new(algorithm);

    bh_hasher_update(h, data, len);
    bh_hasher_finish(h, ret);
}
