/* SPDX-License-Identifier: Apache-2.0 */
/* What is reported of another region as its health changes, and of which one answers: when, and by whom. */
#include "daemon/registry/regions/region_events.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/registry/events_stage.h"

static struct region_events e;
static char reported[4096];
static int64_t lost_ms, reported_ms;

static void hear(const json_t *event)
{
    size_t used = strlen(reported);
    const char *region = json_string_value(json_object_get(event, "other_region"));
    snprintf(reported + used, sizeof reported - used, "%s %s;", json_string_value(json_object_get(event, "type")),
             region ? region : json_string_value(json_object_get(event, "answers")));
    lost_ms = json_integer_value(json_object_get(event, "lost_ms"));
    reported_ms = json_integer_value(json_object_get(event, "time_ms"));
}

static void ignore_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    (void)arg, (void)host, (void)lease, (void)status;
}

static void ignore_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg, (void)held, (void)until_ns, (void)why;
}

static void begin(void)
{
    static const struct liveness_events handlers = {ignore_changed, ignore_guard};
    reported[0] = '\0';
    events_stage_begin(hear, &handlers);
    e = (struct region_events){.events = events, .config = config, .liveness = liveness};
}

/*
 * A region is in that state for so long, and was heard last three seconds before. It is looked at when it is due, and each
 * second.
 */
static void pass(const char *name, enum region_state state, bool own_heard, int64_t ns)
{
    const struct region_seen seen = {name, state, now_ns - 3 * NS_PER_S, "the link is cut"};
    for (int64_t until_ns = now_ns + ns; now_ns < until_ns;) {
        int64_t next_ns = region_events_seen(&e, 0, &seen, own_heard, now_ns);
        (void)events_tick(events, now_ns);
        ck_assert_int_gt(next_ns, now_ns);
        now_ns = next_ns < now_ns + NS_PER_S ? next_ns : now_ns + NS_PER_S;
    }
}

static void check_reported(const char *expected)
{
    ck_assert_str_eq(reported, expected);
    reported[0] = '\0';
}

START_TEST(lost_and_back)
{
    begin();
    pass("b", REGION_NEVER, true, 60 * NS_PER_S);
    pass("b", REGION_CATCHING_UP, true, 5 * NS_PER_S);
    pass("b", REGION_LIVE, true, 60 * NS_PER_S);
    pass("b", REGION_STALE, true, 1 * NS_PER_S); /* too short */
    pass("b", REGION_LIVE, true, 1 * NS_PER_S);
    pass("b", REGION_CATCHING_UP, true, 10 * NS_PER_S); /* a bucket was made anew */
    pass("b", REGION_LIVE, true, 1 * NS_PER_S);
    check_reported("");
    int64_t begun_ms = clock_wall_ms();
    pass("b", REGION_STALE, true, 5 * NS_PER_S);
    check_reported("region-lost b;");
    ck_assert_int_le(llabs(begun_ms - 3000 - reported_ms), 500); /* when it was heard last */
    pass("b", REGION_CATCHING_UP, true, 5 * NS_PER_S);
    pass("b", REGION_LIVE, true, 1 * NS_PER_S); /* not yet */
    pass("b", REGION_STALE, true, 10 * NS_PER_S);
    check_reported("");
    pass("b", REGION_LIVE, true, 30 * NS_PER_S);
    check_reported("region-back b;");
    ck_assert_int_le(llabs(lost_ms - 3000), 500); /* by the wall clock, which stood still */
    events_stage_end();
}
END_TEST

/* It is reached through the same NATS. */
START_TEST(while_the_own_region_is_not_heard)
{
    begin();
    pass("b", REGION_LIVE, true, 60 * NS_PER_S);
    pass("b", REGION_STALE, true, 1 * NS_PER_S);
    pass("b", REGION_STALE, false, 60 * NS_PER_S);
    check_reported("");
    pass("b", REGION_STALE, true, 3 * NS_PER_S);
    check_reported("region-lost b;");
    pass("b", REGION_LIVE, false, 60 * NS_PER_S);
    check_reported("");
    pass("b", REGION_LIVE, true, 3 * NS_PER_S);
    check_reported("region-back b;");
    events_stage_end();
}
END_TEST

/* What the last life left is stale until it is heard, or it is lost: that was told when it was. */
START_TEST(found_lost_in_the_beginning)
{
    begin();
    pass("b", REGION_STALE, true, EVENTS_TTL);
    pass("b", REGION_LIVE, true, 10 * NS_PER_S);
    check_reported("");
    events_stage_end();
    begin();
    pass("b", REGION_STALE, true, EVENTS_TTL + 5 * NS_PER_S);
    check_reported("");
    pass("b", REGION_LIVE, true, 10 * NS_PER_S);
    check_reported("region-back b;");
    events_stage_end();
}
END_TEST

/* One of two tells; the other one, if it has come only since it was lost, does not count. */
START_TEST(told_by_one)
{
    int of_other = 0, n = 20;
    char name[16], both[64];
    for (int i = 0; i < n; i++) {
        begin();
        beat("web-2", 1);
        snprintf(name, sizeof name, "r%d", i);
        pass(name, REGION_LIVE, true, NS_PER_S);
        pass(name, REGION_STALE, true, 3 * NS_PER_S);
        of_other += reported[0] == '\0';
        events_stage_end();
        begin();
        pass(name, REGION_LIVE, true, NS_PER_S);
        pass(name, REGION_STALE, true, 4 * NS_PER_S);
        beat("web-2", 1);
        pass(name, REGION_LIVE, true, 4 * NS_PER_S);
        snprintf(both, sizeof both, "region-lost %s;region-back %s;", name, name);
        check_reported(both);
        events_stage_end();
    }
    ck_assert_int_gt(of_other, 0);
    ck_assert_int_lt(of_other, n);
}
END_TEST

/* The first of services that are for web-2 to tell. */
START_TEST(another_region_answers)
{
    struct region_move move = {.from = "a", .to = "b", .reason = "why"};
    char service[32];
    begin();
    beat("web-2", 1);
    move.since_ns = now_ns;
    for (int i = 0; i == 0 || liveness_is_chosen(liveness, "web-1", service, now_ns, now_ns); i++)
        snprintf(service, sizeof service, "shop/s%d", i);
    move.service = service;
    region_events_moved(&e, &move, now_ns);
    (void)events_tick(events, now_ns);
    check_reported("");
    move.own = true; /* an operator said so here: nobody else knows */
    region_events_moved(&e, &move, now_ns);
    move = (struct region_move){
        .service = service, .from = "b", .to = "a", .home = true, .since_ns = now_ns - NS_PER_S, .reason = "why"};
    region_events_moved(&e, &move, now_ns); /* web-2 has come since */
    (void)events_tick(events, now_ns);
    check_reported("failover-begun b;failover-ended a;");
    ck_assert_int_eq(config_set(config, "events.publish", "false", (char[CONFIG_WHY_CAP]){0}), 0);
    region_events_moved(&e, &move, now_ns);
    ck_assert_uint_eq(metrics_value(metrics, "discoverd_events_total"), 2);
    events_stage_end();
}
END_TEST

UNIT_TESTS("registry/region_events", lost_and_back, while_the_own_region_is_not_heard, found_lost_in_the_beginning,
           told_by_one, another_region_answers)
