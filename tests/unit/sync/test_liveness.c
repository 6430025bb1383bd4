/* SPDX-License-Identifier: Apache-2.0 */
/* Who is alive, by leases: each transition of a host, freezing, and the mass-loss guard. */
#include "daemon/sync/liveness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/options.h"
#include "tests/support/unit.h"

#define TTL   (10 * NS_PER_S)
#define HOSTS 64

static struct {
    struct liveness *l;
    int64_t now_ns;
    unsigned changes;
    enum host_status status[HOSTS]; /* of "h0", "h1", ... */
    uint64_t counter[HOSTS];        /* in the lease that was reported last */
    uint64_t min_epoch[HOSTS];
    bool has_records[HOSTS];
    size_t held;
    unsigned guards;
} t;

static void on_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    (void)arg;
    unsigned i;
    t.changes++;
    if (sscanf(host, "h%u", &i) == 1 && i < HOSTS) {
        t.status[i] = status;
        t.counter[i] = lease->counter;
        t.min_epoch[i] = lease->min_epoch;
    }
}

static void on_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg;
    ck_assert(why[0] && (held == 0 || until_ns >= t.now_ns));
    t.guards += t.held == 0 && held > 0;
    t.held = held;
}

/* In the place of the one there is. */
static void setup_with(struct liveness_options options)
{
    const struct liveness_events events = {on_changed, on_guard};
    liveness_free(t.l);
    memset(&t, 0, sizeof t);
    t.now_ns = 1000 * NS_PER_S;
    options = liveness_complete(options);
    ck_assert_int_eq(liveness_new(&options, &events, NULL, &t.l), 0);
    liveness_set_healthy(t.l, true, t.now_ns - 2 * TTL);
}

