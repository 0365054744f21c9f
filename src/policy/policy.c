#include "base/yaml.h"
#include "policy/policy_private.h"
#include "sys/digest.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <string.h>

struct bh_policy *bh_policy_new(void)
{
    struct bh_policy *p = bh_new0(sizeof *p);

    p->arena = bh_arena_new();
    p->scope.arena = p->arena;
    p->digest = "";
    return p;
}

static void free_source(struct bh_source *s)
{
    bh_tree_free(s->tree);
    free(s->text);
    free(s);
}

void bh_policy_free(struct bh_policy *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->draft_count; i++)
        bh_draft_free(p->drafts[i]);
    free(p->drafts);
    for (size_t i = 0; i < p->source_count; i++)
        free_source(p->sources[i]);
    free(p->sources);
    free(p->notes);
    free(p->scope.macros);
    free(p->scope.lists);
    bh_scope_done(&p->scope);
    free(p->rules);
    free(p->unread);
    bh_arena_free(p->arena);
    free(p);
}

static void add_note(struct bh_policy *p, struct bh_policy_note note)
{
    if (note.kind == BH_NOTE_ERROR)
        p->error_count++;
    if (p->note_count >= BH_POLICY_NOTES_MAX) {
        p->notes_dropped++;
        return;
    }
    bh_grow(p->notes, p->note_count, p->note_cap);
    p->notes[p->note_count++] = note;
}

static BH_PRINTF(2, 0) const
    char *format_message(struct bh_policy *p, const char *format, va_list args)
{
    char message[480];

    (void)vsnprintf(message, sizeof message, format, args);
    return bh_arena_strdup(p->arena, message);
}

void bh_policy_note(struct bh_policy *p, enum bh_note_kind kind, const struct bh_source *s,
                    const struct bh_node *node, const char *format, ...)
{
    struct bh_policy_note note = {.kind = kind, .file = s->path};
    va_list args;

    va_start(args, format);
    note.message = format_message(p, format, args);
    va_end(args);
    if (node) {
        note.line = node->line;
        note.column = node->column;
    }
    add_note(p, note);
}

void bh_policy_place(const struct bh_text *t, size_t offset, const char **file, uint32_t *line,
                     uint32_t *column)
{
    const struct bh_segment *s = &t->segments[0];

    for (size_t i = 1; i < t->count && t->segments[i].start <= offset; i++)
        s = &t->segments[i];
    *file = s->source->path;
    bh_source_locate(s->source, s->node, offset - BH_MIN(offset, s->start), line, column);
}

void bh_policy_note_at(struct bh_policy *p, enum bh_note_kind kind, const struct bh_text *t,
                       size_t offset, const char *format, ...)
{
    struct bh_policy_note note = {.kind = kind};
    va_list args;

    bh_policy_place(t, offset, &note.file, &note.line, &note.column);
    va_start(args, format);
    note.message = format_message(p, format, args);
    va_end(args);
    add_note(p, note);
}

/* libyaml's faults say their place in words; the note keeps them as they are. */
static void read_text(struct bh_policy *p, struct bh_source *s)
{
    struct bh_yaml_limits limits = bh_yaml_limits_default;
    struct bh_error err = BH_ERROR_INIT;

    limits.bytes = BH_POLICY_FILE_MAX;
    if (bh_yaml_parse(s->text, s->len, &limits, &s->tree, &err) < 0)
        bh_policy_note(p, BH_NOTE_ERROR, s, NULL, "%s", err.message);
    else
        bh_policy_read_items(p, s);
}

static struct bh_source *new_source(struct bh_policy *p, const char *path)
{
    struct bh_source *s = bh_new0(sizeof *s);

    s->path = bh_arena_strdup(p->arena, path);
    bh_grow(p->sources, p->source_count, p->source_cap);
    p->sources[p->source_count++] = s;
    return s;
}

int bh_policy_add_text(struct bh_policy *p, const char *name, const char *text, size_t len,
                       struct bh_error *err)
{
    struct bh_source *s;

    if (len > BH_POLICY_FILE_MAX)
        return bh_fail(err, BH_LIMIT, "%s: rule file of %zu bytes, limit %u", name, len,
                       BH_POLICY_FILE_MAX);
    s = new_source(p, name);
    s->text = bh_strndup(text, len);
    s->len = len;
    read_text(p, s);
    return 0;
}

