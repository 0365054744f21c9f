#include "sys/btf.h"

#include "base/buf.h"
#include "sys/fd.h"

#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST (256u * 1024 * 1024) /* a distribution's kernel has about 6 MiB */

int bh_btf_open(struct bh_btf *ret, struct bh_error *err)
{
    BH_AUTO(bh_buf_done) struct bh_buf text = BH_BUF_INIT(LARGEST);
    struct bh_btf b;
    int result = bh_read_file_at(AT_FDCWD, "/sys/kernel/btf/vmlinux", &text, err);

    if (result)
        return result;
    b = (struct bh_btf){.data = (unsigned char *)text.data, .len = text.len};
    if (!bh_btf_valid(&b))
        return bh_fail(err, BH_UNSUPPORTED, "/sys/kernel/btf/vmlinux: not the format known here");
    b.data = (unsigned char *)bh_buf_take(&text);
    *ret = b;
    return 0;
}

void bh_btf_close(struct bh_btf *b)
{
    free(b->data);
    *b = (struct bh_btf){0};
}

static struct btf_header header_of(const struct bh_btf *b)
{
    struct btf_header h;

    memcpy(&h, b->data, sizeof h);
    return h;
}

bool bh_btf_valid(const struct bh_btf *b)
{
    struct btf_header h;

    if (b->len < sizeof h)
        return false;
    h = header_of(b);
    return h.magic == BTF_MAGIC && h.version == BTF_VERSION &&
           (uint64_t)h.hdr_len + h.type_off + h.type_len <= b->len &&
           (uint64_t)h.hdr_len + h.str_off + h.str_len <= b->len && h.str_len > 0 &&
           b->data[h.hdr_len + h.str_off + h.str_len - 1] == '\0';
}

/* What follows a struct btf_type; SIZE_MAX for kinds this reader does not know. */
static size_t size_behind(unsigned kind, unsigned count)
{
    switch (kind) {
    case BTF_KIND_PTR:
    case BTF_KIND_FWD:
    case BTF_KIND_TYPEDEF:
    case BTF_KIND_VOLATILE:
    case BTF_KIND_CONST:
    case BTF_KIND_RESTRICT:
    case BTF_KIND_FUNC:
    case BTF_KIND_FLOAT:
    case BTF_KIND_TYPE_TAG:
        return 0;
    case BTF_KIND_INT:
    case BTF_KIND_VAR:
    case BTF_KIND_DECL_TAG:
        return 4;
    case BTF_KIND_ARRAY:
        return 12;
    case BTF_KIND_ENUM:
    case BTF_KIND_FUNC_PROTO:
        return 8u * (size_t)count;
    case BTF_KIND_STRUCT:
    case BTF_KIND_UNION:
    case BTF_KIND_DATASEC:
    case BTF_KIND_ENUM64:
        return 12u * (size_t)count;
    default:
        return SIZE_MAX;
    }
}

uint32_t bh_btf_find(const struct bh_btf *b, unsigned kind, const char *name)
{
    struct btf_header h = header_of(b);
    const unsigned char *at = b->data + h.hdr_len + h.type_off;
    const unsigned char *end = at + h.type_len;
    const char *strings = (const char *)b->data + h.hdr_len + h.str_off;

    for (uint32_t id = 1; (size_t)(end - at) >= sizeof(struct btf_type); id++) {
        struct btf_type t;
        size_t behind;

        memcpy(&t, at, sizeof t);
        behind = size_behind(BTF_INFO_KIND(t.info), BTF_INFO_VLEN(t.info));
        if (BTF_INFO_KIND(t.info) == kind && t.name_off < h.str_len &&
            strcmp(strings + t.name_off, name) == 0)
            return id;
        at += sizeof t;
        if (behind > (size_t)(end - at))
            return 0;
        at += behind;
    }
    return 0;
}
