/* advisory/osv_severity.h - one severity out of the many places where an OSV record may hold it. */
#pragma once
#include "base/node.h"
#include "fact/severity.h"

/* In this order: the word a distribution gives for the package ("urgency", "severity"), the word of
 * the record's publisher, the highest CVSS vector of the package or the record, the word that
 * begins the summary of RPM errata ("Important: ..."). */
enum bh_severity bh_osv_severity(const struct bh_node *record, const struct bh_node *affected);
