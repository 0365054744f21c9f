/* policy/policy_private.h - a policy while it is put together. Only policy/ includes this. */
#pragma once
#include "base/buf.h"
#include "base/node.h"
#include "policy/parser.h"
#include "policy/rules.h"
#include "policy/source.h"

/* A condition may be written in several places ("append"): its text is theirs, one after another.
 */
struct bh_segment {
    const struct bh_source *source;
    const struct bh_node *node;
    size_t start; /* where in the text */
};

struct bh_text {
    struct bh_segment *segments;
    size_t count, cap;
    struct bh_buf text;
    struct bh_condition *condition;
};

struct bh_draft_exception {
    const struct bh_source *source;
    const struct bh_node *node; /* the whole exception */
    struct bh_condition *condition;
};

enum bh_draft_kind { BH_DRAFT_RULE, BH_DRAFT_MACRO, BH_DRAFT_LIST };

/* One rule, macro or list as the files say so far. */
struct bh_draft {
    enum bh_draft_kind kind;
    const char *name;
    const struct bh_source *source; /* of its first definition */
    const struct bh_node *node;
    struct bh_text condition;
    const char **items; /* of a list */
    size_t item_count, item_cap;
    const struct bh_node *description, *output, *priority, *tags, *enabled, *event_source, *gate,
        *action, *on_unknown, *profile;
    struct bh_draft_exception *exceptions;
    size_t exception_count, exception_cap;
};

struct bh_policy {
    struct bh_arena *arena;
    struct bh_source **sources;
    size_t source_count, source_cap;
    struct bh_draft **drafts;
    size_t draft_count, draft_cap;
    struct bh_policy_note *notes;
    size_t note_count, note_cap, notes_dropped, error_count;
    struct bh_scope scope;
    struct bh_rule *rules;
    size_t rule_count;
    struct bh_policy_unread *unread;
    size_t unread_count;
    const char **files;
    const char *digest;
};

/* Adds a note about a node of a file; node NULL means the whole file. */
void bh_policy_note(struct bh_policy *p, enum bh_note_kind kind, const struct bh_source *s,
                    const struct bh_node *node, const char *format, ...) BH_PRINTF(5, 6);
/* The same about a byte of a condition's text. */
void bh_policy_note_at(struct bh_policy *p, enum bh_note_kind kind, const struct bh_text *t,
                       size_t offset, const char *format, ...) BH_PRINTF(5, 6);
/* Where in which file that byte stands. */
void bh_policy_place(const struct bh_text *t, size_t offset, const char **file, uint32_t *line,
                     uint32_t *column) BH_NONNULL;
/* Reads the items of a file's tree into drafts. */
void bh_policy_read_items(struct bh_policy *p, const struct bh_source *s) BH_NONNULL;
/* Drafts into scope and rules; faults become notes. */
void bh_policy_check_drafts(struct bh_policy *p) BH_NONNULL;
void bh_draft_free(struct bh_draft *d);
/* The `profile:` of a rule; NULL after a note. */
const struct bh_tightening *bh_policy_tightening(struct bh_policy *p, const struct bh_draft *d);
/* Scalars as text: numbers and booleans as they would be written. NULL for others. */
const char *bh_policy_scalar(struct bh_policy *p, const struct bh_node *n);
/* A condition for an exception; NULL after a note. */
struct bh_condition *bh_policy_exception_condition(struct bh_policy *p,
                                                   const struct bh_draft_exception *e,
                                                   struct bh_text *text);
void bh_text_add(struct bh_text *t, const struct bh_source *s, const struct bh_node *n);
void bh_text_done(struct bh_text *t);
