/* The first line is the pattern, the rest the text; a group around the pattern, and itself as an
 * alternative of itself, change nothing. */
#include "policy/match.h"
#include "policy/regex.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool match(struct bh_arena *a, const char *pattern, const char *text, bool *matched)
{
    const struct bh_regex *r;

    if (bh_regex_compile(pattern, a, &r, NULL) < 0)
        return false;
    *matched = bh_regex_match(r, text, strlen(text));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *a = bh_arena_new();
    char *pattern = bh_arena_strndup(a, (const char *)data, size);
    char *text = strchr(pattern, '\n');
    bool plain, grouped;

    if (!text)
        return 0;
    *text++ = 0;
    (void)bh_match_glob(pattern, text, true);
    (void)bh_match_path(pattern, text);
    if (!match(a, pattern, text, &plain) || strncmp(pattern, "(?", 2) == 0)
        return 0;
    if (match(a, bh_arena_format(a, "(%s)|(?:%s)", pattern, pattern), text, &grouped))
        assert(plain == grouped);
    return 0;
}
