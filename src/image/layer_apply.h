/* image/layer_apply.h - writes one layer into an empty directory in overlay form.
 *
 * The sink that bh_layer_receive drives. Everything is resolved inside the directory, never through
 * a link out of it; only this process writes there meanwhile.
 *
 * Overlay form, for mounting with "userxattr": a whiteout is a character device 0:0, an opaque
 * directory has user.overlay.opaque=y. What a layer says about paths it also brings itself
 * ("whiteouts hide lower layers only", OCI image-spec layer.md): a whiteout next to a directory of
 * its name makes that directory opaque, next to anything else it does nothing.
 *
 * Kept: modes with setuid and setgid, owners, times, security.capability (when allowed to), user.*.
 * Left out and counted: device nodes (the runtime supplies /dev), user.overlay.* and trusted.*
 * (they would steer the overlay), and every other attribute. For an ordinary user every file
 * becomes the user's own, and setuid and setgid bits are left out: they would lend the user's
 * rights to other users of the host. */
#pragma once
#include "image/layer_stream.h"

struct bh_apply_report {
    uint64_t entries, file_bytes;
    uint64_t devices;       /* device nodes not created */
    uint64_t xattrs;        /* attributes left out */
    uint64_t owners;        /* entries whose owner could not be kept */
    uint64_t setid_bits;    /* files that lost setuid or setgid */
    char first_device[256]; /* path of the first one left out, cut to fit; "" when none */
};

struct bh_apply;
/* dir_fd is borrowed. */
int bh_apply_new(int dir_fd, struct bh_apply **ret, struct bh_error *err) BH_CHECKED;
void bh_apply_free(struct bh_apply *a); /* NULL is allowed */
static inline void bh_apply_freep(struct bh_apply **a)
{
    bh_apply_free(*a);
}
const struct bh_layer_sink *bh_apply_sink(struct bh_apply *a) BH_NONNULL BH_RETURNS_NONNULL;
/* After the last entry: sets the directories' times and writes everything to disk. */
int bh_apply_finish(struct bh_apply *a, struct bh_apply_report *ret, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
