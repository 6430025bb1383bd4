/* SPDX-License-Identifier: Apache-2.0 */
/* What the resolver refuses, and that a server that is not there is no answer. */
#include "daemon/resolver/resolver.h"

#include <string.h>

#include "tests/support/unit.h"

static struct event_base *base;
static struct metrics *metrics;
static struct resolver *resolver;
static int n_resolved;

static void on_resolved(void *arg, const char *name, const struct addresses *address)
{
    (void)arg, (void)name, (void)address;
    n_resolved++;
}

static void on_settled(void *arg)
{
    (void)arg;
}

static void setup(const char *server)
{
    struct string_list servers = {(char *[]){(char *)server}, 1};
    static char *const zone[] = {(char *)"discover.internal"};
    static struct string_list zones = {(char **)zone, 1};
    const struct resolver_ops ops = {.resolved = on_resolved, .settled = on_settled};
    const struct resolver_options options = {
        .servers = &servers, .zones = &zones, .names = {.names_max = 10, .queries_max = 10}};
    n_resolved = 0;
    base = event_base_new();
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(resolver_new(base, &options, &ops, metrics, &resolver), 0);
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

static void take_value(void *arg, const struct metric *metric, uint64_t value)
{
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
    setup("127.0.0.1:9");
    resolver_add(resolver, "payment.shop.discover.internal", &unknown);
    ck_assert_uint_eq(counter("discoverd_resolver_refused_total"), 1);
    ck_assert_uint_eq(counter("discoverd_resolver_names"), 0);
    teardown();
}
END_TEST

/* Told like any other failure; the last address stays. */
START_TEST(a_server_that_is_not_there_is_a_failure)
{
    const struct addresses last = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 1}};
    setup("127.0.0.1:1");
    resolver_add(resolver, "db.example.com", &last);
    while (counter("discoverd_resolver_failures_total") == 0)
        ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
    ck_assert_int_eq(n_resolved, 0);
    teardown();
}
END_TEST

/* Freed while questions are under way: nothing is said of them any more. */
START_TEST(it_can_be_freed_at_any_time)
{
    const struct addresses unknown = {0};
    setup("127.0.0.1:1");
    resolver_add(resolver, "db.example.com", &unknown);
    ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
    teardown();
    ck_assert_int_eq(n_resolved, 0);
}
END_TEST

UNIT_TESTS("resolver", names_below_our_own_zones_are_refused, a_server_that_is_not_there_is_a_failure,
           it_can_be_freed_at_any_time)
