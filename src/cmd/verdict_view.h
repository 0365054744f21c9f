/* cmd/verdict_view.h - a verdict for people and for scripts; `check`, `policy explain` and the
 * preparation of `run` show it the same way. */
#pragma once
#include "cmd/command.h"
#include "fact/facts.h"
#include "fact/verdict.h"

/* The rules that spoke, the facts that decided, and how to obtain an exception when denied.
 * target is the name the user gave. all: rules that cannot be decided and let it pass get their
 * own lines too. */
void bh_verdict_show(const struct bh_term *term, const struct bh_verdict *v, const char *target,
                     bool all) BH_NONNULL;
/* One object: schema, target, and the verdict's members. */
void bh_verdict_show_json(const struct bh_term *term, const struct bh_verdict *v,
                          const struct bh_facts *f) BH_NONNULL;
