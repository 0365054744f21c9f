/* A vector falls into a MacroVector, whose score the specification tabulates; within it the score
 * goes down in proportion to how far the vector is from the worst of its class, towards the next
 * lower MacroVector in each dimension. Without threat and environmental metrics the dimension EQ5
 * is 0, and EQ6 follows from EQ3. */
#include "advisory/cvss4.h"

#include <string.h>

enum { AV, AC, AT, PR, UI, VC, VI, VA, SC, SI, SA, METRICS };

/* Values from the most severe on: the place is the distance. */
static const struct {
    const char *name, *values;
} metrics[METRICS] = {{"AV", "NALP"},
                      {"AC", "LH"},
                      {"AT", "NP"},
                      {"PR", "NLH"},
                      {"UI", "NPA"},
                      {"VC", "HLN"},
                      {"VI", "HLN"},
                      {"VA", "HLN"},
                      /* one step more: "safety" is above "high" */
                      {"SC", "_HLN"},
                      {"SI", "_HLN"},
                      {"SA", "_HLN"}};

/* Dimensions; EQ3 and EQ6 go together: 0 "00", 1 "10", 2 "21", and where only the step down from
 * another leads, 3 "01", 4 "11". */
enum { EQ1, EQ2, EQ36, EQ4, DIMENSIONS };

/* Tenths, by EQ1, EQ2, EQ3 with EQ6 as above, EQ4 (1, 2). */
static const int scores[3][2][5][2] = {
    {{{100, 93}, {93, 88}, {79, 69}, {96, 90}, {92, 80}},
     {{95, 92}, {92, 84}, {71, 63}, {91, 81}, {82, 70}}},
    {{{94, 87}, {86, 72}, {65, 53}, {89, 75}, {76, 57}},
     {{90, 77}, {74, 61}, {58, 23}, {77, 66}, {59, 52}}},
    {{{86, 70}, {72, 53}, {47, 24}, {74, 54}, {57, 36}},
     {{73, 54}, {61, 46}, {24, 10}, {55, 48}, {51, 18}}},
};

static int score_at(const int *eq)
{
    return scores[eq[EQ1]][eq[EQ2]][eq[EQ36]][eq[EQ4] - 1];
}

/* Worst vectors of each class, as places of the dimension's metrics; -1 ends a list. */
struct worst {
    int places[3];
};
struct class
{
    int depth; /* steps from the worst to the mildest vector */
    int count;
    struct worst worst[3];
};
struct dimension {
    int metrics[3], metric_count;
    struct class classes[3];
};
static const struct dimension dimensions[DIMENSIONS] = {
    [EQ1] = {{AV, PR, UI},
             3,
             {{1, 1, {{{0, 0, 0}}}},
              {4, 3, {{{1, 0, 0}}, {{0, 1, 0}}, {{0, 0, 1}}}},
              {5, 2, {{{3, 0, 0}}, {{1, 1, 1}}}}}},
    [EQ2] = {{AC, AT}, 2, {{1, 1, {{{0, 0}}}}, {2, 2, {{{1, 0}}, {{0, 1}}}}}},
    [EQ36] = {{VC, VI, VA},
              3,
              {{7, 1, {{{0, 0, 0}}}}, {8, 2, {{{1, 0, 0}}, {{0, 1, 0}}}}, {10, 1, {{{1, 1, 1}}}}}},
    [EQ4] = {{SC, SI, SA},
             3,
             {{6, 1, {{{1, 0, 0}}}}, {5, 1, {{{1, 1, 1}}}}, {4, 1, {{{2, 2, 2}}}}}},
};

/* How far the vector is from the first of its class's worst ones that is nowhere milder. */
static int distance(const struct dimension *d, const struct class *c, const int *places)
{
    for (int w = 0; w < c->count; w++) {
        int sum = 0;
        bool milder = false;

        for (int i = 0; i < d->metric_count; i++) {
            int step = places[d->metrics[i]] - c->worst[w].places[i];

            milder |= step < 0;
            sum += step;
        }
        if (!milder)
            return sum;
    }
    return 0;
}

static void classify(const int *p, int *eq)
{
    bool any = p[AV] == 0 || p[PR] == 0 || p[UI] == 0;

    eq[EQ1] = p[AV] == 0 && p[PR] == 0 && p[UI] == 0 ? 0 : any && p[AV] != 3 ? 1 : 2;
    eq[EQ2] = p[AC] == 0 && p[AT] == 0 ? 0 : 1;
    eq[EQ36] = p[VC] == 0 && p[VI] == 0 ? 0 : p[VC] == 0 || p[VI] == 0 || p[VA] == 0 ? 1 : 2;
    eq[EQ4] = p[SC] == 1 || p[SI] == 1 || p[SA] == 1 ? 1 : 2;
}

/* The score one class lower in a dimension, -1 when there is none. */
static int lower_score(const int *eq, int dimension)
{
    int next[DIMENSIONS], other;

    memcpy(next, eq, sizeof next);
    if (dimension != EQ36) {
        static const int last[DIMENSIONS] = {[EQ1] = 2, [EQ2] = 1, [EQ4] = 2};

        return next[dimension]++ == last[dimension] ? -1 : score_at(next);
    }
    if (eq[EQ36] == 2)
        return -1;
    if (eq[EQ36] == 1) {
        next[EQ36] = 4;
        return score_at(next);
    }
    next[EQ36] = 1; /* two ways down: the nearer */
    other = score_at(next);
    next[EQ36] = 3;
    return BH_MAX(score_at(next), other);
}

static int read_places(const char *vector, int *places, struct bh_error *err)
{
    for (int i = 0; i < METRICS; i++) {
        char value = bh_cvss_value(vector, metrics[i].name);
        const char *at = value && value != '_' ? strchr(metrics[i].values, value) : NULL;

        if (!at)
            return bh_fail(err, BH_INVALID,
                           "CVSS vector without a valid %s, or with two: \"%.80s\"",
                           metrics[i].name, vector);
        places[i] = (int)(at - metrics[i].values);
    }
    return 0;
}

static bool has_impact(const int *p)
{
    return p[VC] < 2 || p[VI] < 2 || p[VA] < 2 || p[SC] < 3 || p[SI] < 3 || p[SA] < 3;
}

int bh_cvss4_score(const char *vector, int *ret_tenths, struct bh_error *err)
{
    int places[METRICS], eq[DIMENSIONS], count = 1; /* EQ5: one class lower, at no distance */
    double sum = 0, score;
    int r = read_places(vector, places, err);

    if (r < 0)
        return r;
    if (!has_impact(places)) {
        *ret_tenths = 0;
        return 0;
    }
    classify(places, eq);
    for (int i = 0; i < DIMENSIONS; i++) {
        const struct class *c = &dimensions[i].classes[eq[i]];
        int lower = lower_score(eq, i);

        if (lower < 0)
            continue;
        sum += (double)(score_at(eq) - lower) * distance(&dimensions[i], c, places) / c->depth;
        count++;
    }
    score = score_at(eq) - sum / count;
    *ret_tenths = score > 0 ? (int)(score + 0.5 + 1e-5) : 0;
    return 0;
}
