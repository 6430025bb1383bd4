/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What another region costs a daemon: memory for each of its instances, beside that for an instance of the own region; and what
 * a look-up of the own region costs where another one is read as well, beside the same look-up where none is, in turns.
 */
#include <arpa/inet.h>
#include <discover/discover.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/fleet/bare.h"
#include "tests/bench/fleet/simulated.h"
#include "tests/bench/propagation/samples.h"
#include "tests/support/dnsq.h"
#include "tests/support/e2e.h"
#include "tests/support/two_regions.h"
#include "tests/support/wait.h"

#define HOSTS     1000
#define PER_HOST  20
#define INSTANCES 16  /* of the service that is looked up */
#define TURNS     600 /* of each of the two */
#define LOOKUPS   4096
#define QUERIES   64
#define LIVE      "\"state\":\"live\""

static struct two_regions regions;
static struct host near, far; /* in region a: without other regions, and with */
static struct fleet fleet;

static void start_host(struct host *h, const char *name, const struct nats *nats, const char *extra)
{
    host_start(h, &(struct host_options){.name = name, .nats = nats->urls, .lease_ttl = "10s", .extra = extra});
}

static void fill(void)
{
    fleet_open(&fleet, regions.b.server[0].url, HOSTS, PER_HOST);
    for (size_t h = 0; h < HOSTS; h++)
        for (size_t i = 0; i < PER_HOST; i++)
            fleet_put_record(&fleet, h, i);
    fleet_settle(&fleet);
    for (size_t h = 0; h < HOSTS; h++)
        fleet_put_lease(&fleet, h);
    fleet_settle(&fleet);
}

static bool says(const struct host *h, const char *path, const char *text)
{
    static struct output o;
    return shell(&o, "curl -s http://127.0.0.1:%d%s", h->http_port, path) == 0 && strstr(o.out, text);
}

#define READS_B "region = \"a\"; regions = ( { name = \"b\"; js_domain = \"b\"; } );"

static double grown(const struct host *h, int64_t before)
{
    return (double)(process_rss(h->proc.pid) - before) / (HOSTS * PER_HOST);
}

/*
 * In b a daemon of b knows them as its own, in a two that read b; all knew nobody before. For the second, b answers for
 * everything, since a has nothing: then it is in the table once more.
 */
START_TEST(memory)
{
    static struct host own, other, answering;
    char all[64];
    two_regions_start(&regions);
    start_host(&own, "own", &regions.b, "region = \"b\";");
    start_host(&other, "other", &regions.a, READS_B "failover = { enabled = false; };");
    start_host(&answering, "answering", &regions.a, READS_B);
    wait_until(10000, says(&other, "/v1/regions", LIVE) && says(&answering, "/v1/regions", LIVE), "b is live");
    int64_t before[] = {process_rss(own.proc.pid), process_rss(other.proc.pid), process_rss(answering.proc.pid)};
    fill();
    snprintf(all, sizeof all, "\"instances\":%d", HOSTS * PER_HOST);
    wait_until(
        20000,
        says(&own, "/v1/status", all) && says(&other, "/v1/regions", all) && says(&answering, "/v1/regions", all), all);
    double floor = grown(&own, before[0]), value = grown(&other, before[1]), twice = grown(&answering, before[2]);
    bool ok = value <= 1.1 * floor;
    printf("{\"name\":\"regions/memory-of-an-instance-elsewhere\",\"value\":%.0f,\"unit\":\"bytes\",\"p99\":null,"
           "\"floor\":%.0f,\"ratio\":%.2f,\"target\":1.1,\"ok\":%s}\n"
           "{\"name\":\"regions/memory-of-one-that-answers-here\",\"value\":%.0f,\"unit\":\"bytes\",\"p99\":null,"
           "\"floor\":%.0f,\"ratio\":%.2f,\"target\":null,\"ok\":null}\n",
           value, floor, value / floor, ok ? "true" : "false", twice, floor, twice / floor);
    fflush(stdout);
    fleet_close(&fleet);
    ck_assert(ok);
}
END_TEST

static void serve(struct host *h)
{
    struct output o;
    char instance[16], address[16];
    for (int i = 0; i < INSTANCES; i++) {
        snprintf(instance, sizeof instance, "i%d", i);
        snprintf(address, sizeof address, "10.1.0.%d", i + 1);
        ck_assert_int_eq(ctl(h, &o, "register", "shop/payment", "--port", "80", "--instance", instance, "--address",
                             address, "--ttl", "300s", NULL),
                         0);
    }
}

static bool resolves(struct host *h)
{
    struct discover_endpoint e[INSTANCES];
    size_t n = 0;
    return discover_resolve(host_lib(h), "shop/payment", e, INSTANCES, &n) == DISCOVER_FRESH && n == INSTANCES;
}

static int64_t lookups_ns(struct host *h)
{
    struct discover_endpoint e[INSTANCES];
    size_t n;
    struct discover *d = host_lib(h);
    int64_t start_ns = clock_now_ns();
    for (int i = 0; i < LOOKUPS; i++)
        if (discover_resolve(d, "shop/payment", e, INSTANCES, &n) != DISCOVER_FRESH)
            ck_abort_msg("%s: not fresh", h->name);
    return clock_now_ns() - start_ns;
}

static int dns_socket(const struct host *h)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)h->dns_port)};
    const struct timeval second = {.tv_sec = 1};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second), 0);
    return fd;
}

/* So many at once, until all are answered. */
static int64_t queries_ns(int fd, const uint8_t *query, size_t n)
{
    uint8_t answer[4096];
    int64_t start_ns = clock_now_ns();
    for (int i = 0; i < QUERIES; i++)
        ck_assert_int_eq(send(fd, query, n, 0), (ssize_t)n);
    for (int i = 0; i < QUERIES; i++)
        if (recv(fd, answer, sizeof answer, 0) < 12 || (answer[3] & 15) != 0)
            ck_abort_msg("no answer");
    return clock_now_ns() - start_ns;
}

START_TEST(lookups)
{
    static struct samples resolve[2], dns[2];
    uint8_t query[512];
    size_t n = dnsq_build("payment.shop.discover.internal", DNSQ_SRV, 1, query, sizeof query);
    struct host maker;
    two_regions_start(&regions);
    start_host(&maker, "maker", &regions.b, "region = \"b\";");
    fill();
    start_host(&near, "near", &regions.a, "region = \"a\";");
    start_host(&far, "far", &regions.a, READS_B);
    serve(&near);
    wait_until(20000, says(&far, "/v1/regions", LIVE) && resolves(&near) && resolves(&far), "all");
    struct host *hosts[2] = {&near, &far};
    int fd[2] = {dns_socket(&near), dns_socket(&far)};
    for (int i = 0; i < 2 * TURNS; i++) {
        samples_add(&resolve[i % 2], lookups_ns(hosts[i % 2]));
        samples_add(&dns[i % 2], queries_ns(fd[i % 2], query, n));
    }
    samples_print_ratio("regions/resolve-with-another-region", &resolve[1], &resolve[0], 1.05);
    samples_print_ratio("regions/dns-with-another-region", &dns[1], &dns[0], 1.05);
    close(fd[0]);
    close(fd[1]);
    fleet_close(&fleet);
}
END_TEST

E2E_TESTS("regions cost", 300, {"memory", memory}, {"lookups", lookups})
