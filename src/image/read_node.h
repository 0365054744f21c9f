/* image/read_node.h - reading members of a JSON document from outside into an arena.
 *
 * Private to image/. Missing and null members are absent; a member of the wrong kind is BH_INVALID
 * with its name, line and column. */
#pragma once
#include "base/mem.h"
#include "base/node.h"

/* Fails with: NAME must be WANTED, is a KIND at line L, column C. */
int bh_node_bad(const struct bh_node *n, const char *name, const char *wanted, struct bh_error *err)
    BH_CHECKED;

/* object's member name as text in arena; NULL when absent. */
int bh_read_text(struct bh_arena *a, const struct bh_node *object, const char *name,
                 const char **ret, struct bh_error *err) BH_CHECKED;
/* object's member name as a NULL-terminated list of strings; never NULL. */
int bh_read_list(struct bh_arena *a, const struct bh_node *object, const char *name,
                 const char *const **ret, struct bh_error *err) BH_CHECKED;
/* The member names of object's member name, which is an object (ExposedPorts, Volumes). */
int bh_read_keys(struct bh_arena *a, const struct bh_node *object, const char *name,
                 const char *const **ret, struct bh_error *err) BH_CHECKED;
/* object's member name, which must be of kind; *ret is NULL when absent. */
int bh_read_member(const struct bh_node *object, const char *name, enum bh_node_kind kind,
                   const struct bh_node **ret, struct bh_error *err) BH_CHECKED;
