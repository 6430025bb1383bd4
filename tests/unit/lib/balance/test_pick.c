/* SPDX-License-Identifier: Apache-2.0 */
/* Pickers on a real table: they follow it, remember, and serve many threads. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "libdiscover/balance/picker.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;
static struct discover_picker *p;

static void begin(size_t n)
{
    stage_open(&stage);
    catalog = stage_catalog(n, 8000);
    d = stage_client(&stage, stage_table_fd(catalog));
    ck_assert_int_eq(discover_picker_new(d, "shop/payment", &p), 0);
}

static void end(void)
{
    discover_picker_free(p);
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

static struct discover_endpoint pick(void)
{
    struct discover_endpoint e;
    ck_assert_int_eq(discover_pick(p, &e), DISCOVER_FRESH);
    return e;
}

START_TEST(results_are_those_of_resolve)
{
    struct discover_picker *other;
    struct discover_endpoint e;
    begin(0);
    ck_assert_int_eq(discover_pick(p, &e), DISCOVER_E_UNKNOWN);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_CRITICAL, 8000);
    ck_assert_int_eq(discover_pick(p, &e), DISCOVER_E_NONE);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_PASSING, 8000);
    ck_assert_uint_eq(pick().port, 8000);
    table_writer_set_sync(catalog_table(catalog), TABLE_STALE, 1);
    ck_assert_int_eq(discover_pick(p, &e), 0); /* stale or not: it is no failure */
    ck_assert_int_eq(discover_picker_new(d, "shop", &other), DISCOVER_E_NAME);
    discover_picker_free(NULL);
    end();
}
END_TEST

START_TEST(changes_are_seen_by_the_next_pick_and_nothing_learnt_is_lost)
{
    begin(2);
    uint64_t slow = pick().id;
    discover_report(p, slow, 900000, DISCOVER_OK);
    struct discover_endpoint e = pick();
    ck_assert_uint_ne(e.id, slow);
    discover_report(p, e.id, 100, DISCOVER_OK);
    stage_put(catalog, "shop.payment.web-1.p9", DISCOVER_CRITICAL, 9000);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_PASSING, 8100);
    stage_put(catalog, "shop.payment.web-1.p1", DISCOVER_PASSING, 8100);
    for (int i = 0; i < 50; i++) {
        e = pick();
        ck_assert_uint_eq(e.port, 8100);
        ck_assert_uint_ne(e.id, slow);
        discover_report(p, e.id, 100, DISCOVER_OK);
    }
    end();
}
END_TEST

/* Whether a change makes a pick from a service look at what it has drawn, without a new set. */
static bool goes_on(const char *service, uint16_t new_port)
{
    struct discover_picker *by_name;
    struct discover_endpoint e;
    ck_assert_int_eq(discover_picker_new(d, service, &by_name), 0);
    ck_assert_int_eq(discover_pick(by_name, &e), DISCOVER_FRESH);
    const struct pick_set *set = atomic_load(&by_name->current);
    stage_put(catalog, "shop.payment.web-1.p0", DISCOVER_PASSING, new_port);
    ck_assert_int_eq(discover_pick(by_name, &e), DISCOVER_FRESH);
    bool same = atomic_load(&by_name->current) == set;
    discover_picker_free(by_name);
    return same;
}

START_TEST(a_pick_after_a_change_waits_for_no_new_set)
{
    const uint64_t own[TABLE_REGION_WORDS] = {[TABLE_R_SYNC] = TABLE_LIVE, [TABLE_R_OWN] = 1};
    begin(2);
    ck_assert_int_eq(table_writer_put(catalog_table(catalog), TABLE_REGION, "%eu", 3, 0, 0, own, TABLE_REGION_WORDS),
                     1);
    ck_assert(goes_on("shop/payment", 8100));
    ck_assert(goes_on("shop/payment@eu", 8200));
    end();
}
END_TEST

START_TEST(failing_instances_are_left_out_until_they_may_be_tried)
{
    begin(2);
    uint64_t bad = pick().id;
    for (int i = 0; i < 3; i++)
        discover_report(p, bad, 10, DISCOVER_UNREACHABLE);
    for (int i = 0; i < 50; i++)
        ck_assert_uint_ne(pick().id, bad);
    end();
}
END_TEST

START_TEST(retries_go_elsewhere_and_are_limited)
{
    struct discover_endpoint e;
    begin(2);
    uint64_t tried[2] = {pick().id};
    int result, n = 0;
    while ((result = discover_pick_retry(p, tried, 1, &e)) >= 0 && n++ < 100)
        ck_assert_uint_ne(e.id, tried[0]);
    ck_assert_int_eq(result, DISCOVER_E_BUDGET);
    ck_assert_int_ge(n, 10);
    end();
    begin(1);
    tried[0] = pick().id;
    ck_assert_int_eq(discover_pick_retry(p, tried, 1, &e), DISCOVER_E_NONE);
    end();
}
END_TEST

