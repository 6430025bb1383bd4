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
#include "tests/bench/propagation/await_count.h"
#include "tests/bench/propagation/samples.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/wait.h"

#define SERVICE          "bench/propagation"
#define REGISTRATIONS    400
#define DEATHS           50
#define CALLED_RATIO     2.0
#define REGISTERED_RATIO 1.3
#define LIMIT_MS         5000

static struct nats nats;
static struct host a, b;

/* At one of the servers, as hosts of a fleet are. */
static void host_at(struct host *h, const char *name, size_t server)
{
    char url[64], registry[32];

    snprintf(url, sizeof url, "\"%s\"", nats.server[server].url);
    snprintf(registry, sizeof registry, "replicas = %zu;", nats.n);
    host_start(h, &(struct host_options){.name = name, .nats = url, .lease_ttl = "10s", .registry = registry});
}

static void two_hosts(size_t n_servers)
{
    nats_start(&nats, n_servers);
    host_at(&a, "a", 0);
    host_at(&b, "b", n_servers - 1);
    prctl(PR_SET_TIMERSLACK, 1UL); /* for short sleeps that are short */
}

/* The floor puts as many bytes as the daemon does for this registration. */
static size_t record_bytes(struct discover_registration *r)
{
    uint8_t value[1024];
    struct kv kv;
    int n;

    kv_open(&kv, nats.server[0].url);
    ck_assert_int_eq(discover_register(a.lib, r), 0);
    (void)wait_until(LIMIT_MS, (n = kv_get(&kv, "SERVICES", "bench.propagation.a.i1", value, sizeof value)) > 0,
                     "none");
    ck_assert_int_eq(discover_deregister(a.lib, SERVICE, "i1"), 0);
    await_count(&b, SERVICE, 0);
    kv_close(&kv);
    return (size_t)n;
}

/* From the call, which goes to the daemon and back, and from its answer: then it is registered on A. */
static void register_once(struct discover_registration *r, struct samples *ret_called, struct samples *ret_answered)
{
    int64_t start_ns = clock_now_ns();

    ck_assert_int_eq(discover_register(a.lib, r), 0);
    int64_t answered_ns = clock_now_ns();
    await_count(&b, SERVICE, 1);
    int64_t now_ns = clock_now_ns();
    samples_add(ret_called, now_ns - start_ns);
    samples_add(ret_answered, now_ns - answered_ns);
    ck_assert_int_eq(discover_deregister(a.lib, SERVICE, "i1"), 0);
    await_count(&b, SERVICE, 0);
}

static void measure(struct floor *floor, const char *called_name, const char *answered_name)
{
    static struct samples called, answered, floor_seen;
    struct discover_registration *r;

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
    samples_print_ratio(called_name, &called, &floor_seen, CALLED_RATIO);
    samples_print_ratio(answered_name, &answered, &floor_seen, REGISTERED_RATIO);
}

START_TEST(registration)
{
    two_hosts(1);
    measure(floor_open(nats.server[0].url, nats.server[0].url, 1), "propagation/register-called-on-a-seen-on-b",
            "propagation/registered-on-a-seen-on-b");
}
END_TEST

/* Three servers that keep three copies on disk. */
START_TEST(registration_in_a_cluster)
{
    two_hosts(3);
    struct floor *floor = floor_open(nats.server[0].url, nats.server[2].url, 3);
    floor_share_leader(floor, "KV_SERVICES");
    measure(floor, "propagation/register-called-on-a-seen-on-b-r3", "propagation/registered-on-a-seen-on-b-r3");
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

    two_hosts(1);
    (void)host_lib(&a), (void)host_lib(&b);
    for (int i = 0; i < DEATHS; i++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            server();
        await_count(&a, SERVICE, 1);
        await_count(&b, SERVICE, 1);
        int64_t start_ns = clock_now_ns();
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        await_count(&a, SERVICE, 0);
        samples_add(&own, clock_now_ns() - start_ns);
        await_count(&b, SERVICE, 0);
        samples_add(&other, clock_now_ns() - start_ns);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    }
    samples_print_limit("propagation/killed-process-gone-on-a", &own, 50);
    samples_print_limit("propagation/killed-process-gone-on-b", &other, 1000);
}
END_TEST

E2E_TESTS("propagation", 120, {"registration", registration}, {"registration_in_a_cluster", registration_in_a_cluster},
          {"death", death})
