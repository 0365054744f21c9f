#include "fact/severity.h"

#include <stddef.h>
#include <strings.h>

static const char *const names[BH_SEVERITY_COUNT] = {
    [BH_SEVERITY_UNKNOWN] = "unknown", [BH_SEVERITY_NEGLIGIBLE] = "negligible",
    [BH_SEVERITY_LOW] = "low",         [BH_SEVERITY_MEDIUM] = "medium",
    [BH_SEVERITY_HIGH] = "high",       [BH_SEVERITY_CRITICAL] = "critical",
};

const char *bh_severity_name(enum bh_severity s)
{
    return (size_t)s < BH_SEVERITY_COUNT ? names[s] : names[BH_SEVERITY_UNKNOWN];
}

bool bh_severity_parse(const char *text, enum bh_severity *ret)
{
    /* What Red Hat and npm call the same levels. */
    static const struct {
        const char *word;
        enum bh_severity severity;
    } also[] = {{"moderate", BH_SEVERITY_MEDIUM}, {"important", BH_SEVERITY_HIGH}};

    for (size_t i = 0; i < BH_SEVERITY_COUNT; i++)
        if (strcasecmp(text, names[i]) == 0) {
            *ret = (enum bh_severity)i;
            return true;
        }
    for (size_t i = 0; i < BH_COUNT_OF(also); i++)
        if (strcasecmp(text, also[i].word) == 0) {
            *ret = also[i].severity;
            return true;
        }
    return false;
}
