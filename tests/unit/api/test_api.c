/* SPDX-License-Identifier: Apache-2.0 */
/* The local socket over real sockets: requests, refusals, limits, and everything a client can do wrong. */
#include <fcntl.h>
#include "tests/unit/api/client.h"

#define CODE(name) DISCOVER__V1__ERROR__CODE__##name

static void send_named(struct test_client *c, Discover__V1__ClientMessage__BodyCase kind, const char *service,
                       const char *instance)
{
    Discover__V1__Deregister deregister = DISCOVER__V1__DEREGISTER__INIT;
    Discover__V1__Heartbeat heartbeat = DISCOVER__V1__HEARTBEAT__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    m.id = 9;
    m.body_case = kind;
    if (kind == DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER) {
        m.deregister = &deregister;
        deregister.service = (char *)service;
        deregister.instance = (char *)instance;
    } else {
        m.heartbeat = &heartbeat;
        heartbeat.service = (char *)service;
        heartbeat.instance = (char *)instance;
    }
    send_message(c, &m);
}

static void send_deregister(struct test_client *c, const char *service, const char *instance)
{
    send_named(c, DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER, service, instance);
}

static void send_heartbeat(struct test_client *c, const char *service, const char *instance)
{
    send_named(c, DISCOVER__V1__CLIENT_MESSAGE__BODY_HEARTBEAT, service, instance);
}

static void send_status_request(struct test_client *c)
{
    Discover__V1__StatusRequest request = DISCOVER__V1__STATUS_REQUEST__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    m.id = 10;
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_STATUS;
    m.status = &request;
    send_message(c, &m);
}

static void expect_same_file(int fd, int expected)
{
    struct stat a, b;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &a), 0);
    ck_assert_int_eq(fstat(expected, &b), 0);
    ck_assert_uint_eq(a.st_ino, b.st_ino);
    close(fd);
}

/* --- handshake --- */

START_TEST(welcome_brings_the_table)
{
    server_start((struct api_options){0});
    struct test_client c = dial();
    send_hello(&c, 1, 3);
    Discover__V1__ServerMessage *m = receive(&c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME);
    ck_assert_uint_eq(m->id, 7);
    ck_assert_uint_eq(m->welcome->version, 1);
    ck_assert_str_eq(m->welcome->host, "web-1");
    ck_assert_uint_eq(m->welcome->epoch, 1000);
    expect_same_file(frame_take_fd(&c.reader), s.table_fd);
    release(m);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(versions_that_do_not_meet)
{
    server_start((struct api_options){0});
    struct test_client c = dial();
    send_hello(&c, 2, 4);
    expect_error(&c, CODE(VERSION), "versions 2 to 4 of this API, the daemon 1 to 1");
    expect_closed(&c);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(hello_comes_first_and_once)
{
    server_start((struct api_options){0});
    struct test_client c = dial();
    send_status_request(&c);
    expect_error(&c, CODE(BAD_FRAME), "Hello");
    expect_closed(&c);
    hang_up(&c);
    c = dial_and_greet();
    send_hello(&c, 1, 1);
    expect_error(&c, CODE(BAD_FRAME), "second Hello");
    expect_closed(&c);
    hang_up(&c);
    ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"bad_frame\"}"), 2);
    server_stop();
}
END_TEST

START_TEST(silence_is_ended)
{
    server_start((struct api_options){.handshake_timeout_ns = 20 * NS_PER_MS});
    struct test_client c = dial(), quick = dial_and_greet();
    expect_error(&c, CODE(BAD_FRAME), "no Hello");
    expect_closed(&c);
    send_status_request(&quick);
    release(receive(&quick));
    ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"no_hello\"}"), 1);
    hang_up(&c);
    hang_up(&quick);
    server_stop();
}
END_TEST

/* --- requests --- */

START_TEST(registration_lives_with_the_connection)
{
    server_start((struct api_options){0});
    struct test_client c = dial_and_greet();
    send_register(&c, "shop/payment", "", 8080, 0, 0);
    expect_registered(&c, "payment-8080");
    ck_assert_uint_eq(s.n_local, 1);
    hang_up(&c);
    turn();
    ck_assert_uint_eq(s.n_local, 0);
    ck_assert_uint_eq(s.clients_gone, 1);
    ck_assert_uint_eq(counter("discoverd_api_connections"), 0);
    server_stop();
}
END_TEST

