#include "policy/regex.h"

#include <stdint.h>
#include <string.h>

enum code {
    CODE_SET,
    CODE_SPLIT,
    CODE_JUMP,
    CODE_BEGIN,
    CODE_END,
    CODE_EDGE,
    CODE_INSIDE,
    CODE_MATCH
};

struct instruction {
    enum code code;
    uint16_t x, y;      /* targets of split and jump */
    const uint8_t *set; /* 32 bytes: which bytes may come */
};

struct bh_regex {
    size_t count;
    struct instruction *program;
};

enum node_kind { NODE_SET, NODE_CAT, NODE_OR, NODE_REPEAT, NODE_ASSERT };

struct node {
    enum node_kind kind;
    enum code assertion;
    uint8_t *set;
    struct node *first, *next; /* parts of this node; the following part of its owner */
    unsigned min, max;         /* of a repetition; max UINT32_MAX is without end */
};

struct compiler {
    const char *pattern, *at;
    struct bh_arena *arena;
    struct bh_error *err;
    struct instruction *program;
    size_t count;
    unsigned depth;
    bool ignore_case, dot_newline;
};

static int parse_alternatives(struct compiler *c, struct node **ret);
static int generate(struct compiler *c, const struct node *n);

static int fault(struct compiler *c, const char *what)
{
    return bh_fail(c->err, BH_INVALID, "regular expression: %s at byte %td", what,
                   c->at - c->pattern);
}

static struct node *new_node(struct compiler *c, enum node_kind kind)
{
    struct node *n = bh_arena_alloc(c->arena, sizeof *n);

    n->kind = kind;
    return n;
}

static void set_add(uint8_t *set, unsigned char c)
{
    set[c / 8] |= (uint8_t)(1u << (c % 8));
}

static bool set_has(const uint8_t *set, unsigned char c)
{
    return (set[c / 8] >> (c % 8)) & 1;
}

static void set_range(uint8_t *set, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++)
        set_add(set, (unsigned char)i);
}

static void set_invert(uint8_t *set)
{
    for (size_t i = 0; i < 32; i++)
        set[i] = (uint8_t)~set[i];
}

static void set_fold(uint8_t *set)
{
    for (unsigned char i = 'a'; i <= 'z'; i++) {
        unsigned char upper = (unsigned char)(i - 'a' + 'A');

        if (set_has(set, i) || set_has(set, upper)) {
            set_add(set, i);
            set_add(set, upper);
        }
    }
}

static struct node *set_node(struct compiler *c)
{
    struct node *n = new_node(c, NODE_SET);

    n->set = bh_arena_alloc(c->arena, 32);
    return n;
}

