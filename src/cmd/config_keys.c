#include "cmd/config_keys.h"

#include "base/mem.h"
#include "cmd/call.h"
#include "cmd/table.h"

struct keys {
    struct bh_config_key *items;
    size_t count, cap;
};

static void add(struct keys *k, const char *section, const char *name)
{
    bh_grow(k->items, k->count, k->cap);
    k->items[k->count++] = (struct bh_config_key){.section = section, .name = name};
}

static void add_options(struct keys *k, const char *section, const struct bh_option *options)
{
    for (const struct bh_option *o = options; o && o->name; o++)
        if (!o->no_config)
            add(k, section, o->name);
}

int bh_config_keys_check(const struct bh_config *config, struct bh_error *err)
{
    BH_AUTO(bh_arena_freep) struct bh_arena *arena = NULL;
    struct keys keys = {0};
    const char *file;
    int result;

    if (!bh_config_file(config, 0, &file))
        return 0;
    arena = bh_arena_new();
    add_options(&keys, NULL, bh_global_options);
    for (size_t i = 0; bh_commands[i]; i++) {
        char text[BH_SECTION_SIZE];
        const char *section = bh_arena_strdup(arena, bh_command_section(bh_commands[i], text));

        if (bh_commands[i]->hidden || !bh_commands[i]->options)
            continue;
        add(&keys, section, NULL);
        add_options(&keys, section, bh_commands[i]->options);
    }
    add(&keys, NULL, NULL);
    result = bh_config_check(config, keys.items, err);
    bh_freep(&keys.items);
    return result;
}
