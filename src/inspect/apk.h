/* inspect/apk.h - Alpine's database: lib/apk/db/installed.
 *
 * Source: apk-tools "apk-installed" format as apk writes it: one stanza per package, lines
 * "X:value" with one-letter names; P name, V version, A architecture, o origin, L licence.
 * Everything else, the file lists among it, is passed over. */
#pragma once
#include "inspect/found.h"
#include "inspect/lines.h"

struct bh_apk;
struct bh_apk *bh_apk_new(struct bh_package_listener listener) BH_RETURNS_NONNULL;
void bh_apk_free(struct bh_apk *a); /* NULL is allowed */
static inline void bh_apk_freep(struct bh_apk **a)
{
    bh_apk_free(*a);
}
/* Errors: BH_INVALID names the line, from 1; what was found before it was real. */
int bh_apk_feed(struct bh_apk *a, const void *data, size_t len, struct bh_error *err) BH_CHECKED;
int bh_apk_end(struct bh_apk *a, struct bh_error *err) BH_CHECKED;
