/* SPDX-License-Identifier: Apache-2.0 */
/* Pages in pieces, in front of a real catalog. */
#include "daemon/http/pages.h"

#include <errno.h>
#include <event2/buffer.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "daemon/http/http.h"

#include "tests/support/unit.h"

static struct catalog *catalog;
static struct page_source source;

static struct instance_key key_of(int i)
{
    struct instance_key key = {.domain = "shop", .service = "payment", .host = "web-1"};
    snprintf(key.instance, sizeof key.instance, "i-%d", i);
    return key;
}

static void add(int i)
{
    struct instance_key key = key_of(i);
    struct record r;
    record_init(&r);
    r.epoch = r.counter = 1;
    r.port = 8080;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    ck_assert_int_eq(catalog_put(catalog, &key, &r), 0);
}

static void setup(void)
{
    const struct catalog_options options = {.host = "web-1",
                                            .region = "eu",
                                            .zone = "z1",
                                            .table_words = 1 << 16,
                                            .hosts_max = 10,
                                            .services_max = 10,
                                            .instances_per_host_max = 100000};
    ck_assert_int_eq(catalog_new(&options, NULL, NULL, &catalog), 0);
    source = (struct page_source){.catalog = catalog};
}

static void teardown(void)
{
    catalog_free(catalog);
}

static void add_many(int instances)
{
    for (int i = 0; i < instances; i++)
        add(i);
    (void)catalog_flush(catalog);
}

/* However large a service is, the loop goes on when the slice is over, and the rest comes in the next ones. */
START_TEST(an_answer_ends_with_the_slice)
{
    struct loop_slice over = {0}, all_day = {INT64_MAX};
    struct page_walk walk;
    add_many(2000);
    struct evbuffer *out = evbuffer_new();
    ck_assert_int_eq(page_walk_init_service(&walk, &source, "shop/payment"), 0);
    ck_assert_int_eq(page_walk_step(&walk, &source, &over, out), 1);
    ck_assert_uint_lt(evbuffer_get_length(out), 500);
    ck_assert_int_eq(page_walk_step(&walk, &source, &all_day, out), 1);
    ck_assert_uint_lt(evbuffer_get_length(out), 70000); /* nor is there ever more than a piece of it */
    page_walk_fini(&walk);
    ck_assert_int_eq(page_walk_init_service(&walk, &source, "shop/nobody"), -ENOENT);
    evbuffer_free(out);
}
END_TEST

/* The same for a list whose one element that fits is far behind. */
START_TEST(a_large_service_in_a_list_ends_with_the_slice)
{
    struct loop_slice over = {0}, all_day = {INT64_MAX};
    struct page_walk walk;
    int steps = 0, more;
    add_many(2000);
    struct evbuffer *out = evbuffer_new();
    page_walk_init(&walk, &source, &page_http_sd);
    ck_assert_int_eq(page_walk_step(&walk, &source, &over, out), 1);
    ck_assert_uint_lt(evbuffer_get_length(out), 500);
    while ((more = page_walk_step(&walk, &source, &all_day, out)) == 1) {
        ck_assert_uint_lt(evbuffer_get_length(out), 70000);
        evbuffer_drain(out, evbuffer_get_length(out));
        steps++;
    }
    ck_assert_int_eq(more, 0);
    ck_assert_int_gt(steps, 3);
    page_walk_fini(&walk);
    evbuffer_free(out);
}
END_TEST

/* Notes whom the page shows; nobody twice. */
static void check_reported(struct evbuffer *page, bool *ret_reported)
{
    json_t *json = json_loadb((const char *)evbuffer_pullup(page, -1), evbuffer_get_length(page), 0, NULL);
    ck_assert_ptr_nonnull(json);
    const json_t *list = json_object_get(json, "instances");
    for (size_t i = 0; i < json_array_size(list); i++) {
        int n;
        const char *name = json_string_value(json_object_get(json_array_get(list, i), "instance"));
        ck_assert_int_eq(sscanf(name, "i-%d", &n), 1);
        ck_assert_msg(!ret_reported[n], "%s", name);
        ret_reported[n] = true;
    }
    json_decref(json);
}

