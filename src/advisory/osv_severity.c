#include "advisory/osv_severity.h"

#include "advisory/cvss.h"

#include <string.h>
#include <strings.h>

static enum bh_severity of_word(const char *word)
{
    static const struct {
        const char *word;
        enum bh_severity severity;
    } others[] = {{"unimportant", BH_SEVERITY_NEGLIGIBLE}, {"end-of-life", BH_SEVERITY_UNKNOWN}};
    enum bh_severity severity;
    size_t len;
    char plain[16];

    if (!word)
        return BH_SEVERITY_UNKNOWN;
    len = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    if (len == 0 || len >= sizeof plain)
        return BH_SEVERITY_UNKNOWN;
    memcpy(plain, word, len); /* "high**" is Debian's mark for a guess */
    plain[len] = '\0';
    if (bh_severity_parse(plain, &severity))
        return severity;
    for (size_t i = 0; i < BH_COUNT_OF(others); i++)
        if (strcasecmp(plain, others[i].word) == 0)
            return others[i].severity;
    return BH_SEVERITY_UNKNOWN;
}

static enum bh_severity of_words(const struct bh_node *node)
{
    static const char *const places[][2] = {{"ecosystem_specific", "urgency"},
                                            {"ecosystem_specific", "severity"},
                                            {"database_specific", "urgency"},
                                            {"database_specific", "severity"}};
    enum bh_severity severity = BH_SEVERITY_UNKNOWN;

    for (size_t i = 0; i < BH_COUNT_OF(places) && severity == BH_SEVERITY_UNKNOWN; i++)
        severity = of_word(bh_node_string(bh_node_path(node, places[i][0], places[i][1], NULL)));
    return severity;
}

/* "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/..."}], or {"type": "Ubuntu", "score":
 * "medium"} */
static enum bh_severity of_scores(const struct bh_node *node)
{
    enum bh_severity highest = BH_SEVERITY_UNKNOWN;

    for (const struct bh_node *n = bh_node_first(bh_node_get(node, "severity")); n; n = n->next) {
        const char *score = bh_node_string(bh_node_get(n, "score"));
        enum bh_severity severity = BH_SEVERITY_UNKNOWN;
        struct bh_cvss cvss;

        if (score && bh_cvss_parse(score, &cvss, NULL) == 0)
            severity = bh_cvss_severity(&cvss);
        else if (score)
            severity = of_word(score);
        if (severity > highest)
            highest = severity;
    }
    return highest;
}

static enum bh_severity of_summary(const struct bh_node *record)
{
    const char *summary = bh_node_string(bh_node_get(record, "summary"));
    const char *colon = summary ? strchr(summary, ':') : NULL;

    return colon && strcspn(summary, " ") >= (size_t)(colon - summary) ? of_word(summary)
                                                                       : BH_SEVERITY_UNKNOWN;
}

enum bh_severity bh_osv_severity(const struct bh_node *record, const struct bh_node *affected)
{
    enum bh_severity severity = of_words(affected);

    if (severity == BH_SEVERITY_UNKNOWN)
        severity = of_words(record);
    if (severity == BH_SEVERITY_UNKNOWN)
        severity = of_scores(affected);
    if (severity == BH_SEVERITY_UNKNOWN)
        severity = of_scores(record);
    return severity == BH_SEVERITY_UNKNOWN ? of_summary(record) : severity;
}
