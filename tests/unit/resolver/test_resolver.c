/* SPDX-License-Identifier: Apache-2.0 */
/* What the resolver refuses, and that a server that is not there is no answer. */
#include "daemon/resolver/resolver.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"

static struct event_base *base;
static struct metrics *metrics;
static struct resolver *resolver;
static int n_resolved;
static bool allow_loopback;

static void on_resolved(void *arg, const char *name, const struct addresses *address)
{
    (void)arg, (void)name, (void)address;
    n_resolved++;
}

static void on_settled(void *arg)
{
    (void)arg;
}

static void make(const char *server)
{
    struct string_list servers = {(char *[]){(char *)server}, 1};
    static char *const zone[] = {(char *)"discover.internal"};
    static struct string_list zones = {(char **)zone, 1};
    const struct resolver_ops ops = {.resolved = on_resolved, .settled = on_settled};
    const struct resolver_options options = {.servers = &servers,
                                             .zones = &zones,
                                             .allow_loopback = &allow_loopback,
                                             .names = {.names_max = 10, .queries_max = 10}};
    n_resolved = 0;
    base = event_base_new();
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(resolver_new(base, &options, &ops, metrics, &resolver), 0);
}

static void setup(void)
{
    make("127.0.0.1:1"); /* where nobody answers */
}

static void teardown(void)
{
    resolver_free(resolver);
    metrics_free(metrics);
    event_base_free(base);
}

struct wanted {
    const char *name;
    uint64_t value;
};

static void take_value(void *arg, const struct metric *metric, uint64_t value, const struct histogram *h)
{
    (void)h;
    struct wanted *w = arg;
    if (strcmp(metric->name, w->name) == 0)
        w->value = value;
}

static uint64_t counter(const char *name)
{
    struct wanted w = {name, UINT64_MAX};
    metrics_each(metrics, take_value, &w);
    return w.value;
}

START_TEST(names_below_our_own_zones_are_refused)
{
    const struct addresses unknown = {0};
    ck_assert(resolver_add(resolver, "payment.shop.discover.internal", &unknown)); /* and no use in coming again */
    ck_assert_uint_eq(counter("discoverd_resolver_refused_total"), 1);
    ck_assert_uint_eq(counter("discoverd_resolver_names"), 0);
}
END_TEST

START_TEST(names_beyond_the_limit_are_refused_for_now)
{
    const struct addresses unknown = {0};
    char name[32];
    for (int i = 0; i <= 10; i++) {
        snprintf(name, sizeof name, "n%d.example.com", i);
        ck_assert_int_eq(resolver_add(resolver, name, &unknown), i < 10);
    }
    resolver_remove(resolver, "n3.example.com");
    ck_assert(resolver_add(resolver, name, &unknown));
    ck_assert_uint_eq(counter("discoverd_resolver_names"), 10);
}
END_TEST

/* Told like any other failure; the last address stays. */
START_TEST(a_server_that_is_not_there_is_a_failure)
{
    const struct addresses last = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 1}};
    resolver_add(resolver, "db.example.com", &last);
    while (counter("discoverd_resolver_failures_total") == 0)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_int_eq(n_resolved, 0);
}
END_TEST

/* A name server that says of every name that it is at 127.0.0.1, and nowhere by IPv6. */
static void answer(evutil_socket_t fd, short what, void *arg)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
    uint8_t m[512];
    struct sockaddr_in from;
    socklen_t n_from = sizeof from;
    ssize_t n = recvfrom(fd, m, sizeof m - sizeof record, 0, (struct sockaddr *)&from, &n_from);
    (void)what, (void)arg;
    ck_assert_int_gt(n, 16);
    size_t end = 12 + strlen((char *)m + 12) + 5; /* of the question; what may follow is left out */
    bool ipv4 = m[end - 3] == 1;
    m[2] |= 0x80;
    m[7] = ipv4;
    m[11] = 0;
    memcpy(m + end, record, sizeof record);
    (void)!sendto(fd, m, end + (ipv4 ? sizeof record : 0), 0, (struct sockaddr *)&from, n_from);
}

static struct event *serve(char ret_address[static 32])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    snprintf(ret_address, 32, "127.0.0.1:%d", ntohs(at.sin_port));
    return event_new(NULL, fd, EV_READ | EV_PERSIST, answer, NULL);
}

static void resolve_until(const char *counted, uint64_t least)
{
    const struct addresses unknown = {0};
    char address[32];
    struct event *server = serve(address);
    teardown();
    make(address);
    event_base_set(base, server);
    ck_assert_int_eq(event_add(server, NULL), 0);
    resolver_add(resolver, "db.example.com", &unknown);
    while (counter(counted) < least)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    int fd = event_get_fd(server);
    event_free(server);
    close(fd);
}

START_TEST(a_name_is_no_way_round_the_rules_of_addresses)
{
    resolve_until("discoverd_resolver_denials_total", 2);
    ck_assert_int_eq(n_resolved, 0);
    allow_loopback = true;
    resolve_until("discoverd_resolver_changes_total", 1);
    ck_assert_int_eq(n_resolved, 1);
}
END_TEST

/* Freed while questions are under way: nothing is said of them any more. */
START_TEST(it_can_be_freed_at_any_time)
{
    const struct addresses unknown = {0};
    resolver_add(resolver, "db.example.com", &unknown);
    ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
    teardown();
    setup();
    ck_assert_int_eq(n_resolved, 0);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "resolver", names_below_our_own_zones_are_refused,
              names_beyond_the_limit_are_refused_for_now, a_server_that_is_not_there_is_a_failure,
              a_name_is_no_way_round_the_rules_of_addresses, it_can_be_freed_at_any_time)
