#include "base/buf.h"
#include "policy/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int parse(const char *text, struct bh_position *at, struct bh_error *err)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;

    return bh_condition_parse(text, strlen(text), &c, at, err);
}

static void conditions_of_the_grammar_are_accepted(void **state)
{
    static const char *const good[] = {
        "  shell",
        "(shell)",
        "a and b and(c)",
        "(a)and(b)or(c)",
        "a or(b) and c",
        "not shell",
        "not not shell",
        "not(shell)",
        "not (not(a.b=1))",
        "notable and android and orphan",
        "x and not notable",
        "proc.name exists and shell",
        "proc.name existsand shell",
        "proc.name=cat",
        "proc.name == cat",
        "proc.name !=cat",
        "proc.name = not",
        "proc.name = proc.pname",
        "proc.name = ''",
        "proc.name = \"it's\"",
        "proc.name = 'a \\' quote'",
        "proc.name = 'two \\' and \\\\''",
        "proc.name = \"\\ \"",
        "fd.name = 0a!@#456:/\\.;!$%^&*[]{}|",
        "evt.dir=> and fd.name=*.log",
        "evt.arg[0] contains /bin",
        "evt.arg['a aa'] = x",
        "evt.arg[\"with \\\"quotes\\\"\"] = x",
        "evt.arg[+0.25e+10] = x",
        "fd.num > 1000",
        "fd.num >=-1",
        "fd.num < +0.5e+10",
        "fd.num <= 0XaB00",
        "vuln.severity >= high",
        "vuln.severity in (high, critical)",
        "proc.name in ()",
        "proc.name in()",
        "proc.name in (a, 'b', \"c\" , 0x1)",
        "proc.name in shells",
        "proc.name in (\n a,\n b\n)",
        "proc.name pmatch (/tmp, /var)",
        "proc.name intersects (a)",
        "proc.name startswith\nvalue",
        "proc.name bcontains 48545450",
        "proc.name glob *x*",
        "proc.name regex [a-z]+",
        "proc.name = oneof (a, b)",
        "proc.name contains anyof(a, b)",
        "proc.name != allof (a, b) and x",
        "proc.name = oneof",
        "proc.name = oneof and x",
        "tolower(proc.name) = cat",
        "toupper( b64(proc.name\n) ) exists",
        "len(proc.args) > 5",
        "basename(fd.name) = x and len(toupper(fd.name)) >= 5",
        "join(\"-\", (fd.name, fd.directory)) = x",
        "join(',', ('a', fd.name , tolower(fd.name), 12)) startswith a",
        "join(\"-\", ()) = x",
        "join(\";\", proc.env) contains x",
        "concat(fd.rip, \":\", fd.rport) in (\"8.8.8.8:53\")",
        "getopt(proc.args, \"nt:\") intersects (n, t)",
        "getopt(proc.args, \"nt:\")[t] = val(proc.name)",
        "proc.name = val(proc.pname)",
        "proc.name in val(proc.pname)",
        "fd.num > val(fd.sport)",
        "proc.name = b64(tolower(proc.pname)) or x",
        "proc.name = b64 and(x)",
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(good); i++) {
        struct bh_error err = BH_ERROR_INIT;
        struct bh_position at;

        if (parse(good[i], &at, &err) != 0)
            fail_msg("%s: column %u: %s", good[i], at.column, err.message);
    }
}

