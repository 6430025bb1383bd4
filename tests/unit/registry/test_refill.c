/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets that were made a moment ago: when they are believed to have everything. */
#include "daemon/registry/inbound/refill.h"

#include <stdio.h>

#include "daemon/registry/configured.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define MADE_MS INT64_C(1000000) /* by the server's clock */
#define NOW_NS  (100 * NS_PER_S) /* by ours, two seconds later */
#define TTL_MS  60000

static struct config *config;
static struct catalog *catalog;
static struct liveness *liveness;
static struct refill refill;

static void ignore_moved(void *arg, int fd)
{
    (void)arg, (void)fd;
}

static void host_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    (void)arg;
    ck_assert_int_eq(catalog_set_host(catalog, host, lease, host_alive(status), NOW_NS), 0);
}

static void ignore_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg, (void)held, (void)until_ns, (void)why;
}

/* A host whose lease came at NOW_NS, and vouches for a record. */
static void begin(void)
{
    static const struct liveness_events events = {host_changed, ignore_guard};
    const struct liveness_options options = {
        .max_hosts = 1000, .guard_percent = 30, .guard_min = 3, .guard_ns = NS_PER_S};
    const struct lease lease = {.epoch = 5, .min_epoch = 5, .counter = 1, .life = 2, .ttl_ms = TTL_MS, .records = 1};
    ck_assert_int_eq(config_defaults(&config), 0);
    ck_assert_int_eq(configured_catalog_new(config, ignore_moved, NULL, &catalog), 0);
    ck_assert_int_eq(liveness_new(&options, &events, NULL, &liveness), 0);
    ck_assert_int_eq(liveness_apply(liveness, "web-2", &lease, 0, NOW_NS), 0);
    refill = (struct refill){.catalog = catalog, .liveness = liveness, .lease_ttl_ns = 10 * NS_PER_S};
    refill.made_ns[BUS_SERVICES] = refill.made_ns[BUS_HOSTS] = MADE_MS * NS_PER_MS;
}

static void end(void)
{
    liveness_free(liveness);
    catalog_free(catalog);
    config_free(config);
}

static void put_record_of(const char *host, const char *instance)
{
    struct instance_key key = {.domain = "shop", .service = "payment"};
    struct record record;
    snprintf(key.host, sizeof key.host, "%s", host);
    record_init(&record);
    record.port = 80;
    ck_assert_int_eq(record_add_address(&record, "10.0.0.1"), 0);
    snprintf(key.instance, sizeof key.instance, "%s", instance);
    record.epoch = record.counter = 5;
    ck_assert_int_eq(catalog_put(catalog, &key, &record), 0);
}

static void put_record(const char *instance)
{
    put_record_of("web-2", instance);
}

static bool waits_after(int64_t s)
{
    return refill_waits(&refill, MADE_MS + 2000 + s * 1000, NOW_NS + s * NS_PER_S);
}

START_TEST(what_hosts_vouch_for_is_waited_for)
{
    begin();
    ck_assert(waits_after(0));
    ck_assert_int_gt(refill.look_ns, NOW_NS);
    ck_assert(waits_after(5));
    put_record("a");
    ck_assert(!waits_after(6));
    end();
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
    begin();
    ck_assert(waits_after(0));
    ck_assert(waits_after(27));
    ck_assert(!waits_after(28));
    end();
}
END_TEST

START_TEST(a_server_whose_clock_was_set_back_keeps_nobody_waiting)
{
    begin();
    refill.made_ns[BUS_SERVICES] += 86400 * NS_PER_S;
    ck_assert(waits_after(0));
    ck_assert(waits_after(29));
    ck_assert(!waits_after(30));
    end();
}
END_TEST

/* Leases that vouch for what there is not must not keep anybody from starting, at any other time. */
START_TEST(an_old_bucket_is_believed)
{
    begin();
    refill.made_ns[BUS_SERVICES] -= 60 * NS_PER_S;
    ck_assert(!waits_after(0));
    end();
}
END_TEST

START_TEST(a_bucket_of_unknown_age_is_believed)
{
    begin();
    ck_assert(!refill_waits(&refill, 0, NOW_NS));
    refill.made_ns[BUS_SERVICES] = 0;
    ck_assert(!waits_after(0));
    end();
}
END_TEST

/* All put their first records now, and their leases are one beat behind. */
START_TEST(a_new_fleet_waits_for_nothing)
{
    begin();
    put_record("a");
    put_record("b");
    ck_assert(!waits_after(0));
    end();
}
END_TEST

/* It will not put anything any more. */
START_TEST(a_host_whose_lease_has_run_out_is_not_waited_for)
{
    begin();
    refill.made_ns[BUS_SERVICES] += TTL_MS * NS_PER_MS;
    ck_assert(waits_after(TTL_MS / 1000 - 1));
    ck_assert(!waits_after(TTL_MS / 1000 + 1));
    end();
}
END_TEST

/* Within a TTL it puts its lease again, if it lives. */
START_TEST(the_lease_of_a_host_with_records_is_waited_for)
{
    const struct lease lease = {.epoch = 5, .ttl_ms = TTL_MS};
    begin();
    put_record("a");
    put_record_of("web-3", "a");
    ck_assert(waits_after(0));
    ck_assert(waits_after(7));
    ck_assert_int_eq(catalog_set_host(catalog, "web-3", &lease, true, NOW_NS), 0);
    ck_assert(!waits_after(8));
    end();
}
END_TEST

START_TEST(a_host_that_died_before_the_bucket_of_leases_was_made_is_not_waited_for_long)
{
    begin();
    put_record("a");
    put_record_of("web-3", "a");
    ck_assert(waits_after(7));
    ck_assert(!waits_after(8));
    end();
}
END_TEST

/* No turn of the loop may take long; and to look is not to wait. */
START_TEST(many_hosts_are_looked_at_in_pieces)
{
    const struct lease lease = {.epoch = 5, .counter = 1, .life = 2, .ttl_ms = TTL_MS};
    int turns = 0;
    begin();
    put_record("a");
    for (int i = 0; i < 900; i++) {
        char host[16];
        snprintf(host, sizeof host, "db-%d", i);
        ck_assert_int_eq(liveness_apply(liveness, host, &lease, 0, NOW_NS), 0);
    }
    while (waits_after(0)) {
        ck_assert_int_eq(refill.since_ns, 0);
        ck_assert_int_le(refill.look_ns, NOW_NS);
        ck_assert_int_lt(++turns, 10);
    }
    ck_assert_int_gt(turns, 1);
    end();
}
END_TEST

UNIT_TESTS("refill", what_hosts_vouch_for_is_waited_for, nobody_waits_for_ever,
           a_server_whose_clock_was_set_back_keeps_nobody_waiting, an_old_bucket_is_believed,
           a_bucket_of_unknown_age_is_believed, a_new_fleet_waits_for_nothing,
           a_host_whose_lease_has_run_out_is_not_waited_for, the_lease_of_a_host_with_records_is_waited_for,
           a_host_that_died_before_the_bucket_of_leases_was_made_is_not_waited_for_long,
           many_hosts_are_looked_at_in_pieces)
