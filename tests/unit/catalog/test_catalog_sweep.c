/* SPDX-License-Identifier: Apache-2.0 */
/* What goes by the thousand goes in pieces, and what changes meanwhile is not taken for what it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/catalog/catalog.h"
#include "daemon/catalog/catalog_changes.h"
#include "daemon/catalog/catalog_read.h"
#include "tests/support/unit.h"

enum { HOSTS = 20, PER_HOST = 100, MANY = HOSTS * PER_HOST, PIECE = 600 };

#define OWN "web-0"

static struct catalog *c;

static void setup(void)
{
    struct catalog_options o = {.host = OWN,
                                .region = "eu",
                                .table_words = 1 << 14,
                                .hosts_max = HOSTS + 1,
                                .services_max = 10,
                                .instances_per_host_max = MANY};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
}

/* Instance i of host i % HOSTS, the first of which is this one. */
static struct instance_key key_of(int i)
{
    struct instance_key key = {.domain = "shop", .service = "pay"};
    snprintf(key.host, sizeof key.host, "web-%d", i % HOSTS);
    snprintf(key.instance, sizeof key.instance, "p%d", i);
    return key;
}

static struct record record_of(uint64_t counter)
{
    struct record r;
    record_init(&r);
    r.epoch = 5;
    r.counter = counter;
    r.port = 80;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    return r;
}

static void hear(int i, uint64_t counter)
{
    struct instance_key key = key_of(i);
    struct record r = record_of(counter);
    (void)catalog_put(c, &key, &r);
}

static void take_away(int i)
{
    struct instance_key key = key_of(i);
    catalog_remove(c, &key);
}

static bool is_there(int i)
{
    struct discover_endpoint endpoint;
    struct instance_key key = key_of(i);
    return catalog_endpoint(c, instance_id(&key), &endpoint) == 0;
}

static size_t instances(void)
{
    return catalog_counts(c).instances;
}

static void fill(void)
{
    for (int i = 0; i < MANY; i++)
        hear(i, 1);
    catalog_flush(c);
}

static void nothing_was_found(void)
{
    catalog_snapshot_begin(c);
    catalog_snapshot_end(c, true);
}

static void teardown(void)
{
    catalog_free(c);
}

START_TEST(sweep_is_done_in_pieces_by_the_flushes)
{
    fill();
    nothing_was_found();
    ck_assert_uint_eq(instances(), MANY);
    while (catalog_is_dirty(c)) {
        size_t before = instances();
        catalog_flush_some(c, 1);
        ck_assert_uint_le(before - instances(), PIECE);
    }
    ck_assert_uint_eq(instances(), PER_HOST); /* its own */
}
END_TEST

START_TEST(what_is_put_before_the_sweep_comes_by_stays)
{
    fill();
    nothing_was_found();
    catalog_flush_some(c, 1);
    ck_assert(is_there(MANY - 1));
    hear(MANY - 1, 2);
    catalog_flush(c);
    ck_assert(is_there(MANY - 1));
    ck_assert_uint_eq(instances(), PER_HOST + 1);
}
END_TEST

START_TEST(another_snapshot_ends_the_sweep_of_the_one_before)
{
    fill();
    nothing_was_found();
    catalog_flush_some(c, 1);
    size_t left = instances();
    ck_assert_uint_gt(left, PER_HOST);
    catalog_snapshot_begin(c);
    catalog_flush(c);
    ck_assert_uint_eq(instances(), left);
    ck_assert_uint_eq(catalog_unmarked(c), left - PER_HOST);
}
END_TEST

/* Whatever is removed while the sweep stands at it. */
START_TEST(sweep_goes_on_over_what_is_removed_meanwhile)
{
    srand(7);
    fill();
    nothing_was_found();
    while (catalog_is_dirty(c)) {
        for (int n = 0; n < 50; n++)
            take_away(rand() % MANY);
        catalog_flush_some(c, 1);
    }
    for (int i = 0; i < MANY; i++)
        ck_assert(i % HOSTS == 0 || !is_there(i));
}
END_TEST

/* Counted as they come and go; here they are counted one by one. */
START_TEST(count_of_what_was_not_found_is_right_after_any_changes)
{
    static bool there[MANY], found[MANY];
    srand(11);
    for (int round = 0, n; round < 20000; round++) {
        int i = rand() % MANY, what = rand() % 100;
        if (what < 60) {
            hear(i, (uint64_t)(1 + rand() % 3));
            there[i] = found[i] = true;
        } else if (what < 99) {
            take_away(i);
            there[i] = false;
        } else {
            catalog_snapshot_begin(c);
            memset(found, 0, sizeof found);
        }
        if (round % 100)
            continue;
        n = 0;
        for (i = 0; i < MANY; i++)
            n += i % HOSTS && there[i] && !found[i];
        ck_assert_uint_eq(catalog_unmarked(c), n);
    }
}
END_TEST

