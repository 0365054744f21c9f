/* cmd/scan_table.h - the facts of an image for a person: what to fix first comes first. */
#pragma once
#include "base/term.h"
#include "fact/facts.h"

/* all: every vulnerability and file on a line of its own instead of the summary. */
void bh_scan_table(const struct bh_term *t, const struct bh_facts *f, bool all) BH_NONNULL;
