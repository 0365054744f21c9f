#include "cmd/table.h"

#include "base/buf.h"
#include "base/nearest.h"

#include <string.h>

#define COMMAND(name) extern const struct bh_command bh_cmd_##name;
#include "cmd/commands.h"
#undef COMMAND

#define COMMAND(name) &bh_cmd_##name,
const struct bh_command *const bh_commands[] = {
#include "cmd/commands.h"
    NULL};
#undef COMMAND

bool bh_command_in_family(const struct bh_command *c, const char *word)
{
    size_t len = strlen(word);

    return strncmp(c->name, word, len) == 0 && c->name[len] == ' ';
}

bool bh_command_is_family(const char *word)
{
    for (size_t i = 0; bh_commands[i]; i++)
        if (bh_command_in_family(bh_commands[i], word))
            return true;
    return false;
}

static bool matches(const struct bh_command *c, int argc, char *const *argv, size_t *ret_words)
{
    const char *second = strchr(c->name, ' ');
    size_t len = second ? (size_t)(second - c->name) : strlen(c->name);

    if (strlen(argv[0]) != len || memcmp(argv[0], c->name, len) != 0)
        return false;
    *ret_words = second ? 2 : 1;
    return !second || (argc > 1 && strcmp(argv[1], second + 1) == 0);
}

static int fail_family(const char *family, const char *word, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf members = BH_BUF_INIT(0);
    struct bh_nearest nearest;

    bh_nearest_init(&nearest, word ? word : "", word ? strlen(word) : 0);
    for (size_t i = 0; bh_commands[i]; i++) {
        if (bh_commands[i]->hidden || !bh_command_in_family(bh_commands[i], family))
            continue;
        bh_buf_printf(&members, "%s%s", members.len ? ", " : "",
                      bh_commands[i]->name + strlen(family) + 1);
        bh_nearest_offer(&nearest, bh_commands[i]->name + strlen(family) + 1);
    }
    if (!word || *word == '-')
        return bh_fail(err, BH_USAGE, "%s what? One of: %s", family, bh_buf_text(&members));
    if (nearest.best)
        return bh_fail(err, BH_USAGE, "unknown command \"%s %.80s\"; did you mean \"%s %s\"?",
                       family, word, family, nearest.best);
    return bh_fail(err, BH_USAGE, "unknown command \"%s %.80s\"; there are: %s", family, word,
                   bh_buf_text(&members));
}

/* Mistyped single words are held against whole names and against the first words of families. */
static int fail_unknown(const char *word, struct bh_error *err)
{
    struct bh_nearest nearest;
    char first[32];

    bh_nearest_init(&nearest, word, strlen(word));
    for (size_t i = 0; bh_commands[i]; i++) {
        const struct bh_command *c = bh_commands[i];
        size_t len = strcspn(c->name, " ");

        if (c->hidden || len >= sizeof first)
            continue;
        memcpy(first, c->name, len);
        first[len] = '\0';
        bh_nearest_offer(&nearest, first);
        if (nearest.best == first) /* about to be overwritten; the name begins with the same word */
            nearest.best = c->name;
    }
    if (nearest.best)
        return bh_fail(err, BH_USAGE, "unknown command \"%.80s\"; did you mean \"%.*s\"?", word,
                       (int)strcspn(nearest.best, " "), nearest.best);
    return bh_fail(err, BH_USAGE, "unknown command \"%.80s\"", word);
}

int bh_command_find(int argc, char *const *argv, const struct bh_command **ret, size_t *ret_words,
                    struct bh_error *err)
{
    for (size_t i = 0; bh_commands[i]; i++) {
        if (matches(bh_commands[i], argc, argv, ret_words)) {
            *ret = bh_commands[i];
            return 0;
        }
    }
    if (bh_command_is_family(argv[0]))
        return fail_family(argv[0], argc > 1 ? argv[1] : NULL, err);
    return fail_unknown(argv[0], err);
}
