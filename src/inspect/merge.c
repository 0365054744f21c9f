#include "inspect/merge.h"

#include "base/map.h"
#include "inspect/file_findings.h"
#include "inspect/package_purl.h"

#include <stdlib.h>
#include <string.h>

enum item_kind { DISTRIBUTION, DATABASE, NOTABLE_FILE, GAP };

/* One record of one layer that lives at a path. */
struct item {
    enum item_kind kind;
    uint32_t layer;
    const void *record;
    struct item *next; /* of the same path, newest first */
};

/* A path that something is known about, or that leads to one. */
struct node {
    const char *path;
    struct node *children, *sibling;
    struct item *items;
    uint32_t database_removed_by; /* layer; BH_LAYER_NONE: it was not */
};

struct merge {
    struct bh_facts *facts;
    struct bh_arena *arena;
    struct bh_map nodes;
    struct node *root;
    uint32_t layer; /* being laid on top */
    bool is_directory;
    size_t databases;
};

static void merge_done(struct merge *m)
{
    bh_map_done(&m->nodes);
    bh_arena_free(m->arena);
}

static struct node *add_node(struct merge *m, const char *path, size_t len)
{
    struct node *n = bh_arena_alloc(m->arena, sizeof *n);

    n->path = bh_arena_strndup(m->arena, path, len);
    n->database_removed_by = BH_LAYER_NONE;
    bh_map_set(&m->nodes, n->path, len, n);
    return n;
}

/* The node of a path, with all that lead to it. */
static struct node *node_of(struct merge *m, const char *path)
{
    struct node *parent = m->root, *n = parent;
    size_t len = strlen(path);

    for (size_t end = 0; end < len; end++) {
        end += strcspn(path + end, "/");
        n = bh_map_get(&m->nodes, path, end);
        if (!n) {
            n = add_node(m, path, end);
            n->sibling = parent->children;
            parent->children = n;
        }
        parent = n;
    }
    return n;
}

static void add_item(struct merge *m, const char *path, enum item_kind kind, const void *record)
{
    struct node *n = node_of(m, path);
    struct item *item = bh_arena_alloc(m->arena, sizeof *item);

    *item = (struct item){.kind = kind, .layer = m->layer, .record = record, .next = n->items};
    n->items = item;
    if (kind == DATABASE)
        n->database_removed_by = BH_LAYER_NONE;
}

/* What lower layers said about this path alone does not hold any more. A database that is replaced
 * by another file stays in its chain: what it listed tells which layer brought a package. */
static void drop_items(struct merge *m, struct node *n, bool replaced_by_file)
{
    struct item **at = &n->items;

    while (*at) {
        struct item *item = *at;
        bool keep = item->layer >= m->layer || (item->kind == DATABASE && replaced_by_file);

        if (!keep && item->kind == DATABASE)
            n->database_removed_by = m->layer;
        if (keep)
            at = &item->next;
        else
            *at = item->next;
    }
}

static void drop_below(struct merge *m, struct node *n)
{
    /* As deep as a path has components: bounded by the limit on paths. */
    for (struct node *child = n->children; child; child = child->sibling) {
        drop_items(m, child, false);
        drop_below(m, child);
    }
}

static int on_path(void *self, const struct bh_layer_path *p, struct bh_error *err)
{
    struct merge *m = self;
    struct node *n = bh_map_get(&m->nodes, p->path, p->len);

    (void)err;
    if (!n)
        return 0;
    if (p->whiteout != BH_WHITEOUT_OPAQUE)
        drop_items(m, n, p->whiteout == BH_WHITEOUT_NONE && p->type == BH_ENTRY_FILE);
    if (p->whiteout != BH_WHITEOUT_NONE || p->type != BH_ENTRY_DIRECTORY)
        drop_below(m, n);
    return 0;
}

static uint32_t shown_layer(const struct merge *m, uint32_t layer)
{
    return m->is_directory ? BH_LAYER_NONE : layer;
}

