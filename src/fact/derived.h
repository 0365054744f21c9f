/* fact/derived.h - what follows from the facts: parts of the name and lists for conditions.
 *
 * Each is computed when first asked for and kept in the arena, so call these when the facts are
 * complete. Everything returned lives as long as the facts. */
#pragma once
#include "fact/facts.h"

struct bh_facts_derived {
    bool named;                              /* the next three are filled */
    const char *registry, *repository, *tag; /* each NULL when there is none */
    const char *const *env_names;
    const char *const *labels;
    const char *const *layer_digests;
    const char *const *package_names;
    const char *const *vulnerability_ids;
};

/* The target's name taken apart; all NULL when it was only a path. */
const struct bh_facts_derived *bh_facts_name_parts(const struct bh_facts *f)
    BH_NONNULL BH_RETURNS_NONNULL;

const char *const *bh_derived_env_names(const struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
/* "name=value". */
const char *const *bh_derived_labels(const struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
const char *const *bh_derived_layers(const struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
const char *const *bh_derived_packages(const struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
const char *const *bh_derived_vulns(const struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
/* An empty list with room for count entries and the terminating NULL. */
const char **bh_derived_list(const struct bh_facts *f, size_t count) BH_NONNULL BH_RETURNS_NONNULL;
