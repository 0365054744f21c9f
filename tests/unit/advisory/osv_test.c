#include "advisory/osv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int read_text(const char *json, struct bh_arena *arena, struct bh_osv_record *ret,
                     struct bh_error *err)
{
    return bh_osv_read(json, strlen(json), arena, ret, err);
}

#define RECORD(events_and_more)                                                                    \
    "{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"Debian:12\",\"name\":\"p\"},"     \
    "\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[" events_and_more "}]}"

/* Intervals as "introduced..fixed" or "introduced...last", '|' between them. */
static void expect_intervals(const char *json, const char *expected)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_osv_record r;

    if (read_text(json, arena, &r, &err) < 0)
        fail_msg("%s: %s", json, err.message);
    for (size_t i = 0; i < r.interval_count; i++)
        bh_buf_printf(&text, "%s%s%s%s", i ? "|" : "", r.intervals[i].introduced,
                      *r.intervals[i].last ? "..." : "..",
                      *r.intervals[i].last ? r.intervals[i].last : r.intervals[i].fixed);
    assert_string_equal(bh_buf_text(&text), expected);
}

static void events_in_any_order_become_intervals(void **state)
{
    (void)state;
    expect_intervals(RECORD("{\"introduced\":\"0\"},{\"fixed\":\"1.2\"}]}]"), "..1.2");
    expect_intervals(RECORD("{\"fixed\":\"2\"},{\"introduced\":\"0\"}]}]"), "..2");
    expect_intervals(RECORD("{\"introduced\":\"3\"},{\"introduced\":\"0\"},{\"fixed\":\"4\"},"
                            "{\"fixed\":\"1\"}]}]"),
                     "..1|3..4");
    expect_intervals(RECORD("{\"introduced\":\"1\"},{\"last_affected\":\"1.9\"}]}]"), "1...1.9");
    expect_intervals(RECORD("{\"introduced\":\"1\"}]}]"), "1..");
    expect_intervals(RECORD("{\"fixed\":\"1\"}]}]"), "");
    expect_intervals(RECORD("{\"introduced\":\"0\"},{\"fixed\":\"1\"},{\"introduced\":\"1\"},"
                            "{\"fixed\":\"2\"}]}]"),
                     "..1|1..2");
}

static void enumerated_versions_count_where_no_range_holds_them(void **state)
{
    (void)state;
    expect_intervals(RECORD("{\"introduced\":\"2\"},{\"fixed\":\"3\"}]}],"
                            "\"versions\":[\"1.0\",\"2.5\",\"3.0\"]"),
                     "2..3|1.0...1.0|3.0...3.0");
}

static void git_ranges_say_nothing_about_versions(void **state)
{
    (void)state;
    expect_intervals("{\"id\":\"X-1\",\"affected\":[{\"package\":{\"ecosystem\":\"PyPI\","
                     "\"name\":\"p\"},\"ranges\":[{\"type\":\"GIT\",\"repo\":\"u\",\"events\":"
                     "[{\"introduced\":\"0\"},{\"fixed\":\"abc\"}]}]}]}",
                     "");
}

static void every_part_of_a_record_is_kept(void **state)
{
    static const char json[] =
        "{\"id\":\"ALSA-1\",\"modified\":\"2024-01-02T00:00:00Z\","
        "\"published\":\"2024-01-01T00:00:00Z\",\"aliases\":[\"GHSA-1\",\"bad name\",7],"
        "\"upstream\":[\"CVE-1\"],\"related\":[\"CVE-2\"],\"summary\":\"Important: a\\nb\","
        "\"affected\":[{\"package\":{\"ecosystem\":\"PyPI\",\"name\":\"A_b..C\"},"
        "\"versions\":[\"1\"]}]}";
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    struct bh_error err = BH_ERROR_INIT;
    struct bh_osv_record r;

    (void)state;
    assert_int_equal(read_text(json, arena, &r, &err), 0);
    assert_string_equal(r.id, "ALSA-1");
    assert_string_equal(r.aliases, "GHSA-1");
    assert_string_equal(r.related, "CVE-1 CVE-2");
    assert_string_equal(r.summary, "Important: a");
    assert_string_equal(r.modified, "2024-01-02T00:00:00Z");
    assert_string_equal(r.intervals[0].package, "a-b-c");
    assert_int_equal(r.intervals[0].severity, BH_SEVERITY_HIGH);
    assert_false(r.withdrawn);
}

static enum bh_severity severity_of(const char *members, const char *affected_members)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_freep)
    char *json = bh_format("{\"id\":\"X\"%s,\"affected\":[{\"package\":{\"ecosystem\":\"npm\","
                           "\"name\":\"p\"},\"versions\":[\"1\"]%s}]}",
                           members, affected_members);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_osv_record r;

    if (read_text(json, arena, &r, &err) < 0)
        fail_msg("%s: %s", json, err.message);
    return r.intervals[0].severity;
}

