/* base/config_files.h - what the reader and the lookups of a configuration share; no other room
 * includes it. */
#pragma once
#include "base/config.h"

#define BH_CONFIG_FILES_MAX 2

struct bh_config_source {
    char *path;
    struct bh_tree *tree;
};

struct bh_config {
    struct bh_config_source files[BH_CONFIG_FILES_MAX]; /* the first wins */
    size_t count;
};