START_TEST(registration_with_ttl_or_pid_does_not)
{
    server_start((struct api_options){0});
    struct test_client c = dial_and_greet();
    send_register(&c, "shop/payment", "a", 8080, 5000, 0);
    expect_registered(&c, "a");
    send_register(&c, "shop/payment", "b", 8080, 0, getpid());
    expect_registered(&c, "b");
    send_heartbeat(&c, "shop/payment", "a");
    expect_ok(&c);
    send_heartbeat(&c, "shop/payment", "b");
    expect_error(&c, CODE(BAD_REQUEST), "TTL");
    hang_up(&c);
    turn();
    ck_assert_uint_eq(s.n_local, 2);
    c = dial_and_greet();
    send_deregister(&c, "shop/payment", "a");
    expect_ok(&c);
    send_deregister(&c, "shop/payment", "a");
    expect_error(&c, CODE(NOT_FOUND), "not registered");
    ck_assert_uint_eq(s.n_local, 1);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(requests_that_are_refused)
{
    server_start((struct api_options){0});
    struct test_client c = dial_and_greet(), other = dial_and_greet();
    send_register(&c, "payment", "a", 80, 0, 0);
    expect_error(&c, CODE(BAD_REQUEST), "service");
    send_register(&c, "host/payment", "a", 80, 0, 0);
    expect_error(&c, CODE(BAD_REQUEST), "service");
    send_register(&c, "shop/payment", "A", 80, 0, 0);
    expect_error(&c, CODE(BAD_REQUEST), "instance");
    send_register(&c, "shop/payment", "a", 0, 0, 0);
    expect_error(&c, CODE(BAD_REQUEST), "port");
    send_register(&c, "shop/payment", "a", 80, 1, 0);
    expect_error(&c, CODE(BAD_REQUEST), "ttl");
    send_register(&c, "shop/payment", "a", 80, 0, INT32_MAX);
    expect_error(&c, CODE(BAD_REQUEST), "no such process");
    send_register(&c, "shop/payment", "a", 80, 0, 0);
    expect_registered(&c, "a");
    send_register(&other, "shop/payment", "a", 80, 0, 0);
    expect_error(&other, CODE(CONFLICT), "another owner");
    for (int i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof name, "i%d", i);
        send_register(&other, "shop/payment", name, 80, 0, 0);
        expect_registered(&other, name);
    }
    send_register(&other, "shop/payment", "one-more", 80, 0, 0);
    expect_error(&other, CODE(LIMIT), "limits.instances_per_host");
    send_deregister(&other, "shop/payment", "");
    expect_error(&other, CODE(BAD_REQUEST), "instance");
    /* None of this costs the connection. */
    send_status_request(&other);
    release(receive(&other));
    hang_up(&c);
    hang_up(&other);
    server_stop();
}
END_TEST

