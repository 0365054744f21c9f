#include "image/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D "\"digest\":\"sha256:" HEX "\",\"size\":7"
#define CONFIG "\"config\":{\"mediaType\":\"" BH_MEDIA_OCI_CONFIG "\"," D "}"
#define LAYER "{\"mediaType\":\"" BH_MEDIA_OCI_LAYER_GZIP "\"," D "}"

static int parse(const char *text, const char *type, struct bh_manifest **ret, struct bh_error *err)
{
    *err = BH_ERROR_INIT;
    return bh_manifest_parse(text, strlen(text), type, ret, err);
}

static void a_manifest_keeps_everything_it_says(void **state)
{
    static const char text[] =
        "{\"schemaVersion\":2,\"artifactType\":\"a/b\"," CONFIG ",\"layers\":[" LAYER
        ",{\"mediaType\":\"x/unheard\",\"annotations\":{\"k\":\"v\"}," D "}],"
        "\"subject\":{\"mediaType\":\"s/s\"," D "},\"annotations\":{\"one\":\"1\",\"two\":\"2\"},"
        "\"other\":[1,2]}";
    BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
    struct bh_error err;

    (void)state;
    assert_int_equal(parse(text, NULL, &m, &err), 0);
    assert_false(m->is_index);
    assert_string_equal(m->media_type, BH_MEDIA_OCI_MANIFEST);
    assert_string_equal(m->artifact_type, "a/b");
    assert_true(m->has_subject);
    assert_string_equal(m->subject.media_type, "s/s");
    assert_string_equal(m->config.media_type, BH_MEDIA_OCI_CONFIG);
    assert_int_equal(m->config.size_bytes, 7);
    assert_int_equal(m->item_count, 2);
    assert_string_equal(m->items[1].media_type, "x/unheard");
    assert_string_equal(bh_annotation_get(m->items[1].annotations, 1, "k"), "v");
    assert_string_equal(bh_annotation_get(m->annotations, m->annotation_count, "two"), "2");
    assert_null(bh_annotation_get(m->annotations, m->annotation_count, "three"));
}

static void a_docker_list_is_an_index(void **state)
{
    static const char text[] = "{\"schemaVersion\":2,\"mediaType\":\"" BH_MEDIA_DOCKER_LIST
                               "\",\"manifests\":[{\"mediaType\":\"" BH_MEDIA_DOCKER_MANIFEST
                               "\",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\","
                               "\"variant\":\"v7\",\"os.version\":\"1\"}," D "}]}";
    BH_AUTO(bh_manifest_freep) struct bh_manifest *m = NULL;
    struct bh_error err;

    (void)state;
    assert_int_equal(parse(text, BH_MEDIA_DOCKER_LIST, &m, &err), 0);
    assert_true(m->is_index);
    assert_string_equal(m->items[0].platform.variant, "v7");
    assert_string_equal(m->items[0].platform.os_version, "1");
}

