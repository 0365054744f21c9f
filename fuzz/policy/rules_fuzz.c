/* Whatever a rule file holds, it is read, refused with a place, or judges without a fault. */
#include "policy/judge.h"
#include "policy/rules.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_policy_freep) struct bh_policy *p = bh_policy_new();
    BH_AUTO(bh_facts_freep) struct bh_facts *f = bh_facts_new();
    const char *const none[] = {NULL};
    struct bh_error err = BH_ERROR_INIT;
    size_t count, dropped;
    int r;

    if (bh_policy_add_text(p, "f.yaml", (const char *)data, size, &err) < 0)
        return 0;
    r = bh_policy_finish(p, &err);
    assert(r == 0 || err.message[0]);
    const struct bh_policy_note *notes = bh_policy_notes(p, &count, &dropped);
    for (size_t i = 0; i < count; i++)
        assert(notes[i].message[0] && strcmp(notes[i].file, "f.yaml") == 0);
    f->config.known = true;
    f->config.user = "";
    f->config.env = f->config.cmd = f->config.entrypoint = none;
    f->target.reference = f->target.digest = "";
    for (int g = 0; g < BH_GATE_COUNT && r == 0; g++) {
        BH_AUTO(bh_verdict_freep)
        struct bh_verdict *v = bh_policy_judge_all(p, (enum bh_gate)g, f, 1800000000);

        assert(v->rule_count == v->evaluated);
    }
    return 0;
}
