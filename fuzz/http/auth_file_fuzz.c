/* A file of credentials: what is found is one whole form or nothing. */
#include "http/auth_file.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const registries[] = {"r", "docker.io", "127.0.0.1:5000"};

    for (size_t i = 0; i < BH_COUNT_OF(registries); i++) {
        struct bh_error err = BH_ERROR_INIT;
        struct bh_credential c = {0};
        int r = bh_auth_file_parse((const char *)data, size, registries[i], "a/b", &c, &err);

        assert(r == 0 || (r == -err.code && err.message[0] && !bh_credential_is_set(&c)));
        assert(!c.identity_token || !c.username);
        assert(!c.username == !c.password);
        bh_credential_done(&c);
    }
    return 0;
}
