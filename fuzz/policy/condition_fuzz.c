/* A condition that parses can be checked; one that passes the check has an answer for any record,
 * and two-valued logic never leaves one undecided. */
#include "policy/parser.h"
#include "policy/program.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {"TOKEN=x", "a=b", NULL};

static void count_told(void *context, const struct bh_deciding *d)
{
    assert(d->field && d->field[0]);
    ++*(size_t *)context;
}

static void ask(const struct bh_program *p)
{
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    struct bh_record r = {.facts = f, .now = 1800000000};
    size_t told = 0;

    f->config.known = true;
    f->config.user = "root";
    f->config.env = f->config.cmd = f->config.entrypoint = words;
    f->config.exposed_ports = f->config.volumes = f->config.history = words;
    f->config.label_names = f->config.label_values = words;
    bh_facts_add_package(f)->name = "openssl";
    f->packages[0].version = f->packages[0].type = "deb";
    bh_facts_add_vulnerability(f)->id = "CVE-1";
    f->vulnerabilities[0].aliases = words;
    bh_facts_add_finding(f)->rule = "config-user-root";
    r.package = f->packages;
    r.vulnerability = f->vulnerabilities;
    r.finding = f->findings;
    assert(bh_program_evaluate(p, &r, BH_LOGIC_TWO) != BH_UNDECIDED);
    (void)bh_program_evaluate(p, &r, BH_LOGIC_THREE);
    bh_program_explain(p, &r, 8, count_told, &told);
    assert(told <= 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_condition_freep) struct bh_condition *c = NULL;
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    struct bh_scope scope = {.arena = arena};
    struct bh_error err = BH_ERROR_INIT;
    struct bh_check_place place;
    const struct bh_program *p = NULL;
    struct bh_position at = {0};
    int r = bh_condition_parse((const char *)data, size, &c, &at, &err);

    assert((r == 0) == (c != NULL));
    assert(r == 0 || (err.message[0] && at.line >= 1 && at.column >= 1 && at.offset <= size));
    if (r == 0) {
        r = bh_program_check(bh_condition_root(c), &scope, &p, &place, &err);
        assert(r == 0 || place.at.offset <= size);
    }
    if (r == 0)
        ask(p);
    bh_scope_done(&scope);
    return 0;
}
