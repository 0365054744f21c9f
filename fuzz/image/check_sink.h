/* A sink that asserts what every applier and inspector relies on. */
#pragma once
#include "image/layer_stream.h"
#include "sys/path.h"

#include <assert.h>
#include <string.h>

struct check_sink {
    uint64_t left;
    bool in_file;
};

static inline void check_clean(const char *path, size_t len)
{
    static char clean[65537];

    assert(strlen(path) == len && len < sizeof clean && path[0] != '/');
    assert(bh_path_clean(path, len, clean, NULL) == 0 && strcmp(clean, path) == 0);
}

/* Touches both ends, for the address sanitizer to judge. */
static inline void check_readable(const void *data, size_t len)
{
    const volatile char *bytes = data;

    if (len) {
        (void)bytes[0];
        (void)bytes[len - 1];
    }
}

static inline int check_entry(void *self, const struct bh_layer_entry *e, bool *want,
                              struct bh_error *err)
{
    struct check_sink *s = self;

    (void)err;
    assert(!s->in_file);
    check_clean(e->path, e->path_len);
    assert(e->mode <= 07777);
    if (e->whiteout != BH_WHITEOUT_NONE) {
        assert(e->type == 0 && (e->path_len || e->whiteout == BH_WHITEOUT_OPAQUE));
        return 0;
    }
    assert(e->path_len || e->type == BH_ENTRY_DIRECTORY);
    if (e->type == BH_ENTRY_HARDLINK)
        check_clean(e->link, strlen(e->link));
    assert((e->type == BH_ENTRY_HARDLINK || e->type == BH_ENTRY_SYMLINK) == (*e->link != '\0'));
    for (size_t i = 0; i < e->xattr_count; i++)
        check_readable(e->xattrs[i].value, e->xattrs[i].len);
    *want = e->type == BH_ENTRY_FILE;
    s->in_file = *want;
    s->left = e->size;
    return 0;
}

static inline int check_data(void *self, const void *data, size_t len, struct bh_error *err)
{
    struct check_sink *s = self;

    (void)err;
    assert(s->in_file && len > 0 && len <= s->left);
    check_readable(data, len);
    s->left -= len;
    return 0;
}

static inline int check_hole(void *self, uint64_t len, struct bh_error *err)
{
    struct check_sink *s = self;

    (void)err;
    assert(s->in_file && len > 0 && len <= s->left);
    s->left -= len;
    return 0;
}

static inline int check_end(void *self, struct bh_error *err)
{
    struct check_sink *s = self;

    (void)err;
    assert(s->in_file && s->left == 0);
    s->in_file = false;
    return 0;
}

#define CHECK_SINK(state)                                                                          \
    ((struct bh_layer_sink){.self = (state),                                                       \
                            .entry = check_entry,                                                  \
                            .data = check_data,                                                    \
                            .hole = check_hole,                                                    \
                            .end = check_end})
