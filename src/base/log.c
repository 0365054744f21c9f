#include "base/log.h"

#include "base/json.h"
#include "base/term.h"
#include "base/time.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static struct {
    int fd;
    enum bh_log_format format;
    enum bh_log_level level;
} sink = {.fd = STDERR_FILENO, .format = BH_LOG_TEXT, .level = BH_LOG_WARN};

void bh_log_setup(int fd, enum bh_log_format format, enum bh_log_level level)
{
    sink.fd = fd;
    sink.format = format;
    sink.level = level;
}

static void put_json(struct bh_buf *b, const char *time, enum bh_log_level level, const char *event,
                     const struct bh_log_field *f)
{
    struct bh_json_writer w = BH_JSON_TO_BUF(b, 0);

    bh_json_object(&w, NULL);
    bh_json_string(&w, "time", time);
    bh_json_string(&w, "level", level_names[level]);
    bh_json_string(&w, "event", event);
    for (; f->name; f++) {
        switch (f->kind) {
        case BH_LOG_STRING:
            bh_json_string(&w, f->name, f->string);
            break;
        case BH_LOG_INT:
            bh_json_int(&w, f->name, f->integer);
            break;
        case BH_LOG_BOOL:
            bh_json_bool(&w, f->name, f->boolean);
            break;
        }
    }
    bh_json_end_object(&w);
}

/* Quoted when it holds anything that would make the line ambiguous. */
static void put_text_value(struct bh_buf *b, const char *value)
{
    BH_AUTO(bh_buf_done) struct bh_buf safe = BH_BUF_INIT(0);

    bh_text_safe(&safe, value);
    if (safe.len && !strpbrk(bh_buf_text(&safe), " \"=\\"))
        bh_buf_puts(b, bh_buf_text(&safe));
    else
        bh_json_quote(b, value);
}

static void put_text(struct bh_buf *b, const char *time, enum bh_log_level level, const char *event,
                     const struct bh_log_field *f)
{
    bh_buf_printf(b, "%s %-5s %s", time, level_names[level], event);
    for (; f->name; f++) {
        bh_buf_printf(b, " %s=", f->name);
        switch (f->kind) {
        case BH_LOG_STRING:
            put_text_value(b, f->string ? f->string : "null");
            break;
        case BH_LOG_INT:
            bh_buf_printf(b, "%" PRId64, f->integer);
            break;
        case BH_LOG_BOOL:
            bh_buf_puts(b, f->boolean ? "true" : "false");
            break;
        }
    }
}

void bh_log_fields(enum bh_log_level level, const char *event, const struct bh_log_field *fields)
{
    BH_AUTO(bh_buf_done) struct bh_buf line = BH_BUF_INIT(0);
    char time[BH_TIME_TEXT_SIZE];

    if (level > sink.level)
        return;
    bh_time_format(bh_time_now(), time);
    if (sink.format == BH_LOG_JSON)
        put_json(&line, time, level, event, fields);
    else
        put_text(&line, time, level, event, fields);
    bh_buf_putc(&line, '\n');
    /* Whole or not at all as far as the kernel allows; a log that cannot be written has nowhere to
     * say so. */
    while (write(sink.fd, line.data, line.len) < 0 && errno == EINTR)
        continue;
}
