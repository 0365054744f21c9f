#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK (64u * 1024u)

static void *or_die(void *p)
{
    if (!p) {
        fputs("bulkhead: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *bh_new(size_t size)
{
    return or_die(malloc(size ? size : 1));
}

void *bh_new0(size_t size)
{
    return or_die(calloc(1, size ? size : 1));
}

void *bh_new_array(size_t count, size_t size)
{
    return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *bh_resize(void *p, size_t count, size_t size)
{
    return or_die(reallocarray(p, count ? count : 1, size ? size : 1));
}

char *bh_strndup(const char *text, size_t len)
{
    char *copy = bh_new(len + 1);

    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *bh_strdup(const char *text)
{
    return bh_strndup(text, strlen(text));
}

char *bh_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    return or_die(n < 0 ? NULL : text);
}

void bh_freep(void *pointer_to_pointer)
{
    void *p;

    memcpy(&p, pointer_to_pointer, sizeof p);
    free(p);
}

struct block {
    struct block *next;
    size_t used, size;
    max_align_t data[];
};

struct bh_arena {
    struct block *blocks;
    size_t used;
};

struct bh_arena *bh_arena_new(void)
{
    return bh_new0(sizeof(struct bh_arena));
}

void bh_arena_free(struct bh_arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

void *bh_arena_alloc(struct bh_arena *a, size_t size)
{
    struct block *b = a->blocks;
    void *p;

    if (size > SIZE_MAX / 2)
        or_die(NULL);
    size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if (!b || b->size - b->used < size) {
        size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;

        b = bh_new0(sizeof *b + room);
        b->size = room;
        b->next = a->blocks;
        a->blocks = b;
    }
    p = (char *)b->data + b->used;
    b->used += size;
    a->used += size;
    return p;
}

char *bh_arena_strndup(struct bh_arena *a, const char *text, size_t len)
{
    char *copy = bh_arena_alloc(a, len + 1);

    if (len)
        memcpy(copy, text, len);
    return copy;
}

char *bh_arena_strdup(struct bh_arena *a, const char *text)
{
    return bh_arena_strndup(a, text, strlen(text));
}

char *bh_arena_format(struct bh_arena *a, const char *format, ...)
{
    BH_AUTO(bh_freep) char *text = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    or_die(n < 0 ? NULL : text);
    return bh_arena_strndup(a, text, (size_t)n);
}

size_t bh_arena_used(const struct bh_arena *a)
{
    return a->used;
}
