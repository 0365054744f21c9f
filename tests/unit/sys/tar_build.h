/* Tar archives put together byte by byte, for tests of what reads them. */
#pragma once
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct tar_entry {
    const char *name;
    char type; /* '0' when 0 */
    const char *link;
    unsigned mode;
    unsigned uid, gid;
    const char *content; /* NUL terminated, or with size */
    size_t size;
    unsigned long long claimed_size; /* in the header, instead of the true one */
    const char *magic;               /* 8 bytes; POSIX when NULL */
    unsigned major, minor;
};

/* digits octal digits and a NUL. */
static inline void tar_octal(char *field, int digits, unsigned long long value)
{
    for (int i = digits - 1; i >= 0; i--, value >>= 3)
        field[i] = (char)('0' + (value & 7));
    field[digits] = '\0';
}

static inline void tar_checksum(char *block)
{
    unsigned sum = 0;

    memset(block + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)block[i];
    tar_octal(block + 148, 6, sum);
}

static inline void tar_pad(struct bh_buf *b)
{
    static const char zeros[512];

    bh_buf_put(b, zeros, (512 - b->len % 512) % 512);
}

static inline void tar_add(struct bh_buf *b, const struct tar_entry *e)
{
    char block[512] = {0};
    size_t size = e->size ? e->size : e->content ? strlen(e->content) : 0;

    memcpy(block, e->name, BH_MIN(strlen(e->name), (size_t)100));
    tar_octal(block + 100, 7, e->mode ? e->mode : 0644);
    tar_octal(block + 108, 7, e->uid);
    tar_octal(block + 116, 7, e->gid);
    tar_octal(block + 124, 11, e->claimed_size ? e->claimed_size : size);
    tar_octal(block + 136, 11, 1700000000u);
    block[156] = e->type ? e->type : '0';
    if (e->link)
        memcpy(block + 157, e->link, BH_MIN(strlen(e->link), (size_t)100));
    memcpy(block + 257, e->magic ? e->magic : "ustar\00000", 8);
    tar_octal(block + 329, 7, e->major);
    tar_octal(block + 337, 7, e->minor);
    tar_checksum(block);
    bh_buf_put(b, block, sizeof block);
    if (size)
        bh_buf_put(b, e->content, size);
    tar_pad(b);
}

/* Appends "LEN key=value\n" to records. */
static inline void tar_record(struct bh_buf *records, const char *key, const void *value,
                              size_t len)
{
    size_t body = strlen(key) + len + 3, digits = 1;

    for (size_t total = body + digits; total >= 10; total /= 10)
        digits++;
    {
        char text[32];

        if ((size_t)snprintf(text, sizeof text, "%zu", body + digits) > digits)
            digits++;
    }
    bh_buf_printf(records, "%zu %s=", body + digits, key);
    bh_buf_put(records, value, len);
    bh_buf_putc(records, '\n');
}

static inline void tar_add_pax(struct bh_buf *b, const struct bh_buf *records)
{
    tar_add(b, &(struct tar_entry){.name = "PaxHeaders/x",
                                   .type = 'x',
                                   .content = bh_buf_text(records),
                                   .size = records->len});
}

static inline void tar_end(struct bh_buf *b)
{
    static const char zeros[1024];

    bh_buf_put(b, zeros, sizeof zeros);
}