static void setup(void)
{
    setup_with((struct liveness_options){0});
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

static int lease(unsigned host, uint64_t epoch, uint64_t counter, int64_t age_ns)
{
    struct lease l = {.epoch = epoch, .counter = counter, .ttl_ms = TTL / NS_PER_MS};
    char name[16];
    snprintf(name, sizeof name, "h%u", host);
    return liveness_apply(t.l, name, &l, age_ns, t.now_ns);
}

static void leaving(unsigned host, uint64_t epoch, uint64_t counter)
{
    struct lease l = {.epoch = epoch, .counter = counter, .ttl_ms = TTL / NS_PER_MS, .leaving = 1};
    char name[16];
    snprintf(name, sizeof name, "h%u", host);
    (void)liveness_apply(t.l, name, &l, 0, t.now_ns);
}

/* Hosts from..to beat three times a TTL for so long. */
static void beat(unsigned from, unsigned to, int64_t ns, uint64_t *counter)
{
    for (int64_t i = 0; i < ns; i += TTL / 3) {
        ++*counter;
        for (unsigned h = from; h <= to; h++)
            ck_assert_int_eq(lease(h, 1, *counter, 0), 0);
        pass(TTL / 3);
    }
}

START_TEST(lease_keeps_a_host_for_its_ttl)
{
    ck_assert_int_eq(lease(1, 1, 1, 0), 0);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(TTL - 1);
    ck_assert_int_eq(liveness_tick(t.l, t.now_ns), t.now_ns + 1);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(1);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
    ck_assert_uint_eq(t.changes, 2);
    ck_assert_uint_eq(liveness_stats(t.l).alive, 0);
}
END_TEST

START_TEST(renewal_moves_the_deadline)
{
    uint64_t counter = 0;
    beat(1, 1, 5 * TTL, &counter);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    ck_assert_uint_eq(t.counter[1], counter);
    pass(TTL);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
}
END_TEST

START_TEST(only_newer_leases_count)
{
    ck_assert_int_eq(lease(1, 2, 5, 0), 0);
    pass(TTL - 1);
    ck_assert_int_eq(lease(1, 2, 5, 0), -EALREADY);
    ck_assert_int_eq(lease(1, 2, 4, 0), -EALREADY);
    ck_assert_int_eq(lease(1, 1, 99, 0), -ESTALE); /* replayed from an earlier life */
    pass(1);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
    ck_assert_int_eq(lease(1, 2, 4, 0), -EALREADY); /* nor does it bring back the dead */
    ck_assert_int_eq(lease(1, 3, 1, 0), 0);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
}
END_TEST

START_TEST(good_bye_is_at_once)
{
    lease(1, 1, 1, 0);
    leaving(1, 1, 2);
    ck_assert_int_eq(t.status[1], HOST_LEFT);
    ck_assert_int_eq(lease(1, 1, 1, 0), -EALREADY);
    lease(2, 1, 1, 0);
    liveness_remove(t.l, "h2", t.now_ns);
    ck_assert_int_eq(t.status[2], HOST_LEFT);
    unsigned changes = t.changes;
    liveness_remove(t.l, "h2", t.now_ns);
    liveness_remove(t.l, "h3", t.now_ns);
    ck_assert_uint_eq(t.changes, changes);
}
END_TEST

START_TEST(good_bye_counts_while_frozen)
{
    lease(1, 1, 1, 0);
    liveness_set_healthy(t.l, false, t.now_ns);
    leaving(1, 1, 2);
    ck_assert_int_eq(t.status[1], HOST_LEFT);
}
END_TEST

START_TEST(age_in_a_snapshot_counts)
{
    lease(1, 1, 1, 4 * NS_PER_S);
    lease(2, 1, 1, TTL);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    ck_assert_int_eq(t.status[2], HOST_EXPIRED); /* it was dead before we came */
    pass(6 * NS_PER_S - 1);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(1);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
}
END_TEST

START_TEST(nothing_runs_out_while_not_healthy_and_one_ttl_beyond)
{
    lease(1, 1, 1, 0);
    pass(TTL / 2);
    liveness_set_healthy(t.l, false, t.now_ns);
    pass(100 * TTL);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    liveness_set_healthy(t.l, true, t.now_ns);
    pass(TTL - 1);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(1);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
}
END_TEST

/* The server was away: what it still has of a host that is alive is old when it comes back. */
START_TEST(old_lease_of_a_living_host_does_not_kill_while_frozen)
{
    lease(1, 1, 1, 0);
    liveness_set_healthy(t.l, false, t.now_ns);
    pass(6 * TTL);
    ck_assert_int_eq(lease(1, 1, 2, 6 * TTL), 0);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    liveness_set_healthy(t.l, true, t.now_ns);
    ck_assert_int_eq(lease(1, 1, 3, 6 * TTL), 0);
    pass(TTL - 1);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(1);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
    ck_assert_int_eq(lease(1, 1, 4, 6 * TTL), 0);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
}
END_TEST

START_TEST(not_healthy_in_the_beginning)
{
    const struct liveness_events events = {on_changed, on_guard};
    const struct liveness_options options = liveness_complete((struct liveness_options){0});
    liveness_free(t.l);
    memset(&t, 0, sizeof t);
    t.now_ns = 1000 * NS_PER_S;
    ck_assert_int_eq(liveness_new(&options, &events, NULL, &t.l), 0);
    lease(1, 1, 1, 9 * NS_PER_S);
    ck_assert_int_eq(liveness_tick(t.l, t.now_ns + 10 * TTL), INT64_MAX);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
}
END_TEST

START_TEST(shorter_ttl_counts_at_once)
{
    lease(1, 1, 1, 0);
    struct lease l = {.epoch = 1, .counter = 2, .ttl_ms = 1000};
    ck_assert_int_eq(liveness_apply(t.l, "h1", &l, 0, t.now_ns), 0);
    pass(NS_PER_S);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
}
END_TEST

START_TEST(hosts_run_out_in_order)
{
    setup_with((struct liveness_options){.guard_percent = 100});
    for (unsigned h = 0; h < 50; h++)
        lease(h, 1, 1, (int64_t)(h * 7 % 50) * 100 * NS_PER_MS);
    for (int64_t ms = 0; ms < 10000; ms += 50) {
        for (unsigned h = 0; h < 50; h++)
            ck_assert_int_eq(t.status[h] == HOST_EXPIRED, 10000 - (int64_t)(h * 7 % 50) * 100 <= ms);
        pass(50 * NS_PER_MS);
    }
}
END_TEST

START_TEST(mass_loss_is_held_for_a_limited_time)
{
    uint64_t counter = 0, silent = 0;
    beat(0, 9, TTL, &counter);
    silent = counter;
    beat(0, 4, TTL + TTL / 3, &counter); /* 5..9 fell silent */
    for (unsigned h = 5; h < 10; h++)
        ck_assert_int_eq(t.status[h], HOST_HELD);
    ck_assert_uint_eq(t.held, 5);
    ck_assert_uint_eq(t.guards, 1);
    ck_assert_uint_eq(liveness_stats(t.l).alive, 10);
    leaving(5, 1, silent + 1); /* proof of death */
    ck_assert_int_eq(t.status[5], HOST_LEFT);
    ck_assert_int_eq(lease(6, 1, silent + 1, 0), 0); /* proof of life */
    ck_assert_int_eq(t.status[6], HOST_ALIVE);
    ck_assert_uint_eq(t.held, 3);
    for (uint64_t c = silent + 2; t.status[7] == HOST_HELD; c++) {
        ck_assert_int_eq(lease(6, 1, c, 0), 0);
        beat(0, 4, 1, &counter);
        ck_assert_uint_lt(c, 200);
    }
    ck_assert_int_eq(t.status[7], HOST_EXPIRED);
    ck_assert_int_eq(t.status[8], HOST_EXPIRED);
    ck_assert_int_eq(t.status[9], HOST_EXPIRED);
    ck_assert_uint_eq(t.held, 0);
    ck_assert_uint_eq(liveness_stats(t.l).alive, 6);
}
END_TEST

/* Beats are not at the same moment: the first of a mass that runs out must be recognised as one of many. */
START_TEST(mass_loss_is_seen_from_its_first_host)
{
    uint64_t counter = 0;
    for (unsigned h = 0; h < 10; h++)
        lease(h, 1, 1, (int64_t)h * TTL / 3 / 10);
    counter = 1;
    beat(0, 4, 2 * TTL, &counter);
    for (unsigned h = 5; h < 10; h++)
        ck_assert_int_eq(t.status[h], HOST_HELD);
}
END_TEST

START_TEST(few_deaths_are_not_a_mass_loss)
{
    uint64_t counter = 0;
    beat(0, 9, TTL, &counter);
    beat(0, 6, 2 * TTL, &counter); /* three of ten: not more than 30 % */
    for (unsigned h = 7; h < 10; h++)
        ck_assert_int_eq(t.status[h], HOST_EXPIRED);
    ck_assert_uint_eq(t.guards, 0);
    pass(2 * TTL); /* now all: held */
    ck_assert_int_eq(t.status[0], HOST_HELD);
}
END_TEST

START_TEST(two_of_two_hosts_may_die)
{
    uint64_t counter = 0;
    beat(0, 1, TTL, &counter);
    pass(2 * TTL);
    ck_assert_int_eq(t.status[0], HOST_EXPIRED);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
}
END_TEST

START_TEST(held_hosts_do_not_run_out_while_not_healthy)
{
    setup_with((struct liveness_options){.guard_ns = 2 * TTL});
    uint64_t counter = 0;
    beat(0, 9, TTL, &counter);
    beat(0, 4, TTL + TTL / 3, &counter);
    ck_assert_int_eq(t.status[9], HOST_HELD);
    liveness_set_healthy(t.l, false, t.now_ns);
    pass(10 * TTL);
    liveness_set_healthy(t.l, true, t.now_ns);
    pass(TTL - 1);
    ck_assert_int_eq(t.status[9], HOST_HELD);
}
END_TEST

START_TEST(being_stopped_ourselves_kills_nobody)
{
    lease(1, 1, 1, 0);
    pass(3 * NS_PER_S);
    t.now_ns += TTL - 2 * NS_PER_S; /* SIGSTOP, or the lid was closed */
    (void)liveness_tick(t.l, t.now_ns);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(TTL - 1);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(1);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
}
END_TEST

static unsigned probes;

static void on_probe(void *arg)
{
    (void)arg;
    probes++;
}

START_TEST(nobody_dies_over_a_deaf_feed)
{
    setup_with((struct liveness_options){.probe = on_probe, .probe_after_ns = 50 * NS_PER_MS});
    probes = 0;
    lease(1, 1, 1, 0);
    liveness_heard(t.l, t.now_ns);
    pass(TTL);
    ck_assert_uint_eq(probes, 0);
    pass(50 * NS_PER_MS);
    ck_assert_uint_eq(probes, 1);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(500 * NS_PER_MS);
    liveness_heard(t.l, t.now_ns);
    pass(0);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
    lease(3, 1, 1, 0);
    pass(TTL + 5 * NS_PER_S);
    ck_assert_uint_eq(probes, 6); /* again and again */
    ck_assert_int_eq(t.status[3], HOST_ALIVE);
    liveness_heard(t.l, t.now_ns); /* what was held up may come right behind */
    pass(NS_PER_S);
    ck_assert_int_eq(t.status[3], HOST_ALIVE);
    liveness_remove(t.l, "h3", t.now_ns);
    probes = 0;
    lease(2, 1, 1, 0); /* where something is heard all the time, nobody has to ask */
    for (int i = 0; i < 401; i++) {
        liveness_heard(t.l, t.now_ns);
        pass(25 * NS_PER_MS);
    }
    ck_assert_int_eq(t.status[2], HOST_EXPIRED);
    ck_assert_uint_eq(probes, 0);
}
END_TEST

static void lease_with_min_epoch(unsigned host, uint64_t counter, uint64_t min_epoch)
{
    struct lease l = {.epoch = 9, .counter = counter, .min_epoch = min_epoch, .ttl_ms = TTL / NS_PER_MS};
    char name[16];
    snprintf(name, sizeof name, "h%u", host);
    ck_assert_int_eq(liveness_apply(t.l, name, &l, 0, t.now_ns), 0);
}

START_TEST(nobody_dies_in_a_hole)
{
    lease(1, 1, 1, 0);
    pass(TTL - NS_PER_S);
    liveness_set_whole(t.l, false);
    pass(5 * NS_PER_S);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    liveness_set_whole(t.l, true); /* no renewal was in it */
    pass(0);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
}
END_TEST

/* A late put of an old lease is all that a snapshot has: the newer one it replaced may have been in the hole. */
START_TEST(an_overwritten_lease_may_have_been_in_the_hole)
{
    lease(1, 1, 5, 0);
    pass(TTL - 2 * NS_PER_S);
    liveness_set_whole(t.l, false);
    ck_assert_int_eq(lease(1, 1, 4, NS_PER_S), -EALREADY); /* put a second ago */
    liveness_set_whole(t.l, true);
    pass(TTL - NS_PER_S - 1);
    ck_assert_int_eq(t.status[1], HOST_ALIVE);
    pass(1);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
    liveness_set_whole(t.l, false);
    ck_assert_int_eq(lease(1, 1, 4, 0), -EALREADY);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED); /* the dead stay dead */
}
END_TEST

