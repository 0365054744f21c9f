/* inspect/purl.h - package URLs: "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie".
 *
 * Source: package-url/purl-spec, "Package-URL specification". */
#pragma once
#include "base/buf.h"
#include "base/mem.h"

#define BH_PURL_MAX 4096u /* bytes of a text that is read */
#define BH_PURL_QUALIFIERS_MAX 32u

struct bh_purl_qualifier {
    const char *name, *value;
};

/* Parts are decoded; NULL when there is none. */
struct bh_purl {
    const char *type, *namespace, *name, *version, *subpath;
    struct bh_purl_qualifier qualifiers[BH_PURL_QUALIFIERS_MAX];
    size_t qualifier_count;
};

/* Strings are owned by arena. fold_names: qualifier names in capitals are lowered instead of
 * refused.
 * Errors: BH_LIMIT, BH_INVALID naming the part that is wrong. */
int bh_purl_parse(const char *text, bool fold_names, struct bh_arena *arena, struct bh_purl *ret,
                  struct bh_error *err) BH_CHECKED BH_NONNULL_ARGS(1, 3, 4);

/* Appends the canonical text; qualifiers in any order, those without a value are left out.
 * Errors: BH_INVALID when type or name are missing or a name is no qualifier name. */
int bh_purl_format(const struct bh_purl *p, struct bh_buf *out, struct bh_error *err)
    BH_CHECKED BH_NONNULL_ARGS(1, 2);
