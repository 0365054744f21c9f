/* image/source.h - where images come from: one row of a table for each kind of TARGET.
 *
 * bh_image_open turns a TARGET into an opened image, whatever its kind; nobody above looks at the
 * kind again, except to show it. A row is `const struct bh_source bh_source_X` in source_x.c and is
 * listed in source.c. */
#pragma once
#include "image/manifest.h"
#include "image/store.h"

struct bh_image;

/* What opening may use. */
struct bh_open_options {
    struct bh_store *store;      /* NULL: only sources that need none */
    struct bh_platform platform; /* all NULL: bh_platform_host() */
    bool plain_http;             /* registries: allow http:// for loopback */
    const char *auth_file;       /* registries: NULL looks in the usual places */
    /* Called now and then with what is going on, for a progress display; may be NULL. total 0 when
     * not known. */
    void (*progress)(void *data, const char *what, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_data;
};

struct bh_source {
    const char *kind;   /* "oci": target.kind in reports */
    const char *prefix; /* "oci:" */
    const char *usage;  /* "oci:DIR[:TAG]" */
    const char *text;   /* one line for help */
    /* true when a bare path (fd: opened for reading) is of this kind; may be NULL. Asked in the
     * order of the table. */
    bool (*recognise)(int fd, const char *path);
    /* rest: the TARGET without its prefix. */
    int (*open)(const struct bh_open_options *o, const char *rest, struct bh_image **ret,
                struct bh_error *err);
    bool needs_store; /* open copies into the store (registry, engine) */
};

/* NULL terminated. */
const struct bh_source *const *bh_sources(void) BH_RETURNS_NONNULL;

/* The bytes of one blob: [offset, offset + size) of fd. */
struct bh_blob {
    int fd; /* the caller's */
    uint64_t offset, size_bytes;
};
void bh_blob_done(struct bh_blob *b);

struct bh_image_layer {
    /* As the manifest says. digest unset: the source states none (a layer of an old docker-archive
     * that is compressed, a root file system tar); then diff_id alone, or nothing, is checked. */
    struct bh_descriptor blob;
    struct bh_digest diff_id; /* of the uncompressed tar; unset when there is no config */
    const char *created_by;   /* never NULL */
};

/* An opened image. Readers use the fields; only source_*.c write them. */
struct bh_image {
    struct bh_arena *arena;
    const char *kind;              /* of the source that answered: "oci", "store", "dir" ... */
    const char *reference;         /* the TARGET as the user gave it */
    const char *suggested_name;    /* under which it would be kept, or "" */
    struct bh_descriptor manifest; /* digest unset for a plain root file system */
    struct bh_descriptor root;     /* what was named: the manifest, or an index above it */
    struct bh_digest config_digest;
    struct bh_platform platform;
    const struct bh_oci_config *config; /* NULL for a plain root file system: it has none */
    struct bh_image_layer *layers;      /* bottom first; none for a directory */
    size_t layer_count;
    int root_fd;           /* dir: the directory; else -1 */
    const char *root_path; /* dir: its absolute path; else NULL */

    /* Of the source. */
    int (*open_layer)(struct bh_image *i, size_t index, struct bh_blob *ret, struct bh_error *err);
    /* The stored bytes of manifest and config, for import; may be empty for sources without. */
    struct bh_buf manifest_bytes, config_bytes;
    struct bh_oci_config *owned_config;
    struct bh_lease *lease;
    int fd; /* the archive, the layout directory; -1 */
    void *state;
    const void *layout;                /* of open_layer; in arena */
    void (*close)(struct bh_image *i); /* frees state; may be NULL */
};

/* TARGET: a prefix of the table and the rest; else a name in the store; else a path that exists.
 * An existing path wins only when it begins with '/' or '.', otherwise the store's name does.
 * Errors: BH_NOT_FOUND says what was tried and the nearest name; BH_INVALID, BH_LIMIT, BH_CORRUPT
 * for what the image says; BH_UNSUPPORTED for layers that cannot be unpacked is not decided here.
 */
int bh_image_open(const struct bh_open_options *o, const char *target, struct bh_image **ret,
                  struct bh_error *err) BH_CHECKED;
void bh_image_close(struct bh_image *i); /* NULL is allowed */
static inline void bh_image_closep(struct bh_image **i)
{
    bh_image_close(*i);
}

/* The bytes of a layer, not verified here: whoever inflates checks blob.digest and diff_id. */
int bh_image_open_layer(struct bh_image *i, size_t index, struct bh_blob *ret, struct bh_error *err)
    BH_CHECKED;

/* Fills facts' target, config and layers from an opened image. */
struct bh_facts;
void bh_image_describe(const struct bh_image *i, struct bh_facts *f) BH_NONNULL;

/* Copies manifest, config and layers into the store, every one verified, under a name. */
int bh_image_import(struct bh_image *i, struct bh_store *s, const char *name,
                    const struct bh_open_options *o, struct bh_error *err) BH_CHECKED;
