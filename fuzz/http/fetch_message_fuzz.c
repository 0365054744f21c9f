/* The input is the beginning of a message, the rest is zero: what the check lets through keeps
 * every promise its receiver relies on. */
#include "http/url.h"
#include "http/wire.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bh_wire_request request;
static struct bh_wire_event event;

/* As a server's text would be placed: behind the numbers, so that small inputs reach the fields. */
static void place(void *message, size_t message_size, size_t numbers, const uint8_t *data,
                  size_t size)
{
    size_t head = size < numbers ? size : numbers;

    memset(message, 0, message_size);
    memcpy(message, data, head);
    memcpy((char *)message + numbers, data + head,
           size - head < message_size - numbers ? size - head : message_size - numbers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bh_url url;

    place(&request, sizeof request, offsetof(struct bh_wire_request, url), data, size);
    if (bh_wire_check_request(&request, sizeof request, bh_wire_fd_count(request.flags), NULL) ==
        0) {
        assert(request.kind == BH_WIRE_START || request.kind == BH_WIRE_CANCEL);
        assert(request.kind == BH_WIRE_CANCEL ||
               memchr(request.headers, 0, sizeof request.headers));
        if (request.kind == BH_WIRE_START && bh_url_parse(request.url, &url, NULL) == 0)
            assert(url.port != 0 && url.target[0] == '/');
    }
    place(&event, sizeof event, offsetof(struct bh_wire_event, message), data, size);
    if (bh_wire_check_event(&event, sizeof event, NULL) == 0) {
        assert(memchr(event.message, 0, sizeof event.message));
        assert(memchr(event.fields.authenticate, 0, sizeof event.fields.authenticate));
        assert(event.excerpt_len <= sizeof event.excerpt && event.offset <= event.end);
    }
    assert(bh_wire_check_event(data, size, NULL) != 0 || size == sizeof event);
    return 0;
}
