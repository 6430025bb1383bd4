/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that reach no daemon look services up over DNS: instances come and go within the TTL, a hundred come
 * whole, a server that is away makes them stale and nothing else, and a daemon that comes takes over. Also
 * through the forwarders that containers and laptops have.
 */
#include <discover/discover.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/nats_server.h"
#include "tests/support/port.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define SERVICE       "shop/payment"
#define ENDPOINTS_MAX 128

/* The TTL, what is late by the library's grace, and a machine with other work. */
#define WITHIN_MS 4000

static struct nats nats;
static struct host host;
static struct discover *d;
static struct discover_endpoint endpoints[ENDPOINTS_MAX];
static size_t n;
static char seen[256];

static void at_end(void *arg)
{
    (void)arg;
    discover_free(d);
}

static void start_host(const char *services)
{
    nats_start(&nats, 1);
    host_start(&host, &(struct host_options){.name = "a", .nats = nats.urls, .services = services});
}

static void open_handle(enum discover_source source, const char *socket_path, int dns_port)
{
    char servers[32];

    snprintf(servers, sizeof servers, "127.0.0.1:%d", dns_port);
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_set_socket(d, socket_path), 0);
    ck_assert_int_eq(discover_set_source(d, source), 0);
    ck_assert_int_eq(discover_set_dns(d, servers, NULL), 0);
    ck_assert_int_eq(discover_start(d), 0);
    e2e_at_end(at_end, NULL);
}

/* As a caller's loop does. */
static int resolve(const char *service)
{
    struct pollfd fd = {.fd = discover_fd(d), .events = POLLIN};

    if (poll(&fd, 1, 0) == 1)
        ck_assert_int_ge(discover_dispatch(d), 0);
    n = 0;
    int result = discover_resolve(d, service, endpoints, ENDPOINTS_MAX, &n);
    snprintf(seen, sizeof seen, "%s: %s, %zu endpoints, %lld ms old", service, discover_strerror(result), n,
             (long long)discover_age_ms(d));
    return result;
}

/* Waits until the service has so many instances. */
static int64_t wait_for(size_t wanted)
{
    return wait_until(WITHIN_MS, resolve(SERVICE) == DISCOVER_FRESH && n == wanted, seen);
}

static void register_one(const char *instance, const char *port)
{
    struct output o;

    int code = ctl(&host, &o, "register", SERVICE, "--instance", instance, "--port", port, "--address", "10.1.2.3",
                   "--ttl", "1h", NULL);
    ck_assert_int_eq(code, 0);
}

static void deregister_one(const char *instance)
{
    struct output o;

    ck_assert_int_eq(ctl(&host, &o, "deregister", SERVICE, "--instance", instance, NULL), 0);
}

/* Appearing and vanishing, seen through whatever is between. */
static void follows(const char *what)
{
    char text[128];

    register_one("p1", "8080");
    (void)wait_for(1);
    ck_assert_uint_eq(endpoints[0].port, 8080);
    ck_assert_mem_eq(endpoints[0].ipv4, "\12\1\2\3", 4);
    register_one("p2", "8081");
    snprintf(text, sizeof text, "registered, seen over DNS%s", what);
    measured(text, wait_for(2));
    deregister_one("p1");
    snprintf(text, sizeof text, "deregistered, gone over DNS%s", what);
    measured(text, wait_for(1));
    ck_assert_uint_eq(endpoints[0].port, 8081);
    deregister_one("p2");
    (void)wait_until(WITHIN_MS, resolve(SERVICE) == DISCOVER_E_UNKNOWN, seen);
}

START_TEST(follows_a_service)
{
    start_host("");
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", host.dns_port);
    ck_assert_int_eq(discover_wait(d, SERVICE, WITHIN_MS), DISCOVER_E_UNKNOWN);
    follows("");
}
END_TEST

