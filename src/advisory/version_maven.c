/* Maven: the order of the POM reference ("Version Order Specification").
 *
 * Tokens are split at '.', '-', '_' and where digits meet letters; tokens worth nothing at the end
 * of a section are dropped. Beyond MAX_TOKENS the rest does not count. */
#include "advisory/version_order.h"

#include <string.h>

#define MAX_TOKENS 128

struct token {
    struct bh_span text;
    bool number, dash; /* dash: what stands before it */
};

struct maven {
    struct token tokens[MAX_TOKENS];
    size_t count;
};

#define RELEASE_RANK 5
#define OTHER_RANK 7

static int rank(struct bh_span word, bool before_digit)
{
    static const struct {
        const char *word;
        int rank;
        bool short_form; /* counts only right before a digit */
    } words[] = {{"alpha", 0, false},     {"a", 0, true},  {"beta", 1, false},  {"b", 1, true},
                 {"milestone", 2, false}, {"m", 2, true},  {"rc", 3, false},    {"cr", 3, false},
                 {"snapshot", 4, false},  {"", 5, false},  {"final", 5, false}, {"ga", 5, false},
                 {"release", 5, false},   {"sp", 6, false}};

    for (size_t i = 0; i < BH_COUNT_OF(words); i++)
        if ((!words[i].short_form || before_digit) && bh_span_is(word, words[i].word, true))
            return words[i].rank;
    return OTHER_RANK;
}

static int token_rank(const struct token *t)
{
    return rank(t->text, bh_is_digit(t->text.at[t->text.len]));
}

static bool is_nothing(const struct token *t)
{
    if (t->number)
        return bh_span_compare_numbers(t->text, (struct bh_span){0}) == 0;
    return token_rank(t) == RELEASE_RANK;
}

/* Drops worthless tokens at the end of the section that begins at `from` and ends the list. */
static void trim(struct maven *v)
{
    while (v->count && is_nothing(&v->tokens[v->count - 1]))
        v->count--;
}

static void add(struct maven *v, struct bh_span text, bool number, bool dash)
{
    if (dash)
        trim(v);
    if (v->count < MAX_TOKENS)
        v->tokens[v->count++] = (struct token){.text = text, .number = number, .dash = dash};
}

static bool is_separator(char c)
{
    return c == '.' || c == '-' || c == '_';
}

static void parse(const char *at, struct maven *v)
{
    bool dash = false;

    v->count = 0;
    while (*at) {
        struct bh_span text = bh_span_digits(at);
        bool number = text.len > 0;

        if (is_separator(*at))
            number = true; /* an empty token is 0 */
        else if (!number)
            while (text.at[text.len] && !is_separator(text.at[text.len]) &&
                   !bh_is_digit(text.at[text.len]))
                text.len++;
        add(v, text, number, dash);
        at += text.len;
        dash = !is_separator(*at) || *at != '.';
        if (is_separator(*at))
            at++;
    }
    trim(v);
}

/* word (after '.' or '-') < number after '-' < number after '.' */
static int kind_rank(const struct token *t)
{
    if (!t->number)
        return 0;
    return t->dash ? 1 : 2;
}

static int compare_words(const struct token *a, const struct token *b)
{
    int ra = token_rank(a), rb = token_rank(b);

    if (ra != rb || ra != OTHER_RANK)
        return ra - rb;
    return bh_span_compare_bytes(a->text, b->text, true);
}

/* Against the nothing that the shorter version is filled up with. */
static int against_nothing(const struct token *t)
{
    if (t->number)
        return is_nothing(t) ? 0 : 1;
    return token_rank(t) - RELEASE_RANK;
}

static int compare_tokens(const struct token *a, const struct token *b)
{
    int ka = kind_rank(a), kb = kind_rank(b);

    if (ka != kb)
        return ka - kb;
    return a->number ? bh_span_compare_numbers(a->text, b->text) : compare_words(a, b);
}

int bh_order_maven(const char *a, const char *b)
{
    struct maven va, vb;

    parse(a, &va);
    parse(b, &vb);
    for (size_t i = 0; i < va.count || i < vb.count; i++) {
        int r;

        if (i >= vb.count)
            r = against_nothing(&va.tokens[i]);
        else if (i >= va.count)
            r = -against_nothing(&vb.tokens[i]);
        else
            r = compare_tokens(&va.tokens[i], &vb.tokens[i]);
        if (r)
            return r;
    }
    return 0;
}