/* What is known already tells nothing new, and neither does an old lease on a feed without a hole. */
START_TEST(a_lease_that_is_known_gives_no_time)
{
    lease(1, 1, 5, 0);
    lease(2, 1, 5, 0);
    pass(TTL / 2);
    ck_assert_int_eq(lease(1, 1, 4, 0), -EALREADY);
    liveness_set_whole(t.l, false);
    ck_assert_int_eq(lease(2, 1, 5, TTL / 2), -EALREADY);
    liveness_set_whole(t.l, true);
    pass(TTL / 2);
    ck_assert_int_eq(t.status[1], HOST_EXPIRED);
    ck_assert_int_eq(t.status[2], HOST_EXPIRED);
}
END_TEST

START_TEST(epochs_wait_for_the_records)
{
    lease_with_min_epoch(1, 1, 3);
    ck_assert_uint_eq(t.min_epoch[1], 3);
    liveness_set_records_known(t.l, false, 0);
    lease_with_min_epoch(1, 2, 4);
    lease_with_min_epoch(2, 1, 7);
    ck_assert_uint_eq(t.min_epoch[1], 3);
    ck_assert_uint_eq(t.min_epoch[2], 0);
    liveness_set_records_known(t.l, true, t.now_ns);
    ck_assert_uint_eq(t.min_epoch[1], 4);
    ck_assert_uint_eq(t.min_epoch[2], 7);
    unsigned changes = t.changes;
    liveness_set_records_known(t.l, true, t.now_ns);
    ck_assert_uint_eq(t.changes, changes);
}
END_TEST

