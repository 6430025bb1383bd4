/* SPDX-License-Identifier: Apache-2.0 */
/* A host "web-1" that may publish events, and a real liveness of other hosts. */
#include "tests/unit/registry/events_stage.h"

#include <check.h>

struct metrics *metrics;
struct config *config;
struct events *events;
struct liveness *liveness;
int64_t now_ns;

static void (*heard_by)(const json_t *event);
static uint64_t counter;

static enum events_way get_way(void *arg)
{
    (void)arg;
    return EVENTS_OPEN;
}

static int publish(void *arg, const char *subject, const void *bytes, size_t n)
{
    (void)arg, (void)subject;
    json_t *event = json_loadb(bytes, n, 0, NULL);
    heard_by(event);
    json_decref(event);
    return 0;
}

void events_stage_begin(void (*hear)(const json_t *event), const struct liveness_events *of_hosts)
{
    const struct liveness_options options = {
        .max_hosts = 1000, .guard_percent = 100, .guard_min = 3, .guard_ns = EVENTS_TTL};
    char why[CONFIG_WHY_CAP];
    now_ns = 1000 * NS_PER_S;
    heard_by = hear;
    ck_assert_int_eq(metrics_new(&metrics), 0);
    ck_assert_int_eq(config_defaults(&config), 0);
    ck_assert_int_eq(config_set(config, "host", "web-1", why), 0);
    const struct events_reach reach = {.metrics = metrics, .config = config, .way = get_way, .publish = publish};
    ck_assert_int_eq(events_new(&reach, &events), 0);
    ck_assert_int_eq(liveness_new(&options, of_hosts, NULL, &liveness), 0);
    liveness_set_healthy(liveness, true, now_ns - 2 * EVENTS_TTL);
}

void events_stage_end(void)
{
    events_free(events);
    liveness_free(liveness);
    config_free(config);
    metrics_free(metrics);
}

void beat(const char *host, uint64_t life)
{
    const struct lease lease = {
        .epoch = 1, .counter = ++counter, .ttl_ms = EVENTS_TTL / NS_PER_MS, .life = life, .publishes_events = 1};
    ck_assert_int_eq(liveness_apply(liveness, host, &lease, 0, now_ns), 0);
}
