/* SPDX-License-Identifier: Apache-2.0 */
/* Questions and answers: what the daemon says becomes a result, what it does not say a time-out. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

#define REGISTER   DISCOVER__V1__CLIENT_MESSAGE__BODY_REGISTER
#define DEREGISTER DISCOVER__V1__CLIENT_MESSAGE__BODY_DEREGISTER
#define HEARTBEAT  DISCOVER__V1__CLIENT_MESSAGE__BODY_HEARTBEAT

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;

static void ignore_status(void *arg, const struct discover_status *status)
{
    (void)arg, (void)status;
}

static void begin(void)
{
    stage_open(&stage);
    catalog = stage_catalog(1, 8000);
    d = stage_client(&stage, stage_table_fd(catalog));
}

static void end(void)
{
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

/* The id of the message that the client sends next. */
static uint32_t next_id(void)
{
    return d->last_id + 1;
}

static struct discover_registration *new_registration(const char *instance)
{
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new("shop/payment", 80, &r), 0);
    if (*instance)
        ck_assert_int_eq(discover_registration_set_instance(r, instance), 0);
    return r;
}

static size_t held_count(void)
{
    size_t n = 0;
    for (const struct held *held = d->held; held; held = held->next)
        n++;
    return n;
}

START_TEST(everything_set_reaches_the_daemon)
{
    begin();
    struct discover_registration *r = new_registration("p1");
    ck_assert_int_eq(discover_registration_add_address(r, "10.1.2.3"), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "2001:db8::1"), 0);
    ck_assert_int_eq(discover_registration_set_protocol(r, DISCOVER_UDP), 0);
    ck_assert_int_eq(discover_registration_set_weight(r, 7), 0);
    ck_assert_int_eq(discover_registration_set_priority(r, 8), 0);
    ck_assert_int_eq(discover_registration_set_state(r, DISCOVER_DRAINING), 0);
    ck_assert_int_eq(discover_registration_add_tag(r, "blue"), 0);
    ck_assert_int_eq(discover_registration_set_meta(r, "version", "1.4"), 0);
    ck_assert_int_eq(discover_registration_set_ttl(r, 5000), 0);
    stage_registered(&stage, next_id(), "shop/payment", "p1");
    ck_assert_int_eq(discover_register(d, r), 0);
    Discover__V1__ClientMessage *msg = stage_take(&stage);
    const Discover__V1__Register *got = msg->register_;
    ck_assert_str_eq(got->service, "shop/payment");
    ck_assert_str_eq(got->instance, "p1");
    ck_assert_uint_eq(got->ttl_ms, 5000);
    struct record record;
    const char *why;
    ck_assert_int_eq(record_from_proto(got->record, &record, &why), 0);
    ck_assert_mem_eq(record.addresses.ipv4, ((uint8_t[]){10, 1, 2, 3}), 4);
    ck_assert_int_eq(record.addresses.families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert_int_eq(record.protocol, DISCOVER_UDP);
    ck_assert_uint_eq(record.weight, 7);
    ck_assert_uint_eq(record.priority, 8);
    ck_assert_int_eq(record.state, DISCOVER_DRAINING);
    ck_assert_str_eq(record.tags[0], "blue");
    ck_assert_str_eq(record.meta[0].value, "1.4");
    discover__v1__client_message__free_unpacked(msg, NULL);
    discover_registration_free(r);
    end();
}
END_TEST

START_TEST(refusals_become_results)
{
    static const struct {
        Discover__V1__Error__Code code;
        int result;
    } cases[] = {
        {DISCOVER__V1__ERROR__CODE__BAD_REQUEST, -EINVAL},
        {DISCOVER__V1__ERROR__CODE__DENIED, DISCOVER_E_DENIED},
        {DISCOVER__V1__ERROR__CODE__LIMIT, DISCOVER_E_LIMIT},
        {DISCOVER__V1__ERROR__CODE__CONFLICT, DISCOVER_E_CONFLICT},
        {DISCOVER__V1__ERROR__CODE__NOT_FOUND, DISCOVER_E_UNKNOWN},
        {DISCOVER__V1__ERROR__CODE__INTERNAL, DISCOVER_E_DENIED},
        {(Discover__V1__Error__Code)99, DISCOVER_E_DENIED},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct discover_registration *r = new_registration("p1");
        stage_error(&stage, next_id(), cases[i].code, "because");
        ck_assert_int_eq(discover_register(d, r), cases[i].result);
        ck_assert_str_eq(discover_last_error(d), "because");
        ck_assert_uint_eq(held_count(), 0);
        stage_error(&stage, next_id(), cases[i].code, "why not");
        ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), cases[i].result);
        ck_assert_str_eq(discover_last_error(d), "why not");
        discover_registration_free(r);
    }
    ck_assert_int_eq(discover_dispatch(d), 0); /* reported already */
    end();
}
END_TEST

