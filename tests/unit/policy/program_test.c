#include "policy/parser.h"
#include "policy/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One image with a package, a vulnerability and a finding, and a scope with macros and lists. */
struct world {
    struct bh_facts *facts;
    struct bh_record record;
    struct bh_scope scope;
    struct bh_condition *macros[4];
};

static const char *const list_shells[] = {"bash", "sh", NULL};
static const char *const list_nested[] = {"zsh", "shells", NULL};
static const char *const list_loop[] = {"loop_b", NULL};
static const char *const list_loop_b[] = {"loop", NULL};

static void add_macro(struct world *w, size_t i, const char *name, const char *text)
{
    assert_int_equal(bh_condition_parse(text, strlen(text), &w->macros[i], NULL, NULL), 0);
    w->scope.macros[i] = (struct bh_macro){.name = name, .expr = bh_condition_root(w->macros[i])};
}

static int set_up(void **state)
{
    static const char *const env[] = {"PATH=/bin", "TOKEN=s3cr3t", NULL};
    static const char *const cmd[] = {"nc", "-l", "-p", "80", NULL};
    struct world *w = bh_new0(sizeof *w);
    struct bh_package *p;
    struct bh_vulnerability *v;

    w->facts = bh_facts_new();
    w->facts->config.known = true;
    w->facts->config.user = "root";
    w->facts->config.env = bh_facts_list(w->facts, env);
    w->facts->config.cmd = bh_facts_list(w->facts, cmd);
    w->facts->config.entrypoint = bh_facts_list(w->facts, NULL);
    p = bh_facts_add_package(w->facts);
    p->name = "openssl";
    p->version = "3.0.1-1";
    p->type = "deb";
    v = bh_facts_add_vulnerability(w->facts);
    v->id = "CVE-2024-1";
    v->aliases = bh_facts_list(w->facts, NULL);
    v->severity = BH_SEVERITY_HIGH;
    v->fixed = "3.0.2-1";
    w->record = (struct bh_record){
        .facts = w->facts, .package = w->facts->packages, .vulnerability = v, .now = 0};
    w->scope.arena = bh_arena_new();
    w->scope.macros = bh_new0(4 * sizeof *w->scope.macros);
    w->scope.lists = bh_new0(4 * sizeof *w->scope.lists);
    add_macro(w, 0, "is_root", "config.user = root");
    add_macro(w, 1, "serious", "vuln.severity >= high and is_root");
    add_macro(w, 2, "ring", "not ring_b");
    add_macro(w, 3, "ring_b", "ring or is_root");
    w->scope.macro_count = 4;
    w->scope.lists[0] = (struct bh_list){.name = "shells", .items = list_shells};
    w->scope.lists[1] = (struct bh_list){.name = "nested", .items = list_nested};
    w->scope.lists[2] = (struct bh_list){.name = "loop", .items = list_loop};
    w->scope.lists[3] = (struct bh_list){.name = "loop_b", .items = list_loop_b};
    w->scope.list_count = 4;
    bh_scope_sort(&w->scope);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < 4; i++)
        bh_condition_free(w->macros[i]);
    free(w->scope.macros);
    free(w->scope.lists);
    bh_arena_free(w->scope.arena);
    bh_scope_done(&w->scope);
    bh_facts_free(w->facts);
    free(w);
    return 0;
}

static const struct bh_program *check(struct world *w, const char *text)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
    struct bh_error err = BH_ERROR_INIT;
    const struct bh_program *p = NULL;

    if (bh_condition_parse(text, strlen(text), &c, NULL, &err) < 0 ||
        bh_program_check(bh_condition_root(c), &w->scope, &p, NULL, &err) < 0)
        fail_msg("%s: %s", text, err.message);
    return p;
}

