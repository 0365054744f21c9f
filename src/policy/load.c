#include "policy/rules.h"

#include <string.h>

static const char default_policy[] = {
#include "default_policy.inc" /* generated: embed.sh of rules/default.yaml */
};

int bh_policy_add_default(struct bh_policy *p, struct bh_error *err)
{
    return bh_policy_add_text(p, BH_POLICY_DEFAULT_NAME, default_policy, sizeof default_policy,
                              err);
}

int bh_policy_load(const char *const *paths, size_t count, struct bh_policy **ret,
                   struct bh_error *err)
{
    BH_AUTO(bh_policy_freep) struct bh_policy *p = bh_policy_new();
    int r = count == 0 ? bh_policy_add_default(p, err) : 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = strcmp(paths[i], "default") == 0 ? bh_policy_add_default(p, err)
                                             : bh_policy_add_file(p, paths[i], err);
    if (r == 0)
        r = bh_policy_finish(p, err);
    if (r < 0)
        return r;
    *ret = BH_TAKE(p);
    return 0;
}
