/* inspect/layer_facts.h - what was learned about one layer: the file between decoder and parent,
 * and the cache facts/<diff_id>-<BH_ANALYSER_VERSION>.
 *
 * Format, all of it read as outside bytes (inspect/packed.h for numbers and texts):
 *   "BHFACTS1"
 *   paths: one record per member, in the order of the tar
 *       number  bytes shared with the path before
 *       text    the rest of the path
 *       byte    enum bh_entry_type in the low four bits, enum bh_whiteout above
 *       when no whiteout: number mode, number size
 *   records, each begun by a byte of enum bh_layer_record
 *   footer of 40 bytes, little endian: bytes of paths, members, files, sum of their sizes (64 bits
 *       each), "BHFACTS!"
 * Paths are streamed and never held whole; records are few. */
#pragma once
#include "base/buf.h"
#include "fact/facts.h"
#include "image/layer_stream.h"

#include <stdint.h>

/* Part of the cache's key: raise it whenever a layer would be told differently. */
#define BH_ANALYSER_VERSION 1u

#define BH_LAYER_FACTS_MAGIC "BHFACTS1"
#define BH_LAYER_FACTS_END "BHFACTS!"
#define BH_LAYER_FACTS_MAGIC_SIZE 8u
#define BH_LAYER_FACTS_FOOTER_SIZE 40u
#define BH_LAYER_RECORDS_MAX (32u * 1024 * 1024) /* bytes of the records part */
#define BH_LAYER_FILES_MAX 20000u                /* notable files of one layer */

enum bh_layer_record {
    BH_RECORD_DISTRIBUTION_OF = 1, /* path, id, version, codename, pretty name, id_like */
    BH_RECORD_DATABASE,            /* type, path; the packages after it are its */
    BH_RECORD_PACKAGE_OF, /* name, version, source name, source version, architecture, licence */
    BH_RECORD_FILE,       /* marks, type, mode, uid, gid, path, detail */
    BH_RECORD_GAP,        /* blind, subject, path, reason */
};

/* Why a file is notable. */
enum bh_file_mark {
    BH_FILE_SETUID = 1,
    BH_FILE_SETGID = 2,
    BH_FILE_WORLD_WRITABLE = 4,   /* a directory: without the sticky bit */
    BH_FILE_CAPABILITIES = 8,     /* detail: their names */
    BH_FILE_LINKED_DATABASE = 16, /* a package database that is no plain file: detail says what */
};

struct bh_layer_package {
    const char *name, *version, *source_name, *source_version, *architecture, *license;
};

struct bh_layer_database {
    const char *type; /* "deb", "apk", "rpm" */
    const char *path;
    struct bh_layer_package *packages;
    size_t count, cap;
};

struct bh_layer_distribution {
    const char *path;
    struct bh_distribution distribution;
};

struct bh_layer_file {
    uint32_t marks; /* enum bh_file_mark */
    enum bh_entry_type type;
    uint32_t mode, uid, gid;
    const char *path;
    const char *detail;
};

struct bh_layer_gap {
    bool blind;
    const char *subject, *path, *reason; /* path "" for none */
};

/* One layer's facts, opened. Everything belongs to arena. */
struct bh_layer_facts {
    struct bh_arena *arena;
    int fd; /* owned; the paths are read from it on demand */
    uint64_t path_bytes, member_count, file_count, file_bytes;
    struct bh_layer_distribution *distributions;
    size_t distribution_count, distribution_cap;
    struct bh_layer_database *databases;
    size_t database_count, database_cap;
    struct bh_layer_file *files;
    size_t file_note_count, file_note_cap;
    struct bh_layer_gap *gaps;
    size_t gap_count, gap_cap;
};

/* Takes fd over in every case. Checks everything but the paths, which are checked while they are
 * walked.
 * Errors: BH_CORRUPT. */
int bh_layer_facts_open(int fd, struct bh_layer_facts **ret, struct bh_error *err) BH_CHECKED;
void bh_layer_facts_free(struct bh_layer_facts *f); /* NULL is allowed */
static inline void bh_layer_facts_freep(struct bh_layer_facts **f)
{
    bh_layer_facts_free(*f);
}

struct bh_layer_path {
    const char *path; /* NUL terminated, borrowed for the call */
    size_t len;
    enum bh_entry_type type;
    enum bh_whiteout whiteout;
    uint32_t mode;
    uint64_t size;
};
/* Calls each for every member, in the order of the tar; non-zero ends the walk and is returned. */
int bh_layer_facts_paths(const struct bh_layer_facts *f,
                         int (*each)(void *self, const struct bh_layer_path *p,
                                     struct bh_error *err),
                         void *self, struct bh_error *err) BH_CHECKED;
