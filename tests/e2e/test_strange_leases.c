/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases and records that no daemon puts, or not under that name: epochs nobody can have, one stray lease above a living host,
 * digests that never fit. Whoever lives is served, whoever disturbs is named, and nobody reads all day long.
 */
#include <discover/discover.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "libdiscover/core/record.h"
#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define LEASE_MS 2000
#define DAY_MS   (24 * 3600 * INT64_C(1000))

static struct nats nats;
static struct host a, b;
static struct kv kv;

static void start(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = nats.urls,
                                          .lease_ttl = "2s",
                                          .services = "{ name = \"shop/pay\"; instance = \"i\"; port = 1; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls, .lease_ttl = "2s"});
    kv_open(&kv, nats.server[0].url);
    (void)wait_until(LEASE_MS, seen_by_lib(&b, "shop/pay") == 1, b.seen);
}

static int64_t wall_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / NS_PER_MS;
}

static void put_lease(const char *host, struct lease lease)
{
    uint8_t bytes[LEASE_WIRE_MAX];
    size_t n;

    lease.ttl_ms = lease.ttl_ms ? lease.ttl_ms : LEASE_MS;
    ck_assert_int_eq(lease_encode(&lease, bytes, &n), 0);
    (void)kv_put(&kv, "HOSTS", host, bytes, n);
}

static bool status_says(struct host *h, const char *text)
{
    static struct output o;

    if (ctl(h, &o, "status", NULL) != 0)
        return false;
    snprintf(h->seen, sizeof h->seen, "%.1000s", o.out);
    return strstr(o.out, text);
}

static bool logged(const char *host, const char *text)
{
    struct output o;

    return shell(&o, "grep -q '%s' %s/discoverd-%s.log", text, e2e_folder(), host) == 0;
}

START_TEST(epochs_that_nobody_can_have)
{
    const uint64_t epochs[] = {EPOCH_MAX, UINT64_MAX, (uint64_t)(wall_ms() + 2 * DAY_MS)};

    start();
    for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++) {
        put_lease("a", (struct lease){.epoch = epochs[i], .counter = 1, .node = 7, .life = 7});
        holds_for(LEASE_MS / 2, seen_by_lib(&b, "shop/pay") == 1, b.seen);
        ck_assert_int_eq(host_counter(&b, "discoverd_feed_refused_total{what=\"lease\"}"), (int64_t)i + 1);
        (void)wait_until(5000, logged("b", "HOSTS a: epoch"), "not in the log");
    }
    put_lease("c", (struct lease){.epoch = EPOCH_MAX, .counter = 1, .node = 7, .life = 7});
    (void)wait_until(LEASE_MS, status_says(&b, "HOSTS c: epoch: no daemon can have it"), b.seen);
    /* Its own is there again. */
    uint8_t bytes[LEASE_WIRE_MAX];
    struct lease lease;
    const char *why;
    (void)wait_until(LEASE_MS,
                     lease_decode(bytes, (size_t)kv_get(&kv, "HOSTS", "a", bytes, sizeof bytes), &lease, &why) == 0,
                     "no lease of a");
    kv_close(&kv);
}
END_TEST