static void faults_are_found_at_their_column(void **state)
{
    static const struct {
        const char *text;
        unsigned column;
        const char *says;
    } bad[] = {
        {"", 1, "empty"},
        {"   ", 4, "empty"},
        {"a andb", 6, "blank or '('"},
        {"aand b", 6, "end of the condition"},
        {"a and", 6, "blank or '('"},
        {"a and b or ", 12, "comparison"},
        {"a and b not", 9, "end of the condition"},
        {"and a", 1, "comparison"},
        {"or", 1, "comparison"},
        {"a and or b", 7, "comparison"},
        {"not", 1, "comparison"},
        {"(a)andnot(b)", 7, "blank or '('"},
        {"a notb", 3, "end of the condition"},
        {"(a.b = 1", 9, "')'"},
        {"a.b = 1)", 8, "end of the condition"},
        {"a.b = b = 1", 9, "end of the condition"},
        {"macro > 12", 7, "end of the condition"},
        {"a.b invalidoperator x", 5, "unknown operator"},
        {"a.b contain x", 5, "did you mean 'contains'"},
        {"a.b startwith x", 5, "did you mean 'startswith'"},
        {"a.b ExIsTs", 5, "did you mean 'exists'"},
        {"a.b containsx", 5, "unknown operator"},
        {"a.b contains", 5, "blank and a value"},
        {"a.b exists something", 12, "end of the condition"},
        {"a.b ===", 7, "value"},
        {"a.b !== x", 7, "value"},
        {"a.b >", 6, "number"},
        {"a.b >= 0aaaaa", 9, "end of the condition"},
        {"a.b < 0xAAA.1", 12, "end of the condition"},
        {"a.b <= a", 8, "number"},
        {"a.b in", 7, "'('"},
        {"a.b in (", 9, "value"},
        {"a.b in (x,)", 11, "value"},
        {"a.b in (x,, y)", 11, "value"},
        {"a.b in (,)", 9, "value"},
        {"a.b in (x y)", 11, "',' or ')'"},
        {"a.b = (x)", 7, "value"},
        {"a.b contains (x)", 14, "value"},
        {"a.b = x,", 8, "end of the condition"},
        {"a.b = 'x", 7, "closing"},
        {"a.b = 'it\\\"s'", 10, "escape"},
        {"a.b = \"a\\d\"", 9, "escape"},
        {"a.b = 'x''", 10, "end of the condition"},
        {"a.b[] = x", 5, "brackets"},
        {"a.b[ x ] = y", 5, "brackets"},
        {"a.b[x] ] = y", 8, "operator"},
        {"a.b[[x]] = y", 5, "brackets"},
        {"val(a.b) exists", 4, "end of the condition"},
        {"b64(val(a.b)) exists", 5, "field or a transformer"},
        {"b64 (a.b) exists", 5, "end of the condition"},
        {"b64(a.b [1]) exists", 9, "')'"},
        {"b64(macro) exists", 5, "field"},
        {"b64(a.b exists", 9, "')'"},
        {"fake(a.b) exists", 5, "end of the condition"},
        {"a.b = fake(a.b)", 11, "end of the condition"},
        {"a.b = val(tolower(a.b))", 11, "field in val"},
        {"a.b in (b64(a.b))", 12, "',' or ')'"},
        {"join(\"-\", a.b, c.d) = x", 1, "2 arguments"},
        {"join(\"-\", (,)) = x", 12, "expected a field"},
        {"join(\"-\", (a.b,)) = x", 16, "expected a field"},
        {"join(\"-\", ((a.b))) = x", 12, "expected a field"},
        {"join(\"-\", (word)) = x", 12, "expected a field"},
        {"#a and b", 1, "comparison"},
        {"a.b = x\n  and\n  c.d ~ y", 7, "operator"},
    };

    (void)state;
    for (size_t i = 0; i < BH_COUNT_OF(bad); i++) {
        struct bh_error err = BH_ERROR_INIT;
        struct bh_position at = {0};

        if (parse(bad[i].text, &at, &err) != -BH_INVALID)
            fail_msg("accepted: %s", bad[i].text);
        if (at.column != bad[i].column || !strstr(err.message, bad[i].says))
            fail_msg("%s: column %u, not %u: %s", bad[i].text, at.column, bad[i].column,
                     err.message);
    }
}

static void lines_are_counted(void **state)
{
    struct bh_error err = BH_ERROR_INIT;
    struct bh_position at = {0};

    (void)state;
    assert_int_equal(parse("a.b = x\n  and\n  c.d ~ y", &at, &err), -BH_INVALID);
    assert_int_equal(at.line, 3);
    assert_int_equal(at.column, 7);
    assert_int_equal(at.offset, 20);
}