static void every_operator_answers_for_every_type(void **state)
{
    static const struct {
        const char *text;
        enum bh_truth truth;
    } cases[] = {
        {"config.user = root", BH_TRUE},
        {"config.user != root", BH_FALSE},
        {"config.user in (nobody, root)", BH_TRUE},
        {"config.user in ()", BH_FALSE},
        {"config.user intersects (root)", BH_TRUE},
        {"config.user contains oo", BH_TRUE},
        {"config.user icontains OO", BH_TRUE},
        {"config.user startswith ro", BH_TRUE},
        {"config.user endswith ot", BH_TRUE},
        {"config.user glob r*t", BH_TRUE},
        {"config.user iglob R??T", BH_TRUE},
        {"config.user glob 'r@(oo|aa)t'", BH_TRUE},
        {"config.user glob '@(root|nobody)'", BH_TRUE},
        {"config.user glob 'ro+(x)t'", BH_FALSE},
        {"config.user glob 'r+(o)?(x)t'", BH_TRUE},
        {"config.user iglob '*(R|O)T'", BH_TRUE},
        {"config.user glob '[!a-q]@(o|[x.])*'", BH_TRUE},
        {"config.user glob 'r.@(ot|x)'", BH_FALSE},
        {"config.user glob 'root\\\\@(x)'", BH_FALSE},
        {"config.user glob val(config.user)", BH_TRUE},
        {"config.user regex r.+t", BH_TRUE},
        {"config.user regex oo", BH_FALSE},
        {"config.user bcontains 6f6f", BH_TRUE},
        {"config.user bstartswith 6f6f", BH_FALSE},
        {"config.user pmatch (root)", BH_TRUE},
        {"config.user exists", BH_TRUE},
        {"config.working_dir exists", BH_FALSE},
        {"config.working_dir = x", BH_FALSE},
        {"config.working_dir != x", BH_FALSE},
        {"not config.working_dir = x", BH_TRUE},
        {"config.user = oneof (root, x)", BH_TRUE},
        {"config.user = oneof (root, root)", BH_FALSE},
        {"config.user = anyof (root, root)", BH_TRUE},
        {"config.user = allof (root, root)", BH_TRUE},
        {"config.user contains allof (ro, ot)", BH_TRUE},
        {"config.user contains allof (ro, x)", BH_FALSE},
        {"config.user != allof (a, b)", BH_TRUE},
        {"config.user = allof ()", BH_FALSE},
        {"config.user != anyof ()", BH_FALSE},
        {"config.healthcheck = false", BH_TRUE},
        {"config.healthcheck != false", BH_FALSE},
        {"config.healthcheck in (true)", BH_FALSE},
        {"image.package_count = 1", BH_TRUE},
        {"image.package_count = 0x1", BH_TRUE},
        {"image.package_count > 0 and image.package_count < 2", BH_TRUE},
        {"image.package_count >= 2 or image.package_count <= 0", BH_FALSE},
        {"image.package_count in (1, 2)", BH_TRUE},
        {"image.package_count != 1", BH_FALSE},
        {"vuln.severity = high", BH_TRUE},
        {"vuln.severity = important", BH_TRUE},
        {"vuln.severity > medium and vuln.severity < critical", BH_TRUE},
        {"vuln.severity in (low, critical)", BH_FALSE},
        {"vuln.severity != low", BH_TRUE},
        {"config.env contains TOKEN", BH_TRUE},
        {"config.env = 'PATH=/bin'", BH_TRUE},
        {"config.env intersects ('PATH=/bin', x)", BH_TRUE},
        {"config.env in ('PATH=/bin', x)", BH_FALSE},
        {"config.env in ('PATH=/bin', 'TOKEN=s3cr3t')", BH_TRUE},
        {"config.entrypoint in (a)", BH_FALSE},
        {"config.env[PATH] = /bin", BH_TRUE},
        {"config.env[HOME] exists", BH_FALSE},
        {"config.cmd[0] = nc", BH_TRUE},
        {"config.cmd[9] exists", BH_FALSE},
        {"tolower(package.name) = openssl", BH_TRUE},
        {"toupper(config.cmd) intersects (NC)", BH_TRUE},
        {"len(config.cmd) = 4", BH_TRUE},
        {"len(config.user) > 3", BH_TRUE},
        {"basename(config.env[PATH]) = bin", BH_TRUE},
        {"b64(config.user) exists", BH_TRUE},
        {"b64(config.env[TOKEN]) = x", BH_FALSE},
        {"join(\" \", config.cmd) = 'nc -l -p 80'", BH_TRUE},
        {"join(\"-\", (package.name, config.user, 'x')) = openssl-root-x", BH_TRUE},
        {"concat(package.name, \"@\", package.version) = openssl@3.0.1-1", BH_TRUE},
        {"concat(package.name, config.working_dir) exists", BH_FALSE},
        {"getopt(config.cmd, \"lp:\") intersects (l)", BH_TRUE},
        {"getopt(config.cmd, \"lp:\")[p] = 80", BH_TRUE},
        {"getopt(config.cmd, \"lp:\", 'p') = 80", BH_TRUE},
        {"getopt(config.cmd, \"lp:\")[x] exists", BH_FALSE},
        {"getopt(join(\" \", config.cmd), \"p:\")[p] = 80", BH_TRUE},
        {"package.name = val(package.name)", BH_TRUE},
        {"package.name = val(config.working_dir)", BH_FALSE},
        {"config.user in val(config.cmd)", BH_FALSE},
        {"image.package_count = val(image.vuln_count)", BH_TRUE},
        {"config.user in shells", BH_FALSE},
        {"config.user in (root, nested)", BH_TRUE},
        {"config.cmd intersects (\"nc\", nested)", BH_TRUE},
        {"is_root and serious", BH_TRUE},
        {"proc.name = bash", BH_UNDECIDED},
    };
    struct world *w = *state;

    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        enum bh_truth t = bh_program_evaluate(check(w, cases[i].text), &w->record, BH_LOGIC_THREE);

        if (t != cases[i].truth)
            fail_msg("%s: %d, not %d", cases[i].text, t, cases[i].truth);
    }
}