START_TEST(a_register_without_a_record)
{
    server_start((struct api_options){0});
    struct test_client c = dial_and_greet();
    Discover__V1__Register reg = DISCOVER__V1__REGISTER__INIT;
    Discover__V1__ClientMessage m = DISCOVER__V1__CLIENT_MESSAGE__INIT;
    reg.service = (char *)"shop/payment";
    m.body_case = DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER;
    m.register_ = &reg;
    send_message(&c, &m);
    expect_error(&c, CODE(BAD_REQUEST), "record: missing");
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(status_with_all_counters)
{
    server_start((struct api_options){0});
    struct test_client c = dial_and_greet();
    send_register(&c, "shop/payment", "a", 80, 0, 0);
    expect_registered(&c, "a");
    send_status_request(&c);
    Discover__V1__ServerMessage *m = receive(&c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_STATUS);
    ck_assert_str_eq(m->status->host, "web-1");
    ck_assert_uint_eq(m->status->registrations, 1);
    uint64_t requests = 0;
    for (size_t i = 0; i < m->status->n_counters; i++)
        if (strcmp(m->status->counters[i]->name, "discoverd_api_requests_total") == 0)
            requests = m->status->counters[i]->value;
    ck_assert_uint_eq(requests, 3);
    release(m);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(many_requests_at_once_come_back_in_order)
{
    server_start((struct api_options){.frames_per_wakeup = 4});
    struct test_client c = dial_and_greet();
    for (int i = 0; i < 50; i++)
        send_deregister(&c, "shop/payment", "none");
    /* A flood does not keep others from being served. */
    struct test_client other = dial_and_greet();
    hang_up(&other);
    for (int i = 0; i < 50; i++)
        expect_error(&c, CODE(NOT_FOUND), "");
    hang_up(&c);
    server_stop();
}
END_TEST

/* Answers to what came together go together: each in its place, the welcome with its table, the last words last. */
START_TEST(everything_in_one_breath)
{
    server_start((struct api_options){0});
    struct test_client c = dial();
    send_hello(&c, 1, 1);
    for (int i = 0; i < 5; i++)
        send_deregister(&c, "shop/payment", "none");
    send_bytes(&c, "\x00\x00\x00\x00", 4);
    Discover__V1__ServerMessage *m = receive(&c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME);
    expect_same_file(frame_take_fd(&c.reader), s.table_fd);
    release(m);
    for (int i = 0; i < 5; i++)
        expect_error(&c, CODE(NOT_FOUND), "");
    expect_error(&c, CODE(BAD_FRAME), "length");
    expect_closed(&c);
    hang_up(&c);
    server_stop();
}
END_TEST

/* --- the table moves --- */

START_TEST(everybody_hears_of_a_new_table)
{
    server_start((struct api_options){0});
    struct test_client a = dial_and_greet(), b = dial_and_greet(), silent = dial();
    close(frame_take_fd(&a.reader));
    int next = memfd_create("next", MFD_CLOEXEC), before = s.table_fd;
    s.table_fd = next;
    api_table_moved(s.api);
    struct test_client *both[] = {&a, &b};
    for (size_t i = 0; i < 2; i++) {
        Discover__V1__ServerMessage *m = receive(both[i]);
        ck_assert_ptr_nonnull(m);
        ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_TABLE_MOVED);
        ck_assert_uint_eq(m->id, 0);
        expect_same_file(frame_take_fd(&both[i]->reader), next);
        release(m);
    }
    ck_assert_int_eq(frame_recv(&silent.reader, silent.sock), -EAGAIN);
    close(before);
    hang_up(&a);
    hang_up(&b);
    hang_up(&silent);
    server_stop();
}
END_TEST

/* --- what clients do wrong --- */

START_TEST(bad_bytes)
{
    static const struct {
        const char *bytes;
        size_t n;
        bool shut;
        const char *text;
    } rows[] = {
        {"\xff\xff\xff\xff", 4, false, "length"},
        {"\x00\x00\x00\x00", 4, false, "length"},
        {"\x01\x00\x01\x00", 4, false, "length"},
        {"\x05\x00\x00\x00\xff\xff\xff\xff\xff", 9, false, "not a protobuf"},
        {"\x02\x00\x00\x00\x08\x01", 6, false, "kind that is not known"},
        {"\x04\x00\x00\x00\xe2\x03\x01\x61", 8, false, "kind that is not known"},
        {"GET / HTTP/1.1\r\n\r\n", 18, false, "length"},
        {"\x05\x00", 2, true, "ended within"},
        {"\x05\x00\x00\x00\x08", 5, true, "ended within"},
    };
    server_start((struct api_options){0});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int greeted = 0; greeted < 2; greeted++) {
            struct test_client c = greeted ? dial_and_greet() : dial();
            send_bytes(&c, rows[i].bytes, rows[i].n);
            if (rows[i].shut)
                shutdown(c.sock, SHUT_WR);
            expect_error(&c, CODE(BAD_FRAME), rows[i].text);
            expect_closed(&c);
            hang_up(&c);
            ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"bad_frame\"}"),
                              2 * i + (unsigned)greeted + 1);
        }
    }
    struct test_client c = dial_and_greet();
    hang_up(&c);
    server_stop();
}
END_TEST

/*
 * Register{Instance{}} of as many empty tags, or pairs, as a frame holds. Unpacked it takes milliseconds, so it is
 * refused before, whoever sends it.
 */
