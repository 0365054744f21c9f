/* What is accepted says the same when it is read again, and its store name is a name, too. */
#include "image/reference.h"
#include "image/store.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BH_AUTO(bh_reference_freep) struct bh_reference *first = NULL;
    BH_AUTO(bh_reference_freep) struct bh_reference *full = NULL;
    BH_AUTO(bh_reference_freep) struct bh_reference *again = NULL;
    struct bh_error err = BH_ERROR_INIT;
    char path[BH_NAME_PATH_SIZE];
    const char *name;
    int result = bh_reference_parse((const char *)data, size, &first, &err);

    assert((result == 0) == (first != NULL));
    assert(result == 0 || (result == -err.code && err.message[0]));
    if (result)
        return 0;
    assert(strlen(bh_reference_text(first)) == size);
    assert(memcmp(bh_reference_text(first), data, size) == 0);
    full = bh_reference_for_docker(first);
    assert(bh_reference_registry(full));
    assert(bh_reference_tag(full) || bh_reference_digest(full));
    name = bh_reference_store_name(first);
    if (strlen(name) > BH_REFERENCE_MAX)
        return 0;
    result = bh_reference_parse(name, strlen(name), &again, &err);
    assert(result == 0);
    assert(strcmp(bh_reference_repository(first), bh_reference_repository(again)) == 0);
    assert(strcmp(bh_reference_store_name(again), name) == 0);
    result = bh_store_name_path(name, path, &err);
    assert(result == 0);
    assert(memcmp(path, "names/", 6) == 0 && path[6] != '.' && !strchr(path + 6, '/'));
    return 0;
}
