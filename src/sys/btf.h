/* sys/btf.h - the number of a type in the kernel's own type information.
 *
 * Source: Documentation/bpf/btf.rst. The kernel is trusted to have written it well; lengths are
 * checked all the same. */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct bh_btf {
    unsigned char *data;
    size_t len;
};

/* Reads /sys/kernel/btf/vmlinux. */
int bh_btf_open(struct bh_btf *ret, struct bh_error *err) BH_CHECKED;
void bh_btf_close(struct bh_btf *b);
/* From bytes; false when the header does not hold. */
bool bh_btf_valid(const struct bh_btf *b);
/* The type of this BTF_KIND_* and name; 0 when there is none. */
uint32_t bh_btf_find(const struct bh_btf *b, unsigned kind, const char *name);