START_TEST(refused_change_leaves_what_was)
{
    begin();
    struct discover_registration *r = new_registration("p1");
    stage_registered(&stage, next_id(), "shop/payment", "p1");
    ck_assert_int_eq(discover_register(d, r), 0);
    ck_assert_int_eq(discover_registration_set_weight(r, 9), 0);
    stage_error(&stage, next_id(), DISCOVER__V1__ERROR__CODE__LIMIT, "no");
    ck_assert_int_eq(discover_register(d, r), DISCOVER_E_LIMIT);
    ck_assert_uint_eq(held_count(), 1);
    ck_assert_uint_eq(d->held->registration.record.weight, 1);
    stage_registered(&stage, next_id(), "shop/payment", "p1");
    ck_assert_int_eq(discover_register(d, r), 0);
    ck_assert_uint_eq(held_count(), 1);
    ck_assert_uint_eq(d->held->registration.record.weight, 9);
    discover_registration_free(r);
    end();
}
END_TEST

START_TEST(late_answer_still_counts)
{
    begin();
    struct discover_registration *r = new_registration("");
    ck_assert_int_eq(discover_register(d, r), -ETIMEDOUT);
    stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", "made-up");
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert(d->held->confirmed);
    stage_registered(&stage, next_id(), "shop/payment", "made-up");
    ck_assert_int_eq(discover_register(d, r), 0);
    Discover__V1__ClientMessage *msg = stage_take(&stage);
    ck_assert_str_eq(msg->register_->instance, "made-up"); /* not a second one */
    discover__v1__client_message__free_unpacked(msg, NULL);
    ck_assert_uint_eq(held_count(), 1);
    discover_registration_free(r);
    end();
}
END_TEST

START_TEST(late_answer_that_nobody_wants_is_taken_back)
{
    begin();
    struct discover_registration *r = new_registration("");
    ck_assert_int_eq(discover_register(d, r), -ETIMEDOUT);
    ck_assert_int_eq(discover_deregister(d, "shop/payment", ""), 0);
    ck_assert_int_eq(discover_deregister(d, "shop/payment", ""), DISCOVER_E_UNKNOWN);
    stage_registered(&stage, stage_expect(&stage, REGISTER), "shop/payment", "made-up");
    ck_assert_int_eq(discover_dispatch(d), 0);
    Discover__V1__ClientMessage *msg = stage_take(&stage);
    ck_assert_int_eq(msg->body_case, DEREGISTER);
    ck_assert_str_eq(msg->deregister->instance, "made-up");
    discover__v1__client_message__free_unpacked(msg, NULL);
    discover_registration_free(r);
    end();
}
END_TEST

START_TEST(deregistered_is_not_renewed)
{
    begin();
    struct discover_registration *r = new_registration("p1");
    stage_registered(&stage, next_id(), "shop/payment", "p1");
    ck_assert_int_eq(discover_register(d, r), 0);
    stage_ok(&stage, next_id());
    ck_assert_int_eq(discover_deregister(d, "shop/payment", "p1"), 0);
    ck_assert_ptr_null(d->held);
    discover_registration_free(r);
    end();
}
END_TEST

START_TEST(answers_of_another_kind_are_refused)
{
    begin();
    stage_registered(&stage, next_id(), "shop/payment", "p1");
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), DISCOVER_E_PROTOCOL);
    stage_ok(&stage, next_id());
    ck_assert_int_eq(discover_status(d, ignore_status, NULL), DISCOVER_E_PROTOCOL);
    struct discover_registration *r = new_registration("p1");
    stage_ok(&stage, next_id());
    ck_assert_int_eq(discover_register(d, r), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(discover_connected(d), 0);
    ck_assert_int_eq(discover_dispatch(d), DISCOVER_E_PROTOCOL);
    discover_registration_free(r);
    end();
}
END_TEST

/* Nobody is there any more. */
START_TEST(connection_lost_while_waiting)
{
    begin();
    ck_assert_int_eq(discover_set_timeout(d, 5000), 0);
    strcpy(d->socket_path, "/nonexistent/sock");
    stage_hang_up(&stage);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(discover_connected(d), 0);
    end();
}
END_TEST

/* Somebody holds the socket: a daemon that restarts is waited for, and one that does not come back no longer than ever. */
START_TEST(connection_lost_and_the_socket_stays)
{
    begin();
    stage_hang_up(&stage);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), -ETIMEDOUT);
    ck_assert_int_eq(discover_connected(d), 0);
    end();
}
END_TEST

