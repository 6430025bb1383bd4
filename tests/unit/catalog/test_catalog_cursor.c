/* SPDX-License-Identifier: Apache-2.0 */
/* Walks that go on while what they walk over changes, and the numbers of changes. */
#include "daemon/catalog/catalog_cursor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/catalog_changes.h"
#include "daemon/catalog/catalog_read.h"
#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

enum { SERVICES = 50, FIRST = 7000 };

static struct catalog *c;
static uint64_t version;

static struct instance_key key_of(int i)
{
    struct instance_key key = {.domain = "shop", .instance = "a"};
    snprintf(key.service, sizeof key.service, "s%d", i);
    snprintf(key.host, sizeof key.host, "h%d", i);
    return key;
}

static void add(int i)
{
    struct instance_key key = key_of(i);
    struct record r;
    record_init(&r);
    r.epoch = 1;
    r.counter = ++version;
    r.port = 80;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    ck_assert_int_eq(catalog_put(c, &key, &r), 0);
}

static void take_away(int i)
{
    struct instance_key key = key_of(i);
    catalog_remove(c, &key);
}

static void setup(void)
{
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .table_words = 1 << 14,
                                .first_index = FIRST,
                                .hosts_max = 10 * SERVICES,
                                .services_max = 10 * SERVICES,
                                .instances_per_host_max = 10};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
    for (int i = 0; i < SERVICES; i++)
        add(i);
    (void)catalog_flush(c);
}

static void teardown(void)
{
    catalog_free(c);
}

START_TEST(what_stays_is_met_once)
{
    for (int seed = 0; seed < 50; seed++) {
        int met[2 * SERVICES] = {0}, hosts[2 * SERVICES] = {0}, went[SERVICES] = {0}, n = SERVICES, i;
        struct catalog_cursor cursor;
        struct catalog_service_info s;
        struct catalog_host_info h;
        srandom((unsigned)seed);
        catalog_cursor_begin(c, &cursor);
        for (bool more = true, more_hosts = true; more || more_hosts;) {
            if ((more = catalog_cursor_service(&cursor, &s))) {
                ck_assert_int_eq(sscanf(s.name, "shop/s%d", &i), 1);
                met[i]++;
            }
            if ((more_hosts = catalog_cursor_host(&cursor, &h)) && sscanf(h.name, "h%d", &i) == 1)
                hosts[i]++;
            i = (int)(random() % SERVICES);
            take_away(i);
            went[i] = 1;
            if (n < 2 * SERVICES)
                add(n++);
            (void)catalog_flush(c);
        }
        catalog_cursor_end(&cursor);
        catalog_cursor_end(&cursor);
        for (i = 0; i < 2 * SERVICES; i++) {
            bool stayed = i < SERVICES && !went[i];
            ck_assert_int_le(met[i], 1);
            ck_assert_int_le(hosts[i], 1);
            ck_assert(!stayed || (met[i] == 1 && hosts[i] == 1));
        }
        teardown();
        setup();
    }
}
END_TEST

START_TEST(changes_have_numbers)
{
    uint64_t index, at, id, of_other, went;
    struct catalog_instance i;
    ck_assert_uint_eq(catalog_index(c), FIRST + SERVICES);
    at = catalog_index(c);
    ck_assert_int_eq(catalog_next_change(c, &at, &id), 0);
    ck_assert_int_eq(catalog_service_index(c, "shop/s1", &of_other), 0);
    add(0);
    ck_assert_int_eq(catalog_service_index(c, "shop/s0", &index), 0);
    ck_assert_uint_gt(index, at);
    ck_assert_int_eq(catalog_service_index(c, "shop/s1", &index), 0);
    ck_assert_uint_eq(index, of_other);
    ck_assert_int_eq(catalog_next_change(c, &at, &id), 1);
    ck_assert_int_eq(catalog_read(c, id, &i), 0);
    ck_assert_str_eq(i.service, "shop/s0");
    ck_assert_int_eq(catalog_service_index(c, "shop/none", &went), -ENOENT);
    take_away(0);
    (void)catalog_flush(c);
    ck_assert_int_eq(catalog_service_index(c, "shop/s0", &index), -ENOENT);
    ck_assert_uint_gt(index, went);
    ck_assert_int_eq(catalog_next_change(c, &at, &id), 1);
    ck_assert_int_eq(catalog_read(c, id, &i), -ENOENT);
}
END_TEST

/* What is of another life, or too long ago, is not mistaken for something else. */
START_TEST(numbers_that_say_nothing)
{
    uint64_t at, id;
    for (at = 0; at < FIRST; at += 100)
        ck_assert_int_eq(catalog_next_change(c, &at, &id), -ESTALE);
    at = catalog_index(c) + 1;
    ck_assert_int_eq(catalog_next_change(c, &at, &id), -ESTALE);
    at = FIRST;
    ck_assert_int_eq(catalog_next_change(c, &at, &id), 1);
    for (int i = 0; i < 40000; i++)
        add(i % SERVICES);
    at = FIRST;
    ck_assert_int_eq(catalog_next_change(c, &at, &id), -ESTALE);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "catalog/cursor", what_stays_is_met_once, changes_have_numbers, numbers_that_say_nothing)
