/* Our reader held against jansson's: both must accept and refuse the same documents and find the
 * same values in them. Documents are generated from a fixed seed, then damaged. */
#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed = 0x9E3779B97F4A7C15u;

static uint32_t pick(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % below;
}

static void put_space(struct bh_buf *b)
{
    static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "\r\n"};

    bh_buf_puts(b, spaces[pick(BH_COUNT_OF(spaces))]);
}

static void put_string(struct bh_buf *b)
{
    static const char *const pieces[] = {"a",
                                         "bc",
                                         "\\n",
                                         "\\u00e9",
                                         "\\\"",
                                         "\\/",
                                         "\\ud83d\\ude00",
                                         "\xC3\xA9",
                                         "\xF0\x9F\x98\x80",
                                         " ",
                                         "\\u0041",
                                         "\\b\\f\\t"};

    bh_buf_putc(b, '"');
    for (uint32_t n = pick(5); n; n--)
        bh_buf_puts(b, pieces[pick(BH_COUNT_OF(pieces))]);
    bh_buf_putc(b, '"');
}

static void put_value(struct bh_buf *b, int depth)
{
    static const char *const words[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "-0",
                                        "1",
                                        "-17",
                                        "3.25",
                                        "1e5",
                                        "2E-3",
                                        "1.5e+9",
                                        "123456789012",
                                        "9223372036854775807"};
    uint32_t kind = depth > 4 ? pick(2) : pick(5);

    put_space(b);
    if (kind == 0) {
        bh_buf_puts(b, words[pick(BH_COUNT_OF(words))]);
    } else if (kind == 1) {
        put_string(b);
    } else {
        bh_buf_putc(b, kind == 2 ? '[' : '{');
        for (uint32_t i = 0, n = pick(5); i < n; i++) {
            if (i)
                bh_buf_putc(b, ',');
            put_space(b);
            if (kind != 2) {
                put_string(b);
                put_space(b);
                bh_buf_putc(b, ':');
            }
            put_value(b, depth + 1);
        }
        bh_buf_putc(b, kind == 2 ? ']' : '}');
    }
    put_space(b);
}

static void damage(struct bh_buf *b)
{
    static const char bytes[] = "{}[],:\"\\u0e.-+ntf \n\x01\x80\xC3\xED\xFF";
    size_t at = pick((uint32_t)b->len);

    switch (pick(3)) {
    case 0:
        b->data[at] = bytes[pick(sizeof bytes - 1)];
        break;
    case 1:
        memmove(b->data + at, b->data + at + 1, b->len - at);
        b->len--;
        break;
    default:
        b->len = at;
        b->data[at] = '\0';
        break;
    }
}

static void assert_same(const struct bh_node *ours, const json_t *theirs)
{
    const struct bh_node *child;

    switch (ours->kind) {
    case BH_NODE_NULL:
        assert_true(json_is_null(theirs));
        break;
    case BH_NODE_BOOL:
        assert_true(json_is_boolean(theirs));
        assert_int_equal(ours->boolean, json_is_true(theirs));
        break;
    case BH_NODE_INT:
        assert_true(json_is_integer(theirs));
        assert_int_equal(ours->integer, json_integer_value(theirs));
        break;
    case BH_NODE_REAL:
        assert_true(json_is_real(theirs));
        assert_true(ours->real == json_real_value(theirs));
        break;
    case BH_NODE_STRING:
        assert_true(json_is_string(theirs));
        assert_int_equal(ours->count, json_string_length(theirs));
        assert_string_equal(ours->string, json_string_value(theirs));
        break;
    case BH_NODE_ARRAY:
        assert_int_equal(ours->count, json_array_size(theirs));
        child = ours->first;
        for (size_t i = 0; i < ours->count; i++, child = child->next)
            assert_same(child, json_array_get(theirs, i));
        break;
    case BH_NODE_OBJECT:
        assert_int_equal(ours->count, json_object_size(theirs));
        for (child = ours->first; child; child = child->next)
            assert_same(child, json_object_get(theirs, child->key));
        break;
    }
}

/* What jansson decides otherwise, on purpose: it refuses integers beyond 64 bits, we read reals. */
static bool differs_by_design(const json_error_t *e)
{
    return strstr(e->text, "too big integer") || strstr(e->text, "too big negative integer");
}

static bool compare(const char *text, size_t len)
{
    BH_AUTO(bh_tree_freep) struct bh_tree *ours = NULL;
    struct bh_error err = BH_ERROR_INIT;
    json_error_t their_error;
    json_t *theirs = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &their_error);
    int result = bh_json_parse(text, len, NULL, &ours, &err);

    if (!theirs && differs_by_design(&their_error))
        return false;
    if ((result == 0) != (theirs != NULL))
        fail_msg("ours: %s, jansson: %s, for %.*s", result ? err.message : "accepted",
                 theirs ? "accepted" : their_error.text, (int)len, text);
    if (theirs) {
        assert_same(bh_tree_root(ours), theirs);
        json_decref(theirs);
    }
    return result == 0;
}

static void generated_and_damaged_documents_are_judged_alike(void **state)
{
    int accepted = 0, refused = 0;

    (void)state;
    for (int i = 0; i < 30000; i++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

        put_value(&b, 0);
        for (uint32_t n = pick(3); n && b.len; n--)
            damage(&b);
        if (compare(bh_buf_text(&b), b.len))
            accepted++;
        else
            refused++;
    }
    assert_true(accepted > 5000);
    assert_true(refused > 5000);
}

static void what_we_write_jansson_reads_alike(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
        BH_AUTO(bh_buf_done) struct bh_buf written = BH_BUF_INIT(0);
        BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;
        struct bh_json_writer w = BH_JSON_TO_BUF(&written, (int)pick(4));
        json_t *theirs;

        put_value(&b, 0);
        if (bh_json_parse(b.data, b.len, NULL, &t, NULL))
            continue; /* duplicate keys by chance */
        bh_json_node(&w, NULL, bh_tree_root(t));
        theirs =
            json_loadb(written.data, written.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
        assert_non_null(theirs);
        assert_same(bh_tree_root(t), theirs);
        json_decref(theirs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_and_damaged_documents_are_judged_alike),
        cmocka_unit_test(what_we_write_jansson_reads_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
