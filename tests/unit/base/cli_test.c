#include "base/cli.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct values {
    bool quiet;
    const char *name;
    struct bh_strings volumes;
    int64_t count;
    uint64_t memory;
    uint64_t timeout;
    int format;
    bool debug;
};

static const char *const formats[] = {"table", "json", NULL};
#define AT(member) offsetof(struct values, member)

static const struct bh_option options[] = {
    {.name = "quiet", .letter = 'q', .kind = BH_OPTION_FLAG, .offset = AT(quiet), .text = "x"},
    {.name = "name",
     .letter = 'n',
     .kind = BH_OPTION_STRING,
     .offset = AT(name),
     .value = "NAME",
     .text = "x",
     .env = "BULKHEAD_TEST_NAME"},
    {.name = "volume",
     .letter = 'v',
     .kind = BH_OPTION_STRINGS,
     .offset = AT(volumes),
     .value = "SPEC",
     .text = "x"},
    {.name = "count",
     .kind = BH_OPTION_INT,
     .offset = AT(count),
     .value = "N",
     .min = -5,
     .max = 10,
     .fallback = "3",
     .text = "x"},
    {.name = "memory",
     .kind = BH_OPTION_SIZE,
     .offset = AT(memory),
     .value = "SIZE",
     .fallback = "64M",
     .text = "x",
     .env = "BULKHEAD_TEST_MEMORY"},
    {.name = "timeout",
     .kind = BH_OPTION_DURATION,
     .offset = AT(timeout),
     .value = "TIME",
     .text = "x"},
    {.name = "format",
     .letter = 'f',
     .kind = BH_OPTION_CHOICE,
     .offset = AT(format),
     .value = "FORMAT",
     .choices = formats,
     .fallback = "table",
     .text = "x"},
    BH_OPTION_END,
};
static const struct bh_option more_options[] = {
    {.name = "debug", .kind = BH_OPTION_FLAG, .offset = AT(debug), .text = "x", .no_config = true},
    BH_OPTION_END,
};

struct parsed {
    struct values v;
    struct bh_option_set sets[2];
    struct bh_cli cli;
    struct bh_error err;
};

/* words is one string split at spaces. */
static int parse(struct parsed *p, size_t end_at_operand, const char *words)
{
    static char copy[256];
    char *argv[32];
    int argc = 0;
    char *save = NULL;

    *p = (struct parsed){0};
    p->sets[0] = (struct bh_option_set){.options = options, .values = &p->v};
    p->sets[1] = (struct bh_option_set){.options = more_options, .values = &p->v};
    p->cli = (struct bh_cli){.sets = p->sets, .set_count = 2, .end_at_operand = end_at_operand};
    (void)snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return bh_cli_parse(&p->cli, argc, argv, &p->err);
}

static void done(struct parsed *p)
{
    bh_option_set_done(&p->sets[0]);
    bh_strings_done(&p->cli.operands);
}

static void every_spelling_of_an_option_is_read(void **state)
{
    struct parsed p;

    (void)state;
    assert_int_equal(parse(&p, false,
                           "a --quiet --name=x --volume one -v two -vthree --count -5 --memory 2G "
                           "--timeout 10s -qf json --debug b"),
                     0);
    assert_true(p.v.quiet);
    assert_true(p.v.debug);
    assert_string_equal(p.v.name, "x");
    assert_int_equal(p.v.volumes.count, 3);
    assert_string_equal(p.v.volumes.items[2], "three");
    assert_null(p.v.volumes.items[3]);
    assert_int_equal(p.v.count, -5);
    assert_int_equal(p.v.memory, 2ull << 30);
    assert_int_equal(p.v.timeout, 10000);
    assert_int_equal(p.v.format, 1);
    assert_int_equal(p.cli.operands.count, 2);
    assert_string_equal(p.cli.operands.items[1], "b");
    done(&p);
    assert_int_equal(parse(&p, 0, "--quiet=false --name one --name= -"), 0);
    assert_false(p.v.quiet);
    assert_string_equal(p.v.name, "");
    assert_string_equal(p.cli.operands.items[0], "-");
    done(&p);
}