START_TEST(too_many_fields)
{
    static uint8_t bytes[FRAME_HEADER + FRAME_MAX];
    for (int i = 0; i < 2; i++) {
        server_start((struct api_options){0});
        struct test_client c = dial_and_greet();
        size_t n = 0, pairs = 32000;
        uint8_t *at = bytes + FRAME_HEADER;
        const uint8_t head[] = {0x08, 0x07, 0x1a, 0x84, 0xf4, 0x03, 0x1a, 0x80, 0xf4, 0x03}; /* lengths 64004, 64000 */
        memcpy(at, head, sizeof head);
        for (n = sizeof head; pairs-- > 0; n += 2) {
            at[n] = i == 0 ? 0x5a : 0x62;
            at[n + 1] = 0;
        }
        frame_header(bytes, n);
        send_bytes(&c, bytes, FRAME_HEADER + n);
        expect_error(&c, CODE(BAD_FRAME), "more fields than a message may have");
        expect_closed(&c);
        hang_up(&c);
        server_stop();
    }
}
END_TEST

START_TEST(a_frame_in_single_bytes)
{
    server_start((struct api_options){0});
    struct test_client c = dial();
    const uint8_t hello[] = {8, 0, 0, 0, 0x08, 0x05, 0x12, 0x04, 0x08, 0x01, 0x10, 0x01};
    for (size_t i = 0; i < sizeof hello; i++) {
        send_bytes(&c, hello + i, 1);
        turn();
    }
    Discover__V1__ServerMessage *m = receive(&c);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->body_case, DISCOVER__V1__SERVER_MESSAGE__BODY_WELCOME);
    ck_assert_uint_eq(m->id, 5);
    release(m);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(random_bytes_hurt_nobody)
{
    server_start((struct api_options){0});
    struct test_client good = dial_and_greet();
    send_register(&good, "shop/payment", "a", 80, 0, 0);
    expect_registered(&good, "a");
    uint64_t x = 88172645463325252;
    for (int i = 0; i < 300; i++) {
        struct test_client c = i & 1 ? dial_and_greet() : dial();
        uint8_t bytes[64] = {0};
        for (size_t k = 0; k < sizeof bytes; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            bytes[k] = (uint8_t)x;
        }
        if (i & 2)
            frame_header(bytes, sizeof bytes - FRAME_HEADER);
        send_bytes(&c, bytes, sizeof bytes);
        hang_up(&c);
        turn();
    }
    turn();
    send_status_request(&good);
    release(receive(&good));
    ck_assert_uint_eq(s.n_local, 1);
    ck_assert_uint_eq(counter("discoverd_api_connections"), 1);
    hang_up(&good);
    server_stop();
}
END_TEST

