/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups with conditions: tags, place, protocol, states; in pages that miss nothing; whole while the table
 * changes. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "discover/discover.h"
#include "libdiscover/core/entry.h"
#include "tests/support/unit.h"
#include "tests/unit/lib/stage.h"

static struct stage stage;
static struct catalog *catalog;
static struct discover *d;
static struct discover_query *q;

struct wanted {
    const char *host, *instance, *tags[3];
    enum discover_state state;
    enum discover_protocol protocol;
    uint16_t priority;
};

static void put(const struct wanted *w)
{
    static uint64_t counter;
    struct instance_key key = {.domain = "shop", .service = "cart"};
    struct record r;
    strcpy(key.host, w->host);
    strcpy(key.instance, w->instance);
    record_init(&r);
    r.epoch = 1;
    r.counter = ++counter;
    r.port = 80;
    r.state = (uint8_t)w->state;
    r.protocol = (uint8_t)w->protocol;
    r.priority = w->priority;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    for (size_t i = 0; i < 3 && w->tags[i]; i++)
        ck_assert_int_eq(record_add_tag(&r, w->tags[i]), 0);
    ck_assert_int_eq(catalog_put(catalog, &key, &r), 0);
}

static const struct wanted all[] = {
    {"web-1", "a", {"canary", "blue"}, DISCOVER_PASSING, DISCOVER_TCP, 0},
    {"web-1", "b", {"blue"}, DISCOVER_WARNING, DISCOVER_UDP, 0},
    {"web-2", "c", {"canary"}, DISCOVER_PASSING, DISCOVER_TCP, 0},
    {"web-3", "d", {"x", "y", "canary"}, DISCOVER_PASSING, DISCOVER_TCP, 1},
    {"web-2", "e", {NULL}, DISCOVER_DRAINING, DISCOVER_TCP, 0},
    {"web-3", "f", {"canary"}, DISCOVER_CRITICAL, DISCOVER_UDP, 0},
    {"gone", "g", {"canary"}, DISCOVER_PASSING, DISCOVER_TCP, 0},
};

static void begin(void)
{
    const struct lease near = {.ttl_ms = 1000, .region = "eu", .zone = "eu-2"}, far = {.ttl_ms = 1000, .region = "us"};
    stage_open(&stage);
    catalog = stage_catalog(1, 8000);
    ck_assert_int_eq(catalog_set_host(catalog, "web-2", &near, true, 1), 0);
    ck_assert_int_eq(catalog_set_host(catalog, "web-3", &far, true, 1), 0);
    ck_assert_int_eq(catalog_set_host(catalog, "gone", &near, false, 1), 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        put(&all[i]);
    ck_assert_uint_gt(catalog_flush(catalog), 0);
    d = stage_client(&stage, stage_table_fd(catalog));
    ck_assert_int_eq(discover_query_new("shop/cart", &q), 0);
}

static void end(void)
{
    discover_query_free(q);
    discover_free(d);
    catalog_free(catalog);
    stage_close(&stage);
}

/* The names of what a query finds, as "abc"; the id says who it is. */
static const char *found(int want_result)
{
    static char names[16];
    struct discover_endpoint e[16];
    size_t n = 0, at = 0;
    ck_assert_int_eq(discover_query_run(d, q, NULL, e, 16, &n), want_result);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            struct instance_key key = {.domain = "shop", .service = "cart"};
            strcpy(key.host, all[k].host);
            strcpy(key.instance, all[k].instance);
            if (instance_id(&key) == e[i].id)
                names[at++] = all[k].instance[0];
        }
    names[at] = '\0';
    return names;
}

