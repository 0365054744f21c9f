/* inspect/lines.h - cuts content that arrives in pieces into lines.
 *
 * Memory is bounded by BH_LINE_MAX: of a longer line the first BH_LINE_MAX bytes are handed over,
 * marked as cut. Package databases hold lists of dependencies of any length that nobody here reads,
 * so a long line alone is no fault. */
#pragma once
#include "base/buf.h"

#define BH_LINE_MAX (64u * 1024) /* bytes, without the newline */

struct bh_lines {
    /* text is NUL terminated only by chance; borrowed for the call. Non-zero ends the reading. */
    int (*line)(void *self, const char *text, size_t len, bool cut, struct bh_error *err);
    void *self;
    struct bh_buf partial;
    bool cut;
};

int bh_lines_feed(struct bh_lines *l, const void *data, size_t len, struct bh_error *err)
    BH_CHECKED;
/* Hands over a last line that has no newline. */
int bh_lines_end(struct bh_lines *l, struct bh_error *err) BH_CHECKED;
void bh_lines_done(struct bh_lines *l);
