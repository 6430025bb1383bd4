/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks for a label in a large service finds what has it, at any time, and looks at no page for one that nothing has. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/catalog.h"
#include "libdiscover/core/entry.h"
#include "libdiscover/core/table_label.h"
#include "tests/support/unit.h"

enum { MANY = 2000, UNKNOWN = 2000 };

#define SERVICE "shop/pay"

static struct catalog *catalog;
static uint64_t counter;

static void setup(void)
{
    const struct catalog_options o = {.host = "web-0",
                                      .region = "eu",
                                      .zone = "eu-1",
                                      .table_words = 1 << 20,
                                      .hosts_max = 100,
                                      .services_max = 10,
                                      .instances_per_host_max = 2 * MANY};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &catalog), 0);
}

static void teardown(void)
{
    catalog_free(catalog);
}

static struct instance_key key_of(int i)
{
    struct instance_key key = {.domain = "shop", .service = "pay"};
    snprintf(key.host, sizeof key.host, "web-%d", i % 50);
    snprintf(key.instance, sizeof key.instance, "p%d", i);
    return key;
}

/* tag: NULL: none. */
static void put(int i, const char *tag)
{
    struct instance_key key = key_of(i);
    struct record r;
    record_init(&r);
    r.epoch = 1;
    r.counter = ++counter;
    r.port = (uint16_t)counter;
    if (tag)
        ck_assert_int_eq(record_add_tag(&r, tag), 0);
    ck_assert_int_eq(catalog_put(catalog, &key, &r), 0);
}

static void put_numbered(int i, int tag)
{
    char text[16];
    snprintf(text, sizeof text, "t%d", tag);
    put(i, text);
}

static void put_all(int n, int first_tag)
{
    for (int i = 0; i < n; i++)
        put_numbered(i, first_tag + i);
    catalog_flush(catalog);
}

static bool count_pages(void *arg, const struct table_view *v, uint32_t from)
{
    ++*(uint32_t *)arg;
    return v->n_total < from;
}

static bool has_tag(const struct table_view *v, const char *tag)
{
    struct entry e;
    const uint8_t *bytes;
    size_t n;
    for (uint32_t k = 0; k < v->n_total; k++)
        if (table_view_details(v, k, &bytes, &n) == 0 && entry_read(bytes, n, &e) == 0 && e.n_tags > 0 &&
            strcmp(e.tags[0], tag) == 0)
            return true;
    return false;
}

/* Whether there is an instance with that tag; *ret_pages: as many were looked at. */
static bool finds(const struct table *t, struct table_view *v, const char *tag, uint32_t *ret_pages)
{
    const struct table_page_filter filter = {.labels = {table_label_hash(TABLE_LABEL_TAG, tag, strlen(tag))},
                                             .n_labels = 1,
                                             .enough = count_pages,
                                             .arg = ret_pages};
    uint32_t slot;
    *ret_pages = 0;
    ck_assert_int_eq(table_find(t, SERVICE, strlen(SERVICE), &slot), 0);
    int err = table_view_read_some(t, slot, &filter, v);
    ck_assert(err == 0 || err == -EBUSY); /* the writer was faster, time and again */
    return err || has_tag(v, tag);
}

static void check_known(int first_tag, int n)
{
    struct table_view v;
    uint32_t pages;
    table_view_init(&v);
    for (int i = 0; i < n; i++) {
        char tag[16];
        snprintf(tag, sizeof tag, "t%d", first_tag + i);
        ck_assert_msg(finds(table_writer_table(catalog_table(catalog)), &v, tag, &pages), "%s", tag);
    }
    table_view_fini(&v);
}

/* Of so many tags that nobody has, those for which any page was looked at. */
static int count_mistaken(int first_tag, int n)
{
    struct table_view v;
    uint32_t pages;
    int mistaken = 0;
    table_view_init(&v);
    for (int i = 0; i < n; i++) {
        char tag[16];
        snprintf(tag, sizeof tag, "t%d", first_tag + i);
        ck_assert(!finds(table_writer_table(catalog_table(catalog)), &v, tag, &pages));
        mistaken += pages > 0;
    }
    table_view_fini(&v);
    return mistaken;
}

START_TEST(test_no_page_for_what_nobody_has)
{
    put_all(MANY, 0);
    check_known(0, MANY);
    ck_assert_int_lt(count_mistaken(1000000, UNKNOWN), UNKNOWN / 100);
}
END_TEST

/* Tags that nobody has any more are forgotten in the end, and whoever has one is found at all times. */
START_TEST(test_labels_that_come_and_go)
{
    enum { ROUNDS = 8, AT_ONCE = 4 };
    put_all(MANY, 0);
    for (int k = 0; k < ROUNDS * MANY; k++) {
        put_numbered(k % MANY, MANY + k);
        if (k % AT_ONCE < AT_ONCE - 1)
            continue;
        catalog_flush(catalog);
        check_known(MANY + k, 1);
    }
    check_known(ROUNDS * MANY, MANY);
    ck_assert_int_lt(count_mistaken(0, UNKNOWN), UNKNOWN / 20);
    ck_assert_int_lt(count_mistaken(MANY, UNKNOWN), UNKNOWN / 20);
}
END_TEST

static bool has_labels(void)
{
    uint32_t slot;
    return table_find(table_writer_table(catalog_table(catalog)), "?" SERVICE, 1 + strlen(SERVICE), &slot) == 0;
}

START_TEST(test_a_small_service_has_none)
{
    for (int round = 0; round < 3; round++) {
        put_all(10, 0);
        ck_assert(!has_labels());
        put_all(MANY, round * MANY);
        ck_assert(has_labels());
        check_known(round * MANY, MANY);
        for (int i = MANY - 1; i >= (round == 2 ? 0 : 10); i--) {
            struct instance_key key = key_of(i);
            catalog_remove(catalog, &key);
            catalog_flush(catalog);
        }
        ck_assert(!has_labels());
    }
}
END_TEST

struct reader {
    struct table table;
    atomic_bool *stop;
    unsigned reads, missed;
};

static void *look_for_it(void *arg)
{
    struct reader *r = arg;
    struct table_view v;
    uint32_t pages;
    table_view_init(&v);
    while (!atomic_load(r->stop)) {
        r->missed += !finds(&r->table, &v, "leader", &pages);
        r->reads++;
    }
    table_view_fini(&v);
    return NULL;
}

/* A tag goes from one instance to another, with new labels at each step: a reader in another thread finds it every time. */
START_TEST(test_a_label_that_moves_is_always_found)
{
    atomic_bool stop = false;
    struct reader r = {.stop = &stop};
    pthread_t thread;
    put_all(MANY, 0);
    put(0, "leader");
    catalog_flush(catalog);
    ck_assert_int_eq(table_map(table_writer_fd(catalog_table(catalog)), &r.table), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, look_for_it, &r), 0);
    for (int k = 0; k < 3000; k++) {
        put((k + 1) % MANY, "leader");
        catalog_flush(catalog);
        put_numbered(k % MANY, MANY + k);
        catalog_flush(catalog);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ck_assert_uint_gt(r.reads, 0);
    ck_assert_uint_eq(r.missed, 0);
    ck_assert(!table_abandoned(&r.table));
    table_unmap(&r.table);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "labels of large services", test_no_page_for_what_nobody_has,
              test_labels_that_come_and_go, test_a_small_service_has_none, test_a_label_that_moves_is_always_found)
