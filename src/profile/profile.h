/* profile/profile.h - the profile of one image under one policy: narrowed, written down, named by
 * its digest.
 *
 * The launch record is what is enforced; the document is made from that record and says the same in
 * words, so that what is shown cannot differ from what is done. Rules of the run gate narrow it
 * first (fact/tightening.h). Documents are kept as <root>/profiles/<hex of their digest>.json.
 * Schema: docs/schema/profile.schema.json; members are added, never renamed or removed, within a
 * major version of BH_PROFILE_SCHEMA. */
#pragma once
#include "base/buf.h"
#include "fact/verdict.h"
#include "profile/launch.h"

#define BH_PROFILE_SCHEMA "bulkhead/profile/1"
#define BH_PROFILE_MAX (1u << 20) /* bytes of a document */

/* What the record does not say. */
struct bh_profile_subject {
    const char *platform;             /* "linux/amd64" */
    const char *const *ports;         /* the image declares, "80/tcp"; NULL terminated */
    const struct bh_verdict *verdict; /* of the run gate; NULL when nothing judged */
};

/* Narrows *l by the verdict's rules; what is made is owned by a.
 * Errors: BH_LIMIT when the system call program becomes too long. */
int bh_profile_narrow(struct bh_launch *l, const struct bh_verdict *v, struct bh_arena *a,
                      struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);

/* Appends the document of *l. */
void bh_profile_write(struct bh_buf *out, const struct bh_launch *l,
                      const struct bh_profile_subject *s) BH_NONNULL;

/* Narrows, writes the document below root_path and sets l->profile_digest.
 * Errors: BH_LIMIT, BH_IO, BH_DENIED. */
int bh_profile_compile(struct bh_launch *l, const struct bh_profile_subject *s,
                       const char *root_path, struct bh_arena *a, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2, 3, 4);

/* The kept document of that digest ("sha256:..."), appended to out; verified.
 * Errors: BH_NOT_FOUND, BH_CORRUPT, BH_INVALID. */
int bh_profile_read(const char *root_path, const char *digest, struct bh_buf *out,
                    struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 2, 3);
