/* What is accepted has terminated fields, and what can be answered can be answered. */
#include "http/auth.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_auth_challenge c;
    char *text = malloc(size + 1);
    int r;

    assert(text);
    memcpy(text, data, size);
    text[size] = '\0';
    r = bh_auth_challenge_parse(text, &c, &err);
    assert(r == 0 || (r == -err.code && err.message[0]));
    if (r == 0) {
        assert(strlen(c.realm) < sizeof c.realm && strlen(c.service) < sizeof c.service);
        assert(strlen(c.scope) < sizeof c.scope && strlen(c.error) < sizeof c.error);
        assert(c.scheme != BH_AUTH_BEARER || c.realm[0]);
    }
    free(text);
    return 0;
}
