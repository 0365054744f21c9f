#include "sys/sibling.h"

#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

int bh_sibling_path(const char *name, char **ret, struct bh_error *err)
{
    static const char *const places[] = {"", "../libexec/bulkhead/"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    if (n < 0)
        return bh_fail_errno(err, "/proc/self/exe");
    self[n] = '\0';
    slash = strrchr(self, '/');
    if (!slash)
        return bh_fail(err, BH_IO, "/proc/self/exe is \"%s\", not a path", self);
    slash[1] = '\0';
    for (size_t i = 0; i < BH_COUNT_OF(places); i++) {
        BH_AUTO(bh_freep) char *path = bh_format("%s%s%s", self, places[i], name);

        if (access(path, X_OK) == 0) {
            *ret = BH_TAKE(path);
            return 0;
        }
        if (errno != ENOENT && errno != ENOTDIR)
            return bh_fail_errno(err, "%s", path);
    }
    return bh_fail(err, BH_NOT_FOUND,
                   "%s is neither in %s nor in %s../libexec/bulkhead; install Bulkhead whole", name,
                   self, self);
}