static void what_stands_behind_the_dashes_is_no_option(void **state)
{
    struct parsed p;

    (void)state;
    assert_int_equal(parse(&p, 0, "a -- --quiet -- b"), 0);
    assert_false(p.v.quiet);
    assert_int_equal(p.cli.dashes, 1);
    assert_int_equal(p.cli.operands.count, 4);
    assert_string_equal(p.cli.operands.items[1], "--quiet");
    done(&p);
    /* Options may follow the first operand; from the second on all belongs to the command. */
    assert_int_equal(parse(&p, 2, "image -q -- ls --debug -- x"), 0);
    assert_true(p.v.quiet);
    assert_false(p.v.debug);
    assert_int_equal(p.cli.dashes, 1);
    assert_int_equal(p.cli.operands.count, 5);
    assert_string_equal(p.cli.operands.items[3], "--");
    done(&p);
    assert_int_equal(parse(&p, 2, "image -q ls --count -- -q"), 0);
    assert_int_equal(p.cli.operands.count, 5);
    assert_string_equal(p.cli.operands.items[2], "--count");
    done(&p);
    assert_int_equal(parse(&p, 1, "image -q"), 0);
    assert_false(p.v.quiet);
    assert_int_equal(p.cli.operands.count, 2);
    done(&p);
}

