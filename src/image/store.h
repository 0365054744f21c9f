/* image/store.h - the content-addressed store: blobs, names, leases, unpacked layers, collection.
 *
 * Layout, lock order and promises: docs/store.md. Any number of processes may use one store at the
 * same time. A struct bh_store is for one thread. */
#pragma once
#include "image/manifest.h"

#include <stdint.h>
#include <sys/types.h>

#define BH_STORE_FORMAT 1

/* Opens the root directory, checks VERSION and migrates; with create it is made when missing.
 * *ret_fd (O_PATH is not set: it can be fsynced and listed) is the caller's.
 * Errors: BH_NOT_FOUND    there is none and create is false
 *         BH_INVALID      not empty and without VERSION
 *         BH_UNSUPPORTED  a newer format */
int bh_root_open(const char *path, bool create, int *ret_fd, struct bh_error *err) BH_CHECKED;

struct bh_store;
int bh_store_open(const char *root, bool create, struct bh_store **ret, struct bh_error *err)
    BH_CHECKED;
void bh_store_close(struct bh_store *s); /* NULL is allowed */
static inline void bh_store_closep(struct bh_store **s)
{
    bh_store_close(*s);
}
int bh_store_root_fd(const struct bh_store *s) BH_NONNULL;           /* borrowed */
const char *bh_store_root_path(const struct bh_store *s) BH_NONNULL; /* borrowed */

/* ---- leases: what this process holds although no name does yet ---- */

struct bh_lease;
int bh_lease_new(struct bh_store *s, struct bh_lease **ret, struct bh_error *err) BH_CHECKED;
int bh_lease_add(struct bh_lease *l, const struct bh_digest *d, struct bh_error *err) BH_CHECKED;
void bh_lease_end(struct bh_lease *l); /* NULL is allowed */
static inline void bh_lease_endp(struct bh_lease **l)
{
    bh_lease_end(*l);
}

/* ---- blobs ---- */

/* true when the blob is there; it stays as long as the lease lives. */
int bh_store_has(struct bh_lease *l, const struct bh_digest *d, bool *ret, struct bh_error *err)
    BH_CHECKED;
/* Read-only descriptor, the caller's. The content was verified when it was written.
 * Errors: BH_NOT_FOUND names the digest. */
int bh_store_open_blob(struct bh_store *s, const struct bh_digest *d, int *ret_fd,
                       uint64_t *ret_size, struct bh_error *err) BH_CHECKED;
/* The whole of a small blob, at most limit bytes, verified again. */
int bh_store_read_blob(struct bh_store *s, const struct bh_digest *d, size_t limit,
                       struct bh_buf *out, struct bh_error *err) BH_CHECKED;
/* Stores bytes whose digest is computed here; *ret may be NULL. */
int bh_store_put(struct bh_lease *l, const void *data, size_t len, struct bh_digest *ret,
                 struct bh_error *err) BH_CHECKED;

/* Writing one blob piece by piece. Begin, write ..., then commit or abort.
 * expected may be NULL when the digest is not known beforehand; size UINT64_MAX when the size is
 * not. More bytes than size: BH_CORRUPT at once. Not for several threads; several ingests of one
 * lease may be open at the same time, in threads of their own each. */
struct bh_ingest;
/* With resume, the bytes an earlier, broken attempt left are kept and hashed again:
 * bh_ingest_offset says where to go on (0: from the start; it may be the size already). Needs
 * expected. When another process is writing the same blob, waits for it. *ret_done: it is there
 * already, nothing to write, *ret is not set. */
int bh_ingest_begin(struct bh_lease *l, const struct bh_digest *expected, uint64_t size,
                    bool resume, struct bh_ingest **ret, bool *ret_done, struct bh_error *err)
    BH_CHECKED;
uint64_t bh_ingest_offset(const struct bh_ingest *i) BH_NONNULL;
int bh_ingest_write(struct bh_ingest *i, const void *data, size_t len, struct bh_error *err)
    BH_CHECKED;
/* Throws away what is there, to begin at 0 again (a server that ignores Range). */
int bh_ingest_restart(struct bh_ingest *i, struct bh_error *err) BH_CHECKED;
/* Verifies, fsyncs, renames. Frees the ingest in every case. A mismatch is BH_CORRUPT and leaves
 * nothing. *ret may be NULL. */
