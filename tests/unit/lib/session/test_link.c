/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to the daemon: greeting, nonsense, loss, and everything renewed afterwards. */
#include "libdiscover/session/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

#define REGISTER DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER
#define HELLO    DISCOVER__V1__CLIENT_MESSAGE__BODY_HELLO

static struct stage stage;
static struct catalog *catalog;

static void begin(void)
{
    stage_open(&stage);
    catalog = stage_catalog(2, 8000);
}

static void end(struct discover *d)
{
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

static int resolve(struct discover *d)
{
    struct discover_endpoint endpoints[4];
    size_t n;
    return discover_resolve(d, "shop/payment", endpoints, 4, &n);
}

/* Dispatches as the caller's loop would, until the client has connected again. */
static void reconnect(struct discover *d)
{
    while (d->link == LINK_DOWN) {
        struct pollfd p = {.fd = discover_fd(d), .events = POLLIN};
        ck_assert_int_eq(poll(&p, 1, 5000), 1);
        ck_assert_int_eq(discover_dispatch(d), 0);
    }
    stage_accept(&stage);
    uint32_t id = stage_expect(&stage, HELLO);
    stage_welcome(&stage, id, API_VERSION, stage_table_fd(catalog));
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(discover_connected(d), 1);
}

START_TEST(hello_and_welcome)
{
    begin();
    struct discover *d = stage_handle(&stage);
    ck_assert_int_eq(discover_set_name(d, "tester"), 0);
    ck_assert_int_eq(discover_start(d), 0);
    ck_assert_int_eq(discover_connected(d), 0);
    ck_assert_int_eq(resolve(d), DISCOVER_E_UNSYNCED);
    stage_accept(&stage);
    Discover__V1__ClientMessage *msg = stage_take(&stage);
    ck_assert_uint_eq(msg->hello->version_min, 1);
    ck_assert_uint_eq(msg->hello->version_max, 1);
    ck_assert_str_eq(msg->hello->client, "tester");
    stage_welcome(&stage, msg->id, 1, stage_table_fd(catalog));
    discover__v1__client_message__free_unpacked(msg, NULL);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(discover_connected(d), 1);
    ck_assert_int_eq(resolve(d), DISCOVER_FRESH);
    end(d);
}
END_TEST

/* What the daemon may send instead of a proper welcome, and what becomes of it. */
enum greeting {
    NO_FD,
    NOT_A_TABLE,
    NOT_SEALED,
    NOT_A_FILE,
    OTHER_VERSION,
    OTHER_TABLE,
    REFUSAL,
    OTHER_MESSAGE,
    LONG,
    EMPTY,
    GARBAGE,
    GREETINGS
};

static int memfd(unsigned seals, const void *bytes, size_t n)
{
    int fd = memfd_create("table", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ck_assert_int_eq(ftruncate(fd, 1 << 16), 0);
    ck_assert_int_eq(pwrite(fd, bytes, n, 0), (ssize_t)n);
    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void send_table(const uint64_t *header, size_t n, unsigned seals)
{
    int fd = memfd(seals, header, n);
    stage_welcome(&stage, HELLO_ID, API_VERSION, fd);
    close(fd);
}

static void greet(enum greeting greeting)
{
    static const uint64_t zeros[4], future[4] = {TABLE_MAGIC, TABLE_VERSION_SEEDED + 1};
    switch (greeting) {
    case NO_FD:
        return stage_welcome(&stage, HELLO_ID, API_VERSION, -1);
    case NOT_A_TABLE:
        return send_table(zeros, sizeof zeros, F_SEAL_SHRINK | F_SEAL_GROW);
    case NOT_SEALED:
        return send_table(zeros, sizeof zeros, 0);
    case NOT_A_FILE:
        return stage_welcome(&stage, HELLO_ID, API_VERSION, stage.peer);
    case OTHER_VERSION:
        return stage_welcome(&stage, HELLO_ID, API_VERSION + 1, stage_table_fd(catalog));
    case OTHER_TABLE:
        return send_table(future, sizeof future, F_SEAL_SHRINK | F_SEAL_GROW);
    case REFUSAL:
        return stage_error(&stage, HELLO_ID, DISCOVER__V1__ERROR__CODE__LIMIT, "too many clients");
    case OTHER_MESSAGE:
        return stage_ok(&stage, HELLO_ID);
    case LONG:
        return stage_send_bytes(&stage, "\xff\xff\xff\x7f", 4, -1);
    case EMPTY:
        return stage_send_bytes(&stage, "\0\0\0\0", 4, -1);
    case GARBAGE:
    case GREETINGS:
        return stage_send_bytes(&stage, "\x03\0\0\0\xff\xff\xff", 7, -1);
    }
}

START_TEST(bad_greetings_are_refused_with_a_reason)
{
    static const int expected[GREETINGS] = {
        [NO_FD] = DISCOVER_E_PROTOCOL,      [NOT_A_TABLE] = DISCOVER_E_PROTOCOL,   [NOT_SEALED] = DISCOVER_E_PROTOCOL,
        [NOT_A_FILE] = DISCOVER_E_PROTOCOL, [OTHER_VERSION] = DISCOVER_E_VERSION,  [OTHER_TABLE] = DISCOVER_E_VERSION,
        [REFUSAL] = DISCOVER_E_LIMIT,       [OTHER_MESSAGE] = DISCOVER_E_PROTOCOL, [LONG] = DISCOVER_E_PROTOCOL,
        [EMPTY] = DISCOVER_E_PROTOCOL,      [GARBAGE] = DISCOVER_E_PROTOCOL,
    };
    begin();
    for (enum greeting greeting = 0; greeting < GREETINGS; greeting++) {
        struct discover *d = stage_handle(&stage);
        ck_assert_int_eq(discover_start(d), 0);
        stage_accept(&stage);
        greet(greeting);
        ck_assert_int_eq(discover_dispatch(d), expected[greeting]);
        ck_assert_str_ne(discover_last_error(d), "");
        ck_assert_int_eq(discover_connected(d), 0);
        ck_assert_int_eq(resolve(d), DISCOVER_E_UNSYNCED);
        ck_assert_int_eq(discover_dispatch(d), 0); /* reported once */
        discover_free(d);
    }
    end(NULL);
}
END_TEST

/* Every prefix of a good greeting, then the end. */
START_TEST(cut_greetings_are_no_fault_and_no_crash)
{
    begin();
    uint8_t bytes[] = {8, 0, 0, 0, 0x08, 1, 0x12, 4, 0x08, 1, 0x12, 0};
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct discover *d = stage_handle(&stage);
        ck_assert_int_eq(discover_start(d), 0);
        stage_accept(&stage);
        if (n > 0)
            stage_send_bytes(&stage, bytes, n, stage_table_fd(catalog));
        stage_hang_up(&stage);
        ck_assert_int_eq(discover_dispatch(d), 0);
        ck_assert_int_eq(discover_connected(d), 0);
        ck_assert_int_eq(resolve(d), n < sizeof bytes ? DISCOVER_E_UNSYNCED : DISCOVER_FRESH);
        discover_free(d);
    }
    end(NULL);
}
END_TEST

START_TEST(nonsense_later_drops_the_connection_and_keeps_the_table)
{
    begin();
    for (enum greeting greeting = NO_FD; greeting <= GARBAGE; greeting++) {
        if (greeting == OTHER_MESSAGE || greeting == REFUSAL)
            continue; /* answers to a message that was not sent: let pass */
        struct discover *d = stage_client(&stage, stage_table_fd(catalog));
        greet(greeting);
        ck_assert_int_eq(discover_dispatch(d), DISCOVER_E_PROTOCOL);
        ck_assert_int_eq(discover_connected(d), 0);
        ck_assert_int_eq(resolve(d), DISCOVER_FRESH);
        discover_free(d);
    }
    end(NULL);
}
END_TEST

START_TEST(what_a_newer_daemon_says_is_let_pass)
{
    begin();
    struct discover *d = stage_client(&stage, stage_table_fd(catalog));
    stage_send_bytes(&stage, "\x03\0\0\0\xa2\x06\0", 7, -1);         /* field 100, id 0 */
    stage_send_bytes(&stage, "\x05\0\0\0\x08\x63\xa2\x06\0", 9, -1); /* the same with an id */
    stage_ok(&stage, 77);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(discover_connected(d), 1);
    end(d);
}
END_TEST

START_TEST(daemon_says_why_before_it_closes)
{
    begin();
    struct discover *d = stage_client(&stage, stage_table_fd(catalog));
    stage_error(&stage, 0, DISCOVER__V1__ERROR__CODE__LIMIT, "slow reader");
    stage_hang_up(&stage);
    ck_assert_int_eq(discover_dispatch(d), DISCOVER_E_LIMIT);
    ck_assert_str_eq(discover_last_error(d), "slow reader");
    end(d);
}
END_TEST

START_TEST(table_moves)
{
    begin();
    struct discover *d = stage_client(&stage, stage_table_fd(catalog));
    struct catalog *next = stage_catalog(1, 9000);
    stage_table_moved(&stage, stage_table_fd(next));
    struct discover_endpoint e[4];
    size_t n;
    ck_assert_int_eq(discover_resolve(d, "shop/payment", e, 4, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(discover_resolve(d, "shop/payment", e, 4, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(e[0].port, 9000);
    ck_assert_ptr_null(d->mappings.retired);
    catalog_free(next);
    end(d);
}
END_TEST

START_TEST(no_descriptor_left_for_a_table)
{
    begin();
    struct discover *d = stage_client(&stage, stage_table_fd(catalog));
    stage_table_moved(&stage, stage_table_fd(catalog));
    struct rlimit old, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){3, old.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int err = discover_dispatch(d);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert_int_eq(err, -EMFILE);
    ck_assert_str_eq(discover_last_error(d), "Too many open files");
    ck_assert_int_eq(resolve(d), DISCOVER_FRESH);
    reconnect(d);
    end(d);
}
END_TEST

static struct discover_registration *new_registration(const char *instance)
{
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new("shop/payment", 80, &r), 0);
    if (*instance)
        ck_assert_int_eq(discover_registration_set_instance(r, instance), 0);
    return r;
}

/* Registers with the answer sent before. */
static int register_answered(struct discover *d, struct discover_registration *r, const char *name)
{
    stage_registered(&stage, d->last_id + 1, "shop/payment", name);
    int err = discover_register(d, r);
    (void)stage_expect(&stage, REGISTER);
    return err;
}

START_TEST(registrations_are_renewed_under_their_name)
{
    begin();
    struct discover *d = stage_client(&stage, stage_table_fd(catalog));
    struct discover_registration *r = new_registration("");
    ck_assert_int_eq(register_answered(d, r, "made-up"), 0);
    ck_assert_str_eq(discover_registration_instance(r), "made-up");
    discover_registration_free(r);
    for (int life = 0; life < 3; life++) {
        stage_hang_up(&stage);
        ck_assert_int_eq(discover_dispatch(d), 0);
        ck_assert_int_eq(resolve(d), DISCOVER_FRESH);
        reconnect(d);
        Discover__V1__ClientMessage *msg = stage_take(&stage);
        ck_assert_str_eq(msg->register_->service, "shop/payment");
        ck_assert_str_eq(msg->register_->instance, "made-up");
        ck_assert_uint_eq(msg->register_->record->port, 80);
        stage_registered(&stage, msg->id, "shop/payment", "made-up");
        discover__v1__client_message__free_unpacked(msg, NULL);
        ck_assert_int_eq(discover_dispatch(d), 0);
    }
    end(d);
}
END_TEST

START_TEST(refused_renewal_is_reported_and_tried_again)
{
    begin();
    struct discover *d = stage_client(&stage, stage_table_fd(catalog));
    struct discover_registration *r = new_registration("p1");
    ck_assert_int_eq(register_answered(d, r, "p1"), 0);
    discover_registration_free(r);
    stage_hang_up(&stage);
    ck_assert_int_eq(discover_dispatch(d), 0);
    reconnect(d);
    stage_error(&stage, stage_expect(&stage, REGISTER), DISCOVER__V1__ERROR__CODE__CONFLICT, "yours still lives");
    ck_assert_int_eq(discover_dispatch(d), DISCOVER_E_CONFLICT);
    ck_assert_str_eq(discover_last_error(d), "yours still lives");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_ptr_null(stage_take(&stage));
    struct pollfd p = {.fd = discover_fd(d), .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 5000), 1);
    ck_assert_int_eq(discover_dispatch(d), 0);
    stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", "p1");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(d->held->refused, 0);
    end(d);
}
END_TEST

START_TEST(kept_without_a_daemon_and_registered_once_there_is_one)
{
    begin();
    struct discover *d = stage_handle(&stage);
    ck_assert_int_eq(discover_set_socket(d, "/nonexistent/sock"), 0);
    ck_assert_int_eq(discover_start(d), 0);
    struct discover_registration *r = new_registration("p1");
    ck_assert_int_eq(discover_register(d, r), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(discover_register(d, r), DISCOVER_E_UNSYNCED);
    strcpy(d->socket_path, stage.path); /* the daemon appears */
    reconnect(d);
    stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", "p1");
    ck_assert_ptr_null(stage_take(&stage));
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert(d->held->confirmed);
    discover_registration_free(r);
    end(d);
}
END_TEST

START_TEST(flood_of_unknown_answers_is_let_pass)
{
    begin();
    struct discover *d = stage_client(&stage, stage_table_fd(catalog));
    static uint8_t frames[1 << 15];
    for (size_t i = 0; i + 6 <= sizeof frames; i += 6)
        memcpy(frames + i, "\x02\0\0\0\x08\x63", 6);
    for (int i = 0; i < 100; i++) {
        int n;
        while ((n = frame_send_fd(stage.peer, frames, sizeof frames / 6 * 6, -1)) > 0 && n % 6 == 0)
            ;
        ck_assert_int_eq(discover_dispatch(d), 0);
        if (n > 0) /* a cut frame: its rest */
            ck_assert_int_gt(frame_send_fd(stage.peer, frames + n % 6, (size_t)(6 - n % 6), -1), 0);
    }
    ck_assert_int_eq(discover_connected(d), 1);
    end(d);
}
END_TEST

UNIT_TESTS("link", hello_and_welcome, bad_greetings_are_refused_with_a_reason, cut_greetings_are_no_fault_and_no_crash,
           nonsense_later_drops_the_connection_and_keeps_the_table, what_a_newer_daemon_says_is_let_pass,
           daemon_says_why_before_it_closes, table_moves, no_descriptor_left_for_a_table,
           registrations_are_renewed_under_their_name, refused_renewal_is_reported_and_tried_again,
           kept_without_a_daemon_and_registered_once_there_is_one, flood_of_unknown_answers_is_let_pass)