static void mistakes_name_the_option_and_the_nearest_right_one(void **state)
{
    static const struct {
        const char *words, *message;
    } cases[] = {
        {"--qiet", "unknown option --qiet; did you mean --quiet?"},
        {"--form=json", "unknown option --form; did you mean --format?"},
        {"--zzzzzz", "unknown option --zzzzzz"},
        {"-x", "unknown option -x in \"-x\""},
        {"--name", "option --name needs a value: --name NAME"},
        {"-n", "option -n needs a value: -n NAME"},
        {"--format jsn", "option --format: \"jsn\" is not one of table, json; did you mean json?"},
        {"--count 11", "option --count: \"11\" is not a number from -5 to 10"},
        {"--count 1x", "option --count: \"1x\" is not a number from -5 to 10"},
        {"--memory 1X", "option --memory: \"1X\" is not a size such as 512, 64K, 16M or 2G"},
        {"--memory -1", "option --memory: \"-1\" is not a size such as 512, 64K, 16M or 2G"},
        {"--memory 99999999999T",
         "option --memory: \"99999999999T\" is not a size such as 512, 64K, 16M or 2G"},
        {"--timeout 5", "option --timeout: \"5\" is not a duration such as 500ms, 10s or 5m"},
        {"--quiet=maybe", "option --quiet: \"maybe\" is neither true nor false"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        struct parsed p;

        assert_int_equal(parse(&p, 0, cases[i].words), -BH_USAGE);
        assert_string_equal(p.err.message, cases[i].message);
        done(&p);
    }
}

static void option_beats_environment_beats_files_beats_default(void **state)
{
    static const char user[] = "{\"name\": \"user\", \"count\": 4}";
    static const char system_[] = "{\"name\": \"system\", \"count\": 5, \"memory\": \"1K\", "
                                  "\"volume\": [\"a\", \"b\"], \"quiet\": true}";
    BH_AUTO(bh_tree_freep) struct bh_tree *user_tree = NULL;
    BH_AUTO(bh_tree_freep) struct bh_tree *system_tree = NULL;
    struct parsed p;

    (void)state;
    assert_int_equal(bh_json_parse(user, strlen(user), NULL, &user_tree, NULL), 0);
    assert_int_equal(bh_json_parse(system_, strlen(system_), NULL, &system_tree, NULL), 0);
    assert_int_equal(setenv("BULKHEAD_TEST_NAME", "environment", 1), 0);
    assert_int_equal(setenv("BULKHEAD_TEST_MEMORY", "", 1), 0);
    for (int given = 0; given < 2; given++) {
        assert_int_equal(parse(&p, 0, given ? "--name option" : ""), 0);
        assert_int_equal(bh_cli_from_environment(&p.sets[0], &p.err), 0);
        assert_int_equal(bh_cli_from_node(&p.sets[0], bh_tree_root(user_tree), "u", &p.err), 0);
        assert_int_equal(bh_cli_from_node(&p.sets[0], bh_tree_root(system_tree), "s", &p.err), 0);
        bh_cli_fallbacks(&p.sets[0]);
        assert_string_equal(p.v.name, given ? "option" : "environment");
        assert_int_equal(p.v.count, 4);
        assert_int_equal(p.v.memory, 1024);
        assert_int_equal(p.v.volumes.count, 2);
        assert_true(p.v.quiet);
        assert_int_equal(p.v.format, 0);
        assert_false(bh_option_given(&p.sets[0], "format"));
        assert_true(bh_option_given(&p.sets[0], "memory"));
        done(&p);
    }
    assert_int_equal(unsetenv("BULKHEAD_TEST_NAME"), 0);
    assert_int_equal(setenv("BULKHEAD_TEST_MEMORY", "lots", 1), 0);
    assert_int_equal(parse(&p, 0, ""), 0);
    assert_int_equal(bh_cli_from_environment(&p.sets[0], &p.err), -BH_USAGE);
    assert_string_equal(p.err.message, "environment variable BULKHEAD_TEST_MEMORY: \"lots\" is not "
                                       "a size such as 512, 64K, 16M or 2G");
    assert_int_equal(unsetenv("BULKHEAD_TEST_MEMORY"), 0);
    done(&p);
}

static void a_wrong_value_in_a_file_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"format\":\n \"xml\"}", "f:2:2: format: \"xml\" is not one of table, json"},
        {"{\"name\": 1}", "f:1:10: name: a value of kind integer does not fit"},
        {"{\"volume\": [1]}", "f:1:12: volume: its elements must be strings, not integer"},
        {"{\"count\": 11}", "f:1:11: count: \"11\" is not a number from -5 to 10"},
        {"{\"quiet\": []}", "f:1:11: quiet: a value of kind array does not fit"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;
        struct parsed p;

        assert_int_equal(bh_json_parse(cases[i].text, strlen(cases[i].text), NULL, &t, NULL), 0);
        assert_int_equal(parse(&p, 0, ""), 0);
        assert_int_equal(bh_cli_from_node(&p.sets[0], bh_tree_root(t), "f", &p.err), -BH_INVALID);
        assert_string_equal(p.err.message, cases[i].message);
        assert_int_equal(p.err.code, BH_INVALID);
        done(&p);
    }
}

static void an_option_closed_to_files_is_not_taken_from_them(void **state)
{
    static const char text[] = "{\"debug\": true}";
    BH_AUTO(bh_tree_freep) struct bh_tree *t = NULL;
    struct parsed p;

    (void)state;
    assert_int_equal(bh_json_parse(text, strlen(text), NULL, &t, NULL), 0);
    assert_int_equal(parse(&p, 0, ""), 0);
    assert_int_equal(bh_cli_from_node(&p.sets[1], bh_tree_root(t), "f", &p.err), 0);
    assert_false(p.v.debug);
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_an_option_is_read),
        cmocka_unit_test(what_stands_behind_the_dashes_is_no_option),
        cmocka_unit_test(mistakes_name_the_option_and_the_nearest_right_one),
        cmocka_unit_test(option_beats_environment_beats_files_beats_default),
        cmocka_unit_test(a_wrong_value_in_a_file_is_named_with_its_place),
        cmocka_unit_test(an_option_closed_to_files_is_not_taken_from_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