/* Who is there from the first byte to the last is listed once, whatever happens to the others meanwhile. */
START_TEST(a_large_service_that_changes_while_it_is_reported)
{
    enum { INSTANCES = 3000, ROUNDS = 300 };
    static bool reported[INSTANCES + ROUNDS];
    struct loop_slice over = {0}, all_day = {INT64_MAX};
    struct page_walk walk;
    add_many(INSTANCES);
    struct evbuffer *out = evbuffer_new();
    ck_assert_int_eq(page_walk_init_service(&walk, &source, "shop/payment"), 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct instance_key gone = key_of(2 * round + 1);
        ck_assert_int_eq(page_walk_step(&walk, &source, &over, out), 1);
        add(INSTANCES + round);
        catalog_remove(catalog, &gone);
        (void)catalog_flush(catalog);
    }
    struct evbuffer *all = evbuffer_new();
    evbuffer_add_buffer(all, out);
    while (page_walk_step(&walk, &source, &all_day, out) == 1)
        evbuffer_add_buffer(all, out);
    evbuffer_add_buffer(all, out);
    check_reported(all, reported);
    for (int i = 0; i < INSTANCES; i += 2) /* none of these went */
        ck_assert(reported[i]);
    evbuffer_free(all);
    page_walk_fini(&walk);
    evbuffer_free(out);
}
END_TEST

/* Of every other one. */
static int some_checks(void *arg, const struct catalog_instance *i, json_t **ret_list)
{
    (void)arg;
    if (i->endpoint.id & 1)
        return -ENOENT;
    *ret_list = json_pack("[{s:s}]", "name", i->entry.instance);
    return *ret_list ? 0 : -ENOMEM;
}

/* Those that have any, in pieces; of a host that has no instances it is a list all the same. */
START_TEST(what_checks_say_of_a_host)
{
    const struct http_ops ops = {.checks = some_checks};
    struct loop_slice over = {0}, all_day = {INT64_MAX};
    struct page_walk walk;
    add_many(100);
    source.ops = &ops;
    struct evbuffer *out = evbuffer_new();
    ck_assert_int_eq(page_walk_init_host(&walk, &source, &page_checks, "web-1"), 0);
    ck_assert_int_eq(page_walk_step(&walk, &source, &over, out), 1);
    ck_assert_int_eq(page_walk_step(&walk, &source, &all_day, out), 0);
    json_t *json = json_loadb((const char *)evbuffer_pullup(out, -1), evbuffer_get_length(out), 0, NULL);
    const json_t *list = json_object_get(json, "checks"), *first = json_array_get(list, 0);
    ck_assert(json_array_size(list) > 10 && json_array_size(list) < 90);
    ck_assert(json_equal(json_object_get(first, "instance"),
                         json_object_get(json_array_get(json_object_get(first, "checks"), 0), "name")));
    json_decref(json);
    page_walk_fini(&walk);
    evbuffer_drain(out, evbuffer_get_length(out));
    ck_assert_int_eq(page_walk_init_host(&walk, &source, &page_checks, "web-2"), 0);
    ck_assert_int_eq(page_walk_step(&walk, &source, &all_day, out), 0);
    (void)evbuffer_add(out, "", 1);
    ck_assert_ptr_nonnull(strstr((const char *)evbuffer_pullup(out, -1), "\"checks\":[]}"));
    page_walk_fini(&walk);
    evbuffer_free(out);
}
END_TEST

/* How far that is known is told, not how far the own one is. */
START_TEST(another_region_tells_of_itself)
{
    struct loop_slice all_day = {INT64_MAX};
    struct page_walk walk;
    add_many(1);
    source.sync = TABLE_STALE;
    source.age_ms = 1234;
    struct evbuffer *out = evbuffer_new();
    page_walk_init(&walk, &source, &page_services);
    ck_assert_int_eq(page_walk_step(&walk, &source, &all_day, out), 0);
    (void)evbuffer_add(out, "", 1);
    ck_assert_ptr_nonnull(strstr((const char *)evbuffer_pullup(out, -1), "{\"sync\":\"stale\",\"age_ms\":1234,"));
    page_walk_fini(&walk);
    evbuffer_free(out);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "http/pages", what_checks_say_of_a_host, another_region_tells_of_itself,
              an_answer_ends_with_the_slice, a_large_service_in_a_list_ends_with_the_slice,
              a_large_service_that_changes_while_it_is_reported)
