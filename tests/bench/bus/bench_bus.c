/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bus adds to nats.c: from a put to the event on the other host's main loop beside the bare
 * put-to-republished-message in turns; puts a second beside bare asynchronous publishing; a large snapshot.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/bus.h"
#include "tests/bench/propagation/floor.h"
#include "tests/bench/propagation/samples.h"
#include "tests/e2e/bus/station.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/wait.h"

#define ROUNDS        800
#define VALUE_BYTES   120 /* a record of ordinary size */
#define PUTS          50000
#define WINDOW        4096
#define RECORDS       200000
#define CLUSTER_MS    30000
#define LATENCY_RATIO 1.3
#define RATE_RATIO    0.7
#define REGISTRATIONS 10000
#define LOOK_MAX_NS   (20 * NS_PER_MS)
#define SNAPSHOT_MS   3000.0

static struct nats nats;
static struct station a, b;

/* At one server of a cluster, or the only one. */
static void start_at(struct station *s, const char *host, size_t server)
{
    struct bus_options options = station_options(&nats, host);
    options.servers += server;
    options.n_servers = 1;
    options.replicas = (int)nats.n;
    options.mailbox = 2 * RECORDS;
    station_start(s, &options);
    station_resync(s, BUS_SERVICES);
}

static void start(struct station *s, const char *host)
{
    start_at(s, host, 0);
}

/* The loop of a daemon, in short: sleeps until there is something. */
static void turn(struct station *s)
{
    struct pollfd fd = {.fd = bus_fd(s->bus), .events = POLLIN};
    (void)poll(&fd, 1, 1000);
    bus_dispatch(s->bus);
}

static int64_t put_to_live_ns(void)
{
    static const char value[VALUE_BYTES];
    unsigned heard = b.bucket[BUS_SERVICES].live, done = a.done;
    int64_t start_ns = clock_now_ns();
    ck_assert_int_eq(bus_put(a.bus, BUS_SERVICES, "bench.svc.a.i1", value, sizeof value, 0, NULL), 0);
    while (b.bucket[BUS_SERVICES].live == heard)
        turn(&b);
    int64_t took_ns = clock_now_ns() - start_ns;
    while (a.done == done)
        turn(&a);
    return took_ns;
}

static void measure(struct floor *floor, const char *name)
{
    static struct samples ours, bare;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t bare_ns = floor_measure(floor, VALUE_BYTES), ours_ns = put_to_live_ns();
        if (i >= ROUNDS / 10) { /* warm */
            samples_add(&bare, bare_ns);
            samples_add(&ours, ours_ns);
        }
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
    samples_print_ratio(name, &ours, &bare, LATENCY_RATIO);
    floor_close(floor);
    station_stop(&a);
    station_stop(&b);
}

START_TEST(latency)
{
    nats_start(&nats, 1);
    start(&a, "a");
    start(&b, "b");
    measure(floor_open(nats.server[0].url, nats.server[0].url, 1), "bus/put-to-live-event");
}
END_TEST

/* Three servers, three copies; writer and reader at two of them, as hosts of a fleet are. */
START_TEST(latency_in_a_cluster)
{
    nats_start(&nats, 3);
    start_at(&a, "a", 0);
    start_at(&b, "b", 1);
    wait_until(CLUSTER_MS, station_synced(&a, BUS_SERVICES), station_seen(&a)); /* a new cluster finds itself first */
    wait_until(CLUSTER_MS, station_synced(&b, BUS_SERVICES), station_seen(&b));
    struct floor *floor = floor_open(nats.server[0].url, nats.server[1].url, 3);
    floor_share_leader(floor, "KV_SERVICES");
    measure(floor, "bus/put-to-live-event-r3");
}
END_TEST

static double ours_per_second(void)
{
    static const char value[VALUE_BYTES];
    char key[64];
    unsigned sent = 0, before = a.done;
    int64_t start_ns = clock_now_ns();
    while (a.done - before < PUTS) {
        for (; sent < PUTS && sent - (a.done - before) < WINDOW; sent++) {
            snprintf(key, sizeof key, "bench.svc.a.i%u", sent);
            ck_assert_int_eq(bus_put(a.bus, BUS_SERVICES, key, value, sizeof value, 0, NULL), 0);
        }
        turn(&a);
    }
    return PUTS / ((double)(clock_now_ns() - start_ns) / 1e9);
}

static double bare_per_second(unsigned n)
{
    static const char value[VALUE_BYTES];
    char subject[64];
    struct kv kv;
    jsOptions options;
    kv_open(&kv, nats.server[0].url);
    jsCtx_Destroy(kv.js);
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = WINDOW;
    options.PublishAsync.StallWait = 10000;
    ck_assert_int_eq(natsConnection_JetStream(&kv.js, kv.nc, &options), NATS_OK);
    int64_t start_ns = clock_now_ns();
    for (unsigned i = 0; i < n; i++) {
        snprintf(subject, sizeof subject, "$KV.SERVICES.bench.svc.bare.i%u", i);
        ck_assert_int_eq(js_PublishAsync(kv.js, subject, value, sizeof value, NULL), NATS_OK);
    }
    ck_assert_int_eq(js_PublishAsyncComplete(kv.js, NULL), NATS_OK);
    double rate = n / ((double)(clock_now_ns() - start_ns) / 1e9);
    kv_close(&kv);
    return rate;
}

static int compare(const void *x, const void *y)
{
    double dx = *(const double *)x, dy = *(const double *)y;
    return (dx > dy) - (dx < dy);
}

