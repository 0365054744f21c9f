/* Packed records: little numbers as bytes, texts as a 32-bit length, the bytes and a NUL. */
#include "advisory/osv.h"
#include "advisory/version.h"

#include <string.h>

static void put_number(struct bh_buf *out, uint32_t n)
{
    bh_buf_put(out, &n, sizeof n);
}

static void put_text(struct bh_buf *out, const char *text)
{
    size_t len = strlen(text);

    put_number(out, (uint32_t)len);
    bh_buf_put(out, text, len + 1);
}

void bh_osv_pack(const struct bh_osv_record *r, struct bh_buf *out)
{
    put_number(out, r->withdrawn);
    put_text(out, r->id);
    put_text(out, r->modified);
    put_text(out, r->published);
    put_text(out, r->summary);
    put_text(out, r->aliases);
    put_text(out, r->related);
    put_number(out, (uint32_t)r->interval_count);
    for (size_t i = 0; i < r->interval_count; i++) {
        const struct bh_osv_interval *v = &r->intervals[i];

        put_number(out, (uint32_t)v->severity);
        put_text(out, v->ecosystem);
        put_text(out, v->package);
        put_text(out, v->introduced);
        put_text(out, v->fixed);
        put_text(out, v->last);
    }
}

struct unpacker {
    const char *data;
    size_t len, at;
    bool broken;
};

static uint32_t take_number(struct unpacker *u, uint32_t most)
{
    uint32_t n = 0;

    if (u->broken || u->len - u->at < sizeof n) {
        u->broken = true;
        return 0;
    }
    memcpy(&n, u->data + u->at, sizeof n);
    u->at += sizeof n;
    if (n > most) {
        u->broken = true;
        return 0;
    }
    return n;
}

/* least and most bytes; spaces tells whether they are allowed. */
static const char *take_text(struct unpacker *u, size_t least, size_t most, bool spaces)
{
    uint32_t len = take_number(u, (uint32_t)most);
    const char *text = u->data + u->at;

    if (u->broken || len < least || u->len - u->at < (size_t)len + 1 || text[len]) {
        u->broken = true;
        return "";
    }
    for (uint32_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < (spaces ? ' ' : '!') || text[i] == 0x7f)
            u->broken = true;
    u->at += (size_t)len + 1;
    return text;
}

static void take_interval(struct unpacker *u, struct bh_osv_interval *ret)
{
    ret->severity = (enum bh_severity)take_number(u, BH_SEVERITY_CRITICAL);
    ret->ecosystem = take_text(u, 1, BH_OSV_TEXT_MAX, true);
    ret->package = take_text(u, 1, BH_OSV_TEXT_MAX, true);
    ret->introduced = take_text(u, 0, BH_VERSION_MAX, false);
    ret->fixed = take_text(u, 0, BH_VERSION_MAX, false);
    ret->last = take_text(u, 0, BH_VERSION_MAX, false);
}

#define NAMES_MAX (BH_OSV_ALIASES_MAX * (BH_OSV_TEXT_MAX + 1u) * 2u)

int bh_osv_unpack(const char *data, size_t len, size_t *at, struct bh_arena *arena,
                  struct bh_osv_record *ret, struct bh_error *err)
{
    struct unpacker u = {.data = data, .len = len, .at = *at};
    struct bh_osv_record r = {0};

    r.withdrawn = take_number(&u, 1) == 1;
    r.id = take_text(&u, 1, BH_OSV_TEXT_MAX, false);
    r.modified = take_text(&u, 0, BH_OSV_TEXT_MAX, false);
    r.published = take_text(&u, 0, BH_OSV_TEXT_MAX, false);
    r.summary = take_text(&u, 0, BH_OSV_SUMMARY_MAX, true);
    r.aliases = take_text(&u, 0, NAMES_MAX, true);
    r.related = take_text(&u, 0, NAMES_MAX, true);
    r.interval_count = take_number(&u, BH_OSV_AFFECTED_MAX);
    if (!u.broken)
        r.intervals = bh_arena_alloc(arena, (r.interval_count + 1) * sizeof *r.intervals);
    for (size_t i = 0; i < r.interval_count && !u.broken; i++)
        take_interval(&u, &r.intervals[i]);
    if (u.broken)
        return bh_fail(err, BH_INTERNAL, "the reader of advisories sent a record without form");
    *at = u.at;
    *ret = r;
    return 0;
}
