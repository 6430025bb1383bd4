/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long until the other host knows: of a registration, beside the bare put-to-republished-message of the same
 * server in turns; and of a death by kill -9.
 */
#include <discover/discover.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/propagation/floor.h"
#include "tests/bench/propagation/samples.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/wait.h"

#define SERVICE       "bench/propagation"
#define REGISTRATIONS 400
#define DEATHS        50
#define CALLED_RATIO  2.0
#define REGISTERED_RATIO 1.3
#define LIMIT_MS      5000

static struct nats nats;
static struct host a, b;

static void two_hosts(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a", .nats = nats.urls, .lease_ttl = "10s"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .lease_ttl = "10s"});
    prctl(PR_SET_TIMERSLACK, 1UL); /* for short sleeps that are short */
}

static bool has_count(struct host *h, size_t n)
{
    struct discover_endpoint endpoint;
    size_t found;
    int result = discover_resolve(h->lib, SERVICE, &endpoint, 1, &found);
    return n == (result >= 0 ? found : 0) && result != DISCOVER_E_BUSY;
}

/* Ready when the host's table has n instances. Sleeps between looks, to leave the processors to the others. */
static void await_count(struct host *h, size_t n)
{
    int64_t start_ns = clock_now_ns();

    while (!has_count(h, n)) {
        if (clock_now_ns() - start_ns > LIMIT_MS * NS_PER_MS)
            ck_abort_msg("host %s: not %zu instances", h->name, n);
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_US}, NULL);
    }
    if (discover_dispatch(h->lib) < 0)
        ck_abort_msg("host %s: no connection", h->name);
}

/* The floor puts as many bytes as the daemon does for this registration. */
static size_t record_bytes(struct discover_registration *r)
{
    uint8_t value[1024];
    struct kv kv;
    int n;

    kv_open(&kv, nats.server[0].url);
    ck_assert_int_eq(discover_register(a.lib, r), 0);
    (void)wait_until(LIMIT_MS, (n = kv_get(&kv, "SERVICES", "bench.propagation.a.i1", value, sizeof value)) > 0, "none");
    ck_assert_int_eq(discover_deregister(a.lib, SERVICE, "i1"), 0);
    await_count(&b, 0);
    kv_close(&kv);
    return (size_t)n;
}

/* From the call, which goes to the daemon and back, and from its answer: then it is registered on A. */
static void register_once(struct discover_registration *r, struct samples *ret_called, struct samples *ret_answered)
{
    int64_t start_ns = clock_now_ns();

    ck_assert_int_eq(discover_register(a.lib, r), 0);
    int64_t answered_ns = clock_now_ns();
    await_count(&b, 1);
    int64_t now_ns = clock_now_ns();
    samples_add(ret_called, now_ns - start_ns);
    samples_add(ret_answered, now_ns - answered_ns);
    ck_assert_int_eq(discover_deregister(a.lib, SERVICE, "i1"), 0);
    await_count(&b, 0);
}

START_TEST(registration)
{
    static struct samples called, answered, floor_seen;
    struct discover_registration *r;

    two_hosts();
    struct floor *floor = floor_open(nats.server[0].url);
    ck_assert_int_eq(discover_registration_new(SERVICE, 8080, &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "i1"), 0);
    ck_assert_int_eq(discover_registration_add_address(r, "10.1.2.3"), 0);
    (void)host_lib(&a), (void)host_lib(&b);
    size_t bytes = record_bytes(r);
    for (int i = 0; i < REGISTRATIONS; i++) {
        register_once(r, &called, &answered);
        samples_add(&floor_seen, floor_measure(floor, bytes));
    }
    discover_registration_free(r);
    floor_close(floor);
    samples_print_ratio("propagation/register-called-on-a-seen-on-b", &called, &floor_seen, CALLED_RATIO);
    samples_print_ratio("propagation/registered-on-a-seen-on-b", &answered, &floor_seen, REGISTERED_RATIO);
}
END_TEST

/* In a process of its own: registers, and lives until it is killed. */
static _Noreturn void server(void)
{
    struct discover *d;
    struct discover_registration *r;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (discover_new(&d) == 0 && discover_set_socket(d, a.socket) == 0 && discover_start(d) >= 0 &&
        discover_registration_new(SERVICE, 8080, &r) == 0 && discover_register(d, r) == 0)
        for (;;)
            pause();
    _exit(EXIT_FAILURE);
}

START_TEST(death)
{
    static struct samples own, other;

    two_hosts();
    (void)host_lib(&a), (void)host_lib(&b);
    for (int i = 0; i < DEATHS; i++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            server();
        await_count(&a, 1);
        await_count(&b, 1);
        int64_t start_ns = clock_now_ns();
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        await_count(&a, 0);
        samples_add(&own, clock_now_ns() - start_ns);
        await_count(&b, 0);
        samples_add(&other, clock_now_ns() - start_ns);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    }
    samples_print_limit("propagation/killed-process-gone-on-a", &own, 50);
    samples_print_limit("propagation/killed-process-gone-on-b", &other, 1000);
}
END_TEST

E2E_TESTS("propagation", 120, {"registration", registration}, {"death", death})
