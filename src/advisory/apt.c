#include "advisory/apt.h"

#include "advisory/db_impl.h"
#include "sys/fd.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define APT_GET "/usr/bin/apt-get"
#define SOURCES_MAX (1u << 20)
#define FETCH_TIMEOUT_MS (10 * 60 * 1000)

struct word {
    const char *at;
    size_t len;
};

static struct word take_word(const char **at, const char *end)
{
    struct word w;

    while (*at < end && (**at == ' ' || **at == '\t'))
        (*at)++;
    w.at = *at;
    while (*at < end && **at != ' ' && **at != '\t')
        (*at)++;
    w.len = (size_t)(*at - w.at);
    return w;
}

static bool ends_with(struct word w, const char *ending)
{
    size_t n = strlen(ending);

    return w.len > n && memcmp(w.at + w.len - n, ending, n) == 0;
}

static bool is_security(struct word suite)
{
    return ends_with(suite, "-security") || ends_with(suite, "/updates");
}

static void put_word(struct bh_buf *out, struct word w)
{
    bh_buf_put(out, w.at, w.len);
}

static bool word_is(struct word w, const char *text)
{
    return strlen(text) == w.len && memcmp(w.at, text, w.len) == 0;
}

/* ---- one-line style ---- */

/* "deb [options] URI suite component ..." of a security suite, for each suite wanted. */
static size_t put_line(const char *line, const char *end, const char *const *extra,
                       struct bh_buf *out)
{
    const char *at = line, *head_end, *rest;
    struct word type = take_word(&at, end), uri, suite;
    size_t count = 1;

    if (!word_is(type, "deb"))
        return 0;
    uri = take_word(&at, end);
    if (uri.len && *uri.at == '[') {
        const char *close = memchr(uri.at, ']', (size_t)(end - uri.at));

        if (!close)
            return 0;
        at = close + 1;
        uri = take_word(&at, end);
    }
    head_end = at;
    suite = take_word(&at, end);
    rest = at;
    if (!uri.len || !is_security(suite))
        return 0;
    bh_buf_put(out, line, (size_t)(end - line));
    bh_buf_putc(out, '\n');
    for (; extra && *extra; extra++) {
        if (word_is(suite, *extra))
            continue;
        bh_buf_put(out, line, (size_t)(head_end - line));
        bh_buf_printf(out, " %s", *extra);
        bh_buf_put(out, rest, (size_t)(end - rest));
        bh_buf_putc(out, '\n');
        count++;
    }
    return count;
}

static const char *line_end(const char *at)
{
    return at + strcspn(at, "\n");
}

static size_t one_line_entries(const char *text, const char *const *extra, struct bh_buf *out)
{
    size_t count = 0;

    while (*text) {
        const char *end = line_end(text);
        const char *comment = memchr(text, '#', (size_t)(end - text));

        count += put_line(text, comment ? comment : end, extra, out);
        text = *end ? end + 1 : end;
    }
    return count;
}

/* ---- deb822 style ---- */

/* The value of a field in a stanza, with its continuation lines; false when it has none. */
static bool find_field(const char *stanza, const char *end, const char *name, struct word *ret)
{
    size_t n = strlen(name);

    for (const char *at = stanza; at < end; at = line_end(at) + 1) {
        const char *stop = line_end(at);

        if ((size_t)(stop - at) <= n || at[n] != ':' || strncasecmp(at, name, n) != 0)
            continue;
        while (stop < end && (stop[1] == ' ' || stop[1] == '\t'))
            stop = line_end(stop + 1);
        *ret = (struct word){at + n + 1, (size_t)(stop - at) - n - 1};
        return true;
    }
    return false;
}

/* Appends the security suites among the value's words and the extra ones; how many there are. */
static size_t put_suites(struct word value, const char *const *extra, struct bh_buf *out)
{
    const char *end = value.at + value.len;
    size_t count = 0;

    for (const char *at = value.at; at < end;) {
        struct word w = take_word(&at, end);

        if (at < end && *at == '\n')
            at++;
        while (w.len && w.at[w.len - 1] == '\n')
            w.len--;
        if (!w.len || !is_security(w))
            continue;
        bh_buf_putc(out, ' ');
        put_word(out, w);
        count++;
    }
    for (; count && extra && *extra; extra++) {
        struct word w = {*extra, strlen(*extra)};

        if (memmem(out->data, out->len, w.at, w.len))
            continue;
        bh_buf_printf(out, " %s", *extra);
        count++;
    }
    return count;
}

