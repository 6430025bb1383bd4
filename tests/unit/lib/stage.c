/* SPDX-License-Identifier: Apache-2.0 */
/* A stage for the library: the test plays the daemon. */
#include "tests/unit/lib/stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

void stage_open(struct stage *s)
{
    strcpy(s->folder, "/tmp/discover-stage-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->folder));
    snprintf(s->path, sizeof s->path, "%s/sock", s->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, s->path);
    s->peer = -1;
    s->clock_ns = 0;
    frame_reader_init(&s->in);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(s->listener, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(s->listener, 16), 0);
}

void stage_close(struct stage *s)
{
    stage_hang_up(s);
    close(s->listener);
    unlink(s->path);
    rmdir(s->folder);
}

void stage_accept(struct stage *s)
{
    stage_hang_up(s);
    s->peer = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_msg(s->peer >= 0, "nobody has connected");
}

void stage_hang_up(struct stage *s)
{
    if (s->peer >= 0)
        close(s->peer);
    s->peer = -1;
    frame_reader_fini(&s->in);
}

Discover__V1__ClientMessage *stage_take(struct stage *s)
{
    const uint8_t *payload;
    size_t n;
    int got = frame_next(&s->in, &payload, &n);
    if (got == 0 && frame_recv(&s->in, s->peer) > 0)
        got = frame_next(&s->in, &payload, &n);
    if (got == 0)
        return NULL;
    ck_assert_int_eq(got, 1);
    Discover__V1__ClientMessage *msg = discover__v1__client_message__unpack(NULL, n, payload);
    ck_assert_ptr_nonnull(msg);
    return msg;
}

uint32_t stage_expect(struct stage *s, Discover__V1__ClientMessage__BodyCase kind)
{
    Discover__V1__ClientMessage *msg = stage_take(s);
    ck_assert_msg(msg != NULL, "the client said nothing");
    ck_assert_int_eq(msg->body_case, kind);
    uint32_t id = msg->id;
    discover__v1__client_message__free_unpacked(msg, NULL);
    return id;
}

void stage_send_bytes(struct stage *s, const void *bytes, size_t n, int fd)
{
    ck_assert_int_eq(frame_send_fd(s->peer, bytes, n, fd), (int)n);
}

void stage_send(struct stage *s, Discover__V1__ServerMessage *msg, int fd)
{
    uint8_t bytes[FRAME_HEADER + 8192];
    size_t n = discover__v1__server_message__get_packed_size(msg);
    ck_assert_uint_le(n, sizeof bytes - FRAME_HEADER);
    frame_header(bytes, n);
    discover__v1__server_message__pack(msg, bytes + FRAME_HEADER);
    stage_send_bytes(s, bytes, FRAME_HEADER + n, fd);
}

void stage_welcome(struct stage *s, uint32_t id, uint32_t version, int fd)
{
    Discover__V1__Welcome body = DISCOVER__V1__WELCOME__INIT;
    body.version = version;
    body.host = (char *)"web-1";
    body.clock_ns = s->clock_ns;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.id = id;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME;
    msg.welcome = &body;
    stage_send(s, &msg, fd);
}

void stage_ok(struct stage *s, uint32_t id)
{
    Discover__V1__Ok body = DISCOVER__V1__OK__INIT;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.id = id;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_OK;
    msg.ok = &body;
    stage_send(s, &msg, -1);
}

void stage_error(struct stage *s, uint32_t id, Discover__V1__Error__Code code, const char *reason)
{
    Discover__V1__Error body = DISCOVER__V1__ERROR__INIT;
    body.code = code;
    body.reason = (char *)reason;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.id = id;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_ERROR;
    msg.error = &body;
    stage_send(s, &msg, -1);
}

void stage_registered(struct stage *s, uint32_t id, const char *service, const char *instance)
{
    Discover__V1__Registered body = DISCOVER__V1__REGISTERED__INIT;
    body.service = (char *)service;
    body.instance = (char *)instance;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.id = id;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_REGISTERED;
    msg.registered = &body;
    stage_send(s, &msg, -1);
}

void stage_table_moved(struct stage *s, int fd)
{
    Discover__V1__TableMoved body = DISCOVER__V1__TABLE_MOVED__INIT;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_TABLE_MOVED;
    msg.table_moved = &body;
    stage_send(s, &msg, fd);
}

struct discover *stage_handle(struct stage *s)
{
    struct discover *d;
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_set_socket(d, s->path), 0);
    ck_assert_int_eq(discover_set_source(d, DISCOVER_SOURCE_DAEMON), 0); /* nobody's resolver is asked */
    ck_assert_int_eq(discover_set_timeout(d, 0), 0);
    return d;
}

struct discover *stage_client(struct stage *s, int table_fd)
{
    struct discover *d = stage_handle(s);
    ck_assert_int_eq(discover_start(d), 0);
    stage_accept(s);
    ck_assert_uint_eq(stage_expect(s, DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO), HELLO_ID);
    stage_welcome(s, HELLO_ID, API_VERSION, table_fd);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(discover_connected(d), 1);
    return d;
}

static struct catalog *catalog_of(size_t n, uint16_t port, size_t table_words, table_moved_fn *moved)
{
    const struct catalog_options options = {.host = "web-1",
                                            .region = "eu",
                                            .zone = "eu-1",
                                            .table_words = table_words,
                                            .hosts_max = 10,
                                            .services_max = 10000,
                                            .instances_per_host_max = 10000};
    struct catalog *c;
    const struct lease lease = {.ttl_ms = 1000, .region = "eu", .zone = "eu-1"};
    ck_assert_int_eq(catalog_new(&options, moved, NULL, &c), 0);
    ck_assert_int_eq(catalog_set_host(c, "web-1", &lease, true, 1), 0);
    for (size_t i = 0; i < n; i++) {
        char key[KEY_CAP];
        snprintf(key, sizeof key, "shop.payment.web-1.p%zu", i);
        stage_put(c, key, DISCOVER_PASSING, (uint16_t)(port + i));
    }
    table_writer_alive(catalog_table(c), clock_now_ns());
    table_writer_set_sync(catalog_table(c), TABLE_LIVE, 0);
    return c;
}

struct catalog *stage_catalog(size_t n, uint16_t port)
{
    return catalog_of(n, port, 1 << 12, NULL);
}

struct catalog *stage_catalog_small(size_t n, uint16_t port, table_moved_fn *moved)
{
    return catalog_of(n, port, 1 << 11, moved);
}

int stage_table_fd(struct catalog *c)
{
    return table_writer_fd(catalog_table(c));
}

void stage_put(struct catalog *c, const char *text, enum discover_state state, uint16_t port)
{
    static uint64_t counter;
    struct instance_key key;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    struct record r;
    record_init(&r);
    r.epoch = 1;
    r.counter = ++counter;
    r.state = (uint8_t)state;
    r.port = port;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    ck_assert_int_eq(record_add_tag(&r, "blue"), 0);
    ck_assert_int_eq(record_set_meta(&r, "version", "1.4"), 0);
    ck_assert_int_eq(catalog_put(c, &key, &r), 0);
    ck_assert_uint_gt(catalog_flush(c), 0);
}
