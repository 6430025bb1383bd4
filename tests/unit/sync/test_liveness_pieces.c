/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts by the thousand: however many something is about, a call does a piece of it. */
#include <stdio.h>
#include <string.h>

#include "daemon/sync/liveness.h"
#include "libdiscover/core/clock.h"
#include "tests/support/options.h"
#include "tests/support/unit.h"

#define TTL  (10 * NS_PER_S)
#define MANY 1000

static struct {
    struct liveness *l;
    int64_t now_ns;
    unsigned changes;
    enum host_status status[MANY]; /* of "h0", "h1", ... */
    uint64_t min_epoch[MANY];
    size_t held;
    unsigned guards;
} t;

static void on_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    unsigned i;
    (void)arg;
    t.changes++;
    ck_assert_int_eq(sscanf(host, "h%u", &i), 1);
    t.status[i] = status;
    t.min_epoch[i] = lease->min_epoch;
}

static void on_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg, (void)until_ns, (void)why;
    t.guards += t.held == 0 && held > 0;
    t.held = held;
}

static void setup(void)
{
    const struct liveness_events events = {on_changed, on_guard};
    struct liveness_options options = liveness_complete((struct liveness_options){0});
    memset(&t, 0, sizeof t);
    t.now_ns = 1000 * NS_PER_S;
    ck_assert_int_eq(liveness_new(&options, &events, NULL, &t.l), 0);
    liveness_set_healthy(t.l, true, t.now_ns - 2 * TTL);
}

static void done(void)
{
    liveness_free(t.l);
}

static void pass(int64_t ns)
{
    int64_t until_ns = t.now_ns + ns, next_ns;
    while ((next_ns = liveness_tick(t.l, t.now_ns)) <= until_ns)
        t.now_ns = next_ns;
    t.now_ns = until_ns;
}

static void put(unsigned host, struct lease lease)
{
    char name[16];
    lease.epoch = 9;
    lease.ttl_ms = TTL / NS_PER_MS;
    snprintf(name, sizeof name, "h%u", host);
    ck_assert_int_eq(liveness_apply(t.l, name, &lease, 0, t.now_ns), 0);
}

static void put_all(struct lease lease)
{
    for (unsigned h = 0; h < MANY; h++)
        put(h, lease);
}

static void tick_in_pieces(unsigned most)
{
    for (unsigned before = t.changes; liveness_tick(t.l, t.now_ns) <= t.now_ns; before = t.changes)
        ck_assert_uint_le(t.changes - before, most);
}

START_TEST(epochs_are_reported_in_pieces)
{
    liveness_set_records_known(t.l, false, 0);
    put_all((struct lease){.counter = 1, .min_epoch = 4});
    t.changes = 0;
    liveness_set_records_known(t.l, true, 0);
    ck_assert_uint_le(t.changes, 100);
    tick_in_pieces(100);
    ck_assert_uint_eq(t.changes, MANY);
    ck_assert_uint_eq(t.min_epoch[MANY - 1], 4);
}
END_TEST

/* Those that are to be told go, or all records are unknown again. */
START_TEST(epochs_that_are_not_reported)
{
    liveness_set_records_known(t.l, false, 0);
    put_all((struct lease){.counter = 1, .min_epoch = 4});
    liveness_set_records_known(t.l, true, 0);
    put_all((struct lease){.counter = 2, .min_epoch = 4, .leaving = true});
    pass(4 * TTL);
    ck_assert_uint_eq(liveness_stats(t.l).hosts, 0);
    liveness_set_records_known(t.l, false, 0);
    put_all((struct lease){.counter = 1, .min_epoch = 5});
    liveness_set_records_known(t.l, true, 0);
    liveness_set_records_known(t.l, false, 0);
    (void)liveness_tick(t.l, t.now_ns);
    ck_assert_uint_lt(t.min_epoch[MANY - 1], 5);
}
END_TEST

/* So many fall silent at once. Returns how many of them ended. */
static unsigned fall_silent(unsigned silent)
{
    unsigned turns = 1;
    put_all((struct lease){.counter = 1});
    pass(TTL / 2);
    for (unsigned h = silent; h < MANY; h++)
        put(h, (struct lease){.counter = 2});
    pass(TTL / 2 - 1);
    t.now_ns++;
    t.changes = 0;
    for (unsigned before = 0; liveness_tick(t.l, t.now_ns) <= t.now_ns; before = t.changes, turns++)
        ck_assert_uint_le(t.changes - before, 200);
    ck_assert_uint_ge(turns, 5); /* first they are counted, in pieces as well */
    ck_assert_uint_lt(turns, 20);
    return t.changes;
}

START_TEST(many_end_in_pieces)
{
    ck_assert_uint_eq(fall_silent(280), 280);
    ck_assert_uint_eq(t.guards, 0);
    ck_assert_int_eq(t.status[0], HOST_EXPIRED);
}
END_TEST

START_TEST(many_are_guarded_in_pieces)
{
    (void)fall_silent(320);
    ck_assert_uint_eq(t.guards, 1);
    ck_assert_uint_eq(t.held, 320);
    ck_assert_int_eq(t.status[0], HOST_HELD);
}
END_TEST

UNIT_TESTS_IN(setup, done, "leases/pieces", epochs_are_reported_in_pieces, epochs_that_are_not_reported,
              many_end_in_pieces, many_are_guarded_in_pieces)