/* Ten lines, the way somebody writes them who has read one page: nothing but the environment says where to ask. */
START_TEST(by_the_environment_alone)
{
    char servers[32];

    start_host("{ name = \"shop/payment\"; port = 8080; address = [\"10.1.2.3\"]; }");
    snprintf(servers, sizeof servers, "127.0.0.1:%d", host.dns_port);
    ck_assert_int_eq(setenv("DISCOVERD_DNS", servers, 1), 0);
    ck_assert_int_eq(setenv("DISCOVERD_SOCKET", "/nonexistent", 1), 0);
    ck_assert_int_eq(discover_new(&d), 0);
    ck_assert_int_eq(discover_start(d), 0);
    ck_assert_int_eq(discover_wait(d, SERVICE, WITHIN_MS), DISCOVER_FRESH);
    ck_assert_int_eq(discover_resolve(d, SERVICE, endpoints, ENDPOINTS_MAX, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 1);
    e2e_at_end(at_end, NULL);
}
END_TEST

static int count(void *arg, const struct discover_instance *instance)
{
    *(size_t *)arg += instance->usable && instance->endpoint.families == DISCOVER_HAS_IPV4;
    return 0;
}

/* More than fits into a datagram: TC, then TCP. */
START_TEST(a_hundred_instances)
{
    static char services[16384];
    size_t listed = 0;

    for (int i = 0, at = 0; i < 100; i++)
        at += snprintf(services + at, sizeof services - (size_t)at,
                       "%s{ name = \"shop/payment\"; instance = \"p%d\"; port = %d; address = [\"10.1.2.%d\"]; }",
                       i ? "," : "", i, 8000 + i, i);
    start_host(services);
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", host.dns_port);
    (void)wait_for(100);
    ck_assert_int_eq(discover_each_instance(d, SERVICE, count, &listed), DISCOVER_FRESH);
    ck_assert_uint_eq(listed, 100);
}
END_TEST

/* Runs a query in the caller's loop. */
static int query(const char *tag, const char *place)
{
    struct discover_query *q;

    (void)resolve(SERVICE);
    n = 0;
    ck_assert_int_eq(discover_query_new(SERVICE, &q), 0);
    if (tag)
        ck_assert_int_eq(discover_query_add_tag(q, tag), 0);
    if (place)
        ck_assert_int_eq(discover_query_set_place(q, place), 0);
    int result = discover_query_run(d, q, NULL, endpoints, ENDPOINTS_MAX, &n);
    discover_query_free(q);
    return result;
}

static struct discover_picker *picker(struct discover *handle, const char *tag)
{
    struct discover_query *q;
    struct discover_picker *p;
    ck_assert_int_eq(discover_query_new(SERVICE, &q), 0);
    if (tag)
        ck_assert_int_eq(discover_query_add_tag(q, tag), 0);
    ck_assert_int_eq(discover_picker_new_query(handle, q, &p), 0);
    discover_query_free(q);
    return p;
}

/* A client of the daemon and one over DNS: also of both families, with weights that DNS scales, and from afar. */
START_TEST(keys_have_the_same_owner_as_by_the_daemon)
{
    start_host("{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; weight = 7; }, "
               "{ name = \"shop/payment\"; instance = \"p2\"; port = 8081; address = [\"10.1.2.3\"]; weight = 1000; }, "
               "{ name = \"shop/payment\"; instance = \"p3\"; port = 8080; address = [\"10.1.2.4\", \"fd00::4\"]; "
               "weight = 333; }, { name = \"shop/payment\"; instance = \"p4\"; port = 8080; address = [\"fd00::5\"]; "
               "weight = 500; }");
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", host.dns_port);
    (void)wait_for(4);
    struct discover_picker *by_dns = picker(d, NULL), *by_daemon = picker(host_lib(&host), NULL);
    for (uint32_t key = 0; key < 5000; key++) {
        struct discover_endpoint a, b;
        ck_assert_int_eq(discover_pick_key(by_dns, &key, sizeof key, &a), 0);
        ck_assert_int_eq(discover_pick_key(by_daemon, &key, sizeof key, &b), 0);
        ck_assert(a.port == b.port && a.families == b.families);
        ck_assert_mem_eq(a.ipv4, b.ipv4, sizeof a.ipv4);
        ck_assert_mem_eq(a.ipv6, b.ipv6, sizeof a.ipv6);
    }
    discover_picker_free(by_dns);
    discover_picker_free(by_daemon);
}
END_TEST

static int pick_of(struct discover_picker *p, struct discover_endpoint *ret_endpoint)
{
    (void)resolve(SERVICE);
    return discover_pick(p, ret_endpoint);
}

START_TEST(pickers_with_conditions)
{
    struct discover_endpoint e;
    start_host("{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; "
               "tags = [\"canary\"]; }, { name = \"shop/payment\"; instance = \"p2\"; port = 8081; address = "
               "[\"10.1.2.4\"]; }");
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", host.dns_port);
    for (int by_daemon = 0; by_daemon < 2; by_daemon++) {
        struct discover *handle = by_daemon ? host_lib(&host) : d;
        struct discover_picker *canary = picker(handle, "canary"), *green = picker(handle, "green");
        (void)wait_until(WITHIN_MS, pick_of(canary, &e) == 0, seen);
        for (int i = 0; i < 50; i++) {
            ck_assert_int_eq(discover_pick(canary, &e), 0);
            ck_assert_uint_eq(e.port, 8080);
        }
        (void)wait_until(WITHIN_MS, pick_of(green, &e) == DISCOVER_E_NONE, seen);
        discover_picker_free(canary);
        discover_picker_free(green);
    }
}
END_TEST

START_TEST(conditions)
{
    start_host("{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; "
               "tags = [\"canary\"]; }, { name = \"shop/payment\"; instance = \"p2\"; port = 8081; address = "
               "[\"10.1.2.4\"]; }");
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", host.dns_port);
    (void)wait_until(WITHIN_MS, query("canary", NULL) == DISCOVER_FRESH, seen);
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(endpoints[0].port, 8080);
    (void)wait_until(WITHIN_MS, query(NULL, "local") == DISCOVER_FRESH, seen);
    ck_assert_uint_eq(n, 2);
    (void)wait_until(WITHIN_MS, query("canary", "local") == DISCOVER_FRESH, seen);
    ck_assert_uint_eq(n, 1);
    (void)wait_until(WITHIN_MS, query("canary", "mars") == DISCOVER_E_NONE, seen);
    (void)wait_until(WITHIN_MS, query("blue", NULL) == DISCOVER_E_NONE, seen);
}
END_TEST

START_TEST(a_server_that_is_away_makes_it_stale)
{
    start_host("{ name = \"shop/payment\"; port = 8080; address = [\"10.1.2.3\"]; }");
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", host.dns_port);
    (void)wait_for(1);
    ck_assert_int_eq(discover_age_ms(d), 0);
    host_kill(&host);
    (void)wait_until(WITHIN_MS, resolve(SERVICE) == DISCOVER_STALE, seen);
    ck_assert_uint_eq(n, 1);
    (void)wait_until(WITHIN_MS, resolve(SERVICE) == DISCOVER_STALE && discover_age_ms(d) > 2000, seen);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(resolve("shop/other"), DISCOVER_E_UNSYNCED);
    host_run(&host);
    (void)wait_until(8000, resolve(SERVICE) == DISCOVER_FRESH, seen);
    ck_assert_uint_eq(n, 1);
}
END_TEST

/* NATS is away: the daemon says so, and what it says comes through. */
START_TEST(stale_at_the_daemon_is_stale_here)
{
    start_host("{ name = \"shop/payment\"; port = 8080; address = [\"10.1.2.3\"]; }");
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", host.dns_port);
    (void)wait_for(1);
    nats_server_kill(&nats, 0);
    (void)wait_until(15000, resolve(SERVICE) == DISCOVER_STALE, seen);
    ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(the_daemon_takes_over_when_it_comes)
{
    static struct host own;

    start_host("{ name = \"shop/payment\"; instance = \"p1\"; port = 8080; address = [\"10.1.2.3\"]; }");
    host_init(&own, &(struct host_options){.name = "b", .nats = nats.urls});
    open_handle(DISCOVER_SOURCE_AUTO, own.socket, host.dns_port);
    (void)wait_for(1);
    ck_assert_uint_eq(endpoints[0].tier, DISCOVER_ELSEWHERE);
    ck_assert_int_eq(discover_connected(d), 0);
    host_run(&own);
    (void)wait_until(WITHIN_MS, resolve(SERVICE) == DISCOVER_FRESH && discover_connected(d), seen);
    (void)wait_until(WITHIN_MS, resolve(SERVICE) == DISCOVER_FRESH && endpoints[0].tier == DISCOVER_REGION, seen);
    ck_assert_uint_eq(n, 1);
}
END_TEST

/* It needs the daemon, and gets it when there is one. */
START_TEST(a_registration_waits_for_the_daemon)
{
    struct discover_registration *r;

    nats_start(&nats, 1);
    host_init(&host, &(struct host_options){.name = "a", .nats = nats.urls});
    open_handle(DISCOVER_SOURCE_DNS, host.socket, host.dns_port);
    ck_assert_int_eq(discover_registration_new(SERVICE, 8080, &r), 0);
    ck_assert_int_eq(discover_register(d, r), DISCOVER_E_UNSYNCED);
    host_run(&host);
    (void)wait_until(8000, resolve(SERVICE) == DISCOVER_FRESH && n == 1, seen);
    discover_registration_free(r);
}
END_TEST

static void forwarder_at_end(void *arg)
{
    proc_kill(arg);
}

static bool answers(int port)
{
    struct output o;

    return shell(&o, "dig @127.0.0.1 -p %d +short +time=1 +tries=1 discover.internal SOA | grep -q ns", port) == 0;
}

static void wait_for_forwarder(int port)
{
    (void)wait_until(8000, answers(port), "no answer");
}

START_TEST(through_dnsmasq)
{
    static struct proc dnsmasq;
    char server[64], port[32];
    int own_port = port_take();

    start_host("");
    snprintf(server, sizeof server, "--server=/discover.internal/127.0.0.1#%d", host.dns_port);
    snprintf(port, sizeof port, "--port=%d", own_port);
    proc_start(&dnsmasq, "dnsmasq",
               (const char *[]){"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                                "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file=", "--user=", server,
                                port, NULL},
               NULL);
    e2e_at_end(forwarder_at_end, &dnsmasq);
    wait_for_forwarder(own_port);
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", own_port);
    follows(" through dnsmasq");
}
END_TEST

START_TEST(through_unbound)
{
    static struct proc unbound;
    char path[256];
    int own_port = port_take();

    start_host("");
    snprintf(path, sizeof path, "%s/unbound.conf", e2e_folder());
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "server:\n interface: 127.0.0.1@%d\n do-daemonize: no\n username: \"\"\n chroot: \"\"\n pidfile: \"\"\n"
            " use-syslog: no\n do-not-query-localhost: no\n domain-insecure: \"discover.internal\"\n"
            " local-zone: \"discover.internal\" nodefault\nremote-control:\n control-enable: no\n"
            "stub-zone:\n name: \"discover.internal\"\n stub-addr: 127.0.0.1@%d\n",
            own_port, host.dns_port);
    ck_assert_int_eq(fclose(f), 0);
    proc_start(&unbound, "unbound", (const char *[]){"unbound", "-d", "-c", path, NULL}, NULL);
    e2e_at_end(forwarder_at_end, &unbound);
    wait_for_forwarder(own_port);
    open_handle(DISCOVER_SOURCE_DNS, "/nonexistent", own_port);
    follows(" through unbound");
}
END_TEST

E2E_TESTS("without a daemon", 60, {"follows_a_service", follows_a_service},
          {"by_the_environment_alone", by_the_environment_alone}, {"a_hundred_instances", a_hundred_instances},
          {"conditions", conditions},
          {"keys_have_the_same_owner_as_by_the_daemon", keys_have_the_same_owner_as_by_the_daemon},
          {"pickers_with_conditions", pickers_with_conditions},
          {"a_server_that_is_away_makes_it_stale", a_server_that_is_away_makes_it_stale},
          {"stale_at_the_daemon_is_stale_here", stale_at_the_daemon_is_stale_here},
          {"the_daemon_takes_over_when_it_comes", the_daemon_takes_over_when_it_comes},
          {"a_registration_waits_for_the_daemon", a_registration_waits_for_the_daemon},
          {"through_dnsmasq", through_dnsmasq}, {"through_unbound", through_unbound})
