/* base/json.h - reading and writing JSON.
 *
 * The reader is strict RFC 8259 in UTF-8: duplicate keys, NUL inside strings, lone surrogates and
 * trailing bytes are refused. It is our own because nodes keep line and column, which jansson does
 * not offer; tests hold it against jansson.
 * Errors: BH_LIMIT    larger, deeper or with more nodes than *limits
 *         BH_INVALID  breaks the grammar; the message ends in "at line L, column C" */
#pragma once
#include "base/buf.h"
#include "base/node.h"

#include <stdint.h>
#include <stdio.h>

struct bh_json_limits {
    size_t bytes;   /* of the document */
    uint32_t depth; /* of nesting */
    size_t nodes;
};
/* 4 MiB, 64 deep, 1,000,000 nodes: manifests, configs, reports of our own. */
extern const struct bh_json_limits bh_json_limits_default;

/* On success *ret is the caller's. limits NULL means the default. */
int bh_json_parse(const char *text, size_t len, const struct bh_json_limits *limits,
                  struct bh_tree **ret, struct bh_error *err) BH_CHECKED;

/* Writer: builds a document into a buffer or a stream; commas, quoting, escapes and indentation are
 * its own. A key is given inside objects only, NULL inside arrays and for the root. */
struct bh_json_writer {
    struct bh_buf *buf; /* exactly one of buf and stream */
    FILE *stream;
    int indent; /* spaces per level, 0 for one line */
    int depth;
    bool first;
};
#define BH_JSON_TO_BUF(b, spaces)                                                                  \
    ((struct bh_json_writer){.buf = (b), .indent = (spaces), .first = true})
#define BH_JSON_TO_STREAM(f, spaces)                                                               \
    ((struct bh_json_writer){.stream = (f), .indent = (spaces), .first = true})

void bh_json_object(struct bh_json_writer *w, const char *key);
void bh_json_array(struct bh_json_writer *w, const char *key);
void bh_json_end_object(struct bh_json_writer *w);
void bh_json_end_array(struct bh_json_writer *w);
/* value NULL writes null. Bytes that are not UTF-8 are written as U+FFFD. */
void bh_json_string(struct bh_json_writer *w, const char *key, const char *value);
/* Leaves the member out when value is NULL or empty. */
void bh_json_string_opt(struct bh_json_writer *w, const char *key, const char *value);
void bh_json_int(struct bh_json_writer *w, const char *key, int64_t value);
void bh_json_real(struct bh_json_writer *w, const char *key, double value);
void bh_json_bool(struct bh_json_writer *w, const char *key, bool value);
void bh_json_null(struct bh_json_writer *w, const char *key);
void bh_json_node(struct bh_json_writer *w, const char *key, const struct bh_node *value);
/* Appends text as a quoted JSON string. */
void bh_json_quote(struct bh_buf *b, const char *text);