static bool records_are_here(void *arg, const char *host, const struct lease *lease)
{
    (void)arg, (void)lease;
    return t.has_records[host[1] - '0'];
}

/* All records are read once, and what a lease vouches for that came meanwhile is stored behind what was read. */
static void read_all(int64_t begun_ns)
{
    liveness_set_records_known(t.l, false, 0);
    liveness_set_records_known(t.l, true, begun_ns);
}

START_TEST(epochs_wait_for_what_is_stored_behind_the_reading)
{
    setup_with((struct liveness_options){.has_records = records_are_here});
    lease_with_min_epoch(1, 1, 3);
    lease_with_min_epoch(2, 1, 3);
    liveness_set_records_known(t.l, false, 0);
    int64_t begun_ns = t.now_ns;
    pass(NS_PER_S);
    lease_with_min_epoch(1, 2, 4);
    lease_with_min_epoch(2, 2, 4);
    lease_with_min_epoch(3, 1, 4);
    t.has_records[2] = true;
    read_all(begun_ns);
    ck_assert_uint_eq(t.min_epoch[1], 3); /* lost on the feed */
    ck_assert_uint_eq(t.min_epoch[2], 4);
    ck_assert_uint_eq(t.min_epoch[3], 0);
    pass(NS_PER_S);
    begun_ns = t.now_ns;
    pass(NS_PER_S);
    lease_with_min_epoch(1, 3, 4); /* once more, with the same epoch */
    read_all(begun_ns);
    ck_assert_uint_eq(t.min_epoch[1], 4);
    ck_assert_uint_eq(t.min_epoch[3], 4);
}
END_TEST

