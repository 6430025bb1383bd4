/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that do not wait, and those that do, to daemons that are full, stopped and killed: nobody waits for long. */
#include <discover/discover.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"
#define MANY    10
#define WAIT_MS 20000 /* when something does not come at all */

static struct nats nats;
static struct host a;
static struct discover *d;
static struct discover_registration *registrations[MANY];
static char seen[256];

static struct discover *new_handle(void)
{
    struct discover *made;
    ck_assert_int_eq(discover_new(&made), 0);
    ck_assert_int_eq(discover_set_socket(made, a.socket), 0);
    ck_assert_int_eq(discover_set_source(made, DISCOVER_SOURCE_DAEMON), 0);
    ck_assert_int_eq(discover_start(made), 0);
    return made;
}

static void start(const char *extra)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .extra = extra});
}

static void turn(struct discover *of)
{
    struct pollfd work = {.fd = discover_fd(of), .events = POLLIN};
    if (poll(&work, 1, 1) == 1)
        ck_assert_int_eq(discover_dispatch(of), 0);
}

static int resolve(struct discover *of)
{
    size_t n = 0;
    int result = discover_resolve(of, SERVICE, NULL, 0, &n);
    snprintf(seen, sizeof seen, "%s, %zu instances, %s", discover_strerror(result), n, discover_last_error(of));
    return result < 0 ? result : (int)n;
}

/* What completions got. */
struct reported {
    int calls, failed, last;
    char error[128];
};

static void on_answer(void *arg, const struct discover_answer *answer)
{
    struct reported *t = arg;
    t->calls++;
    t->failed += answer->result < 0;
    t->last = answer->result;
    snprintf(t->error, sizeof t->error, "%s", answer->error);
}

static void make_registrations(void)
{
    for (int i = 0; i < MANY; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", i);
        ck_assert_int_eq(discover_registration_new(SERVICE, (uint16_t)(8000 + i), &registrations[i]), 0);
        ck_assert_int_eq(discover_registration_set_instance(registrations[i], name), 0);
    }
}

static void free_registrations(void)
{
    for (int i = 0; i < MANY; i++)
        discover_registration_free(registrations[i]);
}

static void register_all(struct reported *t)
{
    make_registrations();
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(discover_register_async(d, registrations[i], on_answer, t, NULL), 0);
}

static void deregister_all(struct reported *t)
{
    for (int i = 0; i < MANY; i++) {
        const char *name = discover_registration_instance(registrations[i]);
        ck_assert_int_eq(discover_deregister_async(d, SERVICE, name, on_answer, t, NULL), 0);
    }
}

static void on_status(void *arg, const struct discover_answer *answer)
{
    ck_assert_int_eq(answer->result, 0);
    ck_assert_str_eq(answer->status->host, "a");
    *(uint32_t *)arg = answer->status->registrations;
}

START_TEST(calls_are_reported_when_they_are_done)
{
    struct reported t = {0}, drained = {0}, gone = {0}, unknown = {0};
    uint32_t registered = 0;
    start("");
    d = new_handle();
    register_all(&t);
    ck_assert_int_eq(discover_status_async(d, on_status, &registered, NULL), 0);
    ck_assert_int_eq(t.calls, 0);
    (void)wait_until(WAIT_MS, (turn(d), t.calls == MANY && registered == MANY), seen);
    ck_assert_int_eq(t.failed, 0);
    ck_assert_int_eq(resolve(d), MANY);
    ck_assert_int_eq(discover_drain_async(d, NULL, on_answer, &drained, NULL), 0);
    (void)wait_until(WAIT_MS, (turn(d), drained.calls == 1), seen);
    ck_assert_int_eq(drained.last, 0);
    ck_assert_int_eq(resolve(d), DISCOVER_E_NONE);
    deregister_all(&gone);
    ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p0", on_answer, &unknown, NULL), 0);
    (void)wait_until(WAIT_MS, (turn(d), gone.calls == MANY && unknown.calls == 1), seen);
    ck_assert_int_eq(gone.failed, 0);
    ck_assert_int_eq(unknown.last, DISCOVER_E_UNKNOWN);
    ck_assert_str_ne(unknown.error, "");
    free_registrations();
    discover_free(d);
}
END_TEST

static int64_t since_ms(int64_t start_ns)
{
    return (clock_now_ns() - start_ns) / NS_PER_MS;
}