START_TEST(hosts_long_gone_are_forgotten_in_pieces)
{
    fill();
    for (int h = 1; h < HOSTS; h++) {
        struct lease lease = {.epoch = 5, .region = "eu"};
        ck_assert_int_eq(catalog_set_host(c, key_of(h).host, &lease, false, 10), 0);
    }
    catalog_flush(c);
    catalog_forget_gone(c, 20);
    for (size_t before = instances(); catalog_is_dirty(c); before = instances()) {
        catalog_flush_some(c, 1);
        ck_assert_uint_le(before - instances(), PIECE);
    }
    ck_assert_uint_eq(instances(), PER_HOST);
    ck_assert_uint_eq(catalog_counts(c).hosts, 0);
}
END_TEST

/* One that is heard again meanwhile keeps what it has left; so does one of which something new comes. */
START_TEST(hosts_long_gone_come_back)
{
    struct lease lease = {.epoch = 5, .region = "eu"};
    fill();
    for (int h = 1; h < HOSTS; h++)
        ck_assert_int_eq(catalog_set_host(c, key_of(h).host, &lease, false, 10), 0);
    catalog_flush(c);
    catalog_forget_gone(c, 20);
    ck_assert_int_eq(catalog_set_host(c, key_of(1).host, &lease, true, 30), 0);
    catalog_flush(c);
    ck_assert_uint_eq(instances(), 2 * PER_HOST);
    ck_assert_uint_eq(catalog_counts(c).hosts, 1);
    ck_assert_uint_eq(catalog_counts(c).hosts_alive, 1);
}
END_TEST

/* What is known of a host changes what is reported of all it has. */
START_TEST(instances_of_a_host_change_in_pieces)
{
    struct lease lease = {.epoch = 5, .region = "eu", .zone = "a"};
    struct instance_key key = key_of(1);
    for (int i = 0; i < MANY; i++) {
        struct record r = record_of((uint64_t)i + 1);
        snprintf(key.instance, sizeof key.instance, "i%d", i);
        ck_assert_int_eq(catalog_put(c, &key, &r), 0);
    }
    ck_assert_int_eq(catalog_set_host(c, key.host, &lease, true, 10), 0);
    catalog_flush(c);
    strcpy(lease.zone, "b");
    uint64_t first = catalog_index(c);
    ck_assert_int_eq(catalog_set_host(c, key.host, &lease, true, 10), 0);
    for (uint64_t before = catalog_index(c); catalog_is_dirty(c); before = catalog_index(c)) {
        catalog_flush_some(c, 1);
        ck_assert_uint_le(catalog_index(c) - before, PIECE);
    }
    ck_assert_uint_ge(catalog_index(c) - first, MANY);
}
END_TEST

START_TEST(foreign_records_expire_in_pieces)
{
    for (int i = 0; i < MANY; i++) {
        struct instance_key key = key_of(i);
        struct record r = record_of((uint64_t)i + 1);
        ck_assert_int_eq(catalog_put_foreign(c, &key, &r, (struct foreign_life){.ttl_ns = 100 + i / 1000}, 0), 0);
    }
    ck_assert_int_eq(catalog_expire(c, 99, 99), 100);
    ck_assert_uint_eq(instances(), MANY);
    while (catalog_expire(c, 100, 100) <= 100)
        ck_assert_uint_ge(instances(), MANY - 1000);
    ck_assert_uint_eq(instances(), MANY - 1000);
    for (size_t before = instances(); catalog_expire(c, 101, 101) <= 101; before = instances())
        ck_assert_uint_le(before - instances(), PIECE);
    ck_assert_uint_eq(instances(), 0);
    ck_assert_int_eq(catalog_expire(c, 102, 102), INT64_MAX);
}
END_TEST

/* What is expected has room: nothing that is there has to be moved for it. */
START_TEST(table_has_room_for_what_is_expected)
{
    hear(1, 1);
    catalog_flush(c);
    catalog_expect(c, 100 * MANY);
    uint64_t moves = table_writer_stats(catalog_table(c)).moves;
    ck_assert_uint_eq(moves, 1);
    catalog_expect(c, 100 * MANY);
    catalog_expect(c, 1);
    fill();
    ck_assert_uint_eq(table_writer_stats(catalog_table(c)).moves, moves);
    ck_assert_uint_eq(catalog_counts(c).flush_errors, 0);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "catalog/sweep", sweep_is_done_in_pieces_by_the_flushes,
              what_is_put_before_the_sweep_comes_by_stays, another_snapshot_ends_the_sweep_of_the_one_before,
              sweep_goes_on_over_what_is_removed_meanwhile, count_of_what_was_not_found_is_right_after_any_changes,
              hosts_long_gone_are_forgotten_in_pieces, hosts_long_gone_come_back, instances_of_a_host_change_in_pieces,
              foreign_records_expire_in_pieces, table_has_room_for_what_is_expected)
