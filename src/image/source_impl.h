/* image/source_impl.h - what the sources share. Private to image/source*.c and image/archive.c. */
#pragma once
#include "image/source.h"

extern const struct bh_source bh_source_store, bh_source_oci, bh_source_oci_archive,
    bh_source_docker_archive, bh_source_dir, bh_source_tar, bh_source_registry, bh_source_engine;

/* An empty image with its arena; all descriptors are -1. */
struct bh_image *bh_image_new(const char *kind) BH_RETURNS_NONNULL;
/* Takes manifest and config (of which the layers are made, and checked against each other). The
 * manifest's strings are copied; the image owns config afterwards. */
int bh_image_adopt(struct bh_image *i, const struct bh_descriptor *manifest_descriptor,
                   const struct bh_manifest *m, struct bh_oci_config **config, struct bh_error *err)
    BH_CHECKED;
/* BH_UNSUPPORTED when the manifest is one of an artifact, not of a container image. */
int bh_image_check_config_type(const struct bh_manifest *m, struct bh_error *err) BH_CHECKED;

/* Appends an OCI manifest of m's config and items. */
void bh_manifest_write(const struct bh_manifest *m, struct bh_buf *out) BH_NONNULL;

/* Appends the whole blob, at most limit bytes. */
int bh_blob_read(const struct bh_blob *b, size_t limit, struct bh_buf *out, struct bh_error *err)
    BH_CHECKED;
int bh_blob_digest(const struct bh_blob *b, enum bh_digest_algorithm algorithm,
                   struct bh_digest *ret, struct bh_error *err) BH_CHECKED;

/* gzip, zstd or neither (BH_LAYER_TAR), by the first bytes. */
int bh_sniff_layer(int fd, uint64_t offset, uint64_t size, enum bh_layer_format *ret,
                   struct bh_error *err) BH_CHECKED;
const char *bh_layer_media_type(enum bh_layer_format format) BH_RETURNS_NONNULL; /* OCI's */

/* "PATH" or "PATH:NAME": the longest part before a ':' that exists is the path, which is opened
 * with flags. *ret_name is the rest or NULL, borrowed from rest. */
int bh_open_named(const char *rest, int flags, int *ret_fd, char **ret_path, const char **ret_name,
                  struct bh_error *err) BH_CHECKED;

/* The image in an OCI layout whose files are got by get(state, path): shared by the directory, the
 * archive. The result's open_layer is set; state stays the caller's. */
typedef int bh_layout_get(void *state, const char *path, struct bh_blob *ret, struct bh_error *err);
int bh_layout_open(struct bh_image *i, bh_layout_get *get, void *state, const char *name,
                   const struct bh_platform *platform, struct bh_error *err) BH_CHECKED;
