#include "advisory/version.h"
#include "base/mem.h"
#include "cmd/command.h"

#include <string.h>

#define LINE_MAX_BYTES 4096u

/* One word of the line, NUL terminated in place. */
static int take_word(char **at, const char *what, char **ret, struct bh_error *err)
{
    char *word = *at + strspn(*at, " \t");
    size_t len = strcspn(word, " \t");
    int r;

    *at = word + len;
    if (**at)
        *(*at)++ = '\0';
    r = bh_version_check(word, len, err);
    if (r < 0)
        return bh_wrap(err, "the %s version", what);
    *ret = word;
    return 0;
}

static int compare_line(enum bh_version_scheme scheme, char *line, char *ret_sign,
                        struct bh_error *err)
{
    char *a, *b;
    int r = take_word(&line, "first", &a, err);

    if (r == 0)
        r = take_word(&line, "second", &b, err);
    if (r < 0)
        return r;
    if (line[strspn(line, " \t")])
        return bh_fail(err, BH_INVALID, "more than two versions");
    r = bh_version_compare(scheme, a, b);
    *ret_sign = r < 0 ? '<' : r > 0 ? '>' : '=';
    return 0;
}

static int compare_all(const struct bh_call *call, enum bh_version_scheme scheme, FILE *in,
                       struct bh_error *err)
{
    BH_AUTO(bh_freep) char *line = NULL;
    size_t size = 0, number = 0;
    ssize_t len;

    while ((len = getline(&line, &size, in)) >= 0) {
        char sign = '=';
        int r;

        number++;
        if (len && line[len - 1] == '\n')
            line[--len] = '\0';
        if (len && line[len - 1] == '\r')
            line[--len] = '\0';
        if ((size_t)len > LINE_MAX_BYTES)
            return bh_fail(err, BH_LIMIT, "line %zu: longer than %u bytes", number, LINE_MAX_BYTES);
        if (strlen(line) != (size_t)len)
            return bh_fail(err, BH_INVALID, "line %zu: a NUL byte", number);
        r = compare_line(scheme, line, &sign, err);
        if (r < 0)
            return bh_wrap(err, "line %zu", number);
        (void)fprintf(call->out->stream, "%c\n", sign); /* the frame checks the stream */
    }
    if (ferror(in))
        return bh_fail_errno(err, "read standard input");
    return 0;
}

static int run(const struct bh_call *call, struct bh_error *err)
{
    const char *ecosystem = call->operands.items[0];
    enum bh_version_scheme scheme = bh_version_scheme_of(ecosystem);

    if (scheme == BH_VERSION_NONE)
        return bh_fail(err, BH_USAGE,
                       "no version order is known for \"%.80s\"; known are Debian, Ubuntu, Alpine, "
                       "rpm, AlmaLinux, Rocky Linux, Red Hat, npm, Go, crates.io, PyPI, RubyGems, "
                       "NuGet, Maven, Packagist, Pub, Hackage and CRAN",
                       ecosystem);
    return compare_all(call, scheme, stdin, err);
}

static const struct bh_example examples[] = {
    {"echo '1.0~rc1-1 1.0-1' | bulkhead db compare Debian", "ask as dpkg would answer"},
    {NULL, NULL},
};

static const char *const ecosystems[] = {"Debian",   "Ubuntu", "Alpine", "AlmaLinux", "Red-Hat",
                                         "rpm",      "npm",    "Go",     "crates.io", "PyPI",
                                         "RubyGems", "NuGet",  "Maven",  "Packagist", "Pub",
                                         "Hackage",  "CRAN",   NULL};

const struct bh_command bh_cmd_db_compare = {
    .name = "db compare",
    .group = BH_GROUP_ADVISORIES,
    .summary = "Compare versions as a packaging system does",
    .operands = "ECOSYSTEM",
    .operands_min = 1,
    .operands_max = 1,
    .operand_words = ecosystems,
    .text =
        "Reads pairs of versions, one pair a line, from standard input and prints <, = or > for "
        "each. The first line that is no pair ends it with an error that names the line.",
    .examples = examples,
    .run = run,
};
