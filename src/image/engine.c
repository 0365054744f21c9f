#include "image/engine.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int add_named(const char *variable, const char *value, struct bh_engine_sockets *s,
                     struct bh_error *err)
{
    if (strncmp(value, "unix://", 7) != 0 || value[7] != '/')
        return bh_fail(err, BH_UNSUPPORTED,
                       "%s=%.100s names no unix socket; set it to unix:///PATH, or save the image "
                       "to a file and use docker-archive:FILE",
                       variable, value);
    s->paths[s->count++] = bh_strdup(value + 7);
    return 0;
}

int bh_engine_sockets_find(bh_getenv *environment, struct bh_engine_sockets *ret,
                           struct bh_error *err)
{
    static const char *const variables[] = {"DOCKER_HOST", "CONTAINER_HOST"};
    const char *runtime = environment("XDG_RUNTIME_DIR");
    struct bh_engine_sockets s = {.count = 0};

    for (size_t i = 0; i < BH_COUNT_OF(variables) && s.count == 0; i++) {
        const char *value = environment(variables[i]);
        int r = value && *value ? add_named(variables[i], value, &s, err) : 0;

        if (r)
            return r;
    }
    if (s.count == 0) {
        s.paths[s.count++] = bh_strdup("/var/run/docker.sock");
        s.paths[s.count++] = bh_strdup("/run/podman/podman.sock");
        if (runtime && *runtime == '/')
            s.paths[s.count++] = bh_format("%s/podman/podman.sock", runtime);
    }
    *ret = s;
    return 0;
}

void bh_engine_sockets_done(struct bh_engine_sockets *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->paths[i]);
    s->count = 0;
}