static void what_is_no_manifest_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *type;
        int code;
        const char *message;
    } cases[] = {
        {"[]", NULL, BH_INVALID, "\"manifest\" must be an object"},
        {"{}", NULL, BH_INVALID, "\"schemaVersion\" is not 2"},
        {"{\"schemaVersion\":1}", NULL, BH_UNSUPPORTED, "schema 1"},
        {"{\"schemaVersion\":2}", NULL, BH_INVALID, "neither a manifest"},
        {"{\"schemaVersion\":2,\"schemaVersion\":2}", NULL, BH_INVALID, "schemaVersion"},
        {"{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", NULL, BH_INVALID, "two ways"},
        {"{\"schemaVersion\":2,\"manifests\":[]," CONFIG "}", NULL, BH_INVALID, "two ways"},
        {"{\"schemaVersion\":2,\"layers\":{}," CONFIG "}", NULL, BH_INVALID, "\"layers\" must be"},
        {"{\"schemaVersion\":2,\"layers\":[3]," CONFIG "}", NULL, BH_INVALID, "\"descriptor\""},
        {"{\"schemaVersion\":2,\"layers\":[]," CONFIG "}", BH_MEDIA_OCI_INDEX, BH_INVALID,
         "without them"},
        {"{\"schemaVersion\":2,\"manifests\":[]}", BH_MEDIA_OCI_MANIFEST, BH_INVALID,
         "with \"manifests\""},
        {"{\"schemaVersion\":2,\"mediaType\":\"" BH_MEDIA_DOCKER_MANIFEST "\"," CONFIG "}",
         BH_MEDIA_OCI_MANIFEST, BH_INVALID, "announced as"},
        {"{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"t\",\"size\":1}]," CONFIG "}", NULL,
         BH_INVALID, "descriptor without digest at line 1"},
        {"{\"schemaVersion\":2,\"layers\":[{" D "}]," CONFIG "}", NULL, BH_INVALID,
         "without mediaType"},
        {"{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"t\",\"digest\":\"sha256:00\","
         "\"size\":1}]," CONFIG "}",
         NULL, BH_INVALID, "descriptor at line 1"},
        {"{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"t\",\"digest\":\"sha256:" HEX
         "\",\"size\":-1}]," CONFIG "}",
         NULL, BH_INVALID, "negative size"},
        {"{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"t\",\"digest\":\"sha256:" HEX
         "\",\"size\":1.5}]," CONFIG "}",
         NULL, BH_INVALID, "\"size\" must be"},
        {"{\"schemaVersion\":2,\"annotations\":{\"a\":1},\"layers\":[]," CONFIG "}", NULL,
         BH_INVALID, "an object of strings"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct bh_manifest *m = NULL;
        struct bh_error err;

        if (parse(cases[i].text, cases[i].type, &m, &err) != -cases[i].code)
            fail_msg("%s: %d %s", cases[i].text, err.code, err.message);
        assert_null(m);
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].text, err.message);
    }
}

static void four_mebibytes_are_read_and_one_byte_more_is_not(void **state)
{
    static const char head[] =
        "{\"schemaVersion\":2,\"layers\":[]," CONFIG ",\"annotations\":{\"a\":\"";
    static const char tail[] = "\"}}";
    char *text = malloc(BH_MANIFEST_MAX + 1);
    struct bh_manifest *m = NULL;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    memset(text, 'x', BH_MANIFEST_MAX + 1);
    memcpy(text, head, strlen(head));
    memcpy(text + BH_MANIFEST_MAX - strlen(tail), tail, strlen(tail));
    assert_int_equal(bh_manifest_parse(text, BH_MANIFEST_MAX, NULL, &m, &err), 0);
    bh_manifest_free(m);
    text[BH_MANIFEST_MAX] = '\n';
    assert_int_equal(bh_manifest_parse(text, BH_MANIFEST_MAX + 1, NULL, &m, &err), -BH_LIMIT);
    assert_string_equal(err.message, "manifest of 4194305 bytes, limit 4194304 (4 MiB)");
    free(text);
}

static void more_layers_than_the_limit_are_refused(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_manifest *m = NULL;
    struct bh_error err;

    (void)state;
    bh_buf_puts(&b, "{\"schemaVersion\":2," CONFIG ",\"layers\":[");
    for (unsigned i = 0; i <= BH_MANIFEST_LAYERS_MAX; i++)
        bh_buf_puts(&b, i ? "," LAYER : LAYER);
    bh_buf_puts(&b, "]}");
    assert_int_equal(parse(bh_buf_text(&b), NULL, &m, &err), -BH_LIMIT);
    assert_string_equal(err.message, "1025 layers, limit 1024");
}

static void only_defined_layer_types_can_be_unpacked(void **state)
{
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_layer_format(BH_MEDIA_OCI_LAYER), BH_LAYER_TAR);
    assert_int_equal(bh_layer_format(BH_MEDIA_OCI_LAYER_ZSTD), BH_LAYER_TAR_ZSTD);
    assert_int_equal(bh_layer_format(BH_MEDIA_DOCKER_LAYER_GZIP), BH_LAYER_TAR_GZIP);
    assert_int_equal(bh_layer_format("application/vnd.oci.image.layer.v1.tar+gzip2"),
                     BH_LAYER_UNKNOWN);
    assert_int_equal(bh_layer_format(NULL), BH_LAYER_UNKNOWN);
    assert_int_equal(bh_layer_format_check("application/x-nobody", &err), -BH_UNSUPPORTED);
    assert_non_null(strstr(err.message, "application/x-nobody"));
    assert_int_equal(bh_layer_format_check("application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
                                           &err),
                     -BH_UNSUPPORTED);
    assert_non_null(strstr(err.message, "encrypted"));
    assert_int_equal(bh_layer_format_check(BH_MEDIA_OCI_LAYER_GZIP, &err), 0);
}