START_TEST(names_are_checked_here)
{
    begin();
    ck_assert_int_eq(discover_deregister(d, "shop", "p1"), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_deregister(d, "shop/payment", "P1"), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_heartbeat(d, NULL, "p1"), -EINVAL);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", NULL), -EINVAL);
    ck_assert_ptr_null(stage_take(&stage));
    end();
}
END_TEST

START_TEST(heartbeat_times_out)
{
    begin();
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), -ETIMEDOUT);
    stage_ok(&stage, stage_expect(&stage, HEARTBEAT));
    ck_assert_int_eq(discover_dispatch(d), 0);
    stage_ok(&stage, next_id());
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), 0);
    end();
}
END_TEST

static void on_status(void *arg, const struct discover_status *s)
{
    ck_assert_str_eq(s->version, "0.1.0");
    ck_assert_str_eq(s->sync, "live");
    ck_assert_uint_eq(s->epoch, 5);
    ck_assert_uint_eq(s->n_counters, 1);
    ck_assert_str_eq(s->counters[0].name, "puts");
    ck_assert_uint_eq(s->counters[0].value, 3);
    ck_assert_uint_eq(s->n_refused, 1);
    ck_assert_str_eq(s->refused[0].bucket, "SERVICES");
    ck_assert_str_eq(s->refused[0].key, "shop.pay.web-9.x");
    ck_assert_str_eq(s->refused[0].reason, "not JSON");
    ck_assert_uint_eq(s->refused[0].count, 2);
    ck_assert_int_eq(s->refused[0].age_ms, 1500);
    ck_assert_uint_eq(s->n_top_writers, 1);
    ck_assert_str_eq(s->top_writers[0].host, "web-9");
    ck_assert_uint_eq(s->top_writers[0].changes, 12000);
    ck_assert_int_eq(s->top_writers[0].floods, 1);
    *(int *)arg = 1;
}

START_TEST(status_is_reported)
{
    begin();
    Discover__V1__Counter counter = DISCOVER__V1__COUNTER__INIT, *counters[] = {&counter};
    counter.name = (char *)"puts";
    counter.value = 3;
    Discover__V1__Refusal refusal = DISCOVER__V1__REFUSAL__INIT, *refused[] = {&refusal};
    refusal.bucket = (char *)"SERVICES";
    refusal.key = (char *)"shop.pay.web-9.x";
    refusal.reason = (char *)"not JSON";
    refusal.count = 2;
    refusal.age_ms = 1500;
    Discover__V1__TopWriter writer = DISCOVER__V1__TOP_WRITER__INIT, *top_writers[] = {&writer};
    writer.host = (char *)"web-9";
    writer.changes = 12000;
    writer.floods = 1;
    Discover__V1__Status body = DISCOVER__V1__STATUS__INIT;
    body.version = (char *)"0.1.0";
    body.n_refused = 1;
    body.refused = refused;
    body.n_top_writers = 1;
    body.top_writers = top_writers;
    body.sync = (char *)"live";
    body.epoch = 5;
    body.n_counters = 1;
    body.counters = counters;
    Discover__V1__ServerMessage msg = DISCOVER__V1__SERVER_MESSAGE__INIT;
    msg.id = next_id();
    msg.body_case = DISCOVER__V1__SERVER_MESSAGE__BODY_STATUS;
    msg.status = &body;
    stage_send(&stage, &msg, -1);
    int reported = 0;
    ck_assert_int_eq(discover_status(d, on_status, &reported), 0);
    ck_assert_int_eq(reported, 1);
    end();
}
END_TEST

/* Each by the handle's own copy, under the name that the daemon gave it; the rest of it stays. */
START_TEST(draining_registers_again_with_that_state)
{
    begin();
    struct discover_registration *r = new_registration(""), *other = new_registration("p2");
    ck_assert_int_eq(discover_registration_set_weight(r, 7), 0);
    ck_assert_int_eq(discover_drain(d, r), DISCOVER_E_UNKNOWN);
    stage_registered(&stage, next_id(), "shop/payment", "made-up");
    ck_assert_int_eq(discover_register(d, r), 0);
    stage_registered(&stage, next_id(), "shop/payment", "p2");
    ck_assert_int_eq(discover_register(d, other), 0);
    discover_registration_free(r);
    discover_registration_free(other);
    (void)stage_expect(&stage, REGISTER);
    (void)stage_expect(&stage, REGISTER);
    ck_assert_int_eq(discover_drain(d, NULL), -ETIMEDOUT); /* for either */
    for (int i = 0; i < 2; i++) {
        Discover__V1__ClientMessage *msg = stage_take(&stage);
        ck_assert_int_eq(msg->body_case, REGISTER);
        ck_assert_str_eq(msg->register_->instance, i ? "p2" : "made-up");
        ck_assert_uint_eq(msg->register_->record->weight, i ? 1 : 7);
        ck_assert_int_eq(msg->register_->record->state, DISCOVER__V1__STATE__DRAINING);
        stage_registered(&stage, msg->id, "shop/payment", i ? "p2" : "made-up");
        discover__v1__client_message__free_unpacked(msg, NULL);
    }
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_uint_eq(held_count(), 2);
    end();
}
END_TEST

