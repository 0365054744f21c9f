/* advisory/cvss.h - base scores of CVSS vectors, and the severities they stand for.
 *
 * Versions 2, 3.0, 3.1 and 4.0. Temporal, threat, environmental and supplemental metrics are
 * accepted and do not count. Sources: FIRST, CVSS v2 Guide section 3.2.1; CVSS v3.1 Specification
 * sections 7.1, 7.4 and appendix A; CVSS v4.0 Specification section 8. */
#pragma once
#include "base/error.h"
#include "fact/severity.h"

struct bh_cvss {
    int version; /* 20, 30, 31, 40 */
    int score;   /* tenths: 98 is 9.8 */
};

/* "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", or "AV:N/AC:L/Au:N/C:P/I:P/A:P" for version 2.
 * Errors: BH_INVALID names the metric; BH_UNSUPPORTED another version. */
int bh_cvss_parse(const char *vector, struct bh_cvss *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);

/* None 0.0 is negligible, low from 0.1, medium from 4.0, high from 7.0, critical from 9.0. Version
 * 2 knows no critical: its 9.0 and above are high as in its own ratings. */
enum bh_severity bh_cvss_severity(const struct bh_cvss *c) BH_NONNULL;
