#include "fact/derived.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *kind, *reference, *name;
    const char *registry, *repository, *tag;
} names[] = {
    {"registry", "docker://quay.io:5000/a/b:1.2", NULL, "quay.io:5000", "a/b", "1.2"},
    {"registry", "docker://quay.io/a/b@sha256:00", NULL, "quay.io", "a/b", NULL},
    {"registry", "docker://localhost/a:x@sha256:00", NULL, "localhost", "a", "x"},
    {"store", "nginx", NULL, NULL, "nginx", "latest"},
    {"store", "library/nginx:1", NULL, NULL, "library/nginx", "1"},
    {"daemon", "docker-daemon:redis:7", NULL, NULL, "redis", "7"},
    {"oci", "oci:some/dir", NULL, NULL, NULL, NULL},
    {"docker-archive", "docker-archive:x.tar", "r.io/x:1", "r.io", "x", "1"},
    {"dir", "dir:/", NULL, NULL, NULL, NULL},
};

static void check_text(const char *actual, const char *wanted)
{
    if (!wanted)
        assert_null(actual);
    else
        assert_string_equal(actual, wanted);
}

static void a_name_is_taken_apart_and_a_path_is_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(names); i++) {
        BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
        const struct bh_facts_derived *d;

        f->target.kind = names[i].kind;
        f->target.reference = names[i].reference;
        f->target.name = names[i].name;
        d = bh_facts_name_parts(f);
        check_text(d->registry, names[i].registry);
        check_text(d->repository, names[i].repository);
        check_text(d->tag, names[i].tag);
    }
}

static void names_of_variables_stand_without_their_values(void **state)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    const char *env[] = {"PATH=/bin", "EMPTY=", "BARE", NULL};
    const char *const *list;

    (void)state;
    f->config.env = bh_facts_list(f, env);
    list = bh_derived_env_names(f);
    assert_string_equal(list[0], "PATH");
    assert_string_equal(list[1], "EMPTY");
    assert_string_equal(list[2], "BARE");
    assert_null(list[3]);
    assert_ptr_equal(list, bh_derived_env_names(f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_taken_apart_and_a_path_is_not),
        cmocka_unit_test(names_of_variables_stand_without_their_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
