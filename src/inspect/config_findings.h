/* inspect/config_findings.h - what an image's configuration, history, name and packages say about
 * how careful one has to be with it. Rules and severities: docs/findings.md. */
#pragma once
#include "fact/facts.h"

/* Adds findings to f, whose target, config and packages are filled. */
void bh_config_findings(struct bh_facts *f) BH_NONNULL;