static void unknown_spreads_as_in_sql(void **state)
{
    /* U is a severity nobody rated, T and F are known. */
    static const struct {
        const char *text;
        enum bh_truth truth;
    } cases[] = {
        {"U", BH_UNDECIDED},        {"not U", BH_UNDECIDED},
        {"U and T", BH_UNDECIDED},  {"U and F", BH_FALSE},
        {"F and U", BH_FALSE},      {"U and U", BH_UNDECIDED},
        {"U or T", BH_TRUE},        {"T or U", BH_TRUE},
        {"U or F", BH_UNDECIDED},   {"not (U and F)", BH_TRUE},
        {"not (U or T)", BH_FALSE}, {"T and T", BH_TRUE},
        {"T and F", BH_FALSE},      {"F or F", BH_FALSE},
        {"not F", BH_TRUE},         {"U and T or F", BH_UNDECIDED},
    };
    struct world *w = *state;

    w->facts->vulnerabilities[0].severity = BH_SEVERITY_UNKNOWN;
    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
        enum bh_truth three, two;

        for (const char *p = cases[i].text; *p; p++) {
            if (*p == 'U')
                bh_buf_puts(&b, "vuln.severity = high");
            else if (*p == 'T' || *p == 'F')
                bh_buf_puts(&b, *p == 'T' ? "vuln.id exists" : "vuln.id = x");
            else
                bh_buf_putc(&b, *p);
        }
        three = bh_program_evaluate(check(w, bh_buf_text(&b)), &w->record, BH_LOGIC_THREE);
        two = bh_program_evaluate(check(w, bh_buf_text(&b)), &w->record, BH_LOGIC_TWO);
        if (three != cases[i].truth || two == BH_UNDECIDED)
            fail_msg("%s: %d, not %d", cases[i].text, three, cases[i].truth);
    }
}

static void faults_name_the_place_and_the_nearest_word(void **state)
{
    static const struct {
        const char *text;
        unsigned column;
        const char *says;
    } cases[] = {
        {"vuln.severty = high", 1, "did you mean 'vuln.severity'"},
        {"config.user = root and procc.name = x", 24, "did you mean 'proc.name'"},
        {"is_rot", 1, "did you mean 'is_root'"},
        {"shells", 1, "is a list, not a macro"},
        {"config.user in shels", 16, "did you mean 'shells'"},
        {"vuln.severity = hihg", 17, "did you mean 'high'"},
        {"vuln.severity = unknown", 17, "unrated"},
        {"vuln.severity contains h", 15, "does not suit"},
        {"image.package_count = many", 23, "whole number"},
        {"image.package_count contains 1", 21, "known for it: exists, =, !="},
        {"image.package_count > 1.5", 23, "whole number"},
        {"config.healthcheck = yes", 22, "neither true nor false"},
        {"config.healthcheck > 1", 20, "does not suit"},
        {"config.env != x", 12, "is a list: write 'not config.env = ...'"},
        {"config.user > 1", 13, "does not suit"},
        {"config.user[0] = x", 1, "takes no [0]"},
        {"config.user regex (", 0, "expected a value"},
        {"config.user regex '('", 19, "no ')'"},
        {"config.user glob '!(a)'", 18, "groups are"},
        {"config.user glob '@(a'", 18, "groups are"},
        {"config.user bcontains xyz", 23, "hexadecimal"},
        {"len(image.package_count) = 1", 1, "takes text"},
        {"config.user = val(image.package_count)", 15, "cannot be compared"},
        {"config.user regex val(package.name)", 19, "constant"},
        {"config.user in loop", 16, "holds itself"},
        {"ring", 1, "holds itself"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
        struct bh_error err = BH_ERROR_INIT;
        struct bh_check_place place = {0};
        const struct bh_program *p;

        if (cases[i].column == 0) {
            assert_int_equal(bh_condition_parse(cases[i].text, strlen(cases[i].text), &c, NULL,
                                                &err),
                             -BH_INVALID);
            continue;
        }
        assert_int_equal(bh_condition_parse(cases[i].text, strlen(cases[i].text), &c, NULL, &err),
                         0);
        if (bh_program_check(bh_condition_root(c), &w->scope, &p, &place, &err) != -BH_INVALID)
            fail_msg("accepted: %s", cases[i].text);
        if (place.at.column != cases[i].column || !strstr(err.message, cases[i].says))
            fail_msg("%s: column %u: %s", cases[i].text, place.at.column, err.message);
    }
}

static void a_broken_macro_is_told_once(void **state)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
    struct world *w = *state;
    struct bh_error err = BH_ERROR_INIT;
    const struct bh_program *p;

    assert_int_equal(bh_condition_parse("ring", 4, &c, NULL, NULL), 0);
    assert_int_equal(bh_program_check(bh_condition_root(c), &w->scope, &p, NULL, &err),
                     -BH_INVALID);
    assert_int_equal(bh_program_check(bh_condition_root(c), &w->scope, &p, NULL, &err), -BH_EXISTS);
}

