/* Release files and Packages indexes of a suite. */
#include "advisory/suite_index.h"
#include "advisory/version.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void *context, const char *source, size_t source_len, const char *version,
                  size_t version_len)
{
    const char *begin = ((const char **)context)[0], *end = ((const char **)context)[1];

    assert(source >= begin && source + source_len <= end && source_len > 0);
    assert(version >= begin && version + version_len <= end);
    assert(bh_version_check(version, version_len, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *bounds[2] = {text, text + size};
    struct bh_error err = BH_ERROR_INIT;
    struct bh_release release;
    char hex[65] = "";

    (void)bh_packages_parse(text, size, check, bounds);
    if (bh_release_parse(text, size, &release, &err) == 0)
        assert(*release.origin && *release.codename &&
               strlen(release.codename) < BH_SUITE_WORD_MAX);
    if (bh_release_digest(text, size, "main_binary-amd64_Packages", 7, hex))
        assert(strlen(hex) == 64);
    return 0;
}
