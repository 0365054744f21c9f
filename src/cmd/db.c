#include "cmd/db.h"

#include "base/json.h"
#include "base/time.h"

#include <string.h>

static void put_info(struct bh_json_writer *w, const struct bh_db_info *i)
{
    bh_json_object(w, NULL);
    bh_json_string(w, "key", i->key);
    bh_json_bool(w, "usable", i->source != NULL);
    if (i->source) {
        bh_json_string(w, "ecosystem", i->ecosystem);
        bh_json_string(w, "source", i->source);
        bh_json_string(w, "date", *i->date ? i->date : NULL);
        bh_json_string(w, "imported", i->imported);
        bh_json_int(w, "advisories", (int64_t)i->advisories);
        bh_json_int(w, "ranges", (int64_t)i->ranges);
        bh_json_int(w, "size_bytes", (int64_t)i->size_bytes);
    }
    bh_json_string_opt(w, "note", i->note);
    bh_json_end_object(w);
}

void bh_db_print_json(FILE *stream, const char *schema, const struct bh_import_result *r,
                      const struct bh_db_info *infos, size_t count)
{
    struct bh_json_writer w = BH_JSON_TO_STREAM(stream, 2);

    bh_json_object(&w, NULL);
    bh_json_string(&w, "schema", schema);
    if (r) {
        bh_json_int(&w, "records", (int64_t)r->feed.records);
        bh_json_int(&w, "passed_over", (int64_t)r->feed.passed_over);
        bh_json_string_opt(&w, "first_reason", r->feed.first_reason);
        bh_json_int(&w, "no_security", (int64_t)r->feed.no_security);
        bh_json_int(&w, "withdrawn", (int64_t)r->withdrawn);
    }
    bh_json_array(&w, "databases");
    for (size_t i = 0; i < count; i++)
        put_info(&w, &infos[i]);
    bh_json_end_array(&w);
    bh_json_end_object(&w);
    (void)fputc('\n', stream); /* the frame checks the stream at the end */
}

/* "2026-11-22" of "2026-11-22T00:00:00Z" */
static void put_day(struct bh_table *t, const char *date)
{
    bh_table_cellf(t, BH_PLAIN, "%.10s", *date ? date : "unknown");
}

void bh_db_print_table(const struct bh_term *out, const struct bh_db_info *infos, size_t count)
{
    static const struct bh_column columns[] = {
        {"DATABASE", BH_COLUMN_LEFT},    {"SOURCE", BH_COLUMN_LEFT},
        {"ADVISORIES", BH_COLUMN_RIGHT}, {"PUBLISHED", BH_COLUMN_LEFT},
        {"IMPORTED", BH_COLUMN_LEFT},    {"SIZE", BH_COLUMN_RIGHT},
        {"NOTE", BH_COLUMN_WRAP}};
    BH_AUTO(bh_table_freep) struct bh_table *t = bh_table_new(columns, BH_COUNT_OF(columns));
    char size[16];

    for (size_t i = 0; i < count; i++) {
        const struct bh_db_info *d = &infos[i];

        bh_table_cell(t, BH_BOLD, d->key);
        bh_table_cell(t, d->source ? BH_PLAIN : BH_RED, d->source ? d->source : "unusable");
        if (d->source) {
            bh_table_cellf(t, BH_PLAIN, "%ju", (uintmax_t)d->advisories);
            put_day(t, d->date);
            put_day(t, d->imported);
            bh_table_cell(t, BH_PLAIN, bh_text_bytes(d->size_bytes, size));
        } else {
            for (int k = 0; k < 4; k++)
                bh_table_cell(t, BH_PLAIN, "");
        }
        bh_table_cell(t, BH_PLAIN, d->note);
    }
    bh_table_print(t, out);
}

void bh_db_print_result(const struct bh_term *out, bool json, const struct bh_import_result *r)
{
    if (json) {
        bh_db_print_json(out->stream, "bulkhead/db-import/1", r, r->databases, r->database_count);
        return;
    }
    bh_db_print_table(out, r->databases, r->database_count);
    bh_term_printf(out, BH_DIM, "%ju records read", (uintmax_t)r->feed.records);
    if (r->withdrawn)
        bh_term_printf(out, BH_DIM, ", %ju of them withdrawn", (uintmax_t)r->withdrawn);
    if (r->feed.no_security)
        bh_term_printf(out, BH_DIM, "; %ju errata without a security issue left out",
                       (uintmax_t)r->feed.no_security);
    bh_term_printf(out, BH_DIM, "\n");
}

void bh_db_warn(const struct bh_term *err, const struct bh_feed_result *feed)
{
    BH_AUTO(bh_buf_done) struct bh_buf reason = BH_BUF_INIT(0);

    if (!feed->passed_over)
        return;
    bh_text_safe(&reason, feed->first_reason);
    bh_term_printf(err, BH_YELLOW, "warning: %ju records were passed over; the first: %s\n",
                   (uintmax_t)feed->passed_over, bh_buf_text(&reason));
}

void bh_db_progress_step(void *context, const char *input, uint64_t received, uint64_t total)
{
    struct bh_db_progress *p = context;

    if (!p->input || strcmp(p->input, input) != 0) {
        bh_db_progress_end(p, true);
        p->input = input;
        bh_progress_start(&p->progress, p->term, input);
    }
    bh_progress_bytes(&p->progress, received, total);
}

void bh_db_progress_end(struct bh_db_progress *p, bool good)
{
    if (p->input)
        bh_progress_end(&p->progress, good, good ? "fetched" : "failed");
    p->input = NULL;
}
