#include "base/cli.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/nearest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

void bh_strings_add(struct bh_strings *s, const char *text)
{
    if (s->count + 1 >= s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->items = bh_resize(s->items, s->cap, sizeof *s->items);
    }
    s->items[s->count++] = text;
    s->items[s->count] = NULL;
}

void bh_strings_done(struct bh_strings *s)
{
    free(s->items);
    *s = (struct bh_strings){0};
}

static bool parse_number(const char *text, const char **ret_end, uint64_t *ret)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret = strtoull(text, &end, 10);
    *ret_end = end;
    return errno == 0;
}

static bool parse_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
    const char *end;
    uint64_t n;

    if (!parse_number(text, &end, &n))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(end, units[i].name) == 0)
            return !__builtin_mul_overflow(n, units[i].factor, ret);
    return false;
}

bool bh_size_parse(const char *text, uint64_t *ret_bytes)
{
    static const struct unit units[] = {{"", 1},
                                        {"K", 1ull << 10},
                                        {"M", 1ull << 20},
                                        {"G", 1ull << 30},
                                        {"T", 1ull << 40},
                                        {"k", 1ull << 10},
                                        {"m", 1ull << 20},
                                        {"g", 1ull << 30},
                                        {"B", 1},
                                        {"b", 1},
                                        {"KiB", 1ull << 10},
                                        {"MiB", 1ull << 20},
                                        {"GiB", 1ull << 30}};

    return parse_with_unit(text, units, BH_COUNT_OF(units), ret_bytes);
}

bool bh_duration_parse(const char *text, uint64_t *ret_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

    return parse_with_unit(text, units, BH_COUNT_OF(units), ret_ms);
}

static void *place_of(const struct bh_option_set *set, const struct bh_option *o)
{
    return (char *)set->values + o->offset;
}

static bool parse_integer(const struct bh_option *o, const char *text, int64_t *ret)
{
    int64_t max = o->min || o->max ? o->max : INT64_MAX;
    char *end;

    if (!*text || strchr(" \t\n\v\f\r", *text))
        return false;
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && *ret >= o->min && *ret <= max;
}

static int fail_choice(const struct bh_option *o, const char *text, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf list = BH_BUF_INIT(0);
    const char *nearest = bh_nearest_of(text, o->choices);

    for (size_t i = 0; o->choices[i]; i++)
        bh_buf_printf(&list, "%s%s", i ? ", " : "", o->choices[i]);
    if (nearest)
        return bh_fail(err, BH_USAGE, "\"%.80s\" is not one of %s; did you mean %s?", text,
                       bh_buf_text(&list), nearest);
    return bh_fail(err, BH_USAGE, "\"%.80s\" is not one of %s", text, bh_buf_text(&list));
}

static int store_choice(const struct bh_option *o, const char *text, int *place,
                        struct bh_error *err)
{
    for (int i = 0; o->choices[i]; i++) {
        if (strcmp(o->choices[i], text) == 0) {
            *place = i;
            return 0;
        }
    }
    return fail_choice(o, text, err);
}

static int fail_integer(const struct bh_option *o, const char *text, struct bh_error *err)
{
    if (o->min || o->max)
        return bh_fail(err, BH_USAGE, "\"%.80s\" is not a number from %lld to %lld", text,
                       (long long)o->min, (long long)o->max);
    return bh_fail(err, BH_USAGE, "\"%.80s\" is not a whole number", text);
}

static int store_flag(const char *text, bool *place, struct bh_error *err)
{
    static const char *const yes[] = {"1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off"};

    for (size_t i = 0; i < BH_COUNT_OF(yes); i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *place = strcmp(text, yes[i]) == 0;
            return 0;
        }
    }
    return bh_fail(err, BH_USAGE, "\"%.80s\" is neither true nor false", text);
}

static int store(const struct bh_option_set *set, const struct bh_option *o, const char *text,
                 struct bh_error *err)
{
    void *place = place_of(set, o);
    const char **string = place;

