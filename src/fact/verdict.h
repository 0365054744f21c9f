/* fact/verdict.h - what a policy decided at a gate, and why.
 *
 * The record that the policy makes, that commands show, that profiles and attestations keep. All
 * strings belong to the verdict's arena. */
#pragma once
#include "base/json.h"
#include "base/mem.h"
#include "fact/tightening.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BH_VERDICT_SCHEMA "bulkhead/verdict/1"

enum bh_gate { BH_GATE_BUILD, BH_GATE_PUSH, BH_GATE_PULL, BH_GATE_ADMIT, BH_GATE_RUN };
#define BH_GATE_COUNT 5

enum bh_action { BH_ACTION_ALLOW, BH_ACTION_WARN, BH_ACTION_DENY }; /* ordered: worst last */
#define BH_ACTION_COUNT 3

enum bh_outcome {
    BH_OUTCOME_MATCHED,  /* its condition holds */
    BH_OUTCOME_UNKNOWN,  /* a fact it needs was not looked at */
    BH_OUTCOME_EXCEPTED, /* it holds, and exceptions excuse every record it holds for */
    BH_OUTCOME_PASSED,   /* it does not hold: listed only when every rule was asked for */
};

/* A fact that decided. */
struct bh_deciding_fact {
    const char *field;
    const char *value; /* "" when it is not known */
    bool known;
};

/* One record a rule holds for: a vulnerability, a package, a finding, or the image. */
struct bh_verdict_match {
    const char *message;   /* the rule's output with its fields filled in */
    const char *exception; /* a condition that would excuse this record and no other */
    struct bh_deciding_fact *facts;
    size_t fact_count;
};

/* An exception that excuses matches, or did until it expired. */
struct bh_verdict_exception {
    const char *name, *reason, *owner;
    const char *expires; /* "2027-01-31", the last day it holds; NULL for never */
    bool expired;        /* excuses nothing any more, and says so */
    size_t matches;      /* excused, or no longer excused */
};

/* A rule that spoke. */
struct bh_verdict_rule {
    const char *name, *description, *priority;
    const char *file;
    uint32_t line;
    enum bh_outcome outcome;
    enum bh_action action; /* what it asks for now */
    const char *record;    /* "image", "package", "vuln", "finding" */
    size_t record_count;   /* of these it was asked about */
    size_t match_count;    /* all; matches holds the first of them */
    struct bh_verdict_match *matches;
    size_t listed;
    const char **missing; /* reasons why facts are missing, NULL terminated; NULL when none */
    struct bh_verdict_exception *exceptions;
    size_t exception_count;
    const struct bh_tightening *profile; /* the rule's, when it matched or is unknown; or NULL */
};

struct bh_verdict {
    struct bh_arena *arena;
    enum bh_gate gate;
    enum bh_action action; /* the worst of the rules */
    const char *policy_digest;
    const char *const *files;      /* the policy's, NULL terminated */
    struct bh_verdict_rule *rules; /* worst first */
    size_t rule_count, rule_cap;
    size_t evaluated; /* rules of this gate */
};

const char *bh_gate_name(enum bh_gate g) BH_RETURNS_NONNULL;
bool bh_gate_parse(const char *text, enum bh_gate *ret) BH_NONNULL;
const char *bh_action_name(enum bh_action a) BH_RETURNS_NONNULL;
bool bh_action_parse(const char *text, enum bh_action *ret) BH_NONNULL;
const char *bh_outcome_name(enum bh_outcome o) BH_RETURNS_NONNULL;

void bh_verdict_free(struct bh_verdict *v); /* NULL is allowed */
static inline void bh_verdict_freep(struct bh_verdict **v)
{
    bh_verdict_free(*v);
}

/* The verdict's members, inside an object that is open; schema: docs/schema/verdict.schema.json. */
void bh_verdict_json(struct bh_json_writer *w, const struct bh_verdict *v) BH_NONNULL;
