/* The `profile:` of a rule: what a matching image's container loses. */
#include "fact/tightening.h"

#include "base/cli.h"
#include "base/nearest.h"
#include "policy/policy_private.h"
#include "sys/capability.h"
#include "sys/seccomp.h"

#include <string.h>

struct reader {
    struct bh_policy *policy;
    const struct bh_draft *draft;
    struct bh_tightening *out;
};

static void note(const struct reader *r, const struct bh_node *n, const char *text)
{
    bh_policy_note(r->policy, BH_NOTE_ERROR, r->draft->source, n, "profile: %s", text);
}

static void read_memory(const struct reader *r, const struct bh_node *n)
{
    const char *text = bh_policy_scalar(r->policy, n);

    if (!text || !bh_size_parse(text, &r->out->memory_bytes) || r->out->memory_bytes == 0)
        note(r, n, "memory is a size such as 256M");
}

static void read_count(const struct reader *r, const struct bh_node *n, uint64_t *ret)
{
    int64_t value = bh_node_int_or(n, 0);

    if (value <= 0)
        note(r, n, "pids and open_files are whole numbers above 0");
    else
        *ret = (uint64_t)value;
}

static void read_cpus(const struct reader *r, const struct bh_node *n)
{
    double value = bh_node_is(n, BH_NODE_REAL) ? n->real : (double)bh_node_int_or(n, 0);

    if (!(value >= 0.01 && value <= 1000))
        note(r, n, "cpus is a number of processors from 0.01 to 1000");
    else
        r->out->cpu_milli = (uint64_t)(value * 1000 + 0.5);
}

static void read_capabilities(const struct reader *r, const struct bh_node *list)
{
    if (!bh_node_is(list, BH_NODE_ARRAY)) {
        note(r, list, "capabilities is the list of those that are kept, as [NET_BIND_SERVICE]");
        return;
    }
    r->out->keeps_capabilities = true;
    for (const struct bh_node *n = bh_node_first(list); n; n = n->next) {
        int number = bh_capability_number(bh_node_string_or(n, ""));

        if (number < 0)
            note(r, n, "no capability of that name");
        else
            r->out->capabilities |= UINT64_C(1) << number;
    }
}

static void unknown_call(const struct reader *r, const struct bh_node *n)
{
    struct bh_nearest near;

    bh_nearest_init(&near, bh_node_string_or(n, ""), strlen(bh_node_string_or(n, "")));
    for (uint32_t i = 0; i < bh_syscall_end(); i++)
        if (bh_syscall_name(i))
            bh_nearest_offer(&near, bh_syscall_name(i));
    bh_policy_note(r->policy, BH_NOTE_ERROR, r->draft->source, n,
                   "profile: no system call '%.60s'%s%s%s", bh_node_string_or(n, ""),
                   near.best ? "; did you mean '" : "", near.best ? near.best : "",
                   near.best ? "'?" : "");
}

static void read_calls(const struct reader *r, const struct bh_node *list)
{
    size_t count = 0;

    if (!bh_node_is(list, BH_NODE_ARRAY) || list->count > BH_TIGHTENING_CALLS_MAX) {
        note(r, list, "deny_syscalls is a list of at most 64 names");
        return;
    }
    r->out->deny_calls =
        bh_arena_alloc(r->policy->arena, (list->count + 1) * sizeof *r->out->deny_calls);
    for (const struct bh_node *n = bh_node_first(list); n; n = n->next) {
        if (bh_syscall_number(bh_node_string_or(n, "")) < 0)
            unknown_call(r, n);
        else
            r->out->deny_calls[count++] = n->string;
    }
}

static void read_key(const struct reader *r, const struct bh_node *n)
{
    static const char *const keys[] = {"memory",       "pids",          "cpus",      "open_files",
                                       "capabilities", "deny_syscalls", "read_only", NULL};
    size_t i = 0;

    while (keys[i] && strcmp(keys[i], n->key) != 0)
        i++;
    switch (i) {
    case 0:
        read_memory(r, n);
        break;
    case 1:
        read_count(r, n, &r->out->pids);
        break;
    case 2:
        read_cpus(r, n);
        break;
    case 3:
        read_count(r, n, &r->out->open_files);
        break;
    case 4:
        read_capabilities(r, n);
        break;
    case 5:
        read_calls(r, n);
        break;
    case 6:
        r->out->read_only = bh_node_bool_or(n, false);
        if (!r->out->read_only)
            note(r, n, "read_only can only be true: a profile is narrowed, never widened");
        break;
    default:
        bh_policy_note(r->policy, BH_NOTE_ERROR, r->draft->source, n,
                       "profile: unknown key '%.60s'%s%s%s", n->key,
                       bh_nearest_of(n->key, keys) ? "; did you mean '" : "",
                       bh_nearest_of(n->key, keys) ? bh_nearest_of(n->key, keys) : "",
                       bh_nearest_of(n->key, keys) ? "'?" : "");
    }
}

const struct bh_tightening *bh_policy_tightening(struct bh_policy *p, const struct bh_draft *d)
{
    struct reader r = {.policy = p, .draft = d};

    if (!bh_node_is(d->profile, BH_NODE_OBJECT)) {
        bh_policy_note(p, BH_NOTE_ERROR, d->source, d->profile,
                       "profile: expected keys such as memory, pids, capabilities");
        return NULL;
    }
    r.out = bh_arena_alloc(p->arena, sizeof *r.out);
    for (const struct bh_node *n = bh_node_first(d->profile); n; n = n->next)
        read_key(&r, n);
    return r.out;
}
