#include "base/term.h"
#include "base/time.h"

#include <inttypes.h>

#define REDRAW_NS 100000000u /* ten times a second */

void bh_progress_start(struct bh_progress *p, const struct bh_term *term, const char *title)
{
    *p = (struct bh_progress){.term = term, .title = title, .started_ns = bh_clock_ns()};
    if (term->tty)
        bh_progress_count(p, 0, 0);
}

/* true when it is time to draw; the cursor then stands at the start of an empty line. */
static bool begin_line(struct bh_progress *p)
{
    uint64_t now = bh_clock_ns();

    if (!p->term->tty || (p->drawn && now - p->drawn_ns < REDRAW_NS))
        return false;
    p->drawn = true;
    p->drawn_ns = now;
    fprintf(p->term->stream, "\r\033[K%s-%s %s", bh_term_on(p->term, BH_CYAN),
            bh_term_off(p->term, BH_CYAN), p->title);
    return true;
}

static void put_bar(struct bh_progress *p, uint64_t done, uint64_t total)
{
    unsigned filled;

    if (!total)
        return;
    filled = done >= total ? 20 : (unsigned)((double)done / (double)total * 20);
    fprintf(p->term->stream, "  %s%.*s%s%.*s", bh_term_on(p->term, BH_CYAN), (int)filled,
            "####################", bh_term_off(p->term, BH_CYAN), (int)(20 - filled),
            "....................");
}

void bh_progress_bytes(struct bh_progress *p, uint64_t done, uint64_t total)
{
    double seconds = (double)(bh_clock_ns() - p->started_ns) / 1e9;
    char have[16], all[16], rate[16];

    if (!begin_line(p))
        return;
    put_bar(p, done, total);
    fprintf(p->term->stream, "  %s", bh_text_bytes(done, have));
    if (total)
        fprintf(p->term->stream, " of %s", bh_text_bytes(total, all));
    if (seconds > 0.5)
        fprintf(p->term->stream, ", %s/s", bh_text_bytes((uint64_t)((double)done / seconds), rate));
    (void)fflush(p->term->stream); /* a lost line of progress is no loss */
}

void bh_progress_count(struct bh_progress *p, uint64_t done, uint64_t total)
{
    if (!begin_line(p))
        return;
    put_bar(p, done, total);
    if (total)
        fprintf(p->term->stream, "  %" PRIu64 " of %" PRIu64, done, total);
    else if (done)
        fprintf(p->term->stream, "  %" PRIu64, done);
    (void)fflush(p->term->stream);
}

void bh_progress_end(struct bh_progress *p, bool good, const char *result)
{
    enum bh_style style = good ? BH_GREEN : BH_RED;
    double seconds = (double)(bh_clock_ns() - p->started_ns) / 1e9;
    BH_AUTO(bh_buf_done) struct bh_buf safe = BH_BUF_INIT(0);

    bh_text_safe(&safe, result);
    fprintf(p->term->stream, "%s%s%s%s %s", p->drawn ? "\r\033[K" : "", bh_term_on(p->term, style),
            good ? "ok" : "failed", bh_term_off(p->term, style), p->title);
    if (safe.len)
        fprintf(p->term->stream, ": %s", bh_buf_text(&safe));
    if (seconds >= 0.1)
        fprintf(p->term->stream, " %s(%.1f s)%s", bh_term_on(p->term, BH_DIM), seconds,
                bh_term_off(p->term, BH_DIM));
    fputc('\n', p->term->stream);
    (void)fflush(p->term->stream);
}
