/* Alpine: digits{.digits}[letter]{_suffix[digits]}[~hash][-r digits]. */
#include "advisory/version_order.h"

#include <string.h>

/* In the order in which they sort where two versions go on differently: what comes first here is
 * the greater. */
enum part {
    FIRST_NUMBER,
    NUMBER,
    LETTER,
    SUFFIX,
    SUFFIX_NUMBER,
    HASH,
    REVISION,
    END,
    BROKEN,
};

struct token {
    enum part part;
    struct bh_span text;
    int suffix;  /* place of a suffix: below 0 before the release, above 0 after it */
    bool broken; /* no digits where a number belongs: weighs nothing against another kind */
    const char *rest;
};

static const char *const suffixes[] = {"alpha", "beta", "pre", "rc", "cvs",
                                       "svn",   "git",  "hg",  "p"};
#define SUFFIXES_BEFORE 4

static struct token make(enum part part, struct bh_span text)
{
    return (struct token){.part = part, .text = text, .rest = text.at + text.len};
}

static struct token read_suffix(const char *at)
{
    struct token t = {.part = BROKEN, .rest = at};

    for (size_t i = 0; i < BH_COUNT_OF(suffixes); i++) {
        size_t len = strlen(suffixes[i]);

        if (strncmp(at, suffixes[i], len) == 0) {
            t = make(SUFFIX, (struct bh_span){at, len});
            t.suffix = (int)i - SUFFIXES_BEFORE + (i >= SUFFIXES_BEFORE);
            break;
        }
    }
    return t;
}

static struct token read_hash(const char *at)
{
    return make(HASH, (struct bh_span){at, strspn(at, "0123456789abcdef")});
}

/* The parts that need no mark before them. */
static bool read_unmarked(enum part before, const char *at, struct token *ret)
{
    if (*at >= 'a' && *at <= 'z' && before <= NUMBER)
        *ret = make(LETTER, (struct bh_span){at, 1});
    else if (bh_is_digit(*at) && before == LETTER)
        *ret = make(NUMBER, bh_span_digits(at));
    else if (bh_is_digit(*at) && before == SUFFIX)
        *ret = make(SUFFIX_NUMBER, bh_span_digits(at));
    else
        return false;
    return true;
}

/* What follows at `at` after a token of kind `before`. */
static struct token read_next(enum part before, const char *at)
{
    struct token t = {.part = BROKEN, .rest = at};

    if (!*at) {
        t.part = END;
    } else if (read_unmarked(before, at, &t)) {
        return t;
    } else if (*at == '.' && before <= NUMBER) {
        t = make(NUMBER, bh_span_digits(at + 1));
        t.broken = t.text.len == 0;
    } else if (*at == '_' && before <= SUFFIX_NUMBER) {
        t = read_suffix(at + 1);
    } else if (*at == '~' && before < HASH) {
        t = read_hash(at + 1);
    } else if (at[0] == '-' && at[1] == 'r' && before < REVISION) {
        t = make(REVISION, bh_span_digits(at + 2));
        t.broken = t.text.len == 0 && *t.rest;
    }
    return t;
}

static int compare_values(const struct token *a, const struct token *b)
{
    switch (a->part) {
    case NUMBER:
        /* A leading zero makes it a fraction: compared as text. */
        if ((a->text.len && *a->text.at == '0') || (b->text.len && *b->text.at == '0'))
            return bh_span_compare_bytes(a->text, b->text, false);
        return bh_span_compare_numbers(a->text, b->text);
    case FIRST_NUMBER:
    case SUFFIX_NUMBER:
    case REVISION:
        return bh_span_compare_numbers(a->text, b->text);
    case SUFFIX:
        return a->suffix - b->suffix;
    default:
        return bh_span_compare_bytes(a->text, b->text, false);
    }
}

/* Two versions, equal so far, that go on with different kinds of parts. */
static int compare_kinds(const struct token *a, const struct token *b)
{
    bool a_broken = a->part == BROKEN || a->broken, b_broken = b->part == BROKEN || b->broken;

    if (a->part == SUFFIX && a->suffix < 0)
        return -1;
    if (b->part == SUFFIX && b->suffix < 0)
        return 1;
    if (a_broken || b_broken)
        return (int)b_broken - (int)a_broken;
    return a->part > b->part ? -1 : 1;
}

int bh_order_apk(const char *a, const char *b)
{
    struct token ta = make(FIRST_NUMBER, bh_span_digits(a));
    struct token tb = make(FIRST_NUMBER, bh_span_digits(b));

    for (;;) {
        int r;

        if (ta.part != tb.part)
            return compare_kinds(&ta, &tb);
        if (ta.part >= END)
            return 0;
        r = compare_values(&ta, &tb);
        if (r)
            return r;
        ta = read_next(ta.part, ta.rest);
        tb = read_next(tb.part, tb.rest);
    }
}