int bh_policy_add_file(struct bh_policy *p, const char *path, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf b = BH_BUF_INIT(BH_POLICY_FILE_MAX);
    struct bh_source *s;
    int r = bh_read_file_at(AT_FDCWD, path, &b, err);

    if (r < 0)
        return bh_wrap(err, "policy");
    s = new_source(p, path);
    s->len = b.len;
    s->text = bh_buf_take(&b);
    read_text(p, s);
    return 0;
}

static int compare_notes(const void *a, const void *b)
{
    const struct bh_policy_note *x = a, *y = b;

    return x->line != y->line       ? (x->line < y->line ? -1 : 1)
           : x->column == y->column ? 0
           : x->column < y->column  ? -1
                                    : 1;
}

/* By line within each file; files keep their order. */
static void sort_notes(struct bh_policy *p)
{
    struct bh_policy_note *sorted = bh_new_array(p->note_count + 1, sizeof *sorted);
    size_t count = 0;

    for (size_t f = 0; f < p->source_count; f++) {
        size_t begin = count;

        for (size_t i = 0; i < p->note_count; i++)
            if (p->notes[i].file == p->sources[f]->path)
                sorted[count++] = p->notes[i];
        if (count > begin)
            qsort(sorted + begin, count - begin, sizeof *sorted, compare_notes);
    }
    free(p->notes);
    p->notes = sorted;
    p->note_count = count;
}

static void keep_digest(struct bh_policy *p)
{
    BH_AUTO(bh_hasher_freep) struct bh_hasher *h = bh_hasher_new(BH_SHA256);
    char text[BH_DIGEST_TEXT_SIZE];
    struct bh_digest d;

    for (size_t i = 0; i < p->source_count; i++) {
        uint64_t len = p->sources[i]->len;

        bh_hasher_update(h, &len, sizeof len);
        bh_hasher_update(h, p->sources[i]->text, p->sources[i]->len);
    }
    bh_hasher_finish(h, &d);
    p->digest = bh_arena_strdup(p->arena, bh_digest_format(&d, text));
}

static int tell_errors(const struct bh_policy *p, struct bh_error *err)
{
    const struct bh_policy_note *first = NULL;

    for (size_t i = 0; i < p->note_count && !first; i++)
        if (p->notes[i].kind == BH_NOTE_ERROR)
            first = &p->notes[i];
    if (!first)
        return bh_fail(err, BH_INVALID, "%zu errors", p->error_count);
    if (p->error_count > 1)
        return bh_fail(err, BH_INVALID, "%s:%u:%u: %s (and %zu more errors)", first->file,
                       first->line, first->column, first->message, p->error_count - 1);
    return bh_fail(err, BH_INVALID, "%s:%u:%u: %s", first->file, first->line, first->column,
                   first->message);
}

int bh_policy_finish(struct bh_policy *p, struct bh_error *err)
{
    p->files = bh_arena_alloc(p->arena, (p->source_count + 1) * sizeof *p->files);
    for (size_t i = 0; i < p->source_count; i++)
        p->files[i] = p->sources[i]->path;
    bh_policy_check_drafts(p);
    sort_notes(p);
    keep_digest(p);
    return p->error_count > 0 ? tell_errors(p, err) : 0;
}

const struct bh_rule *bh_policy_rules(const struct bh_policy *p, size_t *count)
{
    *count = p->rule_count;
    return p->rules;
}

const struct bh_policy_note *bh_policy_notes(const struct bh_policy *p, size_t *count,
                                             size_t *dropped)
{
    *count = p->note_count;
    *dropped = p->notes_dropped;
    return p->notes;
}

size_t bh_policy_macro_count(const struct bh_policy *p)
{
    return p->scope.macro_count;
}

size_t bh_policy_list_count(const struct bh_policy *p)
{
    return p->scope.list_count;
}

const struct bh_policy_unread *bh_policy_unread(const struct bh_policy *p, size_t *count)
{
    *count = p->unread_count;
    return p->unread;
}

const char *bh_policy_digest(const struct bh_policy *p)
{
    return p->digest;
}

const char *const *bh_policy_files(const struct bh_policy *p)
{
    return p->files;
}