static bool field_has(const char *stanza, const char *end, const char *name, const char *wanted)
{
    struct word value, w;
    const char *at;

    if (!find_field(stanza, end, name, &value))
        return false;
    for (at = value.at; at < value.at + value.len;) {
        w = take_word(&at, value.at + value.len);
        if (w.len == strlen(wanted) && strncasecmp(w.at, wanted, w.len) == 0)
            return true;
    }
    return false;
}

/* The stanza again, without the fields that are given anew. */
static void put_other_fields(const char *stanza, const char *end, struct bh_buf *out)
{
    bool skip = false;

    for (const char *at = stanza; at < end;) {
        const char *stop = line_end(at);

        if (*at != ' ' && *at != '\t')
            skip = *at == '#' || strncasecmp(at, "Types:", 6) == 0 ||
                   strncasecmp(at, "Suites:", 7) == 0;
        if (!skip)
            bh_buf_put(out, at, (size_t)(stop - at) + 1);
        at = stop + 1;
    }
}

static size_t stanza_entries(const char *stanza, const char *end, const char *const *extra,
                             struct bh_buf *out)
{
    BH_AUTO(bh_buf_done) struct bh_buf suites = BH_BUF_INIT(0);
    struct word value;
    size_t count;

    if (!find_field(stanza, end, "Suites", &value) || !field_has(stanza, end, "Types", "deb") ||
        field_has(stanza, end, "Enabled", "no"))
        return 0;
    count = put_suites(value, extra, &suites);
    if (!count)
        return 0;
    bh_buf_printf(out, "Types: deb\nSuites:%s\n", bh_buf_text(&suites));
    put_other_fields(stanza, end, out);
    bh_buf_putc(out, '\n');
    return count;
}

static size_t deb822_entries(const char *text, const char *const *extra, struct bh_buf *out)
{
    BH_AUTO(bh_buf_done) struct bh_buf copy = BH_BUF_INIT(0);
    size_t count = 0;

    bh_buf_printf(&copy, "%s\n\n", text); /* every line and stanza ends */
    for (const char *at = bh_buf_text(&copy); *at;) {
        const char *end = strstr(at, "\n\n");

        if (!end)
            break;
        if (end > at)
            count += stanza_entries(at, end + 1, extra, out);
        at = end + 1;
        at += strspn(at, "\n");
    }
    return count;
}

size_t bh_apt_security_entries(const char *text, bool deb822, const char *const *extra,
                               struct bh_buf *out)
{
    return deb822 ? deb822_entries(text, extra, out) : one_line_entries(text, extra, out);
}

/* ---- fetching ---- */

static void add_file(const char *path, bool deb822, const char *const *extra, struct bh_buf *lines,
                     struct bh_buf *stanzas, size_t *count)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(SOURCES_MAX);

    if (bh_read_file_at(AT_FDCWD, path, &text, NULL) < 0)
        return; /* what we may not read apt would not use for us */
    *count += bh_apt_security_entries(bh_buf_text(&text), deb822, extra, deb822 ? stanzas : lines);
}

static size_t collect_sources(const char *const *extra, struct bh_buf *lines,
                              struct bh_buf *stanzas)
{
    static const char parts[] = "/etc/apt/sources.list.d";
    static const char *const endings[] = {".list", ".sources"};
    size_t count = 0;

    add_file("/etc/apt/sources.list", false, extra, lines, stanzas, &count);
    for (size_t k = 0; k < BH_COUNT_OF(endings); k++) {
        BH_AUTO(bh_db_names_done) struct bh_db_names names = {0};

        if (bh_db_names_read(parts, endings[k], &names, NULL) < 0)
            continue;
        for (size_t i = 0; i < names.count; i++) {
            BH_AUTO(bh_freep) char *path = bh_format("%s/%s", parts, names.items[i]);

            add_file(path, k == 1, extra, lines, stanzas, &count);
        }
    }
    return count;
}

static const char apt_configuration[] = "#clear APT::Update::Pre-Invoke;\n"
                                        "#clear APT::Update::Post-Invoke;\n"
                                        "#clear APT::Update::Post-Invoke-Success;\n"
                                        "Dir::State::lists \"%s/lists\";\n"
                                        "Dir::Etc::sourcelist \"/dev/null\";\n"
                                        "Dir::Etc::sourceparts \"%s/parts\";\n"
                                        "Dir::Cache::pkgcache \"\";\n"
                                        "Dir::Cache::srcpkgcache \"\";\n"
                                        "Acquire::Languages \"none\";\n"
                                        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "
                                        "\"false\";\n"
                                        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "
                                        "\"false\";\n"
                                        "Acquire::Retries \"2\";\n"
                                        "Acquire::http::Timeout \"30\";\n"
                                        "Acquire::https::Timeout \"30\";\n";

