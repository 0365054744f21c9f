#include "advisory/osv.h"

#include "advisory/osv_severity.h"
#include "advisory/version.h"
#include "base/json.h"

#include <string.h>
#include <strings.h>

#define EVENTS_MAX 20000u
#define VERSIONS_MAX 200000u

static const struct bh_json_limits record_limits = {.bytes = BH_OSV_RECORD_MAX,
                                                    .depth = 32,
                                                    .nodes = 1000000};

struct reader {
    struct bh_arena *arena;
    struct bh_osv_record *record;
    struct bh_error *err;
};

/* An id, name or ecosystem: printable, not too long. */
static bool is_text(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    if (len == 0 || len > BH_OSV_TEXT_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    return true;
}

static bool is_word(const char *text)
{
    return is_text(text) && !strchr(text, ' ');
}

static bool is_version(const char *text)
{
    return text && bh_version_check(text, strlen(text), NULL) == 0;
}

static char *copy(struct reader *r, const char *text)
{
    return bh_arena_strdup(r->arena, text);
}

/* The names in a list of strings, space separated; those that are no names are passed over. */
static const char *join_names(struct reader *r, const struct bh_node *list, const char *before)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(0);
    size_t count = 0;

    bh_buf_puts(&b, before);
    for (const struct bh_node *n = bh_node_first(list); n && count < BH_OSV_ALIASES_MAX;
         n = n->next) {
        if (!is_word(bh_node_string(n)))
            continue;
        if (b.len)
            bh_buf_putc(&b, ' ');
        bh_buf_puts(&b, bh_node_string(n));
        count++;
    }
    return copy(r, bh_buf_text(&b));
}

/* One line of at most BH_OSV_SUMMARY_MAX bytes, cut between characters. */
static const char *read_summary(struct reader *r, const struct bh_node *root)
{
    const char *text = bh_node_string(bh_node_get(root, "summary"));
    size_t len;
    char *line;

    if (!text || !*text)
        text = bh_node_string_or(bh_node_get(root, "details"), "");
    len = strcspn(text, "\r\n");
    if (len > BH_OSV_SUMMARY_MAX)
        for (len = BH_OSV_SUMMARY_MAX; len && ((unsigned char)text[len] & 0xc0) == 0x80;)
            len--;
    line = bh_arena_strndup(r->arena, text, len);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return line;
}

static int add_interval(struct reader *r, const struct bh_osv_interval *interval)
{
    struct bh_osv_record *record = r->record;

    if (record->interval_count == BH_OSV_AFFECTED_MAX)
        return bh_fail(r->err, BH_LIMIT, "%s: more than %u affected ranges", record->id,
                       BH_OSV_AFFECTED_MAX);
    if (record->interval_count == record->interval_cap) {
        size_t cap = record->interval_cap ? record->interval_cap * 2 : 8;
        struct bh_osv_interval *larger = bh_arena_alloc(r->arena, cap * sizeof *larger);

        if (record->interval_count)
            memcpy(larger, record->intervals, record->interval_count * sizeof *larger);
        record->intervals = larger;
        record->interval_cap = cap;
    }
    record->intervals[record->interval_count++] = *interval;
    return 0;
}

/* In the order in which events of one version count: an end before a new beginning, an inclusive
 * end after it. */
enum event_kind { FIXED, INTRODUCED, LAST_AFFECTED };

struct event {
    enum event_kind kind;
    const char *version; /* "" for "0", the beginning of all versions */
};

static int compare_events(const void *a, const void *b, void *scheme)
{
    const struct event *ea = a, *eb = b;
    int r;

    if (!*ea->version || !*eb->version)
        r = (*ea->version != '\0') - (*eb->version != '\0');
    else
        r = bh_version_compare(*(enum bh_version_scheme *)scheme, ea->version, eb->version);
    return r ? r : (int)ea->kind - (int)eb->kind;
}

static int read_event(struct reader *r, const struct bh_node *n, struct event *ret, bool *ret_found)
{
    static const char *const keys[] = {"fixed", "introduced", "last_affected"};

    *ret_found = false;
    for (size_t i = 0; i < BH_COUNT_OF(keys); i++) {
        const char *version = bh_node_string(bh_node_get(n, keys[i]));

        if (!version)
            continue;
        if (i == INTRODUCED && strcmp(version, "0") == 0)
            version = "";
        else if (!is_version(version))
            return bh_fail(r->err, BH_INVALID, "%s: line %u: unfit version in \"%s\"",
                           r->record->id, n->line, keys[i]);
        *ret = (struct event){.kind = (enum event_kind)i, .version = version};
        *ret_found = true;
        return 0;
    }
    return 0; /* "limit" and unknown events say nothing about versions */
}