static void a_severity_is_found_wherever_publishers_put_it(void **state)
{
    static const char vector[] = ",\"severity\":[{\"type\":\"CVSS_V3\","
                                 "\"score\":\"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\"}]";

    (void)state;
    assert_int_equal(severity_of("", ""), BH_SEVERITY_UNKNOWN);
    assert_int_equal(severity_of(vector, ""), BH_SEVERITY_CRITICAL);
    assert_int_equal(severity_of("", vector), BH_SEVERITY_CRITICAL);
    assert_int_equal(severity_of(",\"database_specific\":{\"severity\":\"MODERATE\"}", ""),
                     BH_SEVERITY_MEDIUM);
    /* The distribution's own rating for the package weighs more than a general score. */
    assert_int_equal(severity_of(vector, ",\"ecosystem_specific\":{\"urgency\":\"unimportant\"}"),
                     BH_SEVERITY_NEGLIGIBLE);
    assert_int_equal(severity_of(vector, ",\"ecosystem_specific\":{\"urgency\":\"low**\"}"),
                     BH_SEVERITY_LOW);
    assert_int_equal(severity_of(vector,
                                 ",\"ecosystem_specific\":{\"urgency\":\"not yet assigned\"}"),
                     BH_SEVERITY_CRITICAL);
    assert_int_equal(severity_of(",\"severity\":[{\"type\":\"Ubuntu\",\"score\":\"medium\"}]", ""),
                     BH_SEVERITY_MEDIUM);
    assert_int_equal(severity_of(",\"summary\":\"Critical: x\"", ""), BH_SEVERITY_CRITICAL);
    assert_int_equal(severity_of(",\"summary\":\"critical thing: x\"", ""), BH_SEVERITY_UNKNOWN);
}

static void what_is_no_record_is_refused_with_a_reason(void **state)
{
    static const char *const bad[] = {
        "[]",
        "{}",
        "{\"id\":\"\"}",
        "{\"id\":\"a b\"}",
        "{\"id\":\"X\",\"id\":\"Y\"}",
        "{\"id\":\"X\",\"affected\":[{\"package\":{\"name\":\"p\"}}]}",
        RECORD("{\"introduced\":\"1 2\"}]}]"),
        "{\"id\":\"X\"",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++) {
        BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
        struct bh_error err = BH_ERROR_INIT;
        struct bh_osv_record r;

        if (read_text(bad[i], arena, &r, &err) != -BH_INVALID)
            fail_msg("%s was accepted", bad[i]);
        assert_true(err.message[0]);
    }
}

static void documents_are_split_into_their_objects(void **state)
{
    static const char *const documents[] = {"{\"a\":\"}\\\"{\"} {\"b\":[{}]}",
                                            "[{\"a\":\"}\\\"{\"},\n{\"b\":[{}]}]\n",
                                            "{\"a\":\"}\\\"{\"}\n{\"b\":[{}]}\n"};

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(documents); i++) {
        const char *at = documents[i], *end = at + strlen(at), *json;
        struct bh_error err = BH_ERROR_INIT;
        size_t len;

        assert_int_equal(bh_osv_next(&at, end, &json, &len, &err), 0);
        assert_int_equal(len, strlen("{\"a\":\"}\\\"{\"}"));
        assert_int_equal(bh_osv_next(&at, end, &json, &len, &err), 0);
        assert_memory_equal(json, "{\"b\":[{}]}", len);
        assert_int_equal(bh_osv_next(&at, end, &json, &len, &err), 0);
        assert_null(json);
    }
}

static void a_document_that_is_cut_off_is_an_error(void **state)
{
    static const char text[] = "{\"a\":1} {\"b\":\"";
    const char *at = text, *json;
    struct bh_error err = BH_ERROR_INIT;
    size_t len;

    (void)state;
    assert_int_equal(bh_osv_next(&at, text + sizeof text - 1, &json, &len, &err), 0);
    assert_int_equal(bh_osv_next(&at, text + sizeof text - 1, &json, &len, &err), -BH_CORRUPT);
}

static void packed_records_come_back_and_tampered_ones_do_not(void **state)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_buf_done) struct bh_buf packed = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_osv_record r, back;
    size_t at = 0;

    (void)state;
    assert_int_equal(
        read_text(RECORD("{\"introduced\":\"0\"},{\"fixed\":\"1.2\"}]}]"), arena, &r, &err), 0);
    bh_osv_pack(&r, &packed);
    assert_int_equal(bh_osv_unpack(packed.data, packed.len, &at, arena, &back, &err), 0);
    assert_int_equal(at, packed.len);
    assert_string_equal(back.id, "X-1");
    assert_string_equal(back.intervals[0].fixed, "1.2");
    for (size_t cut = 0; cut < packed.len; cut++) {
        at = 0;
        assert_int_equal(bh_osv_unpack(packed.data, cut, &at, arena, &back, &err), -BH_INTERNAL);
    }
    for (size_t i = 0; i < packed.len; i++) { /* any byte changed: refused, or a sane record */
        char old = packed.data[i];

        packed.data[i] = (char)0xff;
        at = 0;
        if (bh_osv_unpack(packed.data, packed.len, &at, arena, &back, &err) == 0) {
            assert_true(strlen(back.id) >= 1 && strlen(back.id) <= BH_OSV_TEXT_MAX);
            assert_true(at <= packed.len);
        }
        packed.data[i] = old;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_in_any_order_become_intervals),
        cmocka_unit_test(enumerated_versions_count_where_no_range_holds_them),
        cmocka_unit_test(git_ranges_say_nothing_about_versions),
        cmocka_unit_test(every_part_of_a_record_is_kept),
        cmocka_unit_test(a_severity_is_found_wherever_publishers_put_it),
        cmocka_unit_test(what_is_no_record_is_refused_with_a_reason),
        cmocka_unit_test(documents_are_split_into_their_objects),
        cmocka_unit_test(a_document_that_is_cut_off_is_an_error),
        cmocka_unit_test(packed_records_come_back_and_tampered_ones_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