#define E(os_, arch_, variant_)                                                                    \
    {                                                                                              \
        .media_type = "m", .platform = {.os = os_, .architecture = arch_, .variant = variant_ }    \
    }

static void the_nearest_platform_that_runs_is_chosen(void **state)
{
    static struct bh_descriptor items[] = {
        E("unknown", "unknown", NULL), E("linux", "arm", "v6"),     E("linux", "arm", "v5"),
        E("linux", "amd64", "v3"),     E("linux", "amd64", NULL),   E("linux", "arm64", NULL),
        E("windows", "amd64", NULL),   E("linux", "riscv64", "xy"),
    };
    static const struct {
        const char *wanted;
        int index; /* -1: none */
    } cases[] = {
        {"linux/amd64", 4},   {"linux/amd64/v4", 3},   {"linux/amd64/v2", 4}, {"linux/arm/v7", 1},
        {"linux/arm/v5", 2},  {"linux/arm64/v8", 5},   {"linux/arm64", 5},    {"linux/s390x", -1},
        {"windows/amd64", 6}, {"linux/riscv64/xy", 7}, {"linux/arm/v4", -1},
    };
    struct bh_manifest index = {.is_index = true, .items = items, .item_count = 8};
    struct bh_arena *arena = bh_arena_new();

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        const struct bh_descriptor *d = NULL;
        struct bh_error err = BH_ERROR_INIT;
        struct bh_platform p;

        assert_int_equal(bh_platform_parse(cases[i].wanted, arena, &p, &err), 0);
        if (cases[i].index < 0) {
            assert_int_equal(bh_index_choose(&index, &p, &d, &err), -BH_NOT_FOUND);
            assert_non_null(strstr(err.message, "linux/arm/v6"));
        } else {
            assert_int_equal(bh_index_choose(&index, &p, &d, &err), 0);
            if (d != &items[cases[i].index])
                fail_msg("%s chose %d", cases[i].wanted, (int)(d - items));
        }
    }
    bh_arena_free(arena);
}

static void entries_without_platform_count_only_among_themselves(void **state)
{
    static struct bh_descriptor items[] = {E(NULL, NULL, NULL), E("linux", "s390x", NULL)};
    struct bh_manifest index = {.is_index = true, .items = items, .item_count = 1};
    struct bh_platform host = bh_platform_host();
    const struct bh_descriptor *d = NULL;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    assert_int_equal(bh_index_choose(&index, &host, &d, &err), 0);
    assert_ptr_equal(d, &items[0]);
    index.item_count = 2;
    assert_int_equal(bh_index_choose(&index, &host, &d, &err), -BH_NOT_FOUND);
    index.item_count = 0;
    assert_int_equal(bh_index_choose(&index, &host, &d, &err), -BH_NOT_FOUND);
    assert_non_null(strstr(err.message, "the index is empty"));
}

static void a_platform_is_two_or_three_parts(void **state)
{
    static const char *const bad[] = {"",        "linux",    "linux/", "/amd64", "linux/AMD64",
                                      "a/b/c/d", "linux//v1"};
    struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_platform p;
    struct bh_error err = BH_ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_int_equal(bh_platform_parse(bad[i], arena, &p, &err), -BH_INVALID);
    assert_int_equal(bh_platform_parse("linux/arm64/v8", arena, &p, &err), 0);
    bh_platform_format(&p, &b);
    assert_string_equal(bh_buf_text(&b), "linux/arm64/v8");
    bh_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_keeps_everything_it_says),
        cmocka_unit_test(a_docker_list_is_an_index),
        cmocka_unit_test(what_is_no_manifest_is_refused_with_a_reason),
        cmocka_unit_test(four_mebibytes_are_read_and_one_byte_more_is_not),
        cmocka_unit_test(more_layers_than_the_limit_are_refused),
        cmocka_unit_test(only_defined_layer_types_can_be_unpacked),
        cmocka_unit_test(the_nearest_platform_that_runs_is_chosen),
        cmocka_unit_test(entries_without_platform_count_only_among_themselves),
        cmocka_unit_test(a_platform_is_two_or_three_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
