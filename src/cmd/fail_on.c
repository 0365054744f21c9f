#include "cmd/fail_on.h"

#include "base/mem.h"
#include "policy/parser.h"
#include "policy/program.h"

#include <stdlib.h>
#include <string.h>

#define CONDITIONS_MAX 2u

struct bh_fail_on {
    struct bh_scope scope;
    struct bh_condition *conditions[CONDITIONS_MAX];
    const struct bh_program *programs[CONDITIONS_MAX];
    enum bh_record_class classes[CONDITIONS_MAX];
    size_t count;
};

static int add_condition(struct bh_fail_on *f, const char *text, struct bh_error *err)
{
    struct bh_position at = {0};
    struct bh_check_place place = {0};
    struct bh_condition **condition = &f->conditions[f->count];
    int r = bh_condition_parse(text, strlen(text), condition, &at, err);

    if (r < 0)
        return bh_fail(err, BH_USAGE, "--fail-on, column %u: %s", at.column,
                       bh_arena_strdup(f->scope.arena, err->message));
    r = bh_program_check(bh_condition_root(*condition), &f->scope, &f->programs[f->count], &place,
                         err);
    if (r < 0)
        return bh_fail(err, BH_USAGE, "--fail-on, column %u: %s", place.at.column,
                       bh_arena_strdup(f->scope.arena, err->message));
    r = bh_program_class(f->programs[f->count], &f->classes[f->count], err);
    if (r < 0)
        return bh_fail(err, BH_USAGE, "--fail-on: %s",
                       bh_arena_strdup(f->scope.arena, err->message));
    if (bh_program_is_runtime(f->programs[f->count]))
        return bh_fail(err, BH_USAGE, "--fail-on: speaks of events, which an image has none of");
    f->count++;
    return 0;
}

int bh_fail_on_parse(const char *text, struct bh_fail_on **ret, struct bh_error *err)
{
    BH_AUTO(bh_fail_on_freep) struct bh_fail_on *f = bh_new0(sizeof *f);
    enum bh_severity severity;
    int r;

    f->scope.arena = bh_arena_new();
    bh_scope_sort(&f->scope);
    if (bh_severity_parse(text, &severity) && severity != BH_SEVERITY_UNKNOWN) {
        const char *name = bh_severity_name(severity);

        r = add_condition(f, bh_arena_format(f->scope.arena, "vuln.severity >= %s", name), err);
        if (r == 0)
            r = add_condition(f, bh_arena_format(f->scope.arena, "finding.severity >= %s", name),
                              err);
    } else {
        r = add_condition(f, text, err);
    }
    if (r == 0)
        *ret = BH_TAKE(f);
    return r;
}

void bh_fail_on_free(struct bh_fail_on *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < CONDITIONS_MAX; i++)
        bh_condition_free(f->conditions[i]);
    bh_scope_done(&f->scope);
    bh_arena_free(f->scope.arena);
    free(f);
}

static void ask_one(const struct bh_program *p, const struct bh_record *r,
                    struct bh_fail_on_answer *ret)
{
    switch (bh_program_evaluate(p, r, BH_LOGIC_THREE)) {
    case BH_TRUE:
        ret->matches++;
        break;
    case BH_UNDECIDED:
        ret->undecided++;
        break;
    case BH_FALSE:
        break;
    }
}

static size_t records_of(const struct bh_facts *f, enum bh_record_class class)
{
    switch (class) {
    case BH_RECORD_PACKAGE:
        return f->package_count;
    case BH_RECORD_VULN:
        return f->vulnerability_count;
    case BH_RECORD_FINDING:
        return f->finding_count;
    case BH_RECORD_IMAGE:
        break;
    }
    return 1;
}

static void ask_all(const struct bh_fail_on *c, size_t which, const struct bh_facts *f, int64_t now,
                    struct bh_fail_on_answer *ret)
{
    enum bh_record_class class = c->classes[which];
    const char *subject = bh_record_class_subject(class);

    for (size_t i = 0; i < records_of(f, class); i++) {
        struct bh_record r = {.facts = f, .now = now};

        if (class == BH_RECORD_PACKAGE)
            r.package = &f->packages[i];
        if (class == BH_RECORD_FINDING)
            r.finding = &f->findings[i];
        if (class == BH_RECORD_VULN) {
            r.vulnerability = &f->vulnerabilities[i];
            r.package = &f->packages[r.vulnerability->package];
        }
        ask_one(c->programs[which], &r, ret);
    }
    if (subject && bh_facts_is_blind(f, subject))
        ret->blind = true;
}

void bh_fail_on_ask(const struct bh_fail_on *c, const struct bh_facts *f, int64_t now,
                    struct bh_fail_on_answer *ret)
{
    *ret = (struct bh_fail_on_answer){0};
    for (size_t i = 0; i < c->count; i++)
        ask_all(c, i, f, now, ret);
    ret->failed = ret->matches > 0 || ret->undecided > 0 || ret->blind;
}