static int put_files(const char *directory, const struct bh_buf *lines,
                     const struct bh_buf *stanzas, struct bh_error *err)
{
    BH_AUTO(bh_closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    BH_AUTO(bh_freep) char *configuration = bh_format(apt_configuration, directory, directory);
    int r;

    if (fd < 0 || fchmod(fd, 0755) < 0)
        return bh_fail_errno(err, "open %s", directory);
    r = bh_mkdir_parents(fd, "parts", 0755, err);
    if (r == 0)
        r = bh_mkdir_parents(fd, "lists/partial", 0755, err);
    if (r == 0)
        r = bh_write_file_at(fd, "apt.conf", configuration, strlen(configuration), 0644, err);
    if (r == 0)
        r = bh_write_file_at(fd, "parts/security.list", bh_buf_text(lines), lines->len, 0644, err);
    if (r == 0)
        r = bh_write_file_at(fd, "parts/security.sources", bh_buf_text(stanzas), stanzas->len, 0644,
                             err);
    return r;
}

/* The last line that is an error of apt's, else its last. */
static int fail_with_output(int fd, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(SOURCES_MAX);
    const char *best = "apt-get update failed";

    if (lseek(fd, 0, SEEK_SET) != 0 || bh_read_all(fd, &text, NULL) < 0)
        return bh_fail(err, BH_UNAVAILABLE, "%s", best);
    for (char *line = text.data, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (strncmp(line, "E: ", 3) == 0 || strncmp(line, "W: ", 3) == 0)
            best = line + 3;
    }
    return bh_fail(err, BH_UNAVAILABLE, "apt: %.300s", best);
}

/* apt-get update ends with 0 although a download failed; --error-on=any makes it say so. */
static int run_apt(const char *directory, struct bh_error *err)
{
    BH_AUTO(bh_freep) char *configuration = bh_format("%s/apt.conf", directory);
    BH_AUTO(bh_closep) int output = memfd_create("apt", MFD_CLOEXEC);
    BH_AUTO(bh_child_done) struct bh_child child = BH_CHILD_INIT;
    char get[] = "apt-get", quiet[] = "-q", option[] = "-c", update[] = "update";
    char strict[] = "--error-on=any", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char locale[] = "LC_ALL=C";
    char *const argv[] = {get, quiet, option, configuration, strict, update, NULL};
    char *const envp[] = {path, locale, NULL};
    const int fds[] = {-1, output, output};
    struct bh_spawn spawn = {.path = APT_GET,
                             .argv = argv,
                             .envp = envp,
                             .fds = fds,
                             .fd_count = BH_COUNT_OF(fds),
                             .die_with_parent = 1};
    int status = 0, r;

    if (output < 0)
        return bh_fail_errno(err, "memfd_create");
    r = bh_spawn(&spawn, &child, err);
    if (r == 0)
        r = bh_child_wait(&child, FETCH_TIMEOUT_MS, &status, err);
    if (r < 0)
        return bh_wrap(err, "apt-get update");
    return status ? fail_with_output(output, err) : 0;
}

int bh_apt_fetch(const char *const *extra, char **ret_directory, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf lines = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf stanzas = BH_BUF_INIT(0);
    BH_AUTO(bh_apt_removep) char *directory = NULL;
    const char *base = getenv("TMPDIR");
    int r;

    if (access(APT_GET, X_OK) < 0)
        return bh_fail(err, BH_NOT_FOUND, "%s is not here", APT_GET);
    if (!collect_sources(extra, &lines, &stanzas))
        return bh_fail(err, BH_NOT_FOUND, "apt's sources name no security suite");
    directory = bh_format("%s/bulkhead-apt-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(directory)) {
        r = bh_fail_errno(err, "make %s", directory);
        bh_freep(&directory);
        directory = NULL;
        return r;
    }
    r = put_files(directory, &lines, &stanzas, err);
    if (r == 0)
        r = run_apt(directory, err);
    if (r < 0)
        return r;
    *ret_directory = BH_TAKE(directory);
    return 0;
}

void bh_apt_remove(char *directory)
{
    struct bh_error ignored = BH_ERROR_INIT;

    if (directory && bh_remove_tree_at(AT_FDCWD, directory, &ignored) < 0)
        (void)rmdir(directory); /* below /tmp: nothing depends on it */
    free(directory);
}
