/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One real discoverd in a simulated fleet: how long a cold start takes, what it costs to hold everything, and to hear
 * every host's lease and a few changes; each beside a bare nats.c program that receives the same messages.
 */
#include <discover/discover.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libdiscover/core/clock.h"
#include "tests/bench/fleet/bare.h"
#include "tests/bench/fleet/simulated.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/registry_server.h"
#include "tests/support/wait.h"

enum { PER_HOST = 20, STEADY_S = 10, START_LIMIT_MS = 60000 };

static struct nats nats;
static struct host first, host;

static void print(const char *name, size_t hosts, double value, const char *unit, double floor, double target)
{
    printf("{\"name\":\"fleet/%zu-hosts/%s\",\"value\":%.3f,\"unit\":\"%s\",\"p99\":null,", hosts, name, value, unit);
    floor > 0 ? printf("\"floor\":%.3f,\"ratio\":%.2f,", floor, value / floor)
              : printf("\"floor\":null,\"ratio\":null,");
    printf("\"target\":%.3f,\"ok\":%s}\n", target, value <= target ? "true" : "false");
    fflush(stdout);
}

static int count_instances(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    (void)service, (void)n_total;
    *(size_t *)arg += n_usable;
    return 0;
}

static size_t usable_instances(struct host *h)
{
    size_t n = 0;
    return discover_dispatch(h->lib) < 0 || discover_each_service(h->lib, count_instances, &n) < 0 ? 0 : n;
}

static void put_all(struct fleet *f, const char *url, size_t hosts)
{
    fleet_open(f, url, hosts, PER_HOST);
    fleet_put_all(f);
    fleet_settle(f);
}

/* The buckets are made by a daemon, as always. */
static void load(struct fleet *f, size_t hosts)
{
    nats_start(&nats, 1);
    host_start(&first, &(struct host_options){.name = "first", .nats = nats.urls});
    host_leave(&first);
    put_all(f, nats.server[0].url, hosts);
}

static void cold_start(size_t hosts)
{
    size_t all = hosts * PER_HOST;
    int64_t bare_ns = bare_snapshot(nats.server[0].url, "KV_SERVICES", all);
    host_init(&host, &(struct host_options){.name = "measured", .nats = nats.urls, .lease_ttl = "10s"});
    int64_t start_ns = clock_now_ns();
    host_launch(&host);
    host_wait_up(&host);
    (void)host_lib(&host);
    (void)wait_until(START_LIMIT_MS, usable_instances(&host) == all, "not all instances");
    double took_s = (double)(clock_now_ns() - start_ns) / NS_PER_S;
    print("cold-start", hosts, took_s, "s", (double)bare_ns / NS_PER_S, 3);
}

/* Leases evenly over ten seconds; every eighth of a second, what has come due. */
static void run_fleet(struct fleet *f, double changes_per_s)
{
    int64_t start_ns = clock_now_ns();
    size_t leases = 0, changes = 0;
    for (double s = 0; s < STEADY_S; s = (double)(clock_now_ns() - start_ns) / NS_PER_S) {
        for (; leases < (size_t)(s * (double)f->hosts / STEADY_S); leases++)
            fleet_put_lease(f, leases % f->hosts);
        for (; changes < (size_t)(s * changes_per_s); changes++)
            fleet_put_record(f, changes * 7 % f->hosts, changes % f->per_host);
        nanosleep(&(struct timespec){.tv_nsec = 2 * NS_PER_MS}, NULL);
    }
    fleet_settle(f);
}

static void steady(struct fleet *f, const char *name, pid_t bare, double changes_per_s)
{
    int64_t ours_ns = process_cpu_ns(host.proc.pid), bare_ns = process_cpu_ns(bare), start_ns = clock_now_ns();
    run_fleet(f, changes_per_s);
    double took_ns = (double)(clock_now_ns() - start_ns);
    double ours = (double)(process_cpu_ns(host.proc.pid) - ours_ns) / took_ns * 100;
    double floor = (double)(process_cpu_ns(bare) - bare_ns) / took_ns * 100;
    print(name, f->hosts, ours, "% of a core", floor, 5);
}

static void measure(size_t hosts)
{
    static struct fleet f;
    load(&f, hosts);
    cold_start(hosts);
    pid_t bare = bare_subscriber(nats.server[0].url);
    steady(&f, "leases", bare, 0);
    steady(&f, "leases-and-changes", bare, (double)(hosts * PER_HOST) / 100 / 60);
    print("resident", hosts, (double)process_rss(host.proc.pid) / (1 << 20), "MiB", 0, 150);
    size_t all = hosts * PER_HOST;
    ck_assert_msg(usable_instances(&host) == all, "%zu of %zu instances are left", usable_instances(&host), all);
    kill(bare, SIGKILL);
    fleet_close(&f);
}

/* By who may make no consumers, under the accounts of the example: message by message, beside a consumer's pushes. */
static void cold_start_by_gets(size_t hosts)
{
    static struct registry_server r = {.lease_ttl = "10s"};
    static struct fleet f;
    registry_server_start(&r);
    put_all(&f, r.admin_url, hosts);
    int64_t bare_ns = bare_snapshot(r.admin_url, "KV_SERVICES", hosts * PER_HOST);
    int64_t start_ns = clock_now_ns();
    registry_server_host(&r, &host, "web-1");
    (void)host_lib(&host);
    (void)wait_until(START_LIMIT_MS, usable_instances(&host) == hosts * PER_HOST, "not all instances");
    double took_s = (double)(clock_now_ns() - start_ns) / NS_PER_S;
    print("cold-start-by-gets", hosts, took_s, "s", (double)bare_ns / NS_PER_S, 5);
    fleet_close(&f);
}

START_TEST(gets_1000)
{
    cold_start_by_gets(1000);
}
END_TEST

START_TEST(gets_2500)
{
    cold_start_by_gets(2500);
}
END_TEST

START_TEST(hosts_1000)
{
    measure(1000);
}
END_TEST

START_TEST(hosts_10000)
{
    measure(10000);
}
END_TEST

E2E_TESTS("fleet", 300, {"1000", hosts_1000}, {"10000", hosts_10000}, {"gets-1000", gets_1000},
          {"gets-2500", gets_2500})
