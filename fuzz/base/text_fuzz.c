/* Small readers of text from outside: what is shown on a terminal, times, sizes, mistyped words. */
#include "base/cli.h"
#include "base/nearest.h"
#include "base/term.h"
#include "base/time.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const known[] = {"vuln.severity", "package.name", "image.digest", NULL};
    BH_AUTO(bh_buf_done) struct bh_buf copy = BH_BUF_INIT(0);
    BH_AUTO(bh_buf_done) struct bh_buf safe = BH_BUF_INIT(0);
    char time_text[BH_TIME_TEXT_SIZE];
    const char *text;
    int64_t seconds, back;
    uint64_t amount;

    bh_buf_put(&copy, data, size);
    text = bh_buf_text(&copy);
    bh_text_safe(&safe, text);
    assert(bh_utf8_valid(bh_buf_text(&safe), safe.len));
    for (size_t i = 0; i < safe.len; i++)
        assert((unsigned char)safe.data[i] >= 0x20 && safe.data[i] != 0x7F);
    assert(bh_text_width(bh_buf_text(&safe)) <= 2 * safe.len);
    (void)bh_nearest_of(text, known); /* any answer is right */
    (void)bh_size_parse(text, &amount);
    (void)bh_duration_parse(text, &amount);
    if (bh_time_parse(text, &seconds, NULL) == 0 && seconds >= -62167219200 &&
        seconds <= 253402300799) {
        int result = bh_time_parse(bh_time_format(seconds, time_text), &back, NULL);

        assert(result == 0 && back == seconds);
    }
    return 0;
}
