/* cmd/fail_on.h - `--fail-on`: a severity, or a condition over the facts of an image.
 *
 * A word that is a severity asks for any vulnerability or finding at least that severe. Anything
 * else is a condition (policy/), asked of each record it speaks of. What was not looked at makes
 * the answer undecided, and undecided is not passed. */
#pragma once
#include "base/error.h"
#include "fact/facts.h"

struct bh_fail_on;
/* Errors: BH_USAGE with the place in the text and what is wrong. */
int bh_fail_on_parse(const char *text, struct bh_fail_on **ret, struct bh_error *err) BH_CHECKED;
void bh_fail_on_free(struct bh_fail_on *f); /* NULL is allowed */
static inline void bh_fail_on_freep(struct bh_fail_on **f)
{
    bh_fail_on_free(*f);
}

struct bh_fail_on_answer {
    bool failed;      /* holds for matches records, or is undecided */
    size_t matches;   /* records it holds for */
    size_t undecided; /* records it cannot be decided for */
    bool blind;       /* there may be records that were not seen */
};
void bh_fail_on_ask(const struct bh_fail_on *c, const struct bh_facts *f, int64_t now,
                    struct bh_fail_on_answer *ret) BH_NONNULL;