/* One after another, by the calls that wait. It is done once the daemon goes on. */
START_TEST(a_stopped_daemon_costs_one_time_out)
{
    struct reported t = {0}, drained = {0};
    start("");
    d = new_handle();
    register_all(&t);
    (void)wait_until(WAIT_MS, (turn(d), t.calls == MANY), seen);
    ck_assert_int_eq(discover_set_timeout(d, 1000), 0);
    proc_signal(&a.proc, SIGSTOP);
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(discover_drain(d, NULL), -ETIMEDOUT);
    measured("draining ten with a stopped daemon", clock_now_ns() - start_ns);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(discover_drain(d, registrations[i]), -ETIMEDOUT);
    for (int i = 1; i < MANY; i++)
        ck_assert_int_eq(discover_deregister(d, SERVICE, discover_registration_instance(registrations[i])), -ETIMEDOUT);
    measured("and each of them, and deregistering nine", clock_now_ns() - start_ns);
    ck_assert_int_ge(since_ms(start_ns), 1000);
    ck_assert_int_lt(since_ms(start_ns), 5000); /* each by itself would take a second */
    ck_assert_int_eq(discover_set_timeout(d, WAIT_MS), 0);
    ck_assert_int_eq(discover_drain_async(d, NULL, on_answer, &drained, NULL), 0);
    proc_signal(&a.proc, SIGCONT);
    (void)wait_until(WAIT_MS, (turn(d), drained.calls == 1), seen);
    ck_assert_int_eq(drained.last, 0);
    struct discover_query *q;
    size_t n = 0;
    ck_assert_int_eq(discover_query_new(SERVICE, &q), 0);
    ck_assert_int_eq(discover_query_add_state(q, DISCOVER_DRAINING), 0);
    (void)wait_until(WAIT_MS, (turn(d), discover_query_run(d, q, NULL, NULL, 0, &n) >= 0 && n == 1), seen);
    discover_query_free(q);
    free_registrations();
    discover_free(d);
}
END_TEST

/* Calls under way end with the daemon, each once, and what was to be registered is by the next one. */
START_TEST(a_killed_daemon_ends_what_is_under_way)
{
    struct reported t = {0}, beats = {0};
    start("");
    d = new_handle();
    proc_signal(&a.proc, SIGSTOP);
    register_all(&t);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(discover_heartbeat_async(d, SERVICE, "p0", on_answer, &beats, NULL), 0);
    host_kill(&a);
    (void)wait_until(WAIT_MS, (turn(d), t.calls == MANY && beats.calls == MANY), seen);
    ck_assert_int_eq(t.failed + beats.failed, 2 * MANY);
    ck_assert_int_eq(t.last, DISCOVER_E_UNSYNCED);
    host_run(&a);
    (void)wait_until(WAIT_MS, (turn(d), resolve(d) == MANY), seen);
    ck_assert_int_eq(t.calls, MANY);
    free_registrations();
    discover_free(d);
}
END_TEST

#define PLACES 8

/* It starts, says why it cannot know, and is there as soon as there is room, with what it was to register. */
START_TEST(a_full_daemon_is_no_failure)
{
    struct discover *others[PLACES];
    struct reported t = {0};
    size_t n = 0;
    start("limits = { api_clients = 8; api_clients_per_uid = 4; api_reserve = 1; };");
    for (bool taken = true; taken && n < PLACES; n++) {
        others[n] = new_handle();
        taken = discover_connected(others[n]);
    }
    d = new_handle();
    ck_assert_int_eq(discover_connected(d), 0);
    ck_assert_int_eq(resolve(d), DISCOVER_E_UNSYNCED);
    ck_assert_ptr_nonnull(strstr(discover_last_error(d), "limits.api_clients"));
    ck_assert_int_eq(discover_heartbeat(d, SERVICE, "p0"), DISCOVER_E_UNSYNCED);
    ck_assert_ptr_nonnull(strstr(discover_last_error(d), "limits.api_clients"));
    register_all(&t);
    (void)wait_until(WAIT_MS, (turn(d), t.calls == MANY), seen);
    ck_assert_int_eq(t.last, DISCOVER_E_UNSYNCED);
    ck_assert_ptr_nonnull(strstr(t.error, "limits.api_clients"));
    struct output o;
    ck_assert_int_eq(ctl(&a, &o, "resolve", SERVICE, NULL), 4);
    ck_assert_ptr_nonnull(strstr(o.err, "limits.api_clients"));
    holds_for(500, (turn(d), !discover_connected(d)), "connected");
    ck_assert_ptr_nonnull(strstr(discover_last_error(d), "limits.api_clients"));
    while (n > 0)
        discover_free(others[--n]);
    measured("there was room, and all is registered", wait_until(WAIT_MS, (turn(d), resolve(d) == MANY), seen));
    ck_assert_str_eq(discover_last_error(d), "");
    free_registrations();
    discover_free(d);
}
END_TEST

E2E_TESTS("calls", 120, {"calls_are_reported_when_they_are_done", calls_are_reported_when_they_are_done},
          {"a_stopped_daemon_costs_one_time_out", a_stopped_daemon_costs_one_time_out},
          {"a_killed_daemon_ends_what_is_under_way", a_killed_daemon_ends_what_is_under_way},
          {"a_full_daemon_is_no_failure", a_full_daemon_is_no_failure})
