/* SPDX-License-Identifier: Apache-2.0 */
/* Lists with details. */
#include <errno.h>
#include <string.h>

#include "libdiscover/context.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;
static int calls;

static void begin(void)
{
    stage_open(&stage);
    catalog = stage_catalog(2, 8000);
    stage_put(catalog, "shop.payment.web-1.sick", DISCOVER_CRITICAL, 8100);
    stage_put(catalog, "shop.cart.web-1.c1", DISCOVER_PASSING, 8200);
    d = stage_client(&stage, stage_table_fd(catalog));
    calls = 0;
}

static void end(void)
{
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

static int on_service(void *arg, const char *service, size_t n_usable, size_t n_total)
{
    (void)arg;
    bool payment = strcmp(service, "shop/payment") == 0;
    if (!payment)
        ck_assert_str_eq(service, "shop/cart");
    ck_assert_uint_eq(n_usable, payment ? 2 : 1);
    ck_assert_uint_eq(n_total, payment ? 3 : 1);
    calls++;
    return 0;
}

START_TEST(services_with_their_counts)
{
    begin();
    ck_assert_int_eq(discover_each_service(d, on_service, NULL), DISCOVER_FRESH);
    ck_assert_int_eq(calls, 2);
    end();
}
END_TEST

START_TEST(regions_that_are_not_read)
{
    begin();
    ck_assert_int_eq(discover_each_service_in(d, "xx", on_service, NULL), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(discover_each_service_in(d, "X", on_service, NULL), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_each_service_in(d, NULL, on_service, NULL), -EINVAL);
    ck_assert_int_eq(calls, 0);
    ck_assert_int_eq(discover_each_service_in(d, "", on_service, NULL), DISCOVER_FRESH);
    ck_assert_int_eq(calls, 2);
    end();
}
END_TEST

static int on_instance(void *arg, const struct discover_instance *i)
{
    (void)arg;
    ck_assert_str_eq(i->service, "shop/payment");
    ck_assert_str_eq(i->host, "web-1");
    ck_assert_str_eq(i->region, "eu");
    ck_assert_str_eq(i->zone, "eu-1");
    ck_assert_str_eq(i->hostname, "");
    ck_assert_uint_eq(i->n_tags, 1);
    ck_assert_str_eq(i->tags[0], "blue");
    ck_assert_uint_eq(i->n_meta, 1);
    ck_assert_str_eq(i->meta[0].key, "version");
    ck_assert_str_eq(i->meta[0].value, "1.4");
    bool sick = strcmp(i->instance, "sick") == 0;
    ck_assert_int_eq(i->usable, !sick);
    ck_assert_int_eq(i->endpoint.state, sick ? DISCOVER_CRITICAL : DISCOVER_PASSING);
    ck_assert_int_eq(i->endpoint.tier, DISCOVER_HOST);
    calls++;
    return 0;
}

START_TEST(instances_usable_or_not)
{
    begin();
    ck_assert_int_eq(discover_each_instance(d, "shop/payment", on_instance, NULL), DISCOVER_FRESH);
    ck_assert_int_eq(calls, 3);
    ck_assert_int_eq(discover_each_instance(d, "shop/none", on_instance, NULL), DISCOVER_E_UNKNOWN);
    ck_assert_int_eq(discover_each_instance(d, "shop", on_instance, NULL), DISCOVER_E_NAME);
    ck_assert_int_eq(calls, 3);
    end();
}
END_TEST

static int stop_at_first(void *arg, const struct discover_instance *i)
{
    (void)arg;
    (void)i;
    calls++;
    return 42;
}

START_TEST(callback_stops_the_walk)
{
    begin();
    ck_assert_int_eq(discover_each_instance(d, "shop/payment", stop_at_first, NULL), 42);
    ck_assert_int_eq(calls, 1);
    end();
}
END_TEST

START_TEST(unsynced_lists_what_is_its_own_and_says_so)
{
    begin();
    table_writer_set_sync(catalog_table(catalog), TABLE_UNSYNCED, 0);
    ck_assert_int_eq(discover_each_service(d, on_service, NULL), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(calls, 2);
    ck_assert_int_eq(discover_each_instance(d, "shop/payment", on_instance, NULL), DISCOVER_E_UNSYNCED);
    ck_assert_int_eq(calls, 5);
    ck_assert_int_eq(discover_each_instance(d, "shop/none", on_instance, NULL), DISCOVER_E_UNSYNCED);
    end();
}
END_TEST

static int on_host(void *arg, const struct discover_host *h)
{
    const struct lease *l = arg;
    calls++;
    if (strcmp(h->name, "web-2") != 0)
        return 0;
    ck_assert_str_eq(h->region, "eu");
    ck_assert_str_eq(h->zone, "eu-2");
    ck_assert_int_eq(h->alive, 1);
    ck_assert_int_eq(h->families, DISCOVER_HAS_IPV4);
    ck_assert_mem_eq(h->ipv4, l->addresses.ipv4, 4);
    ck_assert_uint_eq(h->instances, 0);
    return 1;
}

START_TEST(hosts)
{
    begin();
    struct lease l = {.ttl_ms = 1000,
                      .region = "eu",
                      .zone = "eu-2",
                      .addresses = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 2}}};
    ck_assert_int_eq(catalog_set_host(catalog, "web-2", &l, true, 1), 0);
    ck_assert_uint_gt(catalog_flush(catalog), 0);
    ck_assert_int_eq(discover_each_host(d, on_host, &l), 1);
    end();
}
END_TEST

START_TEST(a_callback_may_move_the_table_away)
{
    begin();
    struct catalog *next = stage_catalog(1, 9000);
    struct mapping *mapping = mapping_enter(&d->mappings);
    stage_table_moved(&stage, stage_table_fd(next));
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_ptr_nonnull(d->mappings.retired);
    ck_assert_int_eq(table_sync(&mapping->table), TABLE_LIVE); /* still mapped */
    mapping_leave(mapping);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_ptr_null(d->mappings.retired);
    catalog_free(next);
    end();
}
END_TEST

UNIT_TESTS("list", services_with_their_counts, regions_that_are_not_read, instances_usable_or_not,
           callback_stops_the_walk, unsynced_lists_what_is_its_own_and_says_so, hosts,
           a_callback_may_move_the_table_away)
