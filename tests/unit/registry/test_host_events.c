/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of hosts, through a real liveness and catalog; and who tells it when the one who was to is dead as well. */
#include "daemon/registry/events/host_events.h"

#include <stdio.h>
#include <string.h>

#include "daemon/registry/configured.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define TTL (10 * NS_PER_S)

static struct metrics *metrics;
static struct config *config;
static struct catalog *catalog;
static struct liveness *liveness;
static struct events *events;
static struct host_events h;
static char told[4096];
static int64_t now_ns;
static uint64_t counter;

static enum events_way get_way(void *arg)
{
    (void)arg;
    return EVENTS_OPEN;
}

static int say(void *arg, const char *subject, const void *bytes, size_t n)
{
    (void)arg, (void)subject;
    json_t *e = json_loadb(bytes, n, 0, NULL);
    size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s %s;", json_string_value(json_object_get(e, "type")),
             json_string_value(json_object_get(e, "host")));
    json_decref(e);
    return 0;
}

static void on_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    (void)arg;
    host_events_changed(&h, host, lease, status, now_ns);
    ck_assert_int_eq(catalog_set_host(catalog, host, lease, host_alive(status), now_ns), 0);
}

static void on_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg, (void)until_ns;
    host_events_guard(&h, held, why, now_ns);
}

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static void begin(void)
{
    static const struct liveness_events handlers = {on_changed, on_guard};
    char why[CONFIG_WHY_CAP];
    now_ns = 1000 * NS_PER_S;
    told[0] = '\0';
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(config_defaults(&config), 0);
    ck_assert_int_eq(config_set(config, "host", "web-1", why), 0);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    const struct events_reach reach = {.metrics = metrics, .config = config, .way = get_way, .say = say};
    ck_assert_int_eq(events_new(&reach, &events), 0);
    struct liveness_options options = {.max_hosts = 1000, .guard_percent = 100, .guard_min = 3, .guard_ns = TTL};
    ck_assert_int_eq(liveness_new(&options, &handlers, NULL, &liveness), 0);
    liveness_set_healthy(liveness, true, now_ns - 2 * TTL);
    h = (struct host_events){.events = events, .config = config, .catalog = catalog, .liveness = liveness};
}

static void end(void)
{
    events_free(events);
    liveness_free(liveness);
    catalog_free(catalog);
    config_free(config);
    metrics_free(metrics);
}

static void beat(const char *host, uint64_t life)
{
    struct lease lease = {.epoch = 1, .counter = ++counter, .ttl_ms = TTL / NS_PER_MS, .life = life, .tells = 1};
    ck_assert_int_eq(liveness_apply(liveness, host, &lease, 0, now_ns), 0);
}

static void pass(int64_t ns)
{
    do {
        now_ns += ns < NS_PER_S ? ns : NS_PER_S;
        (void)liveness_tick(liveness, now_ns);
        while (host_events_tick(&h, now_ns) <= now_ns) /* slice by slice */
            ;
        (void)events_tick(events, now_ns);
        ns -= NS_PER_S;
    } while (ns > 0);
}

/* A host that web-1 tells of, if only web-1 and other are there (tells), or that other tells of. */
static void name_of(const char *other, bool tells, char ret_name[16])
{
    for (int i = 0; i < 100; i++) {
        snprintf(ret_name, 16, "x%d", i);
        if ((strcmp(liveness_observer(liveness, "web-1", ret_name, now_ns, now_ns), other) != 0) == tells)
            return;
    }
    ck_abort_msg("none");
}

/* Another host was chosen, and died before it could tell. */
START_TEST(when_the_chosen_one_is_dead_too)
{
    char lost[16], expected[64];
    begin();
    beat("b", 1);
    name_of("b", false, lost);
    beat(lost, 7);
    for (int i = 0; i < 3; i++) { /* b is heard while the lost one is silent, then not any more */
        pass(3 * NS_PER_S);
        beat("b", 1);
    }
    pass(2 * NS_PER_S);
    ck_assert_str_eq(told, ""); /* it was for b to tell */
    pass(9 * NS_PER_S);
    snprintf(expected, sizeof expected, "host-lost %s;", lost);
    ck_assert_msg(strstr(told, expected) && strstr(told, "host-lost b;"), "%s", told);
    end();
}
END_TEST

START_TEST(back_in_the_same_life_and_in_another)
{
    begin();
    beat("b", 1);
    pass(11 * NS_PER_S);
    ck_assert_str_eq(told, "host-lost b;");
    beat("b", 1);
    pass(0);
    ck_assert_str_eq(told, "host-lost b;host-up b;");
    pass(11 * NS_PER_S);
    beat("b", 2); /* it says so itself */
    pass(0);
    ck_assert_str_eq(told, "host-lost b;host-up b;host-lost b;");
    end();
}
END_TEST

/* Who was away as well does not know that it was, so he is not chosen; nor who has come meanwhile. */
START_TEST(back_together)
{
    char other[16];
    begin();
    beat("b", 1);
    name_of("b", false, other); /* were b there, it would be for b to tell */
    beat(other, 7);
    pass(11 * NS_PER_S);
    told[0] = '\0';
    beat("b", 1);
    beat(other, 7);
    pass(0);
    ck_assert_msg(strstr(told, "host-up b;") && strstr(told, "host-up x"), "%s", told);
    end();
}
END_TEST

START_TEST(the_own_host)
{
    struct lease earlier = {.ttl_ms = TTL / NS_PER_MS};
    begin();
    host_events_lease_stored(&h, 2, now_ns);
    host_events_lease_stored(&h, 2, now_ns + 3 * NS_PER_S);
    host_events_bus_lost(&h, "", now_ns);
    host_events_bus_back(&h, now_ns + NS_PER_S);
    host_events_lease_stored(&h, 2, now_ns + 100 * NS_PER_S);
    pass(0);
    ck_assert_str_eq(told, "host-up web-1;bus-lost web-1;bus-back web-1;");
    end();
    begin(); /* a restart within the lease, and one after it */
    host_events_lease_found(&h, &earlier, 2 * NS_PER_S, now_ns);
    host_events_lease_stored(&h, 2, now_ns + NS_PER_S);
    pass(0);
    ck_assert_str_eq(told, "");
    end();
    begin();
    host_events_lease_found(&h, &earlier, 12 * NS_PER_S, now_ns);
    host_events_lease_stored(&h, 2, now_ns + NS_PER_S);
    host_events_leaving(&h, 2);
    ck_assert_str_eq(told, "host-up web-1;host-left web-1;");
    end();
}
END_TEST

START_TEST(more_hosts_than_are_remembered)
{
    char name[16];
    begin();
    for (int i = 0; i < HOST_EVENTS_MAX + 90; i++) {
        snprintf(name, sizeof name, "x%d", i);
        beat(name, 1);
    }
    pass(25 * NS_PER_S); /* so many in each tick */
    ck_assert_uint_eq(h.n_told, HOST_EVENTS_MAX);
    ck_assert_uint_eq(metrics_value(metrics, "discoverd_events_total"), HOST_EVENTS_MAX + 90); /* nobody else is left */
    end();
}
END_TEST

UNIT_TESTS("registry/host_events", when_the_chosen_one_is_dead_too, back_in_the_same_life_and_in_another, back_together,
           the_own_host, more_hosts_than_are_remembered)
