/* advisory/import.h - feeds into databases: files, directories, archives, URLs. */
#pragma once
#include "advisory/db.h"
#include "advisory/feed.h"

#define BH_IMPORT_DOWNLOAD_MAX (4ull << 30) /* bytes of one feed */

struct bh_import {
    const char *root;          /* state root; made when missing */
    const char *const *inputs; /* paths, or URLs that begin with https:// or http:// */
    size_t input_count;
    bool force; /* accept an implausible shrink */
    bool merge; /* keep what is there and was not imported again */
    /* Called while a URL is fetched; total is 0 while unknown. May be NULL. */
    void (*progress)(void *context, const char *input, uint64_t received, uint64_t total);
    void *context;
};

struct bh_import_result {
    struct bh_feed_result feed;
    uint64_t withdrawn;
    struct bh_db_info *databases; /* as they are now */
    size_t database_count;
};
void bh_import_result_done(struct bh_import_result *r);

/* All inputs together replace the databases of the ecosystems they speak of; on failure nothing is
 * changed. http:// is for this machine's loopback addresses only. */
int bh_import_run(const struct bh_import *i, struct bh_import_result *ret, struct bh_error *err)
    BH_CHECKED;

/* Fetches url into an unnamed file below root/tmp, positioned at its start; *ret_fd is the
 * caller's. i is for progress and may hold no inputs. */
int bh_import_fetch(const struct bh_import *i, const char *url, uint64_t bytes_max, int *ret_fd,
                    struct bh_error *err) BH_CHECKED;
