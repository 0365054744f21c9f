/* policy/judge.h - a policy's verdict on one image at one gate. */
#pragma once
#include "fact/facts.h"
#include "fact/verdict.h"
#include "policy/rules.h"

#define BH_JUDGE_LISTED_MAX 20u /* records listed for each rule; all are counted */
#define BH_JUDGE_FACTS_MAX 8u   /* deciding facts listed for each record */

/* Asks every enabled rule of the gate about the facts, once per record of its class. now is for
 * ages and the expiry of exceptions (seconds since the epoch).
 * Three-valued: a rule that held for no record, while the list of its records may lack entries or
 * an answer was undecided, asks for what its `unknown:` says (its action, unless written).
 * Owner: the caller's (bh_verdict_free); borrows the policy's strings. */
struct bh_verdict *bh_policy_judge(const struct bh_policy *p, enum bh_gate gate,
                                   const struct bh_facts *f, int64_t now)
    BH_NONNULL BH_RETURNS_NONNULL;
/* The same with every rule of the gate listed, those too that have nothing to say, with the fields
 * that made them false. */
struct bh_verdict *bh_policy_judge_all(const struct bh_policy *p, enum bh_gate gate,
                                       const struct bh_facts *f, int64_t now)
    BH_NONNULL BH_RETURNS_NONNULL;
