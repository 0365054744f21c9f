/* advisory/osv.h - records of the Open Source Vulnerability format, reduced to what matching needs.
 *
 * A record's ranges become intervals [introduced, fixed) or [introduced, last]; versions that are
 * only enumerated become intervals of one version. Git ranges, references, credits and details are
 * dropped.
 * Source: OSV schema 1.6/1.7, ossf.github.io/osv-schema. */
#pragma once
#include "base/buf.h"
#include "base/mem.h"
#include "fact/severity.h"

#include <stddef.h>
#include <stdint.h>

#define BH_OSV_RECORD_MAX (16u * 1024 * 1024) /* bytes of one record's JSON */
#define BH_OSV_TEXT_MAX 512u                  /* bytes of an id, a package name, an ecosystem */
#define BH_OSV_SUMMARY_MAX 400u               /* bytes kept of a summary */
#define BH_OSV_AFFECTED_MAX 100000u           /* intervals of one record */
#define BH_OSV_ALIASES_MAX 4096u

struct bh_osv_interval {
    const char *ecosystem; /* "Debian:12" */
    const char *package;
    const char *introduced; /* "" is from the beginning */
    const char *fixed;      /* "" when none is known */
    const char *last;       /* last affected, inclusive; "" when open */
    enum bh_severity severity;
};

struct bh_osv_record {
    const char *id;
    const char *modified, *published; /* as written; "" when absent */
    const char *summary;              /* "" when absent */
    const char *aliases;              /* other names of the same vulnerability, space separated */
    const char *related;              /* upstream names and what it fixes beside, space separated */
    bool withdrawn;
    struct bh_osv_interval *intervals;
    size_t interval_count, interval_cap;
};

/* Reads one JSON object. The record lives in the arena.
 * Errors: BH_INVALID, BH_LIMIT; the message begins with the record's id once that is known. */
int bh_osv_read(const char *json, size_t len, struct bh_arena *arena, struct bh_osv_record *ret,
                struct bh_error *err) BH_CHECKED;

/* Finds the next record of a document that is one object, an array of objects, or objects one after
 * another (JSON lines), without reading more than its brackets. *at moves on; *ret_json is NULL at
 * the end.
 * Errors: BH_INVALID text that is no object, or one that is cut off. */
int bh_osv_next(const char **at, const char *end, const char **ret_json, size_t *ret_len,
                struct bh_error *err) BH_CHECKED;

/* The form in which a confined reader hands records on. */
void bh_osv_pack(const struct bh_osv_record *r, struct bh_buf *out) BH_NONNULL;
/* Reads one packed record from data[*at..len) and checks it as something a stranger sent: every
 * text is valid, within its limit and without control characters. Strings borrow from data.
 * Errors: BH_INTERNAL. */
int bh_osv_unpack(const char *data, size_t len, size_t *at, struct bh_arena *arena,
                  struct bh_osv_record *ret, struct bh_error *err) BH_CHECKED;

/* The name a package is stored and looked up under: PyPI's are folded as PEP 503 says, all others
 * are kept. */
const char *bh_osv_package_key(const char *ecosystem, const char *name, struct bh_arena *arena);
