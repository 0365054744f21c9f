/* An image's /etc/passwd and /etc/group: USER, a NUL, passwd, a NUL, group. */
#include "base/mem.h"
#include "runtime/users.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_freep) char *text = bh_strndup((const char *)data, size);
    BH_AUTO(bh_freep) char *all = bh_new0(size + 3);
    const char *user = all, *passwd, *group;
    struct bh_user u;

    memcpy(all, data, size);
    passwd = user + strlen(user) + 1;
    group = passwd + strlen(passwd) + (size_t)(passwd < all + size);
    /* All digits are a number, whatever the image says they are the name of. */
    if (bh_user_resolve(user, passwd, group, &u, NULL) == 0 && *user &&
        strspn(user, "0123456789") == strlen(user) && strlen(user) > 10)
        __builtin_trap();
    return 0;
}