/* The same of a record: it would be newer than anything its host will ever put. */
START_TEST(records_of_the_day_after_tomorrow)
{
    const uint64_t epochs[] = {EPOCH_MAX, (uint64_t)(wall_ms() + DAY_MS + DAY_MS / 2)};
    uint8_t bytes[RECORD_WIRE_MAX];
    struct record record;
    size_t n;

    start();
    for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++) {
        record_init(&record);
        record.epoch = epochs[i];
        record.counter = 1;
        record.port = 2;
        record.addresses.families = DISCOVER_HAS_IPV4;
        memcpy(record.addresses.ipv4, (const uint8_t[]){10, 6, 6, 6}, 4);
        ck_assert_int_eq(record_encode(&record, bytes, &n), 0);
        int64_t refused = host_counter(&b, "discoverd_feed_refused_total{what=\"record\"}");
        (void)kv_put(&kv, "SERVICES", "shop.pay.a.i", bytes, n);
        (void)wait_until(LEASE_MS, host_counter(&b, "discoverd_feed_refused_total{what=\"record\"}") > refused, b.seen);
        (void)wait_until(LEASE_MS, logged("b", "SERVICES shop.pay.a.i: epoch"), b.seen);
        (void)wait_until(LEASE_MS, seen_by_dns(&b, "shop/pay") == 1 && seen_by_lib(&b, "shop/pay") == 1, b.seen);
        ck_assert_msg(!strstr(b.seen, "10.6.6.6"), "%s", b.seen);
    }
    /* Its own is there again, and can still be changed. */
    (void)wait_until(LEASE_MS, kv_get(&kv, "SERVICES", "shop.pay.a.i", bytes, sizeof bytes) > 0, "no record");
    ck_assert_int_eq(ctl(&a, &(struct output){0}, "drain", "shop/pay", NULL), 0);
    (void)wait_until(LEASE_MS, seen_by_lib(&b, "shop/pay") == 0, b.seen);
    kv_close(&kv);
}
END_TEST

/* As a life of the same host that was further ahead: the living one goes above it at once. */
START_TEST(a_stray_lease_above_a_living_host)
{
    start();
    put_lease("a",
              (struct lease){
                  .epoch = (uint64_t)(wall_ms() + DAY_MS / 2), .counter = 1, .node = 7, .life = 7, .ttl_ms = 3600000});
    (void)wait_until(LEASE_MS, host_counter(&a, "discoverd_agent_epoch_jumps_total") == 1, a.seen);
    (void)wait_until(LEASE_MS, seen_by_lib(&b, "shop/pay") == 1, b.seen);
    holds_for(2 * LEASE_MS, seen_by_lib(&b, "shop/pay") == 1, b.seen);
    kv_close(&kv);
}
END_TEST

/* As the living host would put it, but for what is changed in it: everybody can read its lease. */
static struct lease lease_in_bucket(void)
{
    uint8_t bytes[LEASE_WIRE_MAX];
    struct lease lease;
    const char *why;

    int n = kv_get(&kv, "HOSTS", "a", bytes, sizeof bytes);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(lease_decode(bytes, (size_t)n, &lease, &why), 0);
    return lease;
}

START_TEST(leases_that_say_they_are_of_its_life)
{
    start();
    struct lease ahead = lease_in_bucket();
    ahead.counter += 1000;
    put_lease("a", ahead);
    holds_for(2 * LEASE_MS, seen_by_lib(&b, "shop/pay") == 1, b.seen);
    ahead.counter = UINT64_MAX;
    put_lease("a", ahead);
    holds_for(2 * LEASE_MS, seen_by_lib(&b, "shop/pay") == 1, b.seen);
    struct lease good_bye = lease_in_bucket();
    good_bye.counter += 1000;
    good_bye.leaving = true;
    put_lease("a", good_bye);
    (void)wait_until(LEASE_MS / 2, logged("b", "host a has left") && logged("b", "host a is back"), b.seen);
    holds_for(2 * LEASE_MS, seen_by_lib(&b, "shop/pay") == 1, b.seen);
    /* Not newer than its own, so nobody who knows that goes by it; but whoever comes now would. */
    good_bye = lease_in_bucket();
    good_bye.leaving = true;
    put_lease("a", good_bye);
    (void)wait_until(LEASE_MS / 4, !lease_in_bucket().leaving, "it is still there");
    kv_close(&kv);
}
END_TEST

