/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of every kind with the library in them: full of signals, with many handles, with children, with
 * changes. */
#include <discover/discover.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE "shop/payment"

static struct nats nats;
static struct host a, b;

static void one_host(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls});
}

static struct discover *new_handle(void)
{
    struct discover *d;
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_set_socket(d, a.socket), 0);
    ck_assert_int_eq(discover_start(d), 0);
    return d;
}

static struct discover_registration *new_registration(const char *instance, uint16_t port)
{
    struct discover_registration *r;
    ck_assert_int_eq(discover_registration_new(SERVICE, port, &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, instance), 0);
    return r;
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void storm(long every_us)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */
    struct itimerval timer = {{0, every_us}, {0, every_us}};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void on_status(void *arg, const struct discover_status *status)
{
    *(uint32_t *)arg = status->registrations;
}

START_TEST(in_a_storm_of_signals)
{
    struct discover_endpoint e[4];
    size_t n = 0;
    one_host();
    storm(200);
    for (int i = 0; i < 20; i++) {
        struct discover *d = new_handle();
        struct discover_registration *r = new_registration("p1", 80);
        uint32_t registrations = 0;
        ck_assert_int_eq(discover_connected(d), 1);
        ck_assert_int_eq(discover_register(d, r), 0);
        ck_assert_int_eq(discover_registration_set_weight(r, 7), 0);
        ck_assert_int_eq(discover_register(d, r), 0);
        ck_assert_int_eq(discover_dispatch(d), 0);
        ck_assert_int_eq(discover_resolve(d, SERVICE, e, 4, &n), DISCOVER_FRESH);
        ck_assert_uint_eq(e[0].weight, 7);
        ck_assert_int_eq(discover_status(d, on_status, &registrations), 0);
        ck_assert_uint_eq(registrations, 1);
        ck_assert_int_eq(discover_deregister(d, SERVICE, "p1"), 0);
        discover_registration_free(r);
        discover_free(d);
    }
    storm(0);
    ck_assert_int_gt(alarms, 10);
}
END_TEST

/* A call that gets no answer gives up in time, however often it is interrupted. */
START_TEST(a_call_gives_up_in_a_storm_of_signals)
{
    one_host();
    struct discover *d = new_handle();
    ck_assert_int_eq(discover_set_timeout(d, 200), 0);
    proc_signal(&a.proc, SIGSTOP);
    storm(200);
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(discover_heartbeat(d, SERVICE, "p1"), -ETIMEDOUT);
    ck_assert_int_ge(clock_now_ns() - start_ns, 200 * NS_PER_MS);
    storm(0);
    proc_signal(&a.proc, SIGCONT);
    discover_free(d);
}
END_TEST

#define HANDLES 100

START_TEST(many_handles_in_one_process)
{
    struct discover *d[HANDLES];
    char name[16];
    one_host();
    for (int i = 0; i < HANDLES; i++) {
        d[i] = new_handle();
        snprintf(name, sizeof name, "p%d", i);
        struct discover_registration *r = new_registration(name, (uint16_t)(1000 + i));
        ck_assert_int_eq(discover_register(d[i], r), 0);
        discover_registration_free(r);
    }
    for (int i = 0; i < HANDLES; i++) {
        size_t n = 0;
        ck_assert_int_eq(discover_resolve(d[i], SERVICE, NULL, 0, &n), DISCOVER_FRESH);
        ck_assert_uint_eq(n, HANDLES);
    }
    for (int i = 0; i < HANDLES; i += 2)
        discover_free(d[i]); /* takes its own along, no other's */
    (void)wait_until(3000, seen_by_lib(&a, SERVICE) == HANDLES / 2, a.seen);
    for (int i = 1; i < HANDLES; i += 2)
        discover_free(d[i]);
    (void)wait_until(3000, seen_by_lib(&a, SERVICE) == 0, a.seen);
}
END_TEST

/* In the child: looks up by the parent's handle, then registers by one of its own. */
static int child_of(struct discover *parents, int ready, int hold)
{
    size_t n;
    char byte;
    if (discover_resolve(parents, SERVICE, NULL, 0, &n) < 0 || n != 1 || discover_dispatch(parents) != -ECHILD)
        return 1;
    discover_free(parents);
    struct discover *d = new_handle();
    struct discover_registration *r = new_registration("child", 81);
    if (discover_register(d, r) < 0 || write(ready, "", 1) != 1)
        return 2;
    return (int)read(hold, &byte, 1);
}

START_TEST(with_a_child_that_goes_on_without_exec)
{
    int ready[2], hold[2], status;
    char byte;
    one_host();
    struct discover *d = new_handle();
    struct discover_registration *r = new_registration("parent", 80);
    ck_assert_int_eq(discover_register(d, r), 0);
    ck_assert_int_eq(pipe(ready) | pipe(hold), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(hold[1]);
        _exit(child_of(d, ready[1], hold[0]));
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(seen_by_lib(&a, SERVICE), 2);
    close(hold[1]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    (void)wait_until(2000, seen_by_lib(&a, SERVICE) == 1, a.seen);
    ck_assert_int_eq(discover_registration_set_weight(r, 3), 0); /* the parent's connection is whole */
    ck_assert_int_eq(discover_register(d, r), 0);
    discover_registration_free(r);
    discover_free(d);
}
END_TEST

static int meta_is(void *arg, const struct discover_instance *i)
{
    return i->n_meta == 1 && strcmp(i->meta[0].key, "version") == 0 && strcmp(i->meta[0].value, arg) == 0 ? 77 : 0;
}

static bool sees(struct host *h, uint32_t weight, const char *version)
{
    struct discover_endpoint e;
    size_t n = 0;
    bool seen = discover_resolve(host_lib(h), SERVICE, &e, 1, &n) >= 0 && n == 1 && e.weight == weight &&
                discover_each_instance(host_lib(h), SERVICE, meta_is, (void *)version) == 77;
    snprintf(h->seen, sizeof h->seen, "%zu instances, weight %u", n, n ? e.weight : 0);
    return seen;
}

/* A living registration changes, and so does what the other host knows; after a restart of the daemon, too.
 */
START_TEST(with_a_weight_and_meta_that_change)
{
    one_host();
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    struct discover *d = host_lib(&a);
    struct discover_registration *r = new_registration("p1", 80);
    ck_assert_int_eq(discover_registration_set_meta(r, "version", "1"), 0);
    ck_assert_int_eq(discover_register(d, r), 0);
    (void)wait_until(2000, sees(&b, 1, "1"), b.seen);
    ck_assert_int_eq(discover_registration_set_meta(r, "version", "2"), 0);
    ck_assert_int_eq(discover_registration_set_weight(r, 9), 0);
    ck_assert_int_eq(discover_register(d, r), 0);
    (void)wait_until(2000, sees(&b, 9, "2"), b.seen);
    host_kill(&a);
    host_launch(&a);
    host_wait_up(&a);
    (void)wait_until(5000, discover_connected(host_lib(&a)), "not connected");
    holds_for(1000, sees(&b, 9, "2") && host_lib(&a), b.seen);
    discover_registration_free(r);
}
END_TEST

START_TEST(with_a_time_to_live_and_heartbeats)
{
    one_host();
    struct discover *d = host_lib(&a);
    struct discover_registration *r = new_registration("p1", 80);
    ck_assert_int_eq(discover_registration_set_ttl(r, 3000), 0);
    ck_assert_int_eq(discover_register(d, r), 0);
    for (int64_t start_ns = clock_now_ns(); clock_now_ns() - start_ns < 4 * NS_PER_S;) {
        ck_assert_int_eq(discover_heartbeat(d, SERVICE, "p1"), 0);
        ck_assert_int_eq(seen_by_lib(&a, SERVICE), 1);
        wait_step();
    }
    (void)wait_until(6000, seen_by_lib(&a, SERVICE) == 0, a.seen);
    ck_assert_int_eq(discover_heartbeat(d, SERVICE, "p1"), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(discover_heartbeat(d, SERVICE, "p2"), DISCOVER_E_UNKNOWN);
    discover_registration_free(r);
}
END_TEST

E2E_TESTS("programs", 60, {"in_a_storm_of_signals", in_a_storm_of_signals},
          {"a_call_gives_up_in_a_storm_of_signals", a_call_gives_up_in_a_storm_of_signals},
          {"many_handles_in_one_process", many_handles_in_one_process},
          {"with_a_child_that_goes_on_without_exec", with_a_child_that_goes_on_without_exec},
          {"with_a_weight_and_meta_that_change", with_a_weight_and_meta_that_change},
          {"with_a_time_to_live_and_heartbeats", with_a_time_to_live_and_heartbeats})