/* In turns, into the same bucket, with the same listener. */
START_TEST(throughput)
{
    enum { TURNS = 3 };
    double ours[TURNS], bare[TURNS];
    nats_start(&nats, 1);
    start(&a, "a");
    for (int i = 0; i < TURNS; i++) {
        bare[i] = bare_per_second(PUTS);
        ours[i] = ours_per_second();
    }
    qsort(ours, TURNS, sizeof *ours, compare);
    qsort(bare, TURNS, sizeof *bare, compare);
    double ratio = ours[TURNS / 2] / bare[TURNS / 2];
    printf("{\"name\":\"bus/puts-acknowledged\",\"value\":%.0f,\"unit\":\"1/s\",\"p99\":null,\"floor\":%.0f,"
           "\"ratio\":%.2f,\"target\":%.2f,\"ok\":%s}\n",
           ours[TURNS / 2], bare[TURNS / 2], ratio, RATE_RATIO, ratio >= RATE_RATIO ? "true" : "false");
    station_stop(&a);
}
END_TEST

static void write_services(const struct host *h)
{
    char path[320];
    snprintf(path, sizeof path, "%s/many.conf", h->services_dir);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    for (unsigned i = 0; i < REGISTRATIONS; i++)
        fprintf(out, "%s{ name = \"bench/s%u\"; instance = \"i%u\"; port = %u; address = [\"10.1.2.3\"]; }\n",
                i ? ", " : "services = ( ", i % 500, i, 1000 + i);
    fputs(");\n", out);
    ck_assert_int_eq(fclose(out), 0);
}

/* When to ask again, by the rate so far: an answer costs the daemon the time of some registrations. */
static int64_t half_of_the_rest_ns(int64_t acks, int64_t since_first, int64_t took_ns)
{
    int64_t ns = since_first > 0 ? took_ns * (REGISTRATIONS - acks) / since_first / 2 : LOOK_MAX_NS;
    return ns < NS_PER_MS ? NS_PER_MS : ns > LOOK_MAX_NS ? LOOK_MAX_NS : ns;
}

/* A whole daemon finds all of them in its configuration: from the first that is seen acknowledged to the last. */
static double registered_per_second(const char *name)
{
    static struct host h;
    int64_t first, acks, first_ns, now_ns;
    host_init(&h, &(struct host_options){.name = name, .nats = nats.urls, .lease_ttl = "10s"});
    write_services(&h);
    host_launch(&h);
    host_wait_up(&h);
    do
        first = host_counter(&h, "discoverd_bus_put_results_total{result=\"stored\"}");
    while (first <= 0);
    first_ns = clock_now_ns();
    acks = first;
    do {
        nanosleep(&(struct timespec){.tv_nsec = half_of_the_rest_ns(acks, acks - first, clock_now_ns() - first_ns)},
                  NULL);
        acks = host_counter(&h, "discoverd_bus_put_results_total{result=\"stored\"}");
        now_ns = clock_now_ns();
    } while (acks < REGISTRATIONS);
    host_stop(&h);
    return (double)(acks - first) * NS_PER_S / (double)(now_ns - first_ns);
}

START_TEST(registrations)
{
    enum { TURNS = 5 };
    static const char *const names[TURNS] = {"a", "b", "c", "d", "e"};
    double ours[TURNS], bare[TURNS];
    nats_start(&nats, 1);
    for (int i = 0; i < TURNS; i++) {
        ours[i] = registered_per_second(names[i]);
        bare[i] = bare_per_second(REGISTRATIONS);
    }
    qsort(ours, TURNS, sizeof *ours, compare);
    qsort(bare, TURNS, sizeof *bare, compare);
    double ratio = ours[TURNS / 2] / bare[TURNS / 2];
    printf("{\"name\":\"bus/registrations-acknowledged\",\"value\":%.0f,\"unit\":\"1/s\",\"p99\":null,\"floor\":%.0f,"
           "\"ratio\":%.2f,\"target\":%.2f,\"ok\":%s}\n",
           ours[TURNS / 2], bare[TURNS / 2], ratio, RATE_RATIO, ratio >= RATE_RATIO ? "true" : "false");
}
END_TEST

START_TEST(snapshot)
{
    enum { TURNS = 3 };
    static struct samples took;
    nats_start(&nats, 1);
    start(&a, "a");
    (void)bare_per_second(RECORDS);
    start(&b, "b");
    for (int i = 0; i < TURNS; i++) {
        unsigned before = b.bucket[BUS_SERVICES].ends;
        b.bucket[BUS_SERVICES].entries = 0;
        int64_t start_ns = clock_now_ns();
        ck_assert_int_eq(bus_order(b.bus, BUS_RESYNC, BUS_SERVICES), 0);
        while (b.bucket[BUS_SERVICES].ends == before)
            turn(&b);
        samples_add(&took, clock_now_ns() - start_ns);
        ck_assert_int_eq(b.bucket[BUS_SERVICES].end_err, 0);
        ck_assert_uint_eq(b.bucket[BUS_SERVICES].entries, RECORDS);
    }
    samples_print_limit("bus/snapshot-of-200000", &took, SNAPSHOT_MS);
    station_stop(&a);
    station_stop(&b);
}
END_TEST

E2E_TESTS("bus", 120, {"latency", latency}, {"latency_in_a_cluster", latency_in_a_cluster}, {"throughput", throughput},
          {"registrations", registrations}, {"snapshot", snapshot})
