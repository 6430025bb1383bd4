/* SPDX-License-Identifier: Apache-2.0 */
/* How events get to NATS: in their order, no more than may be, and none when nobody is to hear them. */
#include "daemon/registry/events/events.h"

#include <errno.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

static struct metrics *metrics;
static struct config *config;
static struct events *events;
static enum events_way way;
static int publish_result;
static unsigned published;
static char last[1024];

static enum events_way get_way(void *arg)
{
    (void)arg;
    return way;
}

static int publish(void *arg, const char *subject, const void *bytes, size_t n)
{
    (void)arg, (void)subject;
    published++;
    snprintf(last, sizeof last, "%.*s", (int)n, (const char *)bytes);
    return publish_result;
}

static uint64_t value(const char *name)
{
    return metrics_value(metrics, name);
}

static void set(const char *key, const char *text)
{
    char why[CONFIG_WHY_CAP];
    ck_assert_int_eq(config_set(config, key, text, why), 0);
}

static void begin(void)
{
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(config_defaults(&config), 0);
    set("host", "web-1");
    set("limits.events", "10");
    set("limits.events_waiting", "20");
    const struct events_reach reach = {.metrics = metrics, .config = config, .way = get_way, .publish = publish};
    ck_assert_int_eq(events_new(&reach, &events), 0);
    way = EVENTS_OPEN;
    publish_result = 0;
    published = 0;
}

static void end(void)
{
    events_free(events);
    config_free(config);
    metrics_free(metrics);
}

static void publish_events(int n)
{
    for (int i = 0; i < n; i++)
        events_report(events, &(struct event){.type = EVENT_HOST_UP, .instances = (size_t)i + 1});
}

START_TEST(no_more_than_may_be)
{
    int64_t now_ns = 1000 * NS_PER_S;
    begin();
    (void)events_tick(events, now_ns);
    publish_events(30);
    ck_assert_uint_eq(value("discoverd_events_dropped_total{reason=\"full\"}"), 10);
    ck_assert_int_eq(events_tick(events, now_ns), now_ns + NS_PER_S / 10);
    ck_assert_uint_eq(published, 10); /* a second's worth */
    ck_assert(strstr(last, "\"instances\":10"));
    ck_assert_int_eq(events_tick(events, now_ns + NS_PER_S / 10), now_ns + 2 * NS_PER_S / 10);
    ck_assert_uint_eq(published, 11);
    ck_assert_int_eq(events_tick(events, now_ns + 100 * NS_PER_S), INT64_MAX);
    ck_assert_uint_eq(published, 20);
    ck_assert_uint_eq(value("discoverd_events_published_total"), 20);
    end();
}
END_TEST

START_TEST(what_waits_for_nats_goes_when_it_is_back)
{
    begin();
    way = EVENTS_SHUT;
    publish_events(3);
    ck_assert_int_eq(events_tick(events, 1000 * NS_PER_S), INT64_MAX);
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(value("discoverd_events_waiting"), 3);
    way = EVENTS_OPEN;
    (void)events_tick(events, 1001 * NS_PER_S);
    ck_assert_uint_eq(published, 3);
    publish_result = -ENOBUFS; /* not tried again */
    publish_events(2);
    events_flush(events);
    ck_assert_uint_eq(published, 5);
    ck_assert_uint_eq(value("discoverd_events_dropped_total{reason=\"failed\"}"), 2);
    end();
}
END_TEST

START_TEST(whose_name_is_anothers_tells_nothing)
{
    begin();
    way = EVENTS_ENDED;
    publish_events(3);
    (void)events_tick(events, 1000 * NS_PER_S);
    ck_assert_uint_eq(published, 0);
    ck_assert_uint_eq(value("discoverd_events_dropped_total{reason=\"name_conflict\"}"), 3);
    set("events.publish", "false");
    ck_assert(!events_wanted(events));
    publish_events(1);
    ck_assert_uint_eq(value("discoverd_events_total"), 3);
    end();
}
END_TEST

UNIT_TESTS("registry/events", no_more_than_may_be, what_waits_for_nats_goes_when_it_is_back,
           whose_name_is_anothers_tells_nothing)