static int by_letter(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* Within a priority and a tier the order is that of ids, which means nothing. */
static const char *found_sorted(int want_result)
{
    char *names = (char *)found(want_result);
    qsort(names, strlen(names), 1, by_letter);
    return names;
}

static void ask_anew(void)
{
    discover_query_free(q);
    ck_assert_int_eq(discover_query_new("shop/cart", &q), 0);
}

START_TEST(without_conditions_it_is_resolve)
{
    struct discover_endpoint e[16], same[16];
    size_t n, n_same;
    begin();
    ck_assert_int_eq(discover_query_run(d, q, NULL, e, 16, &n), DISCOVER_FRESH);
    ck_assert_int_eq(discover_resolve(d, "shop/cart", same, 16, &n_same), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 4);
    ck_assert_uint_eq(n_same, 4);
    ck_assert_mem_eq(e, same, n * sizeof *e);
    end();
}
END_TEST

START_TEST(tags_place_and_protocol)
{
    begin();
    ck_assert_int_eq(discover_query_add_tag(q, "canary"), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "acd");
    ck_assert_int_eq(discover_query_add_tag(q, "blue"), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "a");
    ck_assert_int_eq(discover_query_add_tag(q, "y"), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_E_NONE), "");
    ask_anew();
    ck_assert_int_eq(discover_query_set_place(q, "eu"), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "abc");
    ck_assert_int_eq(discover_query_set_place(q, "eu-2"), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "c");
    ck_assert_int_eq(discover_query_set_place(q, "eu-"), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_query_set_place(q, "us"), 0);
    ck_assert_int_eq(discover_query_add_tag(q, "canary"), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "d");
    ask_anew();
    ck_assert_int_eq(discover_query_set_protocol(q, DISCOVER_UDP), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "b");
    end();
}
END_TEST

START_TEST(states_that_are_not_usable_only_when_asked_for)
{
    begin();
    ck_assert_int_eq(discover_query_add_state(q, DISCOVER_PASSING), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "acd"); /* not that of a host that is gone */
    ck_assert_int_eq(discover_query_add_state(q, DISCOVER_DRAINING), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "acde");
    ask_anew();
    ck_assert_int_eq(discover_query_add_state(q, DISCOVER_CRITICAL), 0);
    ck_assert_int_eq(discover_query_add_tag(q, "canary"), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "f");
    ask_anew();
    ck_assert_int_eq(discover_query_add_state(q, DISCOVER_MAINTENANCE), 0);
    ck_assert_str_eq(found_sorted(DISCOVER_E_NONE), "");
    end();
}
END_TEST

START_TEST(results_are_those_of_resolve)
{
    struct discover_endpoint e[1];
    size_t n = 77;
    begin();
    table_writer_set_sync(catalog_table(catalog), TABLE_STALE, 1);
    (void)found(DISCOVER_STALE);
    table_writer_set_sync(catalog_table(catalog), TABLE_DEGRADED, 0);
    (void)found(DISCOVER_DEGRADED);
    discover_query_free(q);
    ck_assert_int_eq(discover_query_new("shop/none", &q), 0);
    ck_assert_int_eq(discover_query_run(d, q, NULL, e, 1, &n), DISCOVER_E_UNKNOWN);
    table_writer_set_sync(catalog_table(catalog), TABLE_UNSYNCED, 0);
    ck_assert_int_eq(discover_query_run(d, q, NULL, e, 1, &n), DISCOVER_E_UNSYNCED);
    ck_assert_uint_eq(n, 77);
    struct discover *lone;
    ck_assert_int_eq(discover_new(&lone), 0);
    ck_assert_int_eq(discover_query_run(lone, q, NULL, e, 1, &n), DISCOVER_E_UNSYNCED);
    discover_free(lone);
    end();
}
END_TEST

START_TEST(conditions_are_checked)
{
    struct discover_query *other;
    begin();
    ck_assert_int_eq(discover_query_new("shop", &other), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_query_new(NULL, &other), -EINVAL);
    ck_assert_int_eq(discover_query_add_tag(q, "not\na tag"), DISCOVER_E_NAME);
    ck_assert_int_eq(discover_query_set_protocol(q, (enum discover_protocol)7), -EINVAL);
    ck_assert_int_eq(discover_query_add_state(q, (enum discover_state)0), -EINVAL);
    ck_assert_int_eq(discover_query_add_state(q, (enum discover_state)6), -EINVAL);
    for (int i = 0; i < 16; i++)
        ck_assert_int_eq(discover_query_add_tag(q, "canary"), 0);
    ck_assert_int_eq(discover_query_add_tag(q, "canary"), -ENOSPC);
    ck_assert_str_eq(found_sorted(DISCOVER_FRESH), "acd");
    discover_query_free(NULL);
    end();
}
END_TEST

