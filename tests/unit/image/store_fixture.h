/* A store in a directory of its own, and a small image to put into it. */
#pragma once
#include "base/buf.h"
#include "base/mem.h"
#include "image/store_impl.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char root[64];
    struct bh_store *store;
};

#define OK(call)                                                                                   \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s: %s", #call, err.message);                                                \
    } while (0)

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct bh_error err = BH_ERROR_INIT;

    memcpy(f->root, "/tmp/bh-store-XXXXXX", sizeof "/tmp/bh-store-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    OK(bh_store_open(f->root, true, &f->store, &err));
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    struct bh_error err = BH_ERROR_INIT;

    bh_store_close(f->store);
    OK(bh_remove_tree_at(AT_FDCWD, f->root, &err));
    free(f);
    return 0;
}

static inline int count_one(const char *name, void *data, struct bh_error *err)
{
    (void)name;
    (void)err;
    ++*(int *)data;
    return 0;
}

/* Entries of root/<dir>. */
static inline int count_in(const struct fixture *f, const char *dir)
{
    struct bh_error err = BH_ERROR_INIT;
    BH_AUTO(bh_closep) int fd = openat(bh_store_root_fd(f->store), dir, O_RDONLY | O_DIRECTORY);
    int n = 0;

    assert_true(fd >= 0);
    OK(bh_store_each_entry(fd, count_one, &n, &err));
    return n;
}

/* What a pull does: config, one layer (its bytes are the text layer), manifest, name. */
static inline int put_image(struct bh_store *s, const char *name, const char *layer,
                            struct bh_error *err)
{
    BH_AUTO(bh_lease_endp) struct bh_lease *l = NULL;
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(0);
    char layer_digest[BH_DIGEST_TEXT_SIZE], config_digest[BH_DIGEST_TEXT_SIZE];
    struct bh_descriptor root = {.media_type = BH_MEDIA_OCI_MANIFEST};
    struct bh_ingest *i = NULL;
    struct bh_digest d;
    size_t config_len;
    bool done = false;
    int e = bh_lease_new(s, &l, err);

    if (e < 0)
        return e;
    bh_digest_of(BH_SHA256, layer, strlen(layer), &d);
    bh_digest_format(&d, layer_digest);
    e = bh_ingest_begin(l, &d, strlen(layer), true, &i, &done, err);
    if (e < 0)
        return e;
    if (!done) {
        uint64_t at = bh_ingest_offset(i);

        e = bh_ingest_write(i, layer + at, strlen(layer) - at, err);
        if (e < 0) {
            bh_ingest_abort(i);
            return e;
        }
        if ((e = bh_ingest_commit(i, NULL, err)) < 0)
            return e;
    }
    bh_buf_printf(&text,
                  "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\","
                  "\"diff_ids\":[\"%s\"]},\"history\":[{\"created_by\":\"test\"}]}",
                  layer_digest);
    config_len = text.len;
    if ((e = bh_store_put(l, text.data, text.len, &d, err)) < 0)
        return e;
    bh_digest_format(&d, config_digest);
    text.len = 0;
    bh_buf_printf(
        &text,
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"" BH_MEDIA_OCI_CONFIG
        "\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"" BH_MEDIA_OCI_LAYER
        "\",\"digest\":\"%s\",\"size\":%zu}]}",
        config_digest, config_len, layer_digest, strlen(layer));
    if ((e = bh_store_put(l, text.data, text.len, &root.digest, err)) < 0)
        return e;
    root.size_bytes = text.len;
    return bh_store_set_name(l, name, &root, NULL, "test", err);
}