START_TEST(descriptors_sent_to_us_are_closed)
{
    server_start((struct api_options){0});
    struct test_client c = dial();
    int pipe_fds[2];
    char byte;
    ck_assert_int_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_gt(frame_send_fd(c.sock, (const uint8_t *)"\x01", 1, pipe_fds[1]), 0);
    expect_error(&c, CODE(BAD_FRAME), "descriptors");
    expect_closed(&c);
    close(pipe_fds[1]);
    while (read(pipe_fds[0], &byte, 1) != 0) /* else they are not all closed */
        turn();
    close(pipe_fds[0]);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(who_does_not_read_is_closed)
{
    server_start((struct api_options){.output_max = 20000});
    struct test_client c = dial_and_greet();
    uint64_t sent = 0;
    while (counter("discoverd_api_connections_closed_total{reason=\"slow\"}") == 0) {
        ck_assert_uint_lt(sent++, 100000);
        send_status_request(&c);
        turn();
    }
    turn();
    ck_assert_uint_eq(counter("discoverd_api_connections"), 0);
    ck_assert_uint_eq(s.clients_gone, 1);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(limits_on_connections)
{
    server_start((struct api_options){.clients_max = 2});
    struct test_client a = dial_and_greet(), b = dial_and_greet(), c = dial();
    expect_error(&c, CODE(LIMIT), "limits.api_clients");
    expect_closed(&c);
    hang_up(&c);
    hang_up(&a);
    turn();
    c = dial_and_greet();
    ck_assert_uint_eq(counter("discoverd_api_connections_closed_total{reason=\"limit\"}"), 1);
    hang_up(&b);
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(users_may_read_and_members_may_register)
{
    if (geteuid() != 0)
        return;
    server_start((struct api_options){.group = "daemon"}); /* gid 1 on Debian */
    struct test_client stranger = dial_as(4321, 1000), member = dial_as(4321, 1);
    struct test_client *both[] = {&stranger, &member};
    for (size_t i = 0; i < 2; i++) {
        send_hello(both[i], 1, 1);
        release(receive(both[i]));
        send_register(both[i], "shop/payment", "a", 80, 0, 0);
    }
    expect_error(&stranger, CODE(DENIED), "user 4321 may not register");
    expect_registered(&member, "a");
    send_deregister(&stranger, "shop/payment", "a");
    expect_error(&stranger, CODE(DENIED), "group daemon");
    send_status_request(&stranger);
    release(receive(&stranger));
    ck_assert_uint_eq(counter("discoverd_api_denied_total"), 2);
    hang_up(&stranger);
    hang_up(&member);
    server_stop();
}
END_TEST

START_TEST(one_user_cannot_take_all_connections)
{
    if (geteuid() != 0)
        return;
    server_start((struct api_options){.clients_per_uid_max = 2});
    struct test_client a = dial_as(4321, 1000), b = dial_as(4321, 1000), c = dial_as(4321, 1000);
    expect_error(&c, CODE(LIMIT), "api_clients_per_uid");
    struct test_client other = dial_as(4322, 1000);
    send_hello(&other, 1, 1);
    release(receive(&other));
    hang_up(&a);
    hang_up(&b);
    hang_up(&c);
    hang_up(&other);
    server_stop();
}
END_TEST

/* --- the socket file --- */

START_TEST(stale_socket_file_is_replaced)
{
    server_prepare();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stat st;
    strcpy(address.sun_path, s.path);
    ck_assert_int_eq(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
    close(dead);
    ck_assert_int_eq(server_listen((struct api_options){0}), 0);
    ck_assert_int_eq(stat(s.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0666);
    struct test_client c = dial_and_greet();
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(living_socket_is_left_alone)
{
    server_start((struct api_options){0});
    struct api *first = s.api;
    ck_assert_int_eq(server_listen((struct api_options){0}), -EADDRINUSE);
    s.api = first;
    struct test_client c = dial_and_greet();
    hang_up(&c);
    server_stop();
}
END_TEST

START_TEST(other_files_are_left_alone)
{
    server_prepare();
    int fd = open(s.path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    ck_assert_int_eq(server_listen((struct api_options){0}), -ENOTSOCK);
    ck_assert_int_eq(access(s.path, F_OK), 0);
    ck_assert_int_eq(unlink(s.path), 0);
    snprintf(s.path, sizeof s.path, "%s/missing/sock", s.dir);
    ck_assert_int_eq(server_listen((struct api_options){0}), -ENOENT);
    server_stop();
}
END_TEST

START_TEST(stopping_ends_all_connections)
{
    server_start((struct api_options){0});
    struct test_client c = dial_and_greet();
    send_register(&c, "shop/payment", "a", 80, 0, 0);
    expect_registered(&c, "a");
    api_free(s.api);
    s.api = NULL;
    expect_closed(&c);
    ck_assert_uint_eq(s.clients_gone, 1);
    hang_up(&c);
    agent_free(s.agent);
    event_base_free(s.base);
    metrics_free(s.metrics);
    close(s.table_fd);
    ck_assert_int_eq(rmdir(s.dir), 0);
}
END_TEST

UNIT_TESTS("api/api", welcome_brings_the_table, versions_that_do_not_meet, hello_comes_first_and_once, silence_is_ended,
           registration_lives_with_the_connection, registration_with_ttl_or_pid_does_not, requests_that_are_refused,
           a_register_without_a_record, status_with_all_counters, many_requests_at_once_come_back_in_order,
           everything_in_one_breath, everybody_hears_of_a_new_table, bad_bytes, too_many_fields,
           a_frame_in_single_bytes, random_bytes_hurt_nobody, descriptors_sent_to_us_are_closed,
           who_does_not_read_is_closed, limits_on_connections, users_may_read_and_members_may_register,
           one_user_cannot_take_all_connections, stale_socket_file_is_replaced, living_socket_is_left_alone,
           other_files_are_left_alone, stopping_ends_all_connections)