/* Sorted events to intervals. */
static int close_intervals(struct reader *r, const struct event *events, size_t count,
                           struct bh_osv_interval interval)
{
    const char *from = NULL;
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        if (events[i].kind == INTRODUCED) {
            from = from ? from : copy(r, events[i].version);
            continue;
        }
        if (!from)
            continue;
        interval.introduced = from;
        interval.fixed = events[i].kind == FIXED ? copy(r, events[i].version) : "";
        interval.last = events[i].kind == LAST_AFFECTED ? copy(r, events[i].version) : "";
        result = add_interval(r, &interval);
        from = NULL;
    }
    if (from && result == 0) {
        interval.introduced = from;
        interval.fixed = interval.last = "";
        result = add_interval(r, &interval);
    }
    return result;
}

static int read_range(struct reader *r, const struct bh_node *range,
                      const struct bh_osv_interval *template)
{
    enum bh_version_scheme scheme = bh_version_scheme_of(template->ecosystem);
    const struct bh_node *list = bh_node_get(range, "events");
    const char *type = bh_node_string_or(bh_node_get(range, "type"), "");
    BH_AUTO(bh_freep) struct event *events = NULL;
    size_t count = 0;

    if (strcmp(type, "SEMVER") == 0 && scheme == BH_VERSION_NONE)
        scheme = BH_VERSION_SEMVER;
    else if (strcmp(type, "ECOSYSTEM") != 0 && strcmp(type, "SEMVER") != 0)
        return 0;
    if (!bh_node_is(list, BH_NODE_ARRAY))
        return bh_fail(r->err, BH_INVALID, "%s: a range without events", r->record->id);
    if (list->count > EVENTS_MAX)
        return bh_fail(r->err, BH_LIMIT, "%s: more than %u events", r->record->id, EVENTS_MAX);
    events = bh_new_array(list->count, sizeof *events);
    for (const struct bh_node *n = bh_node_first(list); n; n = n->next) {
        bool found;
        int result = read_event(r, n, &events[count], &found);

        if (result < 0)
            return result;
        count += found;
    }
    qsort_r(events, count, sizeof *events, compare_events, &scheme);
    return close_intervals(r, events, count, *template);
}

static bool covers(const struct bh_osv_interval *i, enum bh_version_scheme scheme,
                   const char *version)
{
    if (*i->introduced && bh_version_compare(scheme, version, i->introduced) < 0)
        return false;
    if (*i->fixed)
        return bh_version_compare(scheme, version, i->fixed) < 0;
    return !*i->last || bh_version_compare(scheme, version, i->last) <= 0;
}

/* Enumerated versions that no range from `first` on holds. */
static int read_versions(struct reader *r, const struct bh_node *list, size_t first,
                         struct bh_osv_interval interval)
{
    enum bh_version_scheme scheme = bh_version_scheme_of(interval.ecosystem);
    size_t ranges_end = r->record->interval_count;

