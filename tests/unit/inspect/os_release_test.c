#include "inspect/os_release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct bh_distribution parse(const char *text, struct bh_arena *arena)
{
    struct bh_distribution d;

    bh_os_release_parse(text, strlen(text), arena, &d);
    return d;
}

static void values_are_read_as_a_shell_would(void **state)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    struct bh_distribution d = parse("PRETTY_NAME=\"Debian \\\"GNU\\\" \\$x (bookworm)\"\n"
                                     "# ID=comment\n\n  ID=debian # yes\nVERSION_ID='12'\n"
                                     "VERSION_CODENAME=bookworm\nnot a line\nID_LIKE=",
                                     arena);

    (void)state;
    assert_string_equal(d.id, "debian");
    assert_string_equal(d.version_id, "12");
    assert_string_equal(d.codename, "bookworm");
    assert_string_equal(d.pretty_name, "Debian \"GNU\" $x (bookworm)");
    assert_null(d.id_like);
}

static void a_name_that_is_no_identifier_is_none(void **state)
{
    static const char *const texts[] = {"",        "ID=",       "ID=\"Debian Linux\"",
                                        "ID=../x", "ID=DEBIAN", "XID=debian",
                                        "=debian", "ID=a/b"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(texts); i++) {
        BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();

        assert_null(parse(texts[i], arena).id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_a_shell_would),
        cmocka_unit_test(a_name_that_is_no_identifier_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