/* As it is stored after a start by a clock that was ten days ahead: field 1 is the node, field 2 the epoch. */
static void store_epoch(const struct host *h, uint64_t epoch)
{
    uint8_t bytes[32] = {0x09, 7, 0, 0, 0, 0, 0, 0, 0, 0x10};
    size_t n = 10;
    char path[600];

    for (; epoch >= 0x80; epoch >>= 7)
        bytes[n++] = (uint8_t)(epoch | 0x80);
    bytes[n++] = (uint8_t)epoch;
    snprintf(path, sizeof path, "%s/identity", h->state_dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

/* The clock is right again: nobody refuses the host because of what it once was. */
START_TEST(an_epoch_stored_by_a_clock_that_was_wrong)
{
    start();
    host_kill(&a);
    store_epoch(&a, (uint64_t)(wall_ms() + 10 * DAY_MS));
    host_run(&a);
    host_wait_live(&a);
    (void)wait_until(2 * LEASE_MS, seen_by_lib(&b, "shop/pay") == 1, b.seen);
    holds_for(2 * LEASE_MS, seen_by_lib(&b, "shop/pay") == 1, b.seen);
    ck_assert_int_eq(host_counter(&b, "discoverd_feed_refused_total{what=\"lease\"}"), 0);
    kv_close(&kv);
}
END_TEST

/* An older life than the one that is known: counted, said once, and shown. */
START_TEST(what_is_ignored_has_a_name)
{
    start();
    put_lease("c", (struct lease){.epoch = 1000, .counter = 1, .node = 7, .life = 7, .ttl_ms = 60000});
    put_lease("c", (struct lease){.epoch = 999, .counter = 5, .node = 8, .life = 8, .ttl_ms = 60000});
    (void)wait_until(LEASE_MS, status_says(&b, "HOSTS c: of a life that began before"), b.seen);
    ck_assert_int_eq(host_counter(&b, "discoverd_leases_total{result=\"ignored\"}"), 1);
    (void)wait_until(5000, logged("b", "HOSTS c: of a life that began before"), "not in the log");
    put_lease("c", (struct lease){.epoch = 1000, .counter = 2, .node = 7, .life = 7, .ttl_ms = 60000});
    (void)wait_until(LEASE_MS, !status_says(&b, "HOSTS c"), b.seen);
    kv_close(&kv);
}
END_TEST

static int64_t resyncs(void)
{
    return host_counter(&b, "discoverd_resyncs_total");
}

START_TEST(digests_that_never_fit)
{
    enum { TIMES = 60 };

    start();
    int64_t before = resyncs();
    for (unsigned i = 0; i < TIMES; i++) { /* each wrong one twice: nobody believes the first */
        put_lease("evil",
                  (struct lease){
                      .epoch = 1000, .counter = i + 1, .node = 7, .life = 7, .records = 1, .digest = 1 + i / 2 % 2});
        ck_assert_int_eq(seen_by_lib(&b, "shop/pay"), 1);
        holds_for(100, seen_by_lib(&b, "shop/pay") == 1, b.seen);
    }
    ck_assert_int_ge(host_counter(&b, "discoverd_feed_digest_mismatches_total"), 3);
    ck_assert_msg(resyncs() - before <= 3, "%lld times everything was read", (long long)(resyncs() - before));
    ck_assert_int_gt(host_counter(&b, "discoverd_feed_resyncs_deferred_total"), 0);
    (void)wait_until(LEASE_MS, status_says(&b, "evil"), b.seen);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("strange leases", 60, {"epochs_that_nobody_can_have", epochs_that_nobody_can_have},
          {"records_of_the_day_after_tomorrow", records_of_the_day_after_tomorrow},
          {"a_stray_lease_above_a_living_host", a_stray_lease_above_a_living_host},
          {"leases_that_say_they_are_of_its_life", leases_that_say_they_are_of_its_life},
          {"an_epoch_stored_by_a_clock_that_was_wrong", an_epoch_stored_by_a_clock_that_was_wrong},
          {"what_is_ignored_has_a_name", what_is_ignored_has_a_name},
          {"digests_that_never_fit", digests_that_never_fit})