    switch (o->kind) {
    case BH_OPTION_FLAG:
        return store_flag(text, place, err);
    case BH_OPTION_STRING:
        *string = text;
        return 0;
    case BH_OPTION_STRINGS:
        bh_strings_add(place, text);
        return 0;
    case BH_OPTION_INT:
        return parse_integer(o, text, place) ? 0 : fail_integer(o, text, err);
    case BH_OPTION_SIZE:
        if (bh_size_parse(text, place))
            return 0;
        return bh_fail(err, BH_USAGE, "\"%.80s\" is not a size such as 512, 64K, 16M or 2G", text);
    case BH_OPTION_DURATION:
        if (bh_duration_parse(text, place))
            return 0;
        return bh_fail(err, BH_USAGE, "\"%.80s\" is not a duration such as 500ms, 10s or 5m", text);
    case BH_OPTION_CHOICE:
        return store_choice(o, text, place, err);
    }
    return bh_fail(err, BH_INTERNAL, "option --%s has an unknown kind", o->name);
}

static void mark(struct bh_option_set *set, const struct bh_option *o)
{
    size_t row = (size_t)(o - set->options);

    assert(row < BH_OPTIONS_MAX);
    set->given |= 1ull << row;
}

static bool is_marked(const struct bh_option_set *set, const struct bh_option *o)
{
    return set->given >> (o - set->options) & 1;
}

static const struct bh_option *find_long(const struct bh_cli *cli, const char *name, size_t len,
                                         struct bh_option_set **ret_set)
{
    for (size_t s = 0; s < cli->set_count; s++) {
        for (const struct bh_option *o = cli->sets[s].options; o && o->name; o++) {
            if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) {
                *ret_set = &cli->sets[s];
                return o;
            }
        }
    }
    return NULL;
}

static const struct bh_option *find_short(const struct bh_cli *cli, char letter,
                                          struct bh_option_set **ret_set)
{
    for (size_t s = 0; s < cli->set_count; s++) {
        for (const struct bh_option *o = cli->sets[s].options; o && o->name; o++) {
            if (o->letter == letter) {
                *ret_set = &cli->sets[s];
                return o;
            }
        }
    }
    return NULL;
}

static int fail_unknown(const struct bh_cli *cli, const char *name, size_t len,
                        struct bh_error *err)
{
    struct bh_nearest n;

    bh_nearest_init(&n, name, len);
    for (size_t s = 0; s < cli->set_count; s++)
        for (const struct bh_option *o = cli->sets[s].options; o && o->name; o++)
            if (!o->hidden)
                bh_nearest_offer(&n, o->name);
    if (n.best)
        return bh_fail(err, BH_USAGE, "unknown option --%.*s; did you mean --%s?",
                       (int)BH_MIN(len, 80u), name, n.best);
    return bh_fail(err, BH_USAGE, "unknown option --%.*s", (int)BH_MIN(len, 80u), name);
}

/* Later uses of an option replace earlier ones, except where they add to a list. */
static int parse_long(struct bh_cli *cli, int argc, char *const *argv, int *at,
                      struct bh_error *err)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    struct bh_option_set *set = NULL;
    const struct bh_option *o = find_long(cli, name, len, &set);
    const char *value = equals ? equals + 1 : NULL;

    if (!o)
        return fail_unknown(cli, name, len, err);
    if (o->kind == BH_OPTION_FLAG && !value)
        value = "true";
    if (!value) {
        if (*at + 1 >= argc)
            return bh_fail(err, BH_USAGE, "option --%s needs a value: --%s %s", o->name, o->name,
                           o->value);
        value = argv[++*at];
    }
    mark(set, o);
    if (store(set, o, value, err))
        return bh_wrap(err, "option --%s", o->name);
    return 0;
}

/* "-q", "-qv", "-oVALUE", "-o VALUE". */
static int parse_letters(struct bh_cli *cli, int argc, char *const *argv, int *at,
                         struct bh_error *err)
{
    for (const char *letter = argv[*at] + 1; *letter; letter++) {
        struct bh_option_set *set = NULL;
        const struct bh_option *o = find_short(cli, *letter, &set);
        const char *value = "true";

        if (!o)
            return bh_fail(err, BH_USAGE, "unknown option -%c in \"%.80s\"", *letter, argv[*at]);
        if (o->kind != BH_OPTION_FLAG) {
            value = letter[1] ? letter + 1 : *at + 1 < argc ? argv[++*at] : NULL;
            if (!value)
                return bh_fail(err, BH_USAGE, "option -%c needs a value: -%c %s", o->letter,
                               o->letter, o->value);
        }
        mark(set, o);
        if (store(set, o, value, err))
            return bh_wrap(err, "option -%c", o->letter);
        if (o->kind != BH_OPTION_FLAG)
            break;
    }
    return 0;
}