    if (list && list->count > VERSIONS_MAX)
        return bh_fail(r->err, BH_LIMIT, "%s: more than %u versions", r->record->id, VERSIONS_MAX);
    for (const struct bh_node *n = bh_node_first(list); n; n = n->next) {
        const char *version = bh_node_string(n);
        bool covered = false;
        int result;

        if (!is_version(version))
            continue; /* no package can have it */
        for (size_t i = first; i < ranges_end && !covered; i++)
            covered = covers(&r->record->intervals[i], scheme, version);
        if (covered)
            continue;
        interval.introduced = interval.last = copy(r, version);
        interval.fixed = "";
        result = add_interval(r, &interval);
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_affected(struct reader *r, const struct bh_node *root, const struct bh_node *node)
{
    const struct bh_node *package = bh_node_get(node, "package");
    const char *ecosystem = bh_node_string(bh_node_get(package, "ecosystem"));
    const char *name = bh_node_string(bh_node_get(package, "name"));
    size_t first = r->record->interval_count;
    struct bh_osv_interval template = {0};

    if (!package)
        return 0; /* Git ranges alone */
    if (!is_text(ecosystem) || !is_text(name))
        return bh_fail(r->err, BH_INVALID, "%s: line %u: a package without name or ecosystem",
                       r->record->id, package->line);
    template.ecosystem = copy(r, ecosystem);
    template.package = bh_osv_package_key(ecosystem, copy(r, name), r->arena);
    template.severity = bh_osv_severity(root, node);
    for (const struct bh_node *n = bh_node_first(bh_node_get(node, "ranges")); n; n = n->next) {
        int result = read_range(r, n, &template);

        if (result < 0)
            return result;
    }
    return read_versions(r, bh_node_get(node, "versions"), first, template);
}

static int read_root(struct reader *r, const struct bh_node *root)
{
    const char *id = bh_node_string(bh_node_get(root, "id"));
    const struct bh_node *withdrawn = bh_node_get(root, "withdrawn");

    if (!is_word(id))
        return bh_fail(r->err, BH_INVALID, "no OSV record: it has no \"id\"");
    r->record->id = copy(r, id);
    r->record->modified = copy(r, bh_node_string_or(bh_node_get(root, "modified"), ""));
    r->record->published = copy(r, bh_node_string_or(bh_node_get(root, "published"), ""));
    if ((*r->record->modified && !is_word(r->record->modified)) ||
        (*r->record->published && !is_word(r->record->published)))
        return bh_fail(r->err, BH_INVALID, "%s: a date that is none", id);
    r->record->withdrawn = withdrawn && !bh_node_is(withdrawn, BH_NODE_NULL);
    r->record->summary = read_summary(r, root);
    r->record->aliases = join_names(r, bh_node_get(root, "aliases"), "");
    r->record->related = join_names(r, bh_node_get(root, "related"),
                                    join_names(r, bh_node_get(root, "upstream"), ""));
    for (const struct bh_node *n = bh_node_first(bh_node_get(root, "affected")); n; n = n->next) {
        int result = read_affected(r, root, n);

        if (result < 0)
            return result;
    }
    return 0;
}

int bh_osv_read(const char *json, size_t len, struct bh_arena *arena, struct bh_osv_record *ret,
                struct bh_error *err)
{
    BH_AUTO(bh_tree_freep) struct bh_tree *tree = NULL;
    struct bh_osv_record record = {0};
    struct reader r = {.arena = arena, .record = &record, .err = err};
    int result = bh_json_parse(json, len, &record_limits, &tree, err);

    if (result < 0)
        return result;
    if (!bh_node_is(bh_tree_root(tree), BH_NODE_OBJECT))
        return bh_fail(err, BH_INVALID, "no OSV record: not an object");
    result = read_root(&r, bh_tree_root(tree));
    if (result == 0)
        *ret = record;
    return result;
}

/* The end of the object that begins at `at`, NULL when it is cut off. */
static const char *object_end(const char *at, const char *end)
{
    unsigned depth = 0;
    bool in_string = false;

    for (; at < end; at++) {
        if (in_string) {
            if (*at == '\\')
                at++;
            else if (*at == '"')
                in_string = false;
        } else if (*at == '"') {
            in_string = true;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if ((*at == '}' || *at == ']') && --depth == 0) {
            return at + 1;
        }
    }
    return NULL;
}

int bh_osv_next(const char **at, const char *end, const char **ret_json, size_t *ret_len,
                struct bh_error *err)
{
    const char *p = *at, *stop;

    while (p < end && strchr(" \t\r\n,[]", *p) && *p)
        p++;
    if (p == end) {
        *at = p;
        *ret_json = NULL;
        return 0;
    }
    if (*p != '{')
        return bh_fail(err, BH_INVALID, "no JSON object where an OSV record was expected");
    stop = object_end(p, end);
    if (!stop)
        return bh_fail(err, BH_CORRUPT, "the JSON ends inside a record");
    *ret_json = p;
    *ret_len = (size_t)(stop - p);
    *at = stop;
    return 0;
}

const char *bh_osv_package_key(const char *ecosystem, const char *name, struct bh_arena *arena)
{
    char *key, *to;

    if (strcasecmp(ecosystem, "PyPI") != 0)
        return name;
    key = to = bh_arena_strdup(arena, name);
    for (const char *c = name; *c; c++) {
        if (strchr("-_.", *c)) {
            if (to == key || to[-1] != '-')
                *to++ = '-';
        } else {
            *to++ = (*c >= 'A' && *c <= 'Z') ? (char)(*c - 'A' + 'a') : *c;
        }
    }
    *to = '\0';
    return key;
}
