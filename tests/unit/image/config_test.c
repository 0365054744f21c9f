#include "image/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOTFS                                                                                     \
    "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX "\",\"sha256:" HEX "\"]}"

static int parse(const char *text, struct bh_oci_config **ret, struct bh_error *err)
{
    *err = BH_ERROR_INIT;
    return bh_oci_config_parse(text, strlen(text), ret, err);
}

static void everything_that_is_judged_is_read(void **state)
{
    static const char text[] =
        "{\"created\":\"2024-01-01T00:00:00Z\",\"author\":\"me\",\"os\":\"linux\","
        "\"architecture\":\"arm64\",\"variant\":\"v8\",\"config\":{\"User\":\"1000:1000\","
        "\"Env\":[\"A=1\",\"B=\"],\"Entrypoint\":[\"/e\"],\"Cmd\":[\"c\",\"d\"],"
        "\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"Volumes\":{\"/v\":{}},"
        "\"WorkingDir\":\"/w\",\"Labels\":{\"l\":\"x\"},\"StopSignal\":\"SIGINT\","
        "\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}}," ROOTFS ",\"history\":["
        "{\"created_by\":\"one\"},{\"created_by\":\"env\",\"empty_layer\":true},{\"comment\":\"\"}]"
        "}";
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *c = NULL;
    struct bh_error err;
    const struct bh_image_config *i;

    (void)state;
    assert_int_equal(parse(text, &c, &err), 0);
    i = &c->image;
    assert_true(i->known);
    assert_string_equal(i->user, "1000:1000");
    assert_string_equal(i->env[1], "B=");
    assert_null(i->env[2]);
    assert_string_equal(i->entrypoint[0], "/e");
    assert_string_equal(i->cmd[1], "d");
    assert_string_equal(i->exposed_ports[1], "53/udp");
    assert_string_equal(i->volumes[0], "/v");
    assert_string_equal(i->working_dir, "/w");
    assert_string_equal(i->label_names[0], "l");
    assert_string_equal(i->label_values[0], "x");
    assert_string_equal(i->stop_signal, "SIGINT");
    assert_true(i->has_healthcheck);
    assert_string_equal(i->architecture, "arm64");
    assert_string_equal(i->created, "2024-01-01T00:00:00Z");
    assert_string_equal(i->history[1], "env");
    assert_null(i->history[3]);
    assert_int_equal(c->diff_id_count, 2);
    assert_string_equal(c->layer_created_by[0], "one");
    assert_string_equal(c->layer_created_by[1], "");
}

static void absent_and_null_members_are_empty(void **state)
{
    static const char *const cases[] = {
        "{" ROOTFS "}",
        "{" ROOTFS ",\"config\":null,\"history\":null,\"created\":null}",
        "{" ROOTFS ",\"config\":{\"Env\":null,\"Cmd\":null,\"Labels\":null,\"Volumes\":null,"
        "\"Healthcheck\":{\"Test\":[\"NONE\"]}}}",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_oci_config_freep) struct bh_oci_config *c = NULL;
        struct bh_error err;

        assert_int_equal(parse(cases[i], &c, &err), 0);
        assert_string_equal(c->image.user, "");
        assert_null(c->image.env[0]);
        assert_null(c->image.cmd[0]);
        assert_null(c->image.label_names[0]);
        assert_null(c->image.history[0]);
        assert_null(c->image.created);
        assert_false(c->image.has_healthcheck);
        assert_string_equal(c->layer_created_by[1], "");
    }
}

static void a_command_may_be_one_string(void **state)
{
    BH_AUTO(bh_oci_config_freep) struct bh_oci_config *c = NULL;
    struct bh_error err;

    (void)state;
    assert_int_equal(parse("{" ROOTFS ",\"config\":{\"Cmd\":\"/bin/x\"}}", &c, &err), 0);
    assert_string_equal(c->image.cmd[0], "/bin/x");
    assert_null(c->image.cmd[1]);
}

static void wrong_documents_are_refused_with_the_member(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"3", "\"configuration\" must be an object"},
        {"{}", "\"rootfs\" is missing"},
        {"{\"os\":3," ROOTFS "}", "\"os\" must be"},
        {"{\"config\":[]," ROOTFS "}", "\"config\" must be"},
        {"{\"config\":{\"Env\":\"A=1\"}," ROOTFS "}", "\"Env\" must be"},
        {"{\"config\":{\"Env\":[1]}," ROOTFS "}", "\"Env\" must be a list of strings"},
        {"{\"config\":{\"Labels\":{\"a\":{}}}," ROOTFS "}", "\"Labels\" must be"},
        {"{\"rootfs\":{\"diff_ids\":[\"sha256:12\"]}}", "diff_ids at line 1"},
        {"{\"rootfs\":{\"diff_ids\":[1]}}", "\"diff_ids\" must be"},
        {"{" ROOTFS ",\"history\":[1]}", "\"history\" must be"},
        {"{" ROOTFS "," ROOTFS "}", "rootfs"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_oci_config *c = NULL;
        struct bh_error err;

        assert_int_equal(parse(cases[i].text, &c, &err), -BH_INVALID);
        assert_null(c);
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].text, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_that_is_judged_is_read),
        cmocka_unit_test(absent_and_null_members_are_empty),
        cmocka_unit_test(a_command_may_be_one_string),
        cmocka_unit_test(wrong_documents_are_refused_with_the_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
