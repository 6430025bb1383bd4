/* SPDX-License-Identifier: Apache-2.0 */
/* What a look-up answers, and how sure it is, for every state that a table can be in. */
#include <errno.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;

/* A client with the table of a catalog that was just made. */
static void connect_to(struct catalog *c)
{
    stage_open(&stage);
    catalog = c;
    d = stage_client(&stage, stage_table_fd(c));
}

static void end(void)
{
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

static int resolve(const char *service, size_t *ret_n)
{
    struct discover_endpoint endpoints[4];
    size_t n = 0;
    int result = discover_resolve(d, service, endpoints, 4, &n);
    if (ret_n)
        *ret_n = n;
    return result;
}

static struct table_writer *writer(void)
{
    return catalog_table(catalog);
}

START_TEST(live_table)
{
    connect_to(stage_catalog(3, 8000));
    stage_put(catalog, "shop.down.web-1.p1", DISCOVER_CRITICAL, 1);
    size_t n;
    ck_assert_int_eq(resolve("shop/payment", &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(resolve("shop/down", NULL), DISCOVER_E_NONE);
    ck_assert_int_eq(resolve("shop/other", NULL), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(discover_age_ms(d), 0);
    end();
}
END_TEST

START_TEST(more_than_fit)
{
    connect_to(stage_catalog(6, 8000));
    struct discover_endpoint e[7];
    memset(e, 0xaa, sizeof e);
    size_t n;
    ck_assert_int_eq(discover_resolve(d, "shop/payment", e, 2, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 6);
    ck_assert_uint_eq(e[1].families, DISCOVER_HAS_IPV4);
    ck_assert_uint_eq(e[2].families, 0xaa);
    ck_assert_int_eq(discover_resolve(d, "shop/payment", NULL, 0, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 6);
    end();
}
END_TEST

START_TEST(names_that_are_none)
{
    static const char *const names[] = {
        "", "shop", "shop/", "/payment", "@web-1", "shop/pay/ment", "Shop/payment", "host/web-1", "shop/payment "};
    char endless[300];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    connect_to(stage_catalog(1, 8000));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(resolve(names[i], NULL) == DISCOVER_E_NAME, "%s", names[i]);
    ck_assert_int_eq(resolve(endless, NULL), DISCOVER_E_NAME);
    ck_assert_int_eq(resolve(NULL, NULL), -EINVAL);
    end();
}
END_TEST

START_TEST(unsynced_table_knows_its_own_only)
{
    connect_to(stage_catalog(2, 8000));
    stage_put(catalog, "shop.down.web-1.p1", DISCOVER_CRITICAL, 1);
    table_writer_set_sync(writer(), TABLE_UNSYNCED, 0);
    ck_assert_int_eq(resolve("shop/payment", NULL), DISCOVER_FRESH);
    ck_assert_int_eq(resolve("shop/down", NULL), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(resolve("shop/other", NULL), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(resolve("nonsense", NULL), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_age_ms(d), -1);
    end();
}
END_TEST

START_TEST(stale_table_answers_with_its_age)
{
    connect_to(stage_catalog(2, 8000));
    stage_put(catalog, "shop.down.web-1.p1", DISCOVER_CRITICAL, 1);
    table_writer_set_sync(writer(), TABLE_STALE, clock_now_ns() - 3 * NS_PER_S);
    size_t n;
    ck_assert_int_eq(resolve("shop/payment", &n), DISCOVER_STALE);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(resolve("shop/down", NULL), DISCOVER_E_NONE);
    ck_assert_int_eq(resolve("shop/other", NULL), DISCOVER_E_UNKNOWN);
    ck_assert_int_ge(discover_age_ms(d), 3000);
    ck_assert_int_lt(discover_age_ms(d), 60000);
    end();
}
END_TEST

START_TEST(degraded_table_says_so)
{
    connect_to(stage_catalog(2, 8000));
    table_writer_set_sync(writer(), TABLE_DEGRADED, 0);
    ck_assert_int_eq(resolve("shop/payment", NULL), DISCOVER_DEGRADED);
    end();
}
END_TEST

START_TEST(silent_daemon_makes_it_stale)
{
    struct catalog *c = stage_catalog(2, 8000);
    table_writer_alive(catalog_table(c), clock_now_ns() - TABLE_DEAD_NS - NS_PER_S);
    connect_to(c);
    ck_assert_int_eq(resolve("shop/payment", NULL), DISCOVER_STALE);
    ck_assert_int_ge(discover_age_ms(d), 6000);
    table_writer_alive(catalog_table(c), clock_now_ns());
    while (resolve("shop/payment", NULL) == DISCOVER_STALE) /* noticed some milliseconds late */
        ;
    ck_assert_int_eq(resolve("shop/payment", NULL), DISCOVER_FRESH);
    ck_assert_int_eq(discover_age_ms(d), 0);
    end();
}
END_TEST

START_TEST(abandoned_table_is_stale_and_answers)
{
    connect_to(stage_catalog(2, 8000));
    catalog_free(catalog); /* the daemon leaves */
    catalog = NULL;
    size_t n;
    ck_assert_int_eq(resolve("shop/payment", &n), DISCOVER_STALE);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_gt(discover_age_ms(d), 0);
    end();
}
END_TEST

START_TEST(a_change_is_seen_at_once)
{
    connect_to(stage_catalog(1, 8000));
    size_t n;
    stage_put(catalog, "shop.payment.web-1.new", DISCOVER_PASSING, 9000);
    ck_assert_int_eq(resolve("shop/payment", &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 2);
    stage_put(catalog, "shop.payment.web-1.new", DISCOVER_DRAINING, 9000);
    ck_assert_int_eq(resolve("shop/payment", &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 1);
    end();
}
END_TEST

START_TEST(waiting_until_somebody_can_be_called)
{
    connect_to(stage_catalog(0, 8000));
    ck_assert_int_eq(discover_wait(d, "shop/payment", 10000), DISCOVER_E_UNKNOWN); /* that is known */
    ck_assert_int_eq(discover_wait_usable(d, "shop/payment", 20), DISCOVER_E_UNKNOWN);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_CRITICAL, 8000);
    ck_assert_int_eq(discover_wait_usable(d, "shop/payment", 20), DISCOVER_E_NONE);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_PASSING, 8000);
    ck_assert_int_eq(discover_wait_usable(d, "shop/payment", 10000), DISCOVER_FRESH);
    ck_assert_int_eq(discover_wait_usable(d, "Payment", 10000), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_wait_usable(d, "shop/payment", -1), -EINVAL);
    ck_assert_int_eq(discover_wait_usable(NULL, "shop/payment", 0), -EINVAL);
    end();
}
END_TEST

UNIT_TESTS("resolve", live_table, more_than_fit, names_that_are_none, unsynced_table_knows_its_own_only,
           stale_table_answers_with_its_age, degraded_table_says_so, silent_daemon_makes_it_stale,
           abandoned_table_is_stale_and_answers, a_change_is_seen_at_once, waiting_until_somebody_can_be_called)
