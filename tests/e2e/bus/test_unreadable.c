/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages whose writers gave them headers of which nothing can be made out: whoever may write one key can make them. Each
 * takes its place in the live feed, so that nobody has to read all again for it.
 */
#include <string.h>

#include "tests/e2e/bus/station.h"
#include "tests/support/e2e.h"
#include "tests/support/raw_nats.h"
#include "tests/support/wait.h"

#define WAIT_MS 10000
#define KEY     "x.y.evil.z"

static struct nats nats;
static struct station a;
static struct raw_nats raw;

static void begin(void)
{
    nats_start(&nats, 1);
    struct bus_options options = station_options(&nats, "a");
    station_start(&a, &options);
    station_resync(&a, BUS_SERVICES);
    raw_open(&raw, nats.server[0].port, "", "");
}

static void end(void)
{
    raw_close(&raw);
    station_stop(&a);
}

static void hear(unsigned n)
{
    wait_until(WAIT_MS, station_pump(&a) && a.bucket[BUS_SERVICES].live == n, station_seen(&a));
}

static void publish(const char *subject, const char *headers)
{
    raw_publish(&raw, subject, NULL, headers, "x", 1);
    ck_assert(raw_flush(&raw));
}

START_TEST(it_takes_its_place)
{
    const struct station_bucket *bucket = &a.bucket[BUS_SERVICES];
    begin();
    station_put(&a, BUS_SERVICES, "shop.payment.a.p1", "one");
    for (unsigned i = 0; i < 3; i++) {
        publish("$KV.SERVICES." KEY, "xxxx");
        hear(2 + i);
        ck_assert_int_eq(bucket->last.kind, KV_UNREADABLE);
        ck_assert_str_eq(bucket->last.key, KEY);
        ck_assert_uint_eq(bucket->last.seq, 2 + i);
    }
    station_put(&a, BUS_SERVICES, "shop.payment.a.p1", "two");
    hear(5);
    ck_assert_int_eq(bucket->last.kind, KV_PUT);
    ck_assert_uint_eq(bucket->last.seq, 5);
    ck_assert_uint_eq(bucket->gaps, 0);
    end();
}
END_TEST

/* Somebody who may publish into the feed itself pretends that one was stored. */
START_TEST(one_that_took_the_place_of_another_is_a_gap)
{
    begin();
    station_put(&a, BUS_SERVICES, "shop.payment.a.p1", "one");
    publish("discover.test.services." KEY, "xxxx");
    hear(2);
    ck_assert_uint_eq(a.bucket[BUS_SERVICES].gaps, 0);
    station_put(&a, BUS_SERVICES, "shop.payment.a.p1", "two");
    hear(3);
    ck_assert_uint_eq(a.bucket[BUS_SERVICES].last.seq, 2);
    ck_assert_uint_eq(a.bucket[BUS_SERVICES].gaps, 1);
    end();
}
END_TEST

E2E_TESTS("bus unreadable", 60, {"it_takes_its_place", it_takes_its_place},
          {"one_that_took_the_place_of_another_is_a_gap", one_that_took_the_place_of_another_is_a_gap})