static bool is_word(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* \d, \w, \s and their opposites; false when name is none of them. */
static bool add_perl_class(uint8_t *set, char name)
{
    uint8_t add[32] = {0};

    switch (name | 0x20) {
    case 'd':
        set_range(add, '0', '9');
        break;
    case 'w':
        for (unsigned i = 0; i < 256; i++)
            if (is_word((unsigned char)i))
                set_add(add, (unsigned char)i);
        break;
    case 's':
        set_range(add, '\t', '\n');
        set_range(add, '\f', '\r');
        set_add(add, ' ');
        break;
    default:
        return false;
    }
    if (name < 'a')
        set_invert(add);
    for (size_t i = 0; i < 32; i++)
        set[i] |= add[i];
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind the backslash: the byte meant. */
static int parse_escape(struct compiler *c, unsigned char *ret)
{
    static const char names[] = "ntrfva", values[] = "\n\t\r\f\v\a";
    char name = *c->at;
    const char *known;

    if (name == 0)
        return fault(c, "a backslash at the end");
    if (name == 'x' && hex_digit(c->at[1]) >= 0 && hex_digit(c->at[2]) >= 0) {
        *ret = (unsigned char)(hex_digit(c->at[1]) * 16 + hex_digit(c->at[2]));
        c->at += 3;
        return 0;
    }
    known = strchr(names, name);
    if (!known && is_word((unsigned char)name))
        return fault(c, "unknown escape");
    *ret = (unsigned char)(known ? values[known - names] : name);
    c->at++;
    return 0;
}

/* [:alpha:] inside a class; c->at is behind "[:". */
static int parse_named_class(struct compiler *c, uint8_t *set)
{
    static const struct {
        const char *name;
        const char *ranges; /* pairs of first and last byte */
    } classes[] = {{"alpha", "azAZ"},    {"digit", "09"},     {"alnum", "azAZ09"},
                   {"lower", "az"},      {"upper", "AZ"},     {"xdigit", "09afAF"},
                   {"space", "\t\r  "},  {"blank", "\t\t  "}, {"punct", "!/:@[`{~"},
                   {"word", "azAZ09__"}, {"print", " ~"},     {"graph", "!~"}};

    for (size_t i = 0; i < BH_COUNT_OF(classes); i++) {
        size_t len = strlen(classes[i].name);

        if (strncmp(c->at, classes[i].name, len) != 0 || strncmp(c->at + len, ":]", 2) != 0)
            continue;
        for (const char *p = classes[i].ranges; *p; p += 2)
            set_range(set, (unsigned char)p[0], (unsigned char)p[1]);
        c->at += len + 2;
        return 0;
    }
    return fault(c, "unknown class name");
}

static int parse_class_byte(struct compiler *c, unsigned char *ret)
{
    if (*c->at == 0)
        return fault(c, "no ']' for the class");
    if (*c->at == '\\') {
        c->at++;
        return parse_escape(c, ret);
    }
    *ret = (unsigned char)*c->at++;
    return 0;
}

static int parse_class_item(struct compiler *c, uint8_t *set)
{
    unsigned char from = 0, to;
    int r;

    if (c->at[0] == '[' && c->at[1] == ':') {
        c->at += 2;
        return parse_named_class(c, set);
    }
    if (c->at[0] == '\\' && add_perl_class(set, c->at[1])) {
        c->at += 2;
        return 0;
    }
    r = parse_class_byte(c, &from);
    if (r < 0)
        return r;
    to = from;
    if (c->at[0] == '-' && c->at[1] != ']' && c->at[1] != 0) {
        c->at++;
        r = parse_class_byte(c, &to);
        if (r < 0)
            return r;
        if (to < from)
            return fault(c, "a range that runs backwards");
    }
    set_range(set, from, to);
    return 0;
}

/* Behind "[". */
static int parse_class(struct compiler *c, struct node **ret)
{
    struct node *n = set_node(c);
    bool inverted = *c->at == '^', first = true;

    if (inverted)
        c->at++;
    for (; first || *c->at != ']'; first = false) {
        int r = parse_class_item(c, n->set);

        if (r < 0)
            return r;
    }
    c->at++;
    if (c->ignore_case)
        set_fold(n->set);
    if (inverted)
        set_invert(n->set);
    *ret = n;
    return 0;
}

static int parse_group(struct compiler *c, struct node **ret)
{
    int r;

    if (strncmp(c->at, "?:", 2) == 0) {
        c->at += 2;
    } else if (strncmp(c->at, "?P<", 3) == 0) {
        const char *end = strchr(c->at, '>');

        if (!end)
            return fault(c, "no '>' for the name of the group");
        c->at = end + 1;
    } else if (*c->at == '?') {
        return fault(c, "unknown group; known are (...), (?:...) and (?P<name>...)");
    }
    if (++c->depth > BH_REGEX_DEPTH_MAX)
        return bh_fail(c->err, BH_LIMIT, "regular expression: groups deeper than %u",
                       BH_REGEX_DEPTH_MAX);
    r = parse_alternatives(c, ret);
    if (r < 0)
        return r;
    c->depth--;
    if (*c->at != ')')
        return fault(c, "no ')' for the group");
    c->at++;
    return 0;
}

static void assertion(struct compiler *c, enum code code, struct node **ret)
{
    *ret = new_node(c, NODE_ASSERT);
    (*ret)->assertion = code;
}

/* Behind the backslash, outside a class. */
static int parse_escaped_atom(struct compiler *c, struct node **ret)
{
    struct node *n;
    unsigned char byte = 0;
    int r;

    if (*c->at == 'b' || *c->at == 'B') {
        assertion(c, *c->at++ == 'b' ? CODE_EDGE : CODE_INSIDE, ret);
        return 0;
    }
    if (*c->at == 'A' || *c->at == 'z') {
        assertion(c, *c->at++ == 'A' ? CODE_BEGIN : CODE_END, ret);
        return 0;
    }
    n = set_node(c);
    if (*c->at && add_perl_class(n->set, *c->at)) {
        c->at++;
    } else {
        r = parse_escape(c, &byte);
        if (r < 0)
            return r;
        set_add(n->set, byte);
        if (c->ignore_case)
            set_fold(n->set);
    }
    *ret = n;
    return 0;
}

static int parse_atom(struct compiler *c, struct node **ret)
{
    struct node *n;

    switch (*c->at) {
    case '(':
        c->at++;
        return parse_group(c, ret);
    case '[':
        c->at++;
        return parse_class(c, ret);
    case '\\':
        c->at++;
        return parse_escaped_atom(c, ret);
    case '^':
    case '$':
        assertion(c, *c->at++ == '^' ? CODE_BEGIN : CODE_END, ret);
        return 0;
    case '*':
    case '+':
    case '?':
        return fault(c, "nothing to repeat");
    default:
        break;
    }
    n = set_node(c);
    if (*c->at == '.') {
        if (!c->dot_newline)
            set_add(n->set, '\n');
        set_invert(n->set);
    } else {
        set_add(n->set, (unsigned char)*c->at);
        if (c->ignore_case)
            set_fold(n->set);
    }
    c->at++;
    *ret = n;
    return 0;
}

/* {n}, {n,} or {n,m}; false, and nothing taken, when the brace is an ordinary byte. */
static bool parse_counts(struct compiler *c, unsigned *min, unsigned *max)
{
    const char *p = c->at + 1;
    unsigned long low, high;
    char *end;

    if (*p < '0' || *p > '9')
        return false;
    low = high = strtoul(p, &end, 10);
    if (*end == ',') {
        p = end + 1;
        high = UINT32_MAX;
        end = (char *)(uintptr_t)p;
        if (*p >= '0' && *p <= '9')
            high = strtoul(p, &end, 10);
    }
    if (*end != '}')
        return false;
    c->at = end + 1;
    *min = low > UINT32_MAX ? UINT32_MAX : (unsigned)low;
    *max = high > UINT32_MAX ? UINT32_MAX : (unsigned)high;
    return true;
}

static bool parse_quantifier(struct compiler *c, unsigned *min, unsigned *max)
{
    switch (*c->at) {
    case '*':
        *min = 0;
        *max = UINT32_MAX;
        break;
    case '+':
        *min = 1;
        *max = UINT32_MAX;
        break;
    case '?':
        *min = 0;
        *max = 1;
        break;
    case '{':
        return parse_counts(c, min, max);
    default:
        return false;
    }
    c->at++;
    return true;
}

static int parse_repeat(struct compiler *c, struct node **ret)
{
    unsigned min, max;
    int r = parse_atom(c, ret);

    if (r < 0)
        return r;
    if (parse_quantifier(c, &min, &max)) {
        struct node *n = new_node(c, NODE_REPEAT);

        if (*c->at == '?')
            c->at++; /* lazy: which match is found does not matter here */
        if (min > 1000 || (max > 1000 && max != UINT32_MAX) || min > max)
            return fault(c, "a repetition above 1000, or that runs backwards");
        n->first = *ret;
        n->min = min;
        n->max = max;
        *ret = n;
        if (*c->at == '*' || *c->at == '+' || *c->at == '?')
            return fault(c, "a repetition of a repetition");
    }
    return 0;
}

static int parse_sequence(struct compiler *c, struct node **ret)
{
    struct node *all = new_node(c, NODE_CAT), **end = &all->first;

    while (*c->at && *c->at != '|' && *c->at != ')') {
        int r = parse_repeat(c, end);

        if (r < 0)
            return r;
        end = &(*end)->next;
    }
    *ret = all;
    return 0;
}

static int parse_alternatives(struct compiler *c, struct node **ret)
{
    struct node *all = new_node(c, NODE_OR), **end = &all->first;

    for (;;) {
        int r = parse_sequence(c, end);

        if (r < 0)
            return r;
        if (*c->at != '|')
            break;
        c->at++;
        end = &(*end)->next;
    }
    *ret = all;
    return 0;
}

static int emit(struct compiler *c, struct instruction i)
{
    if (c->count >= BH_REGEX_PROGRAM_MAX)
        return bh_fail(c->err, BH_LIMIT,
                       "regular expression: larger than %u steps when written out",
                       BH_REGEX_PROGRAM_MAX);
    c->program[c->count++] = i;
    return 0;
}

/* A split whose second way leads behind what is generated now. */
static int generate_optional(struct compiler *c, const struct node *n, bool loop)
{
    size_t split = c->count;
    int r = emit(c, (struct instruction){.code = CODE_SPLIT});

    if (r == 0)
        r = generate(c, n);
    if (r == 0 && loop)
        r = emit(c, (struct instruction){.code = CODE_JUMP, .x = (uint16_t)split});
    if (r == 0) {
        c->program[split].x = (uint16_t)(split + 1);
        c->program[split].y = (uint16_t)c->count;
    }
    return r;
}

/* min copies, then either a loop or max - min optional copies. */
static int generate_repeat(struct compiler *c, const struct node *n)
{
    int r = 0;

    for (unsigned i = 0; i < n->min && r == 0; i++) {
        size_t before = c->count;

        r = generate(c, n->first);
        if (c->count == before)
            return r; /* nothing any number of times: no work that grows with the pattern's depth */
    }
    if (r == 0 && n->max == UINT32_MAX)
        return generate_optional(c, n->first, true);
    for (unsigned i = n->min; i < n->max && r == 0; i++)
        r = generate_optional(c, n->first, false);
    return r;
}

static int generate_or(struct compiler *c, const struct node *n)
{
    const struct node *way = n->first;
    size_t jumps[BH_REGEX_ALTERNATIVES_MAX], count = 0;
    int r;

    for (; way->next; way = way->next) {
        size_t split = c->count;

        r = emit(c, (struct instruction){.code = CODE_SPLIT});

        if (r < 0 || (r = generate(c, way)) < 0)
            return r;
        if (count == BH_COUNT_OF(jumps))
            return bh_fail(c->err, BH_LIMIT, "regular expression: more than %u alternatives",
                           BH_REGEX_ALTERNATIVES_MAX);
        jumps[count++] = c->count;
        r = emit(c, (struct instruction){.code = CODE_JUMP});
        if (r < 0)
            return r;
        c->program[split].x = (uint16_t)(split + 1);
        c->program[split].y = (uint16_t)c->count;
    }
    r = generate(c, way);
    while (count > 0)
        c->program[jumps[--count]].x = (uint16_t)c->count;
    return r;
}

static int generate(struct compiler *c, const struct node *n)
{
    int r = 0;

    switch (n->kind) {
    case NODE_SET:
        return emit(c, (struct instruction){.code = CODE_SET, .set = n->set});
    case NODE_ASSERT:
        return emit(c, (struct instruction){.code = n->assertion});
    case NODE_CAT:
        for (const struct node *part = n->first; part && r == 0; part = part->next)
            r = generate(c, part);
        return r;
    case NODE_OR:
        return generate_or(c, n);
    case NODE_REPEAT:
        return generate_repeat(c, n);
    }
    return 0;
}

static void parse_flags(struct compiler *c)
{
    while (strncmp(c->at, "(?i)", 4) == 0 || strncmp(c->at, "(?s)", 4) == 0) {
        if (c->at[2] == 'i')
            c->ignore_case = true;
        else
            c->dot_newline = true;
        c->at += 4;
    }
}

int bh_regex_compile(const char *pattern, struct bh_arena *arena, const struct bh_regex **ret,
                     struct bh_error *err)
{
    struct instruction program[BH_REGEX_PROGRAM_MAX];
    struct compiler c = {
        .pattern = pattern, .at = pattern, .arena = arena, .err = err, .program = program};
    struct bh_regex *regex;
    struct node *root;
    int r;

    if (strlen(pattern) > BH_REGEX_PROGRAM_MAX)
        return bh_fail(err, BH_LIMIT, "regular expression: longer than %u bytes",
                       BH_REGEX_PROGRAM_MAX);
    parse_flags(&c);
    r = parse_alternatives(&c, &root);
    if (r < 0)
        return r;
    if (*c.at)
        return fault(&c, "a ')' too many");
    if ((r = generate(&c, root)) < 0 ||
        (r = emit(&c, (struct instruction){.code = CODE_MATCH})) < 0)
        return r;
    regex = bh_arena_alloc(arena, sizeof *regex);
    regex->count = c.count;
    regex->program = bh_arena_alloc(arena, c.count * sizeof *program);
    memcpy(regex->program, program, c.count * sizeof *program);
    *ret = regex;
    return 0;
}

/* The states the automaton is in: a set that remembers its order, emptied in no time. */
struct states {
    size_t count;
    uint16_t list[BH_REGEX_PROGRAM_MAX];
    uint16_t place[BH_REGEX_PROGRAM_MAX];
};

static bool has_state(const struct states *s, uint16_t state)
{
    return s->place[state] < s->count && s->list[s->place[state]] == state;
}

static void put_state(struct states *s, uint16_t state)
{
    if (has_state(s, state))
        return;
    s->place[state] = (uint16_t)s->count;
    s->list[s->count++] = state;
}

static bool holds(enum code code, const char *text, size_t len, size_t at)
{
    bool before = at > 0 && is_word((unsigned char)text[at - 1]);
    bool behind = at < len && is_word((unsigned char)text[at]);

    switch (code) {
    case CODE_BEGIN:
        return at == 0;
    case CODE_END:
        return at == len;
    case CODE_EDGE:
        return before != behind;
    default:
        return before == behind;
    }
}

/* Follows everything that needs no byte; s->list is its own work list. */
static void close_states(const struct bh_regex *r, struct states *s, const char *text, size_t len,
                         size_t at)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct instruction *in = &r->program[s->list[i]];

        switch (in->code) {
        case CODE_SPLIT:
            put_state(s, in->x);
            put_state(s, in->y);
            break;
        case CODE_JUMP:
            put_state(s, in->x);
            break;
        case CODE_BEGIN:
        case CODE_END:
        case CODE_EDGE:
        case CODE_INSIDE:
            if (holds(in->code, text, len, at))
                put_state(s, (uint16_t)(s->list[i] + 1));
            break;
        case CODE_SET:
        case CODE_MATCH:
            break;
        }
    }
}

bool bh_regex_match(const struct bh_regex *r, const char *text, size_t len)
{
    struct states sets[2], *now = &sets[0], *next = &sets[1];

    /* What was never put is still looked at, so it must have a value. */
    memset(sets[0].place, 0, r->count * sizeof sets[0].place[0]);
    memset(sets[1].place, 0, r->count * sizeof sets[1].place[0]);
    now->count = 0;
    put_state(now, 0);
    close_states(r, now, text, len, 0);
    for (size_t at = 0; at < len && now->count > 0; at++) {
        struct states *swap = now;

        next->count = 0;
        for (size_t i = 0; i < now->count; i++) {
            const struct instruction *in = &r->program[now->list[i]];

            if (in->code == CODE_SET && set_has(in->set, (unsigned char)text[at]))
                put_state(next, (uint16_t)(now->list[i] + 1));
        }
        close_states(r, next, text, len, at + 1);
        now = next;
        next = swap;
    }
    for (size_t i = 0; i < now->count; i++)
        if (r->program[now->list[i]].code == CODE_MATCH)
            return true;
    return false;
}
