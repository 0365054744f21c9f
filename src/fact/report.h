/* fact/report.h - the facts of one image as JSON: what `bulkhead scan --format json` prints.
 *
 * Schema: docs/schema/scan.schema.json. Members are added, never renamed or removed, within a major
 * version of BH_REPORT_SCHEMA. */
#pragma once
#include "base/json.h"
#include "fact/facts.h"

#define BH_REPORT_SCHEMA "bulkhead/scan/1"

/* One object, written as the root. */
void bh_report_json(struct bh_json_writer *w, const struct bh_facts *f) BH_NONNULL;
