#include "base/config.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* The XDG specification: a relative path in such a variable is to be ignored. */
static const char *absolute_environment(const char *name)
{
    const char *value = environment(name);

    return value && *value == '/' ? value : NULL;
}

static int make_absolute(const char *path, char **ret, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *here = NULL;

    if (*path == '/') {
        *ret = bh_strdup(path);
        return 0;
    }
    here = getcwd(NULL, 0);
    if (!here)
        return bh_fail_errno(err, "state root %s: current directory", path);
    *ret = bh_format("%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
    return 0;
}

int bh_root_path(const char *option, char **ret, bool *ret_given, struct bh_error *err)
{
    const char *given = option && *option ? option : environment("BULKHEAD_ROOT");
    const char *home;

    if (given) {
        int result = make_absolute(given, ret, err);

        if (!result)
            *ret_given = true;
        return result;
    }
    if (geteuid() == 0) {
        *ret = bh_strdup("/var/lib/bulkhead");
    } else if ((home = absolute_environment("XDG_DATA_HOME"))) {
        *ret = bh_format("%s/bulkhead", home);
    } else if ((home = absolute_environment("HOME"))) {
        *ret = bh_format("%s/.local/share/bulkhead", home);
    } else {
        return bh_fail(err, BH_USAGE,
                       "no place for state: neither HOME nor XDG_DATA_HOME is set; give --root DIR "
                       "or set BULKHEAD_ROOT");
    }
    *ret_given = false;
    return 0;
}

char *bh_run_path(const char *root, bool root_given)
{
    const char *runtime = absolute_environment("XDG_RUNTIME_DIR");

    if (!root_given && geteuid() == 0)
        return bh_strdup("/run/bulkhead");
    if (!root_given && runtime)
        return bh_format("%s/bulkhead", runtime);
    return bh_format("%s/run", root);
}

char *bh_config_user_path(void)
{
    const char *home;

    if ((home = absolute_environment("XDG_CONFIG_HOME")))
        return bh_format("%s/bulkhead/config.yaml", home);
    if ((home = absolute_environment("HOME")))
        return bh_format("%s/.config/bulkhead/config.yaml", home);
    return NULL;
}

bool bh_config_exists(const char *named)
{
    BH_AUTO(bh_freep) char *user = NULL;

    if ((named && *named) || environment("BULKHEAD_CONFIG"))
        return true;
    user = bh_config_user_path();
    return (user && access(user, F_OK) == 0) || access(BH_CONFIG_SYSTEM_PATH, F_OK) == 0;
}