static void and_binds_tighter_than_or_and_not_tightest(void **state)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
    static const char text[] = "not a and b.c = 'x y' or d";
    const struct bh_expr * or, *and, *check;

    (void)state;
    assert_int_equal(bh_condition_parse(text, strlen(text), &c, NULL, NULL), 0);
    or = bh_condition_root(c);
    assert_int_equal(or->kind, BH_EXPR_OR);
    and = or->first;
    assert_int_equal(and->kind, BH_EXPR_AND);
    assert_string_equal(and->next->name, "d");
    assert_null(and->next->next);
    assert_int_equal(and->first->kind, BH_EXPR_NOT);
    assert_string_equal(and->first->first->name, "a");
    check = and->first->next;
    assert_int_equal(check->kind, BH_EXPR_CHECK);
    assert_string_equal(check->left->text, "b.c");
    assert_string_equal(check->right->text, "x y");
    assert_true(check->right->quoted);
    assert_int_equal(check->at.column, 11);
    assert_int_equal(check->right->at.column, 17);
}

static void nots_cancel_each_other(void **state)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
    static const char text[] = "not not not(not a)";

    (void)state;
    assert_int_equal(bh_condition_parse(text, strlen(text), &c, NULL, NULL), 0);
    assert_int_equal(bh_condition_root(c)->kind, BH_EXPR_NOT);
    assert_int_equal(bh_condition_root(c)->first->kind, BH_EXPR_NOT);
    assert_int_equal(bh_condition_root(c)->first->first->kind, BH_EXPR_NAME);
}

static void escapes_are_resolved(void **state)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
    static const char text[] = "a.b = 'q\\'\\\\\\n\\t/\\/'";

    (void)state;
    assert_int_equal(bh_condition_parse(text, strlen(text), &c, NULL, NULL), 0);
    assert_string_equal(bh_condition_root(c)->right->text, "q'\\\n\t//");
}

static void depth_and_size_have_limits(void **state)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    struct bh_error err = BH_ERROR_INIT;
    struct bh_position at;

    (void)state;
    for (unsigned i = 0; i < BH_CONDITION_DEPTH_MAX; i++)
        bh_buf_putc(&b, '(');
    bh_buf_putc(&b, 'a');
    for (unsigned i = 0; i < BH_CONDITION_DEPTH_MAX; i++)
        bh_buf_putc(&b, ')');
    assert_int_equal(parse(bh_buf_text(&b), &at, &err), 0);
    b.len = 0;
    for (unsigned i = 0; i < 100000; i++)
        bh_buf_puts(&b, "(");
    assert_int_equal(parse(bh_buf_text(&b), &at, &err), -BH_LIMIT);
    b.len = 0;
    for (unsigned i = 0; i < 100000; i++)
        bh_buf_puts(&b, "b64(");
    bh_buf_putc(&b, 0);
    assert_int_equal(parse(bh_buf_text(&b), &at, &err), -BH_LIMIT);
    b.len = 0;
    bh_buf_puts(&b, "a.b in (x");
    for (unsigned i = 0; i < BH_CONDITION_NODES_MAX; i++)
        bh_buf_puts(&b, ",x");
    bh_buf_putc(&b, ')');
    assert_int_equal(parse(bh_buf_text(&b), &at, &err), -BH_LIMIT);
    while (b.len <= BH_CONDITION_SIZE_MAX)
        bh_buf_puts(&b, "    ");
    assert_int_equal(parse(bh_buf_text(&b), &at, &err), -BH_LIMIT);
}

static void a_nul_byte_is_refused(void **state)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;

    (void)state;
    assert_int_equal(bh_condition_parse("a.b = x\0y", 9, &c, NULL, NULL), -BH_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_of_the_grammar_are_accepted),
        cmocka_unit_test(faults_are_found_at_their_column),
        cmocka_unit_test(lines_are_counted),
        cmocka_unit_test(and_binds_tighter_than_or_and_not_tightest),
        cmocka_unit_test(nots_cancel_each_other),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(depth_and_size_have_limits),
        cmocka_unit_test(a_nul_byte_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
