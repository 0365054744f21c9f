/* inspect/cache.h - the facts of layers kept in <root>/facts, and the files they are made in.
 *
 * A file that is used gets the time of it, since collection (image/store.h) removes by age. */
#pragma once
#include "base/error.h"
#include "inspect/layer_facts.h"
#include "sys/digest.h"

/* The facts directory below the state root; made when missing. -1 when there is none or it cannot
 * be made: the cache is a convenience. */
int bh_facts_cache_open(int root_fd);

/* The facts of a layer, or NULL when they are not there; a file that does not hold together is
 * removed. */
struct bh_layer_facts *bh_facts_cache_get(int cache_fd, const struct bh_digest *diff_id);

/* An empty file without a name: in the cache's directory, so that it can be kept there, else in
 * memory. *ret_fd is the caller's. */
int bh_facts_cache_begin(int cache_fd, int *ret_fd, struct bh_error *err) BH_CHECKED;
/* Gives the file its name. That another process was faster, or that it cannot be kept, is no
 * error. */
void bh_facts_cache_keep(int cache_fd, int fd, const struct bh_digest *diff_id);