static const char *copied(struct bh_facts *f, const char *text)
{
    return text ? bh_arena_strdup(f->arena, text) : NULL;
}

static void take_gap(struct merge *m, const struct bh_layer_gap *g, uint32_t layer)
{
    struct bh_facts *f = m->facts;

    bh_facts_not_covered(f, copied(f, g->subject), *g->path ? g->path : NULL, shown_layer(m, layer),
                         g->blind, copied(f, g->reason));
}

static void add_layer(struct merge *m, const struct bh_layer_facts *l)
{
    for (size_t i = 0; i < l->distribution_count; i++)
        add_item(m, l->distributions[i].path, DISTRIBUTION, &l->distributions[i]);
    for (size_t i = 0; i < l->database_count; i++)
        add_item(m, l->databases[i].path, DATABASE, &l->databases[i]);
    for (size_t i = 0; i < l->file_note_count; i++)
        add_item(m, l->files[i].path, NOTABLE_FILE, &l->files[i]);
    /* A gap of no path in particular cannot be removed by another layer. */
    for (size_t i = 0; i < l->gap_count; i++)
        if (*l->gaps[i].path)
            add_item(m, l->gaps[i].path, GAP, &l->gaps[i]);
        else
            take_gap(m, &l->gaps[i], m->layer);
    m->facts->size_bytes += l->file_bytes;
    m->facts->file_count += l->file_count;
}

/* ---- what remains ---- */

static const struct bh_distribution *distribution_at(const struct merge *m, const char *path)
{
    const struct node *n = bh_map_get(&m->nodes, path, strlen(path));

    for (const struct item *i = n ? n->items : NULL; i; i = i->next)
        if (i->kind == DISTRIBUTION)
            return &((const struct bh_layer_distribution *)i->record)->distribution;
    return NULL;
}

static void take_distribution(struct merge *m)
{
    const struct bh_distribution *d = distribution_at(m, "etc/os-release");
    struct bh_facts *f = m->facts;

    if (!d || !d->id)
        d = distribution_at(m, "usr/lib/os-release");
    if (!d || !d->id)
        return;
    f->distribution = (struct bh_distribution){
        .id = copied(f, d->id),
        .version_id = copied(f, d->version_id),
        .codename = copied(f, d->codename),
        .pretty_name = copied(f, d->pretty_name),
        .id_like = copied(f, d->id_like),
    };
}

/* Since when a package of one name, version and architecture has been listed without a break. */
struct since {
    uint32_t layer;
    size_t last_seen; /* number of the database in the chain, from 1 */
};

static struct since *since_of(struct bh_map *map, struct bh_arena *arena,
                              const struct bh_layer_package *p)
{
    const char *key = bh_arena_format(arena, "%s %s %s", p->name, p->version, p->architecture);
    struct since *s = bh_map_get(map, key, strlen(key));

    if (!s) {
        s = bh_arena_alloc(arena, sizeof *s);
        bh_map_set(map, key, strlen(key), s);
    }
    return s;
}

static void take_package(struct merge *m, const struct bh_layer_database *d,
                         const struct bh_layer_package *from, uint32_t layer)
{
    struct bh_facts *f = m->facts;
    struct bh_package *p = bh_facts_add_package(f);

    p->name = copied(f, from->name);
    p->version = copied(f, from->version);
    p->type = d->type;
    p->source_name = copied(f, *from->source_name ? from->source_name : from->name);
    p->source_version = copied(f, *from->source_version ? from->source_version : from->version);
    p->architecture = copied(f, from->architecture);
    p->license = *from->license ? copied(f, from->license) : NULL;
    p->path = copied(f, d->path);
    p->layer = shown_layer(m, layer);
    p->purl = bh_package_purl(p, &f->distribution, f->arena);
}