static void the_class_of_a_rule_follows_from_its_fields(void **state)
{
    static const struct {
        const char *text;
        int result;
        enum bh_record_class record;
    } cases[] = {
        {"config.user = root", 0, BH_RECORD_IMAGE},
        {"package.name = x and config.user = y", 0, BH_RECORD_PACKAGE},
        {"package.name = x and vuln.id = y", 0, BH_RECORD_VULN},
        {"serious", 0, BH_RECORD_VULN},
        {"finding.rule = x", 0, BH_RECORD_FINDING},
        {"finding.rule = x or vuln.id = y", -BH_INVALID, 0},
    };
    struct world *w = *state;

    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        enum bh_record_class record = BH_RECORD_IMAGE;
        struct bh_error err = BH_ERROR_INIT;
        const struct bh_program *p = check(w, cases[i].text);

        assert_int_equal(bh_program_class(p, &record, &err), cases[i].result);
        if (cases[i].result == 0)
            assert_int_equal(record, cases[i].record);
        assert_false(bh_program_is_runtime(p));
    }
    assert_true(bh_program_is_runtime(check(w, "proc.name = x")));
    assert_int_equal(w->scope.unread_count, 1);
    assert_string_equal(w->scope.unread[0].field, "proc.name");
}

static void collect(void *context, const struct bh_deciding *d)
{
    struct bh_buf *b = context;

    bh_buf_printf(b, "%s%s=", b->len ? " " : "", d->field);
    if (d->known == BH_KNOWN)
        bh_value_format_short(b, &d->value, 20);
    else
        bh_buf_puts(b, d->known == BH_UNKNOWN ? "?" : "-");
}

static void the_deciding_fields_are_told(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"vuln.severity >= high and vuln.fix exists", "vuln.severity=high vuln.fix=3.0.2-1"},
        {"config.user = x or vuln.id startswith CVE", "vuln.id=CVE-2024-1"},
        {"not (config.user = x or package.name = y)", "config.user=root package.name=openssl"},
        {"serious and is_root", "vuln.severity=high config.user=root"},
        {"vuln.published exists and vuln.id exists and proc.name = x", "vuln.published=-"},
        {"vuln.id exists and proc.name = x", "proc.name=?"},
        {"config.env[TOKEN] exists", "config.env[TOKEN]=s3cr3t"},
        {"config.env contains TOKEN", "config.env=PATH=/bin, TOKEN=..."},
    };
    struct world *w = *state;

    for (size_t i = 0; i < BH_COUNT_OF(cases); i++) {
        BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);

        bh_program_explain(check(w, cases[i].text), &w->record, 8, collect, &b);
        assert_string_equal(bh_buf_text(&b), cases[i].told);
    }
}

/* Each macro names the one before twice: 2^40 steps without memory of answers. */
static void macros_that_double_take_no_exponential_time(void **state)
{
    enum { COUNT = 40 };
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    struct world *w = *state;
    struct bh_condition *conditions[COUNT];
    struct bh_macro macros[COUNT];
    struct bh_scope scope = {.arena = arena, .macros = macros, .macro_count = COUNT};
    struct bh_check_place place;
    const struct bh_program *p;
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;

    for (int i = 0; i < COUNT; i++) {
        const char *text =
            i == 0 ? "config.user = x" : bh_arena_format(arena, "m%02d or m%02d", i - 1, i - 1);

        assert_int_equal(bh_condition_parse(text, strlen(text), &conditions[i], NULL, NULL), 0);
        macros[i] = (struct bh_macro){.name = bh_arena_format(arena, "m%02d", i),
                                      .expr = bh_condition_root(conditions[i])};
    }
    bh_scope_sort(&scope);
    assert_int_equal(bh_condition_parse("m39", 3, &c, NULL, NULL), 0);
    assert_int_equal(bh_program_check(bh_condition_root(c), &scope, &p, &place, NULL), 0);
    assert_int_equal(bh_program_evaluate(p, &w->record, BH_LOGIC_THREE), BH_FALSE);
    for (int i = 0; i < COUNT; i++)
        bh_condition_free(conditions[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_operator_answers_for_every_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_spreads_as_in_sql, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_name_the_place_and_the_nearest_word, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_broken_macro_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_class_of_a_rule_follows_from_its_fields, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_deciding_fields_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(macros_that_double_take_no_exponential_time, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
