/* SPDX-License-Identifier: Apache-2.0 */
/* What is reported of hosts, through a real liveness and catalog; and who publishes it when the one who was to is dead as well. */
#include "daemon/registry/events/host_events.h"

#include <stdio.h>
#include <string.h>

#include "daemon/registry/configured.h"
#include "tests/support/unit.h"
#include "tests/unit/registry/events_stage.h"

static struct catalog *catalog;
static struct host_events h;
static char reported[4096];

static void hear(const json_t *event)
{
    size_t used = strlen(reported);
    snprintf(reported + used, sizeof reported - used, "%s %s;", json_string_value(json_object_get(event, "type")),
             json_string_value(json_object_get(event, "host")));
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
    reported[0] = '\0';
    events_stage_begin(hear, &handlers);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    h = (struct host_events){.events = events, .config = config, .catalog = catalog, .liveness = liveness};
}

static void end(void)
{
    events_stage_end();
    catalog_free(catalog);
}

static void pass(int64_t ns)
{
    do {
        now_ns += ns < NS_PER_S ? ns : NS_PER_S;
        while (liveness_tick(liveness, now_ns) <= now_ns) /* slice by slice */
            ;
        while (host_events_tick(&h, now_ns) <= now_ns)
            ;
        (void)events_tick(events, now_ns);
        ns -= NS_PER_S;
    } while (ns > 0);
}

/* A host of whose loss web-1 publishes the event, if only web-1 and other are there (chosen), or the other does. */
static void name_of(bool chosen, char ret_name[16])
{
    for (int i = 0; i < 100; i++) {
        snprintf(ret_name, 16, "x%d", i);
        if (liveness_is_chosen(liveness, "web-1", ret_name, now_ns, now_ns) == chosen)
            return;
    }
    ck_abort_msg("none");
}

/* Another host was chosen, and died before it could publish it. */
START_TEST(when_the_chosen_one_is_dead_too)
{
    char lost[16], expected[64];
    begin();
    beat("b", 1);
    name_of(false, lost);
    beat(lost, 7);
    for (int i = 0; i < 3; i++) { /* b is heard while the lost one is silent, then not any more */
        pass(3 * NS_PER_S);
        beat("b", 1);
    }
    pass(2 * NS_PER_S);
    ck_assert_str_eq(reported, ""); /* it was for b to publish */
    pass(9 * NS_PER_S);
    snprintf(expected, sizeof expected, "host-lost %s;", lost);
    ck_assert_msg(strstr(reported, expected) && strstr(reported, "host-lost b;"), "%s", reported);
    end();
}
END_TEST

START_TEST(back_in_the_same_life_and_in_another)
{
    begin();
    beat("b", 1);
    pass(11 * NS_PER_S);
    ck_assert_str_eq(reported, "host-lost b;");
    beat("b", 1);
    pass(0);
    ck_assert_str_eq(reported, "host-lost b;host-up b;");
    pass(11 * NS_PER_S);
    beat("b", 2); /* it says so itself */
    pass(0);
    ck_assert_str_eq(reported, "host-lost b;host-up b;host-lost b;");
    end();
}
END_TEST

/* Who was away as well does not know that it was, so he is not chosen; nor who has come meanwhile. */
START_TEST(back_together)
{
    char other[16];
    begin();
    beat("b", 1);
    name_of(false, other); /* were b there, it would be for b to publish */
    beat(other, 7);
    pass(11 * NS_PER_S);
    reported[0] = '\0';
    beat("b", 1);
    beat(other, 7);
    pass(0);
    ck_assert_msg(strstr(reported, "host-up b;") && strstr(reported, "host-up x"), "%s", reported);
    end();
}
END_TEST

START_TEST(the_own_host)
{
    struct lease earlier = {.ttl_ms = EVENTS_TTL / NS_PER_MS};
    begin();
    host_events_lease_stored(&h, 2, now_ns);
    host_events_lease_stored(&h, 2, now_ns + 3 * NS_PER_S);
    host_events_bus_lost(&h, "", now_ns);
    host_events_bus_back(&h, now_ns + NS_PER_S);
    host_events_lease_stored(&h, 2, now_ns + 100 * NS_PER_S);
    pass(0);
    ck_assert_str_eq(reported, "host-up web-1;bus-lost web-1;bus-back web-1;");
    end();
    begin(); /* a restart within the lease, and one after it */
    host_events_lease_found(&h, &earlier, 2 * NS_PER_S, now_ns);
    host_events_lease_stored(&h, 2, now_ns + NS_PER_S);
    pass(0);
    ck_assert_str_eq(reported, "");
    end();
    begin();
    host_events_lease_found(&h, &earlier, 12 * NS_PER_S, now_ns);
    host_events_lease_stored(&h, 2, now_ns + NS_PER_S);
    host_events_leaving(&h, 2);
    ck_assert_str_eq(reported, "host-up web-1;host-left web-1;");
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
    pass(11 * NS_PER_S);
    ck_assert_uint_eq(h.n_reported, HOST_EVENTS_MAX);
    ck_assert_uint_eq(metrics_value(metrics, "discoverd_events_total"), HOST_EVENTS_MAX + 90); /* nobody else is left */
    end();
}
END_TEST

UNIT_TESTS("registry/host_events", when_the_chosen_one_is_dead_too, back_in_the_same_life_and_in_another, back_together,
           the_own_host, more_hosts_than_are_remembered)
