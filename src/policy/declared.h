/* policy/declared.h - fields of Falco's rules that a condition may name and no room reads yet.
 *
 * So that rule files load and are checked today. A field leaves this table when a room declares it
 * in fact/field.h. Names are facts of Falco's field reference; types are not listed, since only
 * the reader of a field can say what it yields. */
#pragma once
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* name may be one of the table, or one below an open name: "evt.arg.flags" below "evt.arg". */
bool bh_declared_field(const char *name) BH_NONNULL;
const char *const *bh_declared_fields(size_t *count) BH_NONNULL BH_RETURNS_NONNULL;