int bh_ingest_commit(struct bh_ingest *i, struct bh_digest *ret, struct bh_error *err) BH_CHECKED;
/* Frees; a resumable one keeps its bytes for the next attempt. NULL is allowed. */
void bh_ingest_abort(struct bh_ingest *i);
static inline void bh_ingest_abortp(struct bh_ingest **i)
{
    bh_ingest_abort(*i);
}

/* ---- names ---- */

struct bh_record_layer {
    struct bh_descriptor blob;
    struct bh_digest diff_id;
    const char *created_by;
};

/* What a name stands for: everything needed to list, open and keep an image without parsing. */
struct bh_name_record {
    struct bh_arena *arena;
    const char *name;
    const char *source;            /* the TARGET it came from */
    const char *imported;          /* RFC 3339 */
    struct bh_descriptor root;     /* what the name points to: a manifest or an index */
    struct bh_descriptor manifest; /* the image chosen for platform */
    struct bh_descriptor config;
    struct bh_platform platform;
    struct bh_record_layer *layers;
    size_t layer_count;
};
void bh_name_record_free(struct bh_name_record *r); /* NULL is allowed */
static inline void bh_name_record_freep(struct bh_name_record **r)
{
    bh_name_record_free(*r);
}

/* Gives root (a manifest or index whose blobs the lease holds) a name: reads it in a confined
 * child, chooses the platform, checks that every blob of that image is in the store and that config
 * and manifest agree on the layers, writes the record. An existing name is replaced. A digest in
 * the name must be root's or that of the manifest chosen: else BH_CORRUPT. */
int bh_store_set_name(struct bh_lease *l, const char *name, const struct bh_descriptor *root,
                      const struct bh_platform *platform, const char *source, struct bh_error *err)
    BH_CHECKED;
/* NAME@DIGEST also finds an image of that digest under any tag of NAME.
 * Errors: BH_NOT_FOUND with the nearest name there is. */
int bh_store_get_name(struct bh_store *s, const char *name, struct bh_name_record **ret,
                      struct bh_error *err) BH_CHECKED;
int bh_store_remove_name(struct bh_store *s, const char *name, struct bh_error *err) BH_CHECKED;
/* The path of the name's record below the root ("names/..."), for staleness checks; out holds
 * BH_NAME_PATH_SIZE bytes. */
#define BH_NAME_PATH_SIZE 256u
int bh_store_name_path(const char *name, char *out, struct bh_error *err) BH_CHECKED;
/* Calls each in the order of names; a result other than 0 ends the walk and is returned. */
int bh_store_each_name(struct bh_store *s,
                       int (*each)(const struct bh_name_record *r, void *data,
                                   struct bh_error *err),
                       void *data, struct bh_error *err) BH_CHECKED;

/* ---- unpacked layers ---- */

/* A layer that stays unpacked as long as this is held. */
struct bh_layer_lease {
    int lock_fd; /* shared flock; -1 when released */
    char *path;  /* absolute path of the layer's fs directory */
};
#define BH_LAYER_LEASE_INIT ((struct bh_layer_lease){.lock_fd = -1})
void bh_layer_lease_done(struct bh_layer_lease *l);

/* Fills an empty directory with the layer's content in overlay form. */
typedef int bh_layer_fill(int fs_fd, void *data, struct bh_error *err);

/* Holds the unpacked layer diff_id; when it is not there yet, fill is called once (of all
 * processes) to make it. fill NULL: BH_NOT_FOUND instead. A failed fill leaves nothing. */
int bh_store_layer_lease(struct bh_store *s, const struct bh_digest *diff_id, bh_layer_fill *fill,
                         void *data, struct bh_layer_lease *ret, struct bh_error *err) BH_CHECKED;

/* ---- collection ---- */

struct bh_gc_options {
    bool with_partials; /* remove interrupted downloads of any age */
    bool verify;        /* hash every blob that stays, and remove those that are damaged */
};

struct bh_gc_result {
    uint64_t blobs, layers, temporaries; /* removed */
    uint64_t bytes;                      /* of removed blobs */
    uint64_t damaged;                    /* of the removed blobs: a name still needs them */
    uint64_t busy_layers;                /* without a name, but in use */
    uint64_t cached; /* facts without a name, and launch records, unused for 30 days */
};
int bh_store_collect(struct bh_store *s, const struct bh_gc_options *o, struct bh_gc_result *ret,
                     struct bh_error *err) BH_CHECKED;
