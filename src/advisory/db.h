/* advisory/db.h - the databases: one SQLite file per ecosystem and release below <root>/db.
 *
 * A file is written beside its place (db/<key>.sqlite.new), fsynced and renamed over the old one,
 * so a reader or a crash sees the old or the new, whole. Files are never changed in place; readers
 * open them immutable and take no lock. Writers hold db/lock (flock) one after the other. */
#pragma once
#include "advisory/osv.h"

#define BH_DB_FORMAT 1
#define BH_DB_SETS_MAX 256u /* files that one import may write */

struct bh_db_info {
    char *key;       /* "debian-12": the file is <key>.sqlite */
    char *ecosystem; /* "Debian:12" */
    char *source;    /* "OSV Debian:12" */
    char *date;      /* RFC 3339: newest change that the publisher made */
    char *imported;  /* RFC 3339 */
    char *note;      /* what a reader of reports should know, or "" */
    uint64_t advisories, ranges, size_bytes;
};
void bh_db_info_done(struct bh_db_info *i);

/* The file name for an ecosystem: lower case, ':' and ' ' as '-', ":LTS" dropped, Red Hat's
 * "enterprise_linux:9::baseos" as its major release. Borrowed from the arena; NULL when nothing
 * printable is left. */
char *bh_db_key(const char *ecosystem, struct bh_arena *arena) BH_NONNULL;

/* ---- writing ---- */

struct bh_db_set;
/* root exists. Waits for another writer to end. */
int bh_db_set_new(const char *root, struct bh_db_set **ret, struct bh_error *err) BH_CHECKED;
/* Removes what was not committed. NULL is allowed. */
void bh_db_set_free(struct bh_db_set *s);
static inline void bh_db_set_freep(struct bh_db_set **s)
{
    bh_db_set_free(*s);
}
/* Into the file of each ecosystem that the record's intervals name. Withdrawn records and repeated
 * ids are passed over. */
int bh_db_set_add(struct bh_db_set *s, const struct bh_osv_record *record, struct bh_error *err)
    BH_CHECKED;
/* Takes over every advisory of the existing files whose id was not added. */
int bh_db_set_keep_old(struct bh_db_set *s, struct bh_error *err) BH_CHECKED;

struct bh_db_commit {
    const char *source; /* "OSV": the ecosystem is appended; NULL: the ecosystem, ':' as a space */
    const char *date;   /* NULL: the newest record's */
    const char *note;   /* NULL: none */
    bool force;         /* accept fewer than half of what was there */
};
/* Puts all files in place, or none when one of them shrinks implausibly (at least 100 advisories
 * before, less than half of them now). *ret_infos (free each and the array) says what there is now.
 * Errors: BH_CORRUPT for the shrink, with the numbers; BH_NOT_FOUND nothing was added. */
int bh_db_set_commit(struct bh_db_set *s, const struct bh_db_commit *c,
                     struct bh_db_info **ret_infos, size_t *ret_count, struct bh_error *err)
    BH_CHECKED;
uint64_t bh_db_set_withdrawn(const struct bh_db_set *s) BH_NONNULL;

/* ---- reading ---- */

struct bh_db;
/* Errors: BH_NOT_FOUND there is none of that key; BH_UNSUPPORTED another format; BH_CORRUPT. */
int bh_db_open(const char *root, const char *key, struct bh_db **ret, struct bh_error *err)
    BH_CHECKED;
void bh_db_close(struct bh_db *db); /* NULL is allowed */
static inline void bh_db_closep(struct bh_db **db)
{
    bh_db_close(*db);
}
const struct bh_db_info *bh_db_info(const struct bh_db *db) BH_NONNULL;

/* One advisory about one package. Texts are valid until the callback returns. */
struct bh_db_hit {
    const char *id, *aliases, *related, *summary, *published;
    const char *fixed; /* NULL when none is known */
    enum bh_severity severity;
};
typedef void bh_db_found(void *context, const struct bh_db_hit *hit);
/* Calls found for every advisory that holds version of package affected, in the order of
 * import. */
int bh_db_match(struct bh_db *db, const char *package, const char *version, bh_db_found *found,
                void *context, struct bh_error *err) BH_CHECKED;

/* Every database below root, sorted by key. A file that cannot be read has source NULL and its
 * reason in note. */
int bh_db_list(const char *root, struct bh_db_info **ret, size_t *ret_count, struct bh_error *err)
    BH_CHECKED;