int bh_cli_parse(struct bh_cli *cli, int argc, char *const *argv, struct bh_error *err)
{
    int at = 0, result = 0;
    bool dashes = false;

    for (; at < argc && !result; at++) {
        const char *arg = argv[at];

        if (strcmp(arg, "--") == 0) {
            dashes = true;
            at++;
            break;
        }
        if (arg[0] != '-' || !arg[1]) {
            if (cli->end_at_operand == cli->operands.count + 1)
                break;
            bh_strings_add(&cli->operands, arg);
        } else if (arg[1] == '-') {
            result = parse_long(cli, argc, argv, &at, err);
        } else {
            result = parse_letters(cli, argc, argv, &at, err);
        }
    }
    if (result)
        return result;
    cli->used = (size_t)at;
    cli->dashes = cli->operands.count;
    for (; at < argc; at++)
        bh_strings_add(&cli->operands, argv[at]);
    if (!dashes)
        cli->dashes = cli->operands.count;
    return 0;
}

int bh_cli_from_environment(struct bh_option_set *set, struct bh_error *err)
{
    for (const struct bh_option *o = set->options; o && o->name; o++) {
        const char *value = o->env && !is_marked(set, o) ? getenv(o->env) : NULL;

        if (!value || !*value)
            continue;
        mark(set, o);
        if (store(set, o, value, err))
            return bh_wrap(err, "environment variable %s", o->env);
    }
    return 0;
}

static int store_node(const struct bh_option_set *set, const struct bh_option *o,
                      const struct bh_node *n, struct bh_error *err)
{
    void *place = place_of(set, o);
    char text[24];

    if (n->kind == BH_NODE_STRING)
        return store(set, o, n->string, err);
    if (n->kind == BH_NODE_BOOL && o->kind == BH_OPTION_FLAG) {
        *(bool *)place = n->boolean;
        return 0;
    }
    if (n->kind == BH_NODE_INT && o->kind != BH_OPTION_STRING && o->kind != BH_OPTION_STRINGS) {
        (void)snprintf(text, sizeof text, "%lld", (long long)n->integer);
        return store(set, o, text, err); /* these kinds keep no pointer to the text */
    }
    if (n->kind == BH_NODE_ARRAY && o->kind == BH_OPTION_STRINGS) {
        for (const struct bh_node *item = n->first; item; item = item->next) {
            if (item->kind != BH_NODE_STRING)
                return bh_fail(err, BH_INVALID, "its elements must be strings, not %s",
                               bh_node_kind_name(item->kind));
            bh_strings_add(place, item->string);
        }
        return 0;
    }
    return bh_fail(err, BH_INVALID, "a value of kind %s does not fit", bh_node_kind_name(n->kind));
}

int bh_cli_from_node(struct bh_option_set *set, const struct bh_node *object, const char *file,
                     struct bh_error *err)
{
    for (const struct bh_option *o = set->options; o && o->name; o++) {
        const struct bh_node *n =
            o->no_config || is_marked(set, o) ? NULL : bh_node_get(object, o->name);

        if (!n)
            continue;
        mark(set, o);
        if (store_node(set, o, n, err)) {
            if (err)
                err->code = BH_INVALID;
            return bh_wrap(err, "%s:%u:%u: %s", file, n->line, n->column, o->name);
        }
    }
    return 0;
}

void bh_cli_fallbacks(struct bh_option_set *set)
{
    for (const struct bh_option *o = set->options; o && o->name; o++) {
        int result = !is_marked(set, o) && o->fallback ? store(set, o, o->fallback, NULL) : 0;

        assert(result == 0 && "a table's own default parses");
    }
}

void bh_option_set_done(struct bh_option_set *set)
{
    for (const struct bh_option *o = set->options; o && o->name; o++)
        if (o->kind == BH_OPTION_STRINGS)
            bh_strings_done(place_of(set, o));
}

bool bh_option_given(const struct bh_option_set *set, const char *name)
{
    for (const struct bh_option *o = set->options; o && o->name; o++)
        if (strcmp(o->name, name) == 0)
            return is_marked(set, o);
    return false;
}