START_TEST(a_key_has_its_instance)
{
    struct discover_endpoint a, b;
    begin(8);
    ck_assert_int_eq(discover_pick_key(p, "cart-17", 7, &a), DISCOVER_FRESH);
    ck_assert_int_eq(discover_pick_key(p, "cart-17", 7, &b), DISCOVER_FRESH);
    ck_assert_uint_eq(a.id, b.id);
    end();
}
END_TEST

START_TEST(a_query_limits_who_is_picked)
{
    struct discover_query *q;
    struct discover_picker *blue, *green;
    struct discover_endpoint e;
    begin(4);
    ck_assert_int_eq(discover_query_new("shop/payment", &q), 0);
    ck_assert_int_eq(discover_query_add_tag(q, "blue"), 0);
    ck_assert_int_eq(discover_picker_new_query(d, q, &blue), 0);
    ck_assert_int_eq(discover_query_add_tag(q, "green"), 0);
    ck_assert_int_eq(discover_picker_new_query(d, q, &green), 0);
    ck_assert_int_eq(discover_pick(blue, &e), 0);
    ck_assert_int_eq(discover_pick(green, &e), DISCOVER_E_NONE);
    ck_assert_int_eq(discover_query_add_state(q, DISCOVER_CRITICAL), 0);
    ck_assert_int_eq(discover_picker_new_query(d, q, &(struct discover_picker *){NULL}), -EINVAL);
    discover_query_free(q);
    discover_picker_free(blue);
    discover_picker_free(green);
    end();
}
END_TEST

static size_t count_picked(bool ret_picked[static 100])
{
    size_t n = 0;
    memset(ret_picked, 0, 100);
    for (int i = 0; i < 1000; i++)
        ret_picked[pick().port - 8000] = true;
    for (size_t i = 0; i < 100; i++)
        n += ret_picked[i];
    return n;
}

START_TEST(a_subset_is_kept_to)
{
    bool before[100], after[100];
    size_t kept = 0;
    begin(40);
    ck_assert_int_eq(discover_picker_set_subset(p, 5, 3), 0);
    ck_assert_uint_eq(count_picked(before), 5);
    stage_put(catalog, "shop.payment.web-1.p77", DISCOVER_PASSING, 8077);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_uint_eq(count_picked(after), 5);
    for (size_t i = 0; i < 100; i++)
        kept += before[i] && after[i];
    ck_assert_uint_ge(kept, 3);
    ck_assert_int_eq(discover_picker_set_subset(p, 0, 0), 0);
    ck_assert_uint_gt(count_picked(after), 35);
    end();
}
END_TEST

/* An idle picker must not keep a replaced table. */
START_TEST(dispatch_takes_pickers_along_to_a_new_table)
{
    begin(2);
    (void)pick();
    struct catalog *next = stage_catalog(3, 9000);
    stage_table_moved(&stage, stage_table_fd(next));
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_int_eq(discover_dispatch(d), 0);
    ck_assert_uint_ge(pick().port, 9000);
    end();
    catalog_free(next);
}
END_TEST

#define THREADS 4
#define CHANGES 3000

static _Atomic int stop;
static _Atomic uint64_t wrong, picks;

static void *pick_on(void *arg)
{
    struct discover_picker *mine = arg;
    for (uint32_t i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
        struct discover_endpoint e;
        if (discover_pick(mine, &e) < 0 || e.port < 8000 || e.port > 8100)
            atomic_fetch_add(&wrong, 1);
        else
            discover_report(mine, e.id, 100 + i % 7, i % 11 ? DISCOVER_OK : DISCOVER_UNREACHABLE);
        atomic_fetch_add_explicit(&picks, 1, memory_order_relaxed);
    }
    return NULL;
}

START_TEST(threads_pick_while_the_service_changes)
{
    pthread_t threads[THREADS];
    begin(8);
    atomic_store(&stop, 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pick_on, p), 0);
    for (int i = 0; i < CHANGES || atomic_load(&picks) < CHANGES; i++)
        stage_put(catalog, i % 2 ? "shop.payment.web-1.p0" : "shop.payment.web-1.p1",
                  i % 3 ? DISCOVER_PASSING : DISCOVER_CRITICAL, (uint16_t)(8000 + i % 100));
    atomic_store(&stop, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    end();
}
END_TEST

UNIT_TESTS("pick", results_are_those_of_resolve, changes_are_seen_by_the_next_pick_and_nothing_learnt_is_lost,
           a_pick_after_a_change_waits_for_no_new_set, failing_instances_are_left_out_until_they_may_be_tried,
           retries_go_elsewhere_and_are_limited, a_key_has_its_instance, a_query_limits_who_is_picked,
           a_subset_is_kept_to, dispatch_takes_pickers_along_to_a_new_table, threads_pick_while_the_service_changes)