/* Between two pages the set changes: what stays comes once. */
START_TEST(pages_that_miss_nothing)
{
    struct discover_endpoint e[2];
    uint64_t seen[16], stays[3];
    size_t n, n_seen = 0;
    begin();
    for (enum discover_state state = DISCOVER_PASSING; state <= DISCOVER_DRAINING; state++)
        ck_assert_int_eq(discover_query_add_state(q, state), 0);
    ck_assert_int_eq(discover_query_run(d, q, NULL, NULL, 0, &n), DISCOVER_FRESH);
    ck_assert_uint_eq(n, 6);
    const struct discover_endpoint *after = NULL;
    for (int page = 0; discover_query_run(d, q, after, e, 2, &n) >= 0 && n > 0; page++) {
        for (size_t i = 0; i < n && i < 2; i++)
            seen[n_seen++] = e[i].id;
        ck_assert_uint_le(n_seen, 10);
        after = &e[n < 2 ? n - 1 : 1];
        put(&(struct wanted){"web-1", page ? "new-2" : "new-1", {NULL}, DISCOVER_PASSING, DISCOVER_TCP, 0});
        (void)catalog_flush(catalog);
    }
    ck_assert_uint_eq(n, 0);
    static const size_t old[] = {2, 3, 5};
    for (size_t i = 0; i < 3; i++) {
        struct instance_key key = {.domain = "shop", .service = "cart"};
        strcpy(key.host, all[old[i]].host);
        strcpy(key.instance, all[old[i]].instance);
        stays[i] = instance_id(&key);
        size_t times = 0;
        for (size_t k = 0; k < n_seen; k++)
            times += seen[k] == stays[i];
        ck_assert_uint_eq(times, 1);
    }
    end();
}
END_TEST

static _Atomic bool stop;
static _Atomic uint64_t runs;

static void *run_on(void *arg)
{
    struct discover_endpoint e[8];
    size_t n;
    while (!atomic_load(&stop)) {
        int result = discover_query_run(d, q, NULL, e, 8, &n);
        if (result >= 0 && (n != 1 || e[0].port != 80))
            atomic_store(&stop, true), *(bool *)arg = true;
        atomic_fetch_add(&runs, 1);
    }
    return NULL;
}

/* The tag moves from one instance to the other and back in one flush: at every moment just one has it. */
START_TEST(whole_while_the_table_changes)
{
    pthread_t thread;
    bool wrong = false;
    begin();
    ck_assert_int_eq(discover_query_add_tag(q, "blue"), 0);
    ck_assert_int_eq(discover_query_set_protocol(q, DISCOVER_TCP), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_on, &wrong), 0);
    for (int i = 0; (i < 2000 || atomic_load(&runs) < 1000) && !atomic_load(&stop); i++) {
        put(&(struct wanted){"web-1", "a", {i % 2 ? "blue" : "red"}, DISCOVER_PASSING, DISCOVER_TCP, 0});
        put(&(struct wanted){"web-2", "c", {i % 2 ? "red" : "blue"}, DISCOVER_PASSING, DISCOVER_TCP, 0});
        ck_assert_uint_gt(catalog_flush(catalog), 0);
    }
    atomic_store(&stop, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(!wrong);
    end();
}
END_TEST

UNIT_TESTS("query", without_conditions_it_is_resolve, tags_place_and_protocol,
           states_that_are_not_usable_only_when_asked_for, results_are_those_of_resolve, conditions_are_checked,
           pages_that_miss_nothing, whole_while_the_table_changes)
