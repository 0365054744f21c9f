/* Which media types can be unpacked; the declarations are in image/manifest.h. */
#include "image/manifest.h"

#include <string.h>

static const struct {
    const char *media_type;
    enum bh_layer_format format;
} layer_types[] = {
    {BH_MEDIA_OCI_LAYER, BH_LAYER_TAR},
    {BH_MEDIA_OCI_LAYER_GZIP, BH_LAYER_TAR_GZIP},
    {BH_MEDIA_OCI_LAYER_ZSTD, BH_LAYER_TAR_ZSTD},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", BH_LAYER_TAR},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", BH_LAYER_TAR_GZIP},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", BH_LAYER_TAR_ZSTD},
    {BH_MEDIA_DOCKER_LAYER, BH_LAYER_TAR},
    {BH_MEDIA_DOCKER_LAYER_GZIP, BH_LAYER_TAR_GZIP},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", BH_LAYER_TAR_ZSTD},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar", BH_LAYER_TAR},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", BH_LAYER_TAR_GZIP},
};

static bool is(const char *media_type, const char *wanted)
{
    return media_type && strcmp(media_type, wanted) == 0;
}

enum bh_layer_format bh_layer_format(const char *media_type)
{
    for (size_t i = 0; i < BH_COUNT_OF(layer_types); i++) {
        if (is(media_type, layer_types[i].media_type))
            return layer_types[i].format;
    }
    return BH_LAYER_UNKNOWN;
}

int bh_layer_format_check(const char *media_type, struct bh_error *err)
{
    if (bh_layer_format(media_type) != BH_LAYER_UNKNOWN)
        return 0;
    if (media_type && strstr(media_type, "+encrypted"))
        return bh_fail(err, BH_UNSUPPORTED,
                       "layer of type \"%s\" is encrypted: decrypt the image first", media_type);
    return bh_fail(err, BH_UNSUPPORTED,
                   "layer of type \"%s\" cannot be unpacked: known are tar, tar+gzip and tar+zstd "
                   "of OCI and Docker",
                   media_type ? media_type : "");
}

bool bh_media_type_is_index(const char *media_type)
{
    return is(media_type, BH_MEDIA_OCI_INDEX) || is(media_type, BH_MEDIA_DOCKER_LIST);
}

bool bh_media_type_is_manifest(const char *media_type)
{
    return is(media_type, BH_MEDIA_OCI_MANIFEST) || is(media_type, BH_MEDIA_DOCKER_MANIFEST);
}

bool bh_media_type_is_config(const char *media_type)
{
    return is(media_type, BH_MEDIA_OCI_CONFIG) || is(media_type, BH_MEDIA_DOCKER_CONFIG);
}

const char *bh_annotation_get(const struct bh_annotation *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0)
            return list[i].value;
    }
    return NULL;
}
