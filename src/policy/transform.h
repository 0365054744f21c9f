/* policy/transform.h - the transformers of conditions, over values. Results live in the arena. */
#pragma once
#include "base/mem.h"
#include "fact/field.h"
#include "policy/ast.h"

/* tolower, toupper, b64, basename, len: of a string or of each entry of a list (len: of the list).
 * BH_ABSENT when there is no answer: b64 of what is not base64. */
enum bh_known bh_transform_one(enum bh_transformer t, const struct bh_value *v, struct bh_arena *a,
                               struct bh_value *ret) BH_NONNULL;

/* One string from several; separator is "" for concat. Lists are flattened. */
const char *bh_transform_join(const char *separator, const struct bh_value *values, size_t count,
                              struct bh_arena *a) BH_NONNULL BH_RETURNS_NONNULL;

/* Options of a command line as getopt(3) finds them. options is "ab:c": with a colon an option
 * takes a value. args is a list, or a string split at blanks. key NULL: the list of options found,
 * one letter each; else the value of that option ("" for one without), absent when not given. */
enum bh_known bh_transform_getopt(const struct bh_value *args, const char *options, const char *key,
                                  struct bh_arena *a, struct bh_value *ret)
    BH_NONNULL_ARGS(1, 2, 4, 5);
