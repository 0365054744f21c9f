/* advisory/cvss4.h - base scores of CVSS 4.0; for cvss.c.
 *
 * Source: FIRST, CVSS v4.0 Specification, section 8 and its table of MacroVector scores. */
#pragma once
#include "base/error.h"

/* vector is what follows "CVSS:4.0/". The base metrics alone count: threat, environmental and
 * supplemental ones are read as not defined. */
int bh_cvss4_score(const char *vector, int *ret_tenths, struct bh_error *err) BH_CHECKED;

/* The value letter of a metric in any version's vector, '\0' when it has none or two. */
char bh_cvss_value(const char *vector, const char *name) BH_NONNULL;
