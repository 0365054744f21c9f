/* fact/facts.h - everything learned about one image: the records that rooms hand to each other.
 *
 * All strings belong to the facts' arena and live as long as it does. Lists grow through the
 * bh_facts_add_* functions, which return the new zeroed record to fill in; it stays where it is
 * only until the next call for the same list. A list is only as complete as the coverage records
 * say: whoever could not look at something adds one. */
#pragma once
#include "base/mem.h"
#include "fact/severity.h"

#include <stddef.h>
#include <stdint.h>

#define BH_LAYER_NONE UINT32_MAX

/* Subjects of coverage records that name a list of facts. What lies below a blind subject is blind
 * too: files that were not seen may have held packages, and packages that were not seen may be
 * vulnerable. */
#define BH_SUBJECT_FILES "files"       /* above packages and findings */
#define BH_SUBJECT_PACKAGES "packages" /* above vulnerabilities */
#define BH_SUBJECT_VULNERABILITIES "vulnerabilities"
#define BH_SUBJECT_FINDINGS "findings"
#define BH_SUBJECT_CONFIG "config" /* above findings */

struct bh_layer_fact {
    const char *digest;  /* of the blob as stored; "" for a plain directory */
    const char *diff_id; /* of the uncompressed tar */
    const char *media_type;
    const char *created_by; /* the history line, or "" */
    uint64_t size_bytes;    /* of the blob */
};

struct bh_distribution {
    const char *id;          /* os-release ID: "debian"; NULL when no os-release was found */
    const char *version_id;  /* "12" */
    const char *codename;    /* "bookworm" */
    const char *pretty_name; /* "Debian GNU/Linux 12 (bookworm)" */
    const char *id_like;
};

struct bh_package {
    const char *name;
    const char *version;     /* as the package manager writes it, with epoch */
    const char *type;        /* package URL type: "deb", "apk", "rpm" */
    const char *source_name; /* the name itself when the database names no source */
    const char *source_version;
    const char *architecture;
    const char *purl;
    const char *license; /* or NULL */
    const char *path;    /* the database file that says so */
    uint32_t layer;      /* index of the layer that brought this version */
};

struct bh_vulnerability {
    const char *id;             /* "CVE-2024-1234", "DSA-...", "GHSA-..." */
    const char *const *aliases; /* NULL terminated, never NULL */
    uint32_t package;           /* index into packages */
    const char *installed;
    const char *fixed; /* first fixed version, NULL when there is none */
    enum bh_severity severity;
    const char *source;    /* name of the feed that says so */
    const char *summary;   /* or NULL */
    const char *published; /* RFC 3339, or NULL */
};

struct bh_finding {
    const char *rule; /* stable identifier: "config-user-root", "file-setuid" */
    enum bh_severity severity;
    const char *path; /* inside the image, or NULL */
    uint32_t layer;
    const char *message;
};

struct bh_coverage {
    const char *subject; /* BH_SUBJECT_*, or what was passed over: "device-node", "socket" ... */
    const char *path;    /* what was not looked at, or NULL */
    uint32_t layer;
    const char *reason;
    bool blind; /* true: the list named by subject may lack entries, so rules over it end unknown */
};

struct bh_advisory_source {
    const char *name;     /* "OSV Debian", "debian-security bookworm" */
    const char *date;     /* RFC 3339: when the publisher made it */
    const char *imported; /* RFC 3339 */
    uint64_t count;       /* advisories in it */
};

/* The image's configuration (OCI image-spec config.md), as judged. */
struct bh_image_config {
    bool known;       /* false for a plain root file system, which has none */
    const char *user; /* "" when not set */
    const char *const *entrypoint, *const *cmd, *const *env; /* NULL terminated, never NULL */
    const char *const *exposed_ports;                        /* "80/tcp" */
    const char *const *volumes;
    const char *const *label_names, *const *label_values;
    const char *working_dir;
    const char *stop_signal;
    bool has_healthcheck;
    const char *const *history; /* created_by of every entry, in order */
    const char *created;        /* RFC 3339 or NULL */
    const char *author;
    const char *os, *architecture, *variant;
};

struct bh_facts {
    struct bh_arena *arena;
    struct {
        const char *kind;      /* "oci", "docker-archive", "dir", "store", ... */
        const char *reference; /* as the user named it */
        const char *digest;    /* of the manifest; "" for a plain directory */
        const char *name;      /* the image's own name "registry/repository:tag" when the user's
                                * words were a path (RepoTags, ref.name annotation), else NULL */
    } target;
    struct bh_image_config config;
    struct bh_distribution distribution;
    struct bh_layer_fact *layers;
    size_t layer_count, layer_cap;
    struct bh_package *packages;
    size_t package_count, package_cap;
    struct bh_vulnerability *vulnerabilities;
    size_t vulnerability_count, vulnerability_cap;
    struct bh_finding *findings;
    size_t finding_count, finding_cap;
    struct bh_coverage *coverage;
    size_t coverage_count, coverage_cap;
    struct bh_advisory_source *sources;
    size_t source_count, source_cap;
    uint64_t size_bytes; /* of all layers, uncompressed */
    uint64_t file_count;
    struct bh_facts_derived *derived; /* computed when first asked for; fact/ only */
};

struct bh_facts *bh_facts_new(void) BH_RETURNS_NONNULL;
void bh_facts_free(struct bh_facts *f); /* NULL is allowed */
static inline void bh_facts_freep(struct bh_facts **f)
{
    bh_facts_free(*f);
}

struct bh_layer_fact *bh_facts_add_layer(struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
struct bh_package *bh_facts_add_package(struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
struct bh_vulnerability *bh_facts_add_vulnerability(struct bh_facts *f)
    BH_NONNULL BH_RETURNS_NONNULL;
struct bh_finding *bh_facts_add_finding(struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
struct bh_coverage *bh_facts_add_coverage(struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;
struct bh_advisory_source *bh_facts_add_source(struct bh_facts *f) BH_NONNULL BH_RETURNS_NONNULL;

/* A copy of a NULL-terminated list in the arena; NULL gives an empty list. */
const char *const *bh_facts_list(struct bh_facts *f, const char *const *items) BH_RETURNS_NONNULL;
size_t bh_list_length(const char *const *items) BH_NONNULL;
/* true when a blind coverage record speaks of subject, or of one above it: absence of entries
 * proves nothing. */
bool bh_facts_is_blind(const struct bh_facts *f, const char *subject) BH_NONNULL;
/* true when blindness for `subject` makes the list named by `asked` incomplete too. */
bool bh_coverage_covers(const char *subject, const char *asked) BH_NONNULL;
/* Adds a coverage record; subject and reason must live as long as f, path may be NULL. */
void bh_facts_not_covered(struct bh_facts *f, const char *subject, const char *path, uint32_t layer,
                          bool blind, const char *reason) BH_NONNULL_ARGS(1, 2, 6);

/* true when a container of this configuration starts as user 0, which is also what "no user set"
 * and "no configuration" mean. A user name is looked at as it stands: "root", "0", "0:0". */
bool bh_image_config_is_root(const struct bh_image_config *c) BH_NONNULL;
