/* image/manifest.h - descriptors, manifests, indexes and image configurations, as records.
 *
 * Manifests come from strangers. bh_manifest_parse and bh_oci_config_parse read them with the
 * strict JSON reader; whoever runs with privileges or with the store open calls the _confined
 * forms, which do the same in a forked child that has been locked down first (sys/sandbox) and hand
 * back the checked records. Reading never refuses a media type nobody knows (image-spec: "MUST NOT
 * error"); bh_layer_format tells whether a layer can be unpacked, and unpacking refuses the others.
 * Source: OCI image-spec 1.1 (descriptor.md, manifest.md, image-index.md, config.md), Docker
 * distribution "Image Manifest V 2, Schema 2". */
#pragma once
#include "base/buf.h"
#include "base/mem.h"
#include "fact/facts.h"
#include "sys/digest.h"

#include <stdint.h>

#define BH_MANIFEST_MAX (4u * 1024 * 1024) /* bytes of a manifest, index or config */
#define BH_MANIFEST_LAYERS_MAX 1024u       /* layers of one image, entries of one history */
#define BH_INDEX_ENTRIES_MAX 4096u
#define BH_INDEX_DEPTH_MAX 4u /* an index that names an index that names ... */

#define BH_MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define BH_MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define BH_MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define BH_MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define BH_MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define BH_MEDIA_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define BH_MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define BH_MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define BH_MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define BH_MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define BH_MEDIA_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

enum bh_layer_format {
    BH_LAYER_UNKNOWN = 0, /* nobody defined it, or encrypted: stored, never unpacked */
    BH_LAYER_TAR,
    BH_LAYER_TAR_GZIP,
    BH_LAYER_TAR_ZSTD,
};
/* By media type alone; the non-distributable and Docker forms included. media_type may be NULL. */
enum bh_layer_format bh_layer_format(const char *media_type);
/* 0 when the layer can be unpacked, else BH_UNSUPPORTED naming the type and what is known. */
int bh_layer_format_check(const char *media_type, struct bh_error *err) BH_CHECKED;
bool bh_media_type_is_index(const char *media_type);    /* OCI index or Docker manifest list */
bool bh_media_type_is_manifest(const char *media_type); /* OCI or Docker image manifest */
bool bh_media_type_is_config(const char *media_type);   /* of a container image, OCI or Docker */

struct bh_platform {
    const char *os, *architecture, *variant, *os_version; /* NULL: not stated */
};

struct bh_annotation {
    const char *name, *value;
};

struct bh_descriptor {
    const char *media_type; /* never NULL once parsed */
    struct bh_digest digest;
    uint64_t size_bytes;
    const char *artifact_type;   /* or NULL */
    struct bh_platform platform; /* all NULL when not stated */
    struct bh_annotation *annotations;
    size_t annotation_count;
};

/* An image manifest or an index; all memory belongs to arena. */
struct bh_manifest {
    struct bh_arena *arena;
    bool is_index;
    const char *media_type;    /* stated, or concluded from the members */
    const char *artifact_type; /* or NULL */
    bool has_subject;
    struct bh_descriptor subject;
    struct bh_descriptor config; /* of a manifest */
    struct bh_descriptor *items; /* a manifest's layers, an index's manifests */
    size_t item_count;
    struct bh_annotation *annotations;
    size_t annotation_count;
};

/* An image configuration; all memory belongs to arena. */
struct bh_oci_config {
    struct bh_arena *arena;
    struct bh_image_config image; /* strings and lists in arena; history holds all entries */
    struct bh_digest *diff_ids;   /* one for each layer, bottom first */
    size_t diff_id_count;
    const char **layer_created_by; /* diff_id_count entries: the history line of each layer or "" */
};

/* media_type is what the descriptor or the Content-Type said; NULL when unknown. When the document
 * states one too, they must agree.
 * Errors: BH_LIMIT    over BH_MANIFEST_MAX or another limit above
 *         BH_INVALID  not JSON, duplicate keys, a member of the wrong kind, no manifest at all */
int bh_manifest_parse(const char *text, size_t len, const char *media_type,
                      struct bh_manifest **ret, struct bh_error *err) BH_CHECKED;
void bh_manifest_free(struct bh_manifest *m); /* NULL is allowed */
static inline void bh_manifest_freep(struct bh_manifest **m)
{
    bh_manifest_free(*m);
}

int bh_oci_config_parse(const char *text, size_t len, struct bh_oci_config **ret,
                        struct bh_error *err) BH_CHECKED;
void bh_oci_config_free(struct bh_oci_config *c); /* NULL is allowed */
static inline void bh_oci_config_freep(struct bh_oci_config **c)
{
    bh_oci_config_free(*c);
}

/* The same in a confined child. Further errors: BH_INTERNAL when the child died over the document,
 * BH_TIMEOUT after 20 seconds. */
int bh_manifest_parse_confined(const char *text, size_t len, const char *media_type,
                               struct bh_manifest **ret, struct bh_error *err) BH_CHECKED;
int bh_oci_config_parse_confined(const char *text, size_t len, struct bh_oci_config **ret,
                                 struct bh_error *err) BH_CHECKED;

/* The platform this program was built for: "linux", "amd64" or "arm64", variant "v8" there. */
struct bh_platform bh_platform_host(void);
/* "linux/arm64/v8"; parts are owned by arena. BH_INVALID names what is wrong. */
int bh_platform_parse(const char *text, struct bh_arena *arena, struct bh_platform *ret,
                      struct bh_error *err) BH_CHECKED;
/* "linux/arm64/v8", "linux/amd64", "unknown"; out is appended to. */
void bh_platform_format(const struct bh_platform *p, struct bh_buf *out);

/* The entry of an index for a platform. An entry fits when os and architecture are equal and its
 * variant is one the wanted platform can run (arm: v7 runs v7, v6, v5; arm64: none and v8 are the
 * same; amd64: v1..v4, none is v1); the nearest variant wins, then the first in the list. Entries
 * without a platform are taken only when no entry states one. Attestation entries
 * (unknown/unknown) never fit.
 * Errors: BH_NOT_FOUND with the platforms there are. */
int bh_index_choose(const struct bh_manifest *index, const struct bh_platform *wanted,
                    const struct bh_descriptor **ret, struct bh_error *err) BH_CHECKED;

/* The value of an annotation, NULL when there is none of that name. */
const char *bh_annotation_get(const struct bh_annotation *list, size_t count, const char *name);
