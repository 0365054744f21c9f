#include "base/buf.h"
#include "base/mem.h"
#include "inspect/rpm_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { INT32 = 4, STRING = 6 };

struct tag {
    uint32_t tag, type;
    const char *text;
    uint32_t number;
};

static void put32(struct bh_buf *b, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        bh_buf_putc(b, (char)(value >> shift & 0xff));
}

/* A header with these tags; tag 0 ends. */
static void make(struct bh_buf *out, const struct tag *tags)
{
    BH_AUTO(bh_buf_done) struct bh_buf index = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf data = BH_BUF_INIT(0);
    uint32_t count = 0;

    for (; tags->tag; tags++, count++) {
        while (tags->type == INT32 && data.len % 4)
            bh_buf_putc(&data, '\0');
        put32(&index, tags->tag);
        put32(&index, tags->type);
        put32(&index, (uint32_t)data.len);
        put32(&index, 1);
        if (tags->type == INT32)
            put32(&data, tags->number);
        else
            bh_buf_put(&data, tags->text, strlen(tags->text) + 1);
    }
    put32(out, count);
    put32(out, (uint32_t)data.len);
    bh_buf_put(out, index.data, index.len);
    bh_buf_put(out, data.data, data.len);
}

static int note(void *self, const struct bh_found_package *p, struct bh_error *err)
{
    (void)err;
    bh_buf_printf(self, "%s %s %s %s %s", p->name, p->version, p->source_name, p->source_version,
                  p->architecture);
    return 0;
}

static int tell(const struct tag *tags, struct bh_buf *out)
{
    BH_AUTO(bh_buf_done) struct bh_buf header = BH_BUF_INIT(0);
    const struct bh_package_listener to = {.found = note, .self = out};
    struct bh_rpm_header h;
    int r;

    make(&header, tags);
    r = bh_rpm_header_parse(header.data, header.len, &h, NULL);
    return r < 0 ? r : bh_rpm_header_tell(&h, &to, NULL);
}

#define NAMED(n, v, r)                                                                             \
    {1000, STRING, n, 0}, {1001, STRING, v, 0},                                                    \
    {                                                                                              \
        1002, STRING, r, 0                                                                         \
    }

static void packages_are_told_as_rpm_prints_them(void **state)
{
    static const struct {
        struct tag tags[8];
        const char *text;
    } cases[] = {
        {{NAMED("bash", "5.1.8", "6.el9"),
          {1022, STRING, "x86_64", 0},
          {1044, STRING, "bash-5.1.8-6.el9.src.rpm", 0}},
         "bash 5.1.8-6.el9 bash 5.1.8-6.el9 x86_64"},
        {{NAMED("bind-libs", "9.16", "1"),
          {1003, INT32, NULL, 32},
          {1044, STRING, "bind-dlz-9.16-1.nosrc.rpm", 0}},
         "bind-libs 32:9.16-1 bind-dlz 9.16-1 "},
        {{NAMED("a", "1", "2"), {1044, STRING, "(none)", 0}}, "a 1-2 a 1-2 "},
        {{NAMED("a", "1", "2"), {1044, STRING, "-1-2.src.rpm", 0}}, "a 1-2 a 1-2 "},
        {{NAMED("gpg-pubkey", "350d275d", "6279464b")}, ""},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);

        assert_int_equal(tell(cases[i].tags, &out), 0);
        assert_string_equal(bh_buf_text(&out), cases[i].text);
    }
}

static void headers_that_do_not_hold_together_are_refused(void **state)
{
    static const struct tag whole[] = {NAMED("bash", "5.1.8", "6.el9"),
                                       {1003, INT32, NULL, 1},
                                       {0}};
    static const struct {
        struct tag tags[8];
    } bad[] = {
        {{{1000, STRING, "a", 0}, {1001, STRING, "1", 0}}},
        {{NAMED("a b", "1", "2")}},
        {{NAMED("a", "", "2")}},
        {{{1000, INT32, NULL, 7}, {1001, STRING, "1", 0}, {1002, STRING, "1", 0}}},
        {{NAMED("a", "1", "2"), {1003, STRING, "7", 0}}},
    };
    BH_AUTO(bh_buf_done) struct bh_buf header = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf out = BH_BUF_INIT(0);
    struct bh_rpm_header h;

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++)
        assert_int_equal(tell(bad[i].tags, &out), -BH_INVALID);
    make(&header, whole);
    assert_int_equal(bh_rpm_header_parse(header.data, header.len, &h, NULL), 0);
    /* Cut anywhere, on the heap so that a sanitizer sees a byte too far. */
    for (size_t len = 0; len < header.len; len++) {
        BH_AUTO(bh_freep) char *cut = bh_strndup(header.data, len);

        assert_int_equal(bh_rpm_header_parse(cut, len, &h, NULL), -BH_INVALID);
    }
    /* Every byte of the preamble and index turned over. */
    for (size_t at = 0; at < 8 + 4 * 16; at++) {
        header.data[at] = (char)~header.data[at];
        (void)!bh_rpm_header_parse(header.data, header.len, &h, NULL);
        header.data[at] = (char)~header.data[at];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_are_told_as_rpm_prints_them),
        cmocka_unit_test(headers_that_do_not_hold_together_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
