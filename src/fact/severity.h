/* fact/severity.h - the ordered severities of vulnerabilities and findings. */
#pragma once
#include "base/compiler.h"

#include <stdbool.h>

enum bh_severity {
    BH_SEVERITY_UNKNOWN = 0, /* nobody rated it: not the same as harmless */
    BH_SEVERITY_NEGLIGIBLE,
    BH_SEVERITY_LOW,
    BH_SEVERITY_MEDIUM,
    BH_SEVERITY_HIGH,
    BH_SEVERITY_CRITICAL,
};
#define BH_SEVERITY_COUNT 6

const char *bh_severity_name(enum bh_severity s) BH_RETURNS_NONNULL; /* "unknown", "low", ... */
/* Also accepts "moderate" (medium) and "important" (high), any case. false when not a severity. */
bool bh_severity_parse(const char *text, enum bh_severity *ret) BH_NONNULL;
