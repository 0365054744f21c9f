/* policy/rules.h - policies: rule files read, put together, checked.
 *
 * A policy is made from one or more files, later ones refining earlier ones as in Falco: a rule,
 * macro or list of the same name replaces the earlier one; `append: true` or `override:` add to it
 * or replace single keys. Beyond Falco's keys a rule may have `gate:`, `action:` and `unknown:`,
 * and its exceptions `condition:`, `reason:`, `owner:` and `expires:` (docs/policy.md).
 *
 * Faults do not stop the reading: each becomes a note with file, line and column, so that
 * `bulkhead policy check` shows all of them at once. */
#pragma once
#include "base/error.h"
#include "fact/verdict.h"
#include "policy/program.h"

#define BH_POLICY_FILE_MAX (1024u * 1024u) /* bytes */
#define BH_POLICY_RULES_MAX 10000u
#define BH_POLICY_NOTES_MAX 200u /* further ones are counted only */

/* Falco's words, worst first. */
enum bh_priority {
    BH_PRIORITY_EMERGENCY,
    BH_PRIORITY_ALERT,
    BH_PRIORITY_CRITICAL,
    BH_PRIORITY_ERROR,
    BH_PRIORITY_WARNING,
    BH_PRIORITY_NOTICE,
    BH_PRIORITY_INFORMATIONAL,
    BH_PRIORITY_DEBUG,
};
#define BH_PRIORITY_COUNT 8
const char *bh_priority_name(enum bh_priority p) BH_RETURNS_NONNULL;

enum bh_note_kind { BH_NOTE_ERROR, BH_NOTE_WARNING, BH_NOTE_INFO };

struct bh_policy_note {
    enum bh_note_kind kind;
    const char *file;
    uint32_t line, column; /* from 1; 0 when the whole file is meant */
    const char *message;
};

/* A field that no room provides yet. */
struct bh_policy_unread {
    const char *field, *file; /* of its first use */
    uint32_t line, column;
    size_t uses;
};

struct bh_rule_exception {
    const char *name, *reason, *owner, *expires; /* NULL when not given */
    int64_t expires_at;                          /* the first second it no longer holds */
    const struct bh_program *program;
};

struct bh_rule {
    const char *name, *description, *output;
    const char *source;      /* "syscall" unless the file says otherwise */
    const char *const *tags; /* NULL terminated */
    const char *file;
    uint32_t line;
    enum bh_priority priority;
    bool enabled;
    uint32_t gates; /* bit n: enum bh_gate n; 0 is a rule for events */
    enum bh_action action;
    enum bh_action on_unknown;        /* asked for when a fact is missing */
    const struct bh_program *program; /* NULL when it has errors */
    enum bh_record_class record;
    struct bh_rule_exception *exceptions;
    size_t exception_count;
    const struct bh_tightening *profile; /* NULL when it has none */
};

struct bh_policy;

/* Files in order. None, and the word "default" among them, mean the default policy that was built
 * in (rules/default.yaml). Read and checked whole.
 * Errors: of bh_policy_add_file and bh_policy_finish. On success *ret is the caller's. */
int bh_policy_load(const char *const *paths, size_t count, struct bh_policy **ret,
                   struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(3);
#define BH_POLICY_DEFAULT_NAME "rules/default.yaml"
/* Adds the default policy as text. */
int bh_policy_add_default(struct bh_policy *p, struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1);

struct bh_policy *bh_policy_new(void) BH_RETURNS_NONNULL;
void bh_policy_free(struct bh_policy *p); /* NULL is allowed */
static inline void bh_policy_freep(struct bh_policy **p)
{
    bh_policy_free(*p);
}

/* Adds a file, or text that is called name in notes.
 * Errors: BH_NOT_FOUND, BH_DENIED, BH_IO, BH_LIMIT; faults of the content become notes. */
int bh_policy_add_file(struct bh_policy *p, const char *path, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
int bh_policy_add_text(struct bh_policy *p, const char *name, const char *text, size_t len,
                       struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);

/* Checks everything; to be called once, when all files are in.
 * Errors: BH_INVALID when there is a note of kind error; the message is the first of them, as
 *         "file:line:column: ...", and how many more there are. */
int bh_policy_finish(struct bh_policy *p, struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1);

const struct bh_rule *bh_policy_rules(const struct bh_policy *p, size_t *count) BH_NONNULL;
/* In the order of files and lines. *dropped: notes beyond BH_POLICY_NOTES_MAX. */
const struct bh_policy_note *bh_policy_notes(const struct bh_policy *p, size_t *count,
                                             size_t *dropped) BH_NONNULL;
size_t bh_policy_macro_count(const struct bh_policy *p) BH_NONNULL;
size_t bh_policy_list_count(const struct bh_policy *p) BH_NONNULL;
/* Distinct fields that rules for events name and no room provides yet, sorted by name. */
const struct bh_policy_unread *bh_policy_unread(const struct bh_policy *p, size_t *count)
    BH_NONNULL;
/* "sha256:..." over the files in order; valid after bh_policy_finish. */
const char *bh_policy_digest(const struct bh_policy *p) BH_NONNULL BH_RETURNS_NONNULL;
const char *const *bh_policy_files(const struct bh_policy *p) BH_NONNULL BH_RETURNS_NONNULL;