START_TEST(limit_on_hosts)
{
    setup_with((struct liveness_options){.max_hosts = 3});
    for (unsigned h = 0; h < 3; h++)
        ck_assert_int_eq(lease(h, 1, 1, 0), 0);
    ck_assert_int_eq(lease(3, 1, 1, 0), -ENOSPC);
    ck_assert_int_eq(lease(2, 1, 2, 0), 0); /* known ones go on */
    leaving(1, 1, 2);
    ck_assert_int_eq(lease(3, 1, 1, 0), 0); /* the gone one gives way */
    ck_assert_uint_eq(liveness_stats(t.l).hosts, 3);
    struct lease l = {.epoch = 1, .counter = 1, .ttl_ms = 1000};
    ck_assert_int_eq(liveness_apply(t.l, "no name", &l, 0, t.now_ns), -EINVAL);
}
END_TEST

START_TEST(gone_hosts_are_forgotten)
{
    lease(1, 1, 1, 0);
    leaving(1, 1, 2);
    pass(3 * TTL - 1);
    ck_assert_uint_eq(liveness_stats(t.l).hosts, 1);
    pass(2);
    ck_assert_uint_eq(liveness_stats(t.l).hosts, 0);
}
END_TEST

UNIT_TESTS_IN(setup, done, "leases", lease_keeps_a_host_for_its_ttl, renewal_moves_the_deadline,
              only_newer_leases_count, good_bye_is_at_once, good_bye_counts_while_frozen, age_in_a_snapshot_counts,
              nothing_runs_out_while_not_healthy_and_one_ttl_beyond,
              old_lease_of_a_living_host_does_not_kill_while_frozen, not_healthy_in_the_beginning,
              shorter_ttl_counts_at_once, hosts_run_out_in_order, mass_loss_is_held_for_a_limited_time,
              mass_loss_is_seen_from_its_first_host, few_deaths_are_not_a_mass_loss, two_of_two_hosts_may_die,
              held_hosts_do_not_run_out_while_not_healthy, being_stopped_ourselves_kills_nobody,
              nobody_dies_over_a_deaf_feed, nobody_dies_in_a_hole, an_overwritten_lease_may_have_been_in_the_hole,
              a_lease_that_is_known_gives_no_time, epochs_wait_for_the_records,
              epochs_wait_for_what_is_stored_behind_the_reading, limit_on_hosts, gone_hosts_are_forgotten)
