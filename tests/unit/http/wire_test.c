#include "http/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct bh_wire_request good_request(void)
{
    return (struct bh_wire_request){
        .magic = BH_WIRE_MAGIC,
        .kind = BH_WIRE_START,
        .id = 1,
        .method = BH_WIRE_GET,
        .bytes_max = 100,
        .url = "https://a/",
        .headers = "Accept: x\nB: y\n",
    };
}

static struct bh_wire_event good_event(void)
{
    return (
        struct bh_wire_event){.magic = BH_WIRE_MAGIC, .kind = BH_WIRE_DONE, .id = 1, .status = 200};
}

static void request_breaks(struct bh_wire_request *q, int fds)
{
    assert_int_equal(bh_wire_check_request(q, sizeof *q, fds, NULL), -BH_INVALID);
    *q = good_request();
    assert_int_equal(bh_wire_check_request(q, sizeof *q, 0, NULL), 0);
}

static void a_request_that_breaks_any_rule_is_refused(void **state)
{
    static struct bh_wire_request q;

    (void)state;
    q = good_request();
    assert_int_equal(bh_wire_check_request(&q, sizeof q - 1, 0, NULL), -BH_INVALID);
    request_breaks(&q, 1);
    q.magic++;
    request_breaks(&q, 0);
    q.kind = BH_WIRE_DONE;
    request_breaks(&q, 0);
    q.id = 0;
    request_breaks(&q, 0);
    q.method = 4;
    request_breaks(&q, 0);
    q.flags = 1u << 9;
    request_breaks(&q, 0);
    q.flags = BH_WIRE_FD_SINK;
    request_breaks(&q, 0);
    q.body_len = sizeof q.body + 1;
    request_breaks(&q, 0);
    q.offset = 101;
    request_breaks(&q, 0);
    q.bytes_max = UINT64_MAX;
    request_breaks(&q, 0);
    memset(q.url, 'a', sizeof q.url);
    request_breaks(&q, 0);
    memset(q.headers, 'a', sizeof q.headers);
    request_breaks(&q, 0);
    memcpy(q.headers, "no colon\n", 10);
    request_breaks(&q, 0);
    memcpy(q.headers, "A: b\r\n", 7);
    request_breaks(&q, 0);
    memcpy(q.headers, "A: unfinished", 14);
    request_breaks(&q, 0);
    q.kind = BH_WIRE_CANCEL;
    request_breaks(&q, 1);
}

static void event_breaks(struct bh_wire_event *e)
{
    assert_int_equal(bh_wire_check_event(e, sizeof *e, NULL), -BH_INVALID);
    *e = good_event();
    assert_int_equal(bh_wire_check_event(e, sizeof *e, NULL), 0);
}

static void an_event_that_breaks_any_rule_is_refused(void **state)
{
    static struct bh_wire_event e;

    (void)state;
    e = good_event();
    assert_int_equal(bh_wire_check_event(&e, sizeof e + 1, NULL), -BH_INVALID);
    e.magic = 0;
    event_breaks(&e);
    e.kind = BH_WIRE_START;
    event_breaks(&e);
    e.id = 0;
    event_breaks(&e);
    e.code = 99;
    event_breaks(&e);
    e.status = 7;
    event_breaks(&e);
    e.offset = 1;
    event_breaks(&e);
    e.excerpt_len = sizeof e.excerpt + 1;
    event_breaks(&e);
    e.end = UINT64_MAX;
    event_breaks(&e);
    memset(e.message, 'x', sizeof e.message);
    event_breaks(&e);
    memset(e.fields.etag, 'x', sizeof e.fields.etag);
    event_breaks(&e);
    e.fields.authenticate[0] = '\n';
    event_breaks(&e);
}

static void messages_and_descriptors_cross_the_socket(void **state)
{
    static struct bh_wire_request q, got;
    int pair[2], fds[BH_WIRE_FDS_MAX], count = -1, other[2];
    size_t len = 0;

    (void)state;
    q = good_request();
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(pipe(other), 0);
    assert_int_equal(bh_wire_receive(pair[1], &got, sizeof got, &len, fds, &count, false, NULL),
                     -BH_LIMIT);
    assert_int_equal(bh_wire_send(pair[0], &q, sizeof q, other, 2, true, NULL), 0);
    assert_int_equal(bh_wire_receive(pair[1], &got, sizeof got, &len, fds, &count, true, NULL), 0);
    assert_int_equal(len, sizeof q);
    assert_int_equal(count, 2);
    assert_memory_equal(&q, &got, sizeof q);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(other[0], &got, 1), 1);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(other[i]);
    }
    close(pair[0]);
    assert_int_equal(bh_wire_receive(pair[1], &got, sizeof got, &len, fds, &count, true, NULL), 0);
    assert_int_equal(len, 0);
    assert_int_equal(bh_wire_send(pair[1], &q, sizeof q, NULL, 0, true, NULL), -BH_UNAVAILABLE);
    close(pair[1]);
}

static void a_longer_message_is_refused(void **state)
{
    char big[64] = {0}, small[32];
    int pair[2], fds[BH_WIRE_FDS_MAX], count = -1;
    size_t len = 0;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(bh_wire_send(pair[0], big, sizeof big, NULL, 0, true, NULL), 0);
    assert_int_equal(bh_wire_receive(pair[1], small, sizeof small, &len, fds, &count, true, NULL),
                     -BH_INVALID);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_that_breaks_any_rule_is_refused),
        cmocka_unit_test(an_event_that_breaks_any_rule_is_refused),
        cmocka_unit_test(messages_and_descriptors_cross_the_socket),
        cmocka_unit_test(a_longer_message_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