START_TEST(what_an_operator_says_is_asked_of_the_daemon)
{
    begin();
    stage_ok(&stage, next_id());
    ck_assert_int_eq(discover_override(d, "", "", DISCOVER_DRAINING, 1), 0);
    stage_error(&stage, next_id(), DISCOVER__V1__ERROR__CODE__NOT_FOUND, "not in force");
    ck_assert_int_eq(discover_override(d, "shop/payment", "p1", DISCOVER_MAINTENANCE, 0), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(discover_override(d, "shop", "", DISCOVER_DRAINING, 1), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_override(d, NULL, "", DISCOVER_DRAINING, 1), -EINVAL);
    stage_ok(&stage, next_id());
    ck_assert_int_eq(discover_failover(d, "shop/payment", "b"), 0);
    ck_assert_int_eq(discover_failover(d, "shop/payment@b", "b"), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_failover(d, "shop/payment", "not a region"), DISCOVER_E_NAME);
    (void)stage_expect(&stage, DISCOVER__V1__CLIENT_MESSAGE__BODY_OVERRIDE);
    Discover__V1__ClientMessage *msg = stage_take(&stage);
    ck_assert_str_eq(msg->override->service, "shop/payment");
    ck_assert_str_eq(msg->override->instance, "p1");
    ck_assert_int_eq(msg->override->state, DISCOVER__V1__STATE__MAINTENANCE);
    ck_assert(msg->override->end);
    discover__v1__client_message__free_unpacked(msg, NULL);
    end();
}
END_TEST

static void on_change(void *arg, const struct discover_change *change)
{
    (void)arg, (void)change;
}

static int64_t cpu_ns(void)
{
    struct timespec ts;
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* What only dispatch can do must neither wake a call that waits nor keep it from giving up. */
START_TEST(work_for_dispatch_makes_no_call_wait_longer)
{
    struct discover_watch *w;
    begin();
    ck_assert_int_eq(discover_watch(d, "shop/payment", on_change, NULL, &w), 0);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), -ETIMEDOUT);
    stage_ok(&stage, next_id() - 1);
    ck_assert_int_eq(discover_set_timeout(d, 200), 0);
    int64_t start_ns = clock_now_ns(), start_cpu_ns = cpu_ns();
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), -ETIMEDOUT);
    ck_assert_int_ge(clock_now_ns() - start_ns, 200 * NS_PER_MS);
    ck_assert_int_lt(cpu_ns() - start_cpu_ns, 50 * NS_PER_MS);
    struct pollfd work = {.fd = discover_fd(d), .events = POLLIN};
    ck_assert_int_eq(poll(&work, 1, 0), 1); /* and it is still to be done */
    discover_unwatch(w);
    end();
}
END_TEST

static _Atomic bool enough;

/* A daemon that talks of other things for ever. */
static void *talk(void *arg)
{
    static const uint8_t frame[] = {2, 0, 0, 0, 8, 99};
    while (!atomic_load(&enough))
        (void)!send(*(int *)arg, frame, sizeof frame, MSG_NOSIGNAL);
    return NULL;
}

START_TEST(a_daemon_that_goes_on_talking_makes_no_call_wait_longer)
{
    pthread_t talker;
    begin();
    ck_assert_int_eq(fcntl(stage.peer, F_SETFL, 0), 0);
    ck_assert_int_eq(pthread_create(&talker, NULL, talk, &stage.peer), 0);
    ck_assert_int_eq(discover_set_timeout(d, 50), 0);
    ck_assert_int_eq(discover_heartbeat(d, "shop/payment", "p1"), -ETIMEDOUT);
    atomic_store(&enough, true);
    while (discover_dispatch(d) == 0 && pthread_tryjoin_np(talker, NULL) != 0)
        ;
    end();
}
END_TEST

UNIT_TESTS("call", everything_set_reaches_the_daemon, refusals_become_results, refused_change_leaves_what_was,
           late_answer_still_counts, late_answer_that_nobody_wants_is_taken_back, deregistered_is_not_renewed,
           answers_of_another_kind_are_refused, connection_lost_while_waiting, connection_lost_and_the_socket_stays,
           names_are_checked_here, heartbeat_times_out, status_is_reported, draining_registers_again_with_that_state,
           what_an_operator_says_is_asked_of_the_daemon, work_for_dispatch_makes_no_call_wait_longer,
           a_daemon_that_goes_on_talking_makes_no_call_wait_longer)
