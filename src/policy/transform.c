#include "policy/transform.h"

#include "base/buf.h"
#include "policy/program.h"

#include <string.h>

static const char *fold(const char *text, bool upper, struct bh_arena *a)
{
    char *copy = bh_arena_strdup(a, text);

    for (char *p = copy; *p; p++) {
        if (upper && *p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (!upper && *p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    }
    return copy;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* NULL when text is not base64. A decoded NUL byte ends the string. */
static const char *decode_base64(const char *text, struct bh_arena *a)
{
    size_t len = strlen(text), used = 0;
    char *out = bh_arena_alloc(a, len + 1);
    unsigned bits = 0, count = 0;

    while (len > 0 && text[len - 1] == '=')
        len--;
    if (len % 4 == 1)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(text[i]);

        if (digit < 0)
            return NULL;
        bits = (bits << 6 | (unsigned)digit) & 0xfffffu;
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[used++] = (char)(bits >> count & 0xff);
        }
    }
    return out;
}

static const char *transform_text(enum bh_transformer t, const char *text, struct bh_arena *a)
{
    const char *slash;

    switch (t) {
    case BH_TRANSFORM_TOLOWER:
    case BH_TRANSFORM_TOUPPER:
        return fold(text, t == BH_TRANSFORM_TOUPPER, a);
    case BH_TRANSFORM_B64:
        return decode_base64(text, a);
    case BH_TRANSFORM_BASENAME:
        slash = strrchr(text, '/');
        return slash ? slash + 1 : text;
    default:
        return text;
    }
}

static enum bh_known transform_list(enum bh_transformer t, const struct bh_value *v,
                                    struct bh_arena *a, struct bh_value *ret)
{
    size_t count = bh_list_length(v->list), used = 0;
    const char **list = bh_arena_alloc(a, (count + 1) * sizeof *list);

    for (size_t i = 0; i < count; i++) {
        const char *text = transform_text(t, v->list[i], a);

        if (text)
            list[used++] = text;
    }
    *ret = (struct bh_value){.kind = BH_VALUE_LIST, .list = list};
    return BH_KNOWN;
}

enum bh_known bh_transform_one(enum bh_transformer t, const struct bh_value *v, struct bh_arena *a,
                               struct bh_value *ret)
{
    const char *text;

    if (t == BH_TRANSFORM_LEN) {
        size_t len = v->kind == BH_VALUE_LIST     ? bh_list_length(v->list)
                     : v->kind == BH_VALUE_STRING ? strlen(v->string)
                                                  : 0;

        *ret = (struct bh_value){.kind = BH_VALUE_INT, .integer = (int64_t)len};
        return BH_KNOWN;
    }
    if (v->kind == BH_VALUE_LIST)
        return transform_list(t, v, a, ret);
    if (v->kind != BH_VALUE_STRING)
        return BH_ABSENT;
    text = transform_text(t, v->string, a);
    if (!text)
        return BH_ABSENT;
    *ret = (struct bh_value){.kind = BH_VALUE_STRING, .string = text};
    return BH_KNOWN;
}

static void join_text(struct bh_buf *b, const char *separator, const char *text, bool *first)
{
    if (!*first)
        bh_buf_puts(b, separator);
    *first = false;
    bh_buf_puts(b, text);
}

const char *bh_transform_join(const char *separator, const struct bh_value *values, size_t count,
                              struct bh_arena *a)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == BH_VALUE_LIST) {
            for (size_t n = 0; values[i].list[n]; n++)
                join_text(&b, separator, values[i].list[n], &first);
        } else {
            join_text(&b, separator, "", &first);
            bh_value_format(&b, &values[i]);
        }
    }
    return bh_arena_strndup(a, bh_buf_text(&b), b.len);
}

/* A string split at blanks. */
static const char *const *words(const char *text, struct bh_arena *a)
{
    const char **list = bh_arena_alloc(a, (strlen(text) / 2 + 2) * sizeof *list);
    size_t used = 0;

    for (;;) {
        size_t len;

        text += strspn(text, " \t\n");
        len = strcspn(text, " \t\n");
        if (len == 0)
            return list;
        list[used++] = bh_arena_strndup(a, text, len);
        text += len;
    }
}

struct options {
    const char *known, *key, *value; /* value of the option named key, once found */
    const char **found;
    size_t count;
    struct bh_arena *arena;
};

/* One argument "-abVALUE"; next is the argument behind it. true when next was taken as a value. */
static bool take_options(struct options *o, const char *letters, const char *next)
{
    for (; *letters; letters++) {
        const char *option = *letters == ':' ? NULL : strchr(o->known, *letters);
        bool with_value = option && option[1] == ':';
        const char *value = !with_value ? "" : letters[1] ? letters + 1 : next;

        if (!option)
            continue;
        o->found[o->count++] = bh_arena_strndup(o->arena, letters, 1);
        if (o->key && o->key[0] == *letters && o->key[1] == 0)
            o->value = value;
        if (with_value)
            return letters[1] == 0 && next;
    }
    return false;
}

enum bh_known bh_transform_getopt(const struct bh_value *args, const char *options, const char *key,
                                  struct bh_arena *a, struct bh_value *ret)
{
    struct options o = {.known = options, .key = key, .arena = a};
    const char *const *list;
    size_t letters = 0;

    if (args->kind != BH_VALUE_LIST && args->kind != BH_VALUE_STRING)
        return BH_ABSENT;
    list = args->kind == BH_VALUE_LIST ? args->list : words(args->string, a);
    for (size_t i = 0; list[i]; i++)
        letters += strlen(list[i]);
    o.found = bh_arena_alloc(a, (letters + 1) * sizeof *o.found);
    for (size_t i = 0; list[i] && strcmp(list[i], "--") != 0; i++)
        if (list[i][0] == '-' && list[i][1] && list[i][1] != '-')
            i += take_options(&o, list[i] + 1, list[i + 1]);
    if (!key) {
        *ret = (struct bh_value){.kind = BH_VALUE_LIST, .list = o.found};
        return BH_KNOWN;
    }
    if (!o.value)
        return BH_ABSENT;
    *ret = (struct bh_value){.kind = BH_VALUE_STRING, .string = o.value};
    return BH_KNOWN;
}
