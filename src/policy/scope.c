#include "policy/scope.h"

#include <string.h>

static int compare_macro(const void *a, const void *b)
{
    return strcmp(((const struct bh_macro *)a)->name, ((const struct bh_macro *)b)->name);
}

static int compare_list(const void *a, const void *b)
{
    return strcmp(((const struct bh_list *)a)->name, ((const struct bh_list *)b)->name);
}

struct bh_macro *bh_scope_macro(const struct bh_scope *s, const char *name)
{
    struct bh_macro key = {.name = name};

    if (s->macro_count == 0)
        return NULL;
    return bsearch(&key, s->macros, s->macro_count, sizeof key, compare_macro);
}

struct bh_list *bh_scope_list(const struct bh_scope *s, const char *name)
{
    struct bh_list key = {.name = name};

    if (s->list_count == 0)
        return NULL;
    return bsearch(&key, s->lists, s->list_count, sizeof key, compare_list);
}

void bh_scope_sort(struct bh_scope *s)
{
    if (s->macro_count > 0)
        qsort(s->macros, s->macro_count, sizeof *s->macros, compare_macro);
    if (s->list_count > 0)
        qsort(s->lists, s->list_count, sizeof *s->lists, compare_list);
}

void bh_scope_done(struct bh_scope *s)
{
    free(s->unread);
    s->unread = NULL;
    s->unread_count = s->unread_cap = 0;
}
