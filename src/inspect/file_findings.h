/* inspect/file_findings.h - what a notable file means. Rules and severities: docs/findings.md. */
#pragma once
#include "fact/facts.h"
#include "inspect/layer_facts.h"

/* Adds one finding for each mark of the file. */
void bh_file_finding(const struct bh_layer_file *file, uint32_t layer, struct bh_facts *f)
    BH_NONNULL;
