/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody writes over the keys of a host, with all sorts of things: the host puts right what it wants, and takes
 * away what it does not, at once, while everybody else goes on with what was known.
 */
#include <discover/discover.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/e2e.h"
#include "tests/support/host.h"
#include "tests/support/kv.h"
#include "tests/support/nats_server.h"
#include "tests/support/seen.h"
#include "tests/support/wait.h"

#define KEY     "shop.fixed.a.f1"
#define DEAD    "shop.fixed.a.f2"
#define SOON_MS 1000

static struct nats nats;
static struct host a, b, c;
static struct kv kv;
static uint8_t before[8192];
static int before_n;

static void start(void)
{
    nats_start(&nats, 1);
    host_start(&a, &(struct host_options){.name = "a",
                                          .nats = nats.urls,
                                          .services = "{ name = \"shop/fixed\"; instance = \"f1\"; port = 1; }"});
    host_start(&b, &(struct host_options){.name = "b", .nats = nats.urls});
    (void)wait_until(3000, seen_by_all(&b, "shop/fixed", 1), b.seen);
    kv_open(&kv, nats.server[0].url);
    before_n = kv_get(&kv, "SERVICES", KEY, before, sizeof before);
    ck_assert_int_gt(before_n, 0);
}

#define VALUE(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof literal - 1                                                                                    \
    }

static const struct {
    const char *text;
    size_t n;
} values[] = {
    VALUE("\377garbage"),
    VALUE("{\"host\":\"10.9.9.9\",\"port\":666,\"ttl\":3600}"),
    VALUE("{\"host\":\"10.9.9.9\""),
    VALUE(""),
    VALUE("\010\001\020\001\032\004\012\011\011\011\060\232\005\120\001"), /* a record of epoch 1, port 666 */
};

static bool is_ours(void)
{
    static uint8_t now[sizeof before];
    int n = kv_get(&kv, "SERVICES", KEY, now, sizeof now);

    return n == before_n && memcmp(now, before, (size_t)n) == 0;
}

START_TEST(what_lives_is_put_right_and_missed_by_nobody)
{
    start();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        (void)kv_put(&kv, "SERVICES", KEY, values[i].text, values[i].n);
        ck_assert_msg(seen_by_dns(&b, "shop/fixed") == 1, "value %zu: %s", i, b.seen);
        (void)wait_until(SOON_MS, is_ours(), "not put right");
        ck_assert_msg(seen_by_all(&b, "shop/fixed", 1), "value %zu: %s", i, b.seen);
    }
    uint8_t half[sizeof before];
    memcpy(half, before, (size_t)before_n);
    (void)kv_put(&kv, "SERVICES", KEY, half, (size_t)before_n / 2);
    (void)wait_until(SOON_MS, is_ours(), "not put right");
    kv_delete(&kv, "SERVICES", KEY);
    (void)wait_until(SOON_MS, is_ours(), "not put again");
    (void)wait_until(SOON_MS, seen_by_all(&b, "shop/fixed", 1), b.seen);

    /* Whoever starts now, too. */
    (void)kv_put(&kv, "SERVICES", KEY, values[1].text, values[1].n);
    host_start(&c, &(struct host_options){.name = "c", .nats = nats.urls});
    (void)wait_until(SOON_MS, seen_by_all(&c, "shop/fixed", 1), c.seen);
    kv_close(&kv);
}
END_TEST

static struct discover_registration *second(void)
{
    struct discover_registration *r = NULL;

    ck_assert_int_eq(discover_registration_new("shop/fixed", 2, &r), 0);
    ck_assert_int_eq(discover_registration_set_instance(r, "f2"), 0);
    return r;
}

static bool is_absent(void)
{
    uint8_t now[sizeof before];

    return kv_get(&kv, "SERVICES", DEAD, now, sizeof now) <= 0; /* none, or the mark of a deletion */
}

START_TEST(what_has_ended_comes_back_nowhere)
{
    struct discover_registration *r = second();

    start();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        ck_assert_int_ge(discover_register(host_lib(&a), r), 0);
        (void)wait_until(3000, seen_by_dns(&b, "shop/fixed") == 2, b.seen);
        /* At the very moment, and long after. */
        (void)kv_put(&kv, "SERVICES", DEAD, values[i].text, values[i].n);
        ck_assert_int_ge(discover_deregister(host_lib(&a), "shop/fixed", "f2"), 0);
        (void)wait_until(SOON_MS, is_absent(), "not taken away");
        (void)wait_until(SOON_MS, seen_by_dns(&b, "shop/fixed") == 1, b.seen);
        holds_for(200, seen_by_dns(&b, "shop/fixed") == 1, b.seen);
        (void)kv_put(&kv, "SERVICES", DEAD, values[i].text, values[i].n);
        (void)wait_until(SOON_MS, is_absent(), "not taken away");
        (void)wait_until(SOON_MS, seen_by_dns(&b, "shop/fixed") == 1, b.seen);
    }
    discover_registration_free(r);
    ck_assert_int_eq(host_counter(&b, "discoverd_resyncs_total"), 2); /* nobody had to read all again */
    kv_close(&kv);
}
END_TEST

/* Under the name of a host that has a daemon, whether or not that one has ever had such a key. */
START_TEST(a_foreign_record_never_stands_in_for_a_host_s_own)
{
    start();
    (void)kv_put(&kv, "SERVICES", "shop.legacy.a.l1", values[1].text, values[1].n);
    (void)kv_put(&kv, "SERVICES", "shop.legacy.ext.l1", values[1].text, values[1].n);
    (void)wait_until(SOON_MS, seen_by_dns(&b, "shop/legacy") == 1, b.seen);
    holds_for(500, seen_by_dns(&b, "shop/legacy") == 1, b.seen);
    kv_close(&kv);
}
END_TEST

E2E_TESTS("keys that others write over", 60,
          {"what_lives_is_put_right_and_missed_by_nobody", what_lives_is_put_right_and_missed_by_nobody},
          {"what_has_ended_comes_back_nowhere", what_has_ended_comes_back_nowhere},
          {"a_foreign_record_never_stands_in_for_a_host_s_own", a_foreign_record_never_stands_in_for_a_host_s_own})
