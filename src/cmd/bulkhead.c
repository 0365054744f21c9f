/* bulkhead: the front. Static and small, so that what it does itself starts in no time; every other
 * command is bulkhead-main's. */
#include "base/mem.h"
#include "cmd/call.h"
#include "sys/sibling.h"

#include <unistd.h>

static int become_main(char **argv, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *path = NULL;
    int result = bh_sibling_path("bulkhead-main", &path, err);

    if (result)
        return result;
    (void)execv(path, argv); /* comes back only when it failed */
    return bh_fail_errno(err, "%s", path);
}

int main(int argc, char **argv)
{
    struct bh_error err = BH_ERROR_INIT;

    (void)argc;
    (void)become_main(argv, &err); /* fills err or does not return */
    return bh_show_error(NULL, &err);
}
