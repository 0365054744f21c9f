#include "advisory/cvss.h"

#include "advisory/cvss4.h"

#include <string.h>

struct metric {
    const char *name;
    const char *values; /* one letter each */
    double weights[4];
};

static double minimum(double a, double b)
{
    return a < b ? a : b;
}

/* The value letter of a metric, '\0' when the vector has none. Checks the form of each component on
 * its way; a metric given twice has no value. */
char bh_cvss_value(const char *vector, const char *name)
{
    size_t len = strlen(name);
    char value = '\0';

    for (const char *at = vector; *at;) {
        size_t component = strcspn(at, "/");

        if (component == len + 2 && strncmp(at, name, len) == 0 && at[len] == ':') {
            if (value)
                return '\0';
            value = at[len + 1];
        }
        at += component;
        at += *at == '/';
    }
    return value;
}

static int weigh(const char *vector, const struct metric *metrics, size_t count, double *weights,
                 struct bh_error *err)
{
    for (size_t i = 0; i < count; i++) {
        char value = bh_cvss_value(vector, metrics[i].name);
        const char *at = value ? strchr(metrics[i].values, value) : NULL;

        if (!at)
            return bh_fail(err, BH_INVALID,
                           "CVSS vector without a valid %s, or with two: \"%.80s\"",
                           metrics[i].name, vector);
        weights[i] = metrics[i].weights[at - metrics[i].values];
    }
    return 0;
}

static int score_v2(const char *vector, int *ret_tenths, struct bh_error *err)
{
    static const struct metric metrics[] = {
        {"AV", "LAN", {0.395, 0.646, 1.0}}, {"AC", "HML", {0.35, 0.61, 0.71}},
        {"Au", "MSN", {0.45, 0.56, 0.704}}, {"C", "NPC", {0.0, 0.275, 0.66}},
        {"I", "NPC", {0.0, 0.275, 0.66}},   {"A", "NPC", {0.0, 0.275, 0.66}},
    };
    double w[6], impact, score;
    int r = weigh(vector, metrics, 6, w, err);

    if (r < 0)
        return r;
    impact = 10.41 * (1 - (1 - w[3]) * (1 - w[4]) * (1 - w[5]));
    score = (0.6 * impact + 0.4 * 20 * w[0] * w[1] * w[2] - 1.5) * (impact > 0 ? 1.176 : 0);
    *ret_tenths = (int)(score * 10 + 0.5);
    return 0;
}

/* Appendix A: the smallest number with one decimal that is not below, free of floating error. */
static int round_up(double score)
{
    int scaled = (int)(score * 100000 + 0.5);

    return scaled % 10000 ? scaled / 10000 + 1 : scaled / 10000;
}

static int score_v3(const char *vector, int *ret_tenths, struct bh_error *err)
{
    static const struct metric metrics[] = {
        {"AV", "NALP", {0.85, 0.62, 0.55, 0.2}},
        {"AC", "LH", {0.77, 0.44}},
        {"PR", "NLH", {0.85, 0.62, 0.27}},
        {"UI", "NR", {0.85, 0.62}},
        {"S", "UC", {0, 1}},
        {"C", "HLN", {0.56, 0.22, 0}},
        {"I", "HLN", {0.56, 0.22, 0}},
        {"A", "HLN", {0.56, 0.22, 0}},
    };
    double w[8], iss, impact, exploitability;
    bool changed;
    int r = weigh(vector, metrics, 8, w, err);

    if (r < 0)
        return r;
    changed = w[4] > 0;
    if (changed && bh_cvss_value(vector, "PR") == 'L')
        w[2] = 0.68;
    if (changed && bh_cvss_value(vector, "PR") == 'H')
        w[2] = 0.5;
    iss = 1 - (1 - w[5]) * (1 - w[6]) * (1 - w[7]);
    impact = 6.42 * iss;
    if (changed) {
        double power = 1;

        for (int i = 0; i < 15; i++)
            power *= iss - 0.02;
        impact = 7.52 * (iss - 0.029) - 3.25 * power;
    }
    exploitability = 8.22 * w[0] * w[1] * w[2] * w[3];
    *ret_tenths =
        impact <= 0 ? 0 : round_up(minimum((changed ? 1.08 : 1.0) * (impact + exploitability), 10));
    return 0;
}

int bh_cvss_parse(const char *vector, struct bh_cvss *ret, struct bh_error *err)
{
    struct bh_cvss c = {.version = 20};
    int r;

    if (strncmp(vector, "CVSS:", 5) != 0) {
        r = score_v2(vector, &c.score, err);
    } else if (strncmp(vector + 5, "3.0/", 4) == 0 || strncmp(vector + 5, "3.1/", 4) == 0) {
        c.version = vector[7] == '0' ? 30 : 31;
        r = score_v3(vector + 9, &c.score, err);
    } else if (strncmp(vector + 5, "4.0/", 4) == 0) {
        c.version = 40;
        r = bh_cvss4_score(vector + 9, &c.score, err);
    } else {
        return bh_fail(err, BH_UNSUPPORTED, "CVSS version of \"%.80s\"", vector);
    }
    if (r == 0)
        *ret = c;
    return r;
}

enum bh_severity bh_cvss_severity(const struct bh_cvss *c)
{
    if (c->score >= 90 && c->version != 20)
        return BH_SEVERITY_CRITICAL;
    if (c->score >= 70)
        return BH_SEVERITY_HIGH;
    if (c->score >= 40)
        return BH_SEVERITY_MEDIUM;
    return c->score > 0 ? BH_SEVERITY_LOW : BH_SEVERITY_NEGLIGIBLE;
}
