#include "image/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *docker_host, *container_host, *runtime;

static const char *environment(const char *name)
{
    if (strcmp(name, "DOCKER_HOST") == 0)
        return docker_host;
    if (strcmp(name, "CONTAINER_HOST") == 0)
        return container_host;
    return strcmp(name, "XDG_RUNTIME_DIR") == 0 ? runtime : NULL;
}

static void expect(size_t count, const char *first, const char *last)
{
    struct bh_engine_sockets s = {.count = 0};

    assert_int_equal(bh_engine_sockets_find(environment, &s, NULL), 0);
    assert_int_equal(s.count, count);
    assert_string_equal(s.paths[0], first);
    assert_string_equal(s.paths[count - 1], last);
    bh_engine_sockets_done(&s);
}

static void without_a_variable_the_usual_places_are_asked_dockers_first(void **state)
{
    (void)state;
    docker_host = container_host = runtime = NULL;
    expect(2, "/var/run/docker.sock", "/run/podman/podman.sock");
    runtime = "/run/user/7";
    expect(3, "/var/run/docker.sock", "/run/user/7/podman/podman.sock");
    docker_host = "";
    runtime = "relative";
    expect(2, "/var/run/docker.sock", "/run/podman/podman.sock");
}

static void a_variable_is_the_only_place(void **state)
{
    (void)state;
    docker_host = NULL;
    container_host = "unix:///p.sock";
    expect(1, "/p.sock", "/p.sock");
    docker_host = "unix:///d.sock";
    expect(1, "/d.sock", "/d.sock");
}

static void an_engine_that_is_not_on_a_unix_socket_is_refused_by_name(void **state)
{
    static const char *const cases[] = {"tcp://127.0.0.1:2375", "ssh://host", "unix://relative",
                                        "/var/run/docker.sock", "npipe:////./pipe/x"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_error err = BH_ERROR_INIT;
        struct bh_engine_sockets s = {.count = 99};

        docker_host = cases[i];
        assert_int_equal(bh_engine_sockets_find(environment, &s, &err), -BH_UNSUPPORTED);
        assert_non_null(strstr(err.message, cases[i]));
        assert_int_equal(s.count, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_variable_the_usual_places_are_asked_dockers_first),
        cmocka_unit_test(a_variable_is_the_only_place),
        cmocka_unit_test(an_engine_that_is_not_on_a_unix_socket_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
