/* base/yaml.h - YAML documents read into the same tree as JSON, through libyaml's events.
 *
 * Core schema scalars (null, true/false, integers, reals), everything else a string; quoted scalars
 * are always strings. Duplicate keys, tags, merge keys and keys that are not scalars are refused.
 * Errors: BH_LIMIT, BH_INVALID as in base/json.h. */
#pragma once
#include "base/node.h"

struct bh_yaml_limits {
    size_t bytes;
    uint32_t depth;
    size_t nodes;     /* after aliases are expanded, which bounds alias bombs */
    uint32_t aliases; /* uses of aliases; 0 refuses them */
};
extern const struct bh_yaml_limits bh_yaml_limits_default; /* 1 MiB, 32, 200,000, 100 */

/* One document; a second one in the stream is an error. An empty stream is a null node. */
int bh_yaml_parse(const char *text, size_t len, const struct bh_yaml_limits *limits,
                  struct bh_tree **ret, struct bh_error *err) BH_CHECKED;