static void take_database(struct merge *m, const struct item *newest)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = bh_arena_new();
    BH_AUTO(bh_map_done) struct bh_map since;
    BH_AUTO(bh_freep) const struct item **chain = NULL;
    size_t count = 0, cap = 0;

    bh_map_init(&since);
    for (const struct item *i = newest; i; i = i->next)
        if (i->kind == DATABASE) {
            bh_grow(chain, count, cap);
            chain[count++] = i;
        }
    /* Bottom first. */
    for (size_t number = 1; number <= count; number++) {
        const struct item *i = chain[count - number];
        const struct bh_layer_database *d = i->record;

        for (size_t k = 0; k < d->count; k++) {
            struct since *s = since_of(&since, arena, &d->packages[k]);

            if (s->last_seen != number - 1 || number == 1)
                s->layer = i->layer;
            s->last_seen = number;
            if (number == count)
                take_package(m, d, &d->packages[k], s->layer);
        }
    }
    m->databases += count > 0;
}

static void take_node(struct merge *m, const struct node *n)
{
    struct bh_facts *f = m->facts;
    bool has_database = false;

    for (const struct item *i = n->items; i; i = i->next) {
        if (i->kind == DATABASE && !has_database) {
            has_database = true;
            take_database(m, i);
        } else if (i->kind == NOTABLE_FILE) {
            bh_file_finding(i->record, shown_layer(m, i->layer), f);
        } else if (i->kind == GAP) {
            take_gap(m, i->record, i->layer);
        }
    }
    if (!has_database && n->database_removed_by != BH_LAYER_NONE)
        bh_facts_not_covered(f, BH_SUBJECT_PACKAGES, n->path,
                             shown_layer(m, n->database_removed_by), true,
                             "the package database was removed by this layer: what it listed is "
                             "probably still there");
}

static void take_below(struct merge *m, const struct node *n)
{
    take_node(m, n);
    for (const struct node *child = n->children; child; child = child->sibling)
        take_below(m, child);
}

static int by_name(const void *a_at, const void *b_at)
{
    const struct bh_package *a = a_at, *b = b_at;
    int order = strcmp(a->name, b->name);

    if (order == 0)
        order = strcmp(a->architecture, b->architecture);
    return order ? order : strcmp(a->version, b->version);
}

static int by_path(const void *a_at, const void *b_at)
{
    const struct bh_finding *a = a_at, *b = b_at;
    int order = strcmp(a->rule, b->rule);

    return order ? order : strcmp(a->path ? a->path : "", b->path ? b->path : "");
}

static void take_all(struct merge *m)
{
    struct bh_facts *f = m->facts;

    take_distribution(m);
    take_below(m, m->root);
    if (m->databases == 0 && f->file_count > 0 && !bh_facts_is_blind(f, BH_SUBJECT_PACKAGES))
        bh_facts_not_covered(f, BH_SUBJECT_PACKAGES, NULL, BH_LAYER_NONE, true,
                             "no package database was found (dpkg, apk, rpm): programs nobody "
                             "packaged are not looked at");
    if (f->package_count)
        qsort(f->packages, f->package_count, sizeof *f->packages, by_name);
    if (f->finding_count)
        qsort(f->findings, f->finding_count, sizeof *f->findings, by_path);
}

int bh_merge_layers(const struct bh_layer_facts *const *layers, size_t count, bool is_directory,
                    struct bh_facts *f, struct bh_error *err)
{
    BH_AUTO(merge_done)
    struct merge m = {.facts = f, .arena = bh_arena_new(), .is_directory = is_directory};

    bh_map_init(&m.nodes);
    m.root = add_node(&m, "", 0);
    for (size_t i = 0; i < count; i++) {
        if (!layers[i])
            continue;
        m.layer = (uint32_t)i;
        if (m.root->children || m.root->items) {
            int r = bh_layer_facts_paths(layers[i], on_path, &m, err);

            if (r < 0)
                return bh_wrap(err, "layer %zu", i + 1);
        }
        add_layer(&m, layers[i]);
    }
    take_all(&m);
    return 0;
}
