/* SPDX-License-Identifier: Apache-2.0 */
/* Two regions in one table: the same names in both are two of everything, and neither touches the other's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/catalog/catalog.h"
#include "daemon/catalog/catalog_format.h"
#include "libdiscover/core/entry.h"
#include "tests/support/unit.h"

static struct catalog *own, *other;

static struct catalog *new_catalog(const char *host, const char *of_region, struct table_writer *table)
{
    struct catalog *c;
    const struct catalog_options o = {.host = host,
                                      .region = "a",
                                      .zone = "a-1",
                                      .of_region = of_region,
                                      .table = table,
                                      .table_words = 1 << 16,
                                      .hosts_max = 10,
                                      .services_max = 10,
                                      .instances_per_host_max = 1000};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
    return c;
}

static void setup(void)
{
    own = new_catalog("web-1", NULL, NULL);
    other = new_catalog("", "b", catalog_table(own));
}

static void teardown(void)
{
    catalog_free(other);
    catalog_free(own);
}

static void anew(void)
{
    teardown();
    setup();
}

static void put_as(struct catalog *c, const char *text, uint64_t counter, uint16_t port, bool unexported)
{
    struct instance_key key;
    struct record r;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    record_init(&r);
    r.epoch = 5;
    r.counter = counter;
    r.port = port;
    r.unexported = unexported;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    ck_assert_int_eq(catalog_put(c, &key, &r), 0);
}

static void put(struct catalog *c, const char *text, uint16_t port)
{
    put_as(c, text, 1, port, false);
}

static void set_host(struct catalog *c, const char *host, const char *region, bool alive)
{
    struct lease l = {.epoch = 5, .min_epoch = 5, .ttl_ms = 1000};
    snprintf(l.region, sizeof l.region, "%s", region);
    ck_assert_int_eq(catalog_set_host(c, host, &l, alive, 1000), 0);
}

static void flush(void)
{
    catalog_flush(own);
    catalog_flush(other);
}

/* Usable instances under a key, the first of them; or a negative errno. */
static int look(const char *key, struct discover_endpoint *ret_first)
{
    size_t n;
    struct discover_endpoint e[8];
    int err = table_endpoints(table_writer_table(catalog_table(own)), key, strlen(key), e, 8, &n);
    *ret_first = e[0];
    return err < 0 ? err : (int)n;
}

/* Host "web-1" is this one in the own region, and anybody in the other. */
START_TEST(test_names_do_not_mix)
{
    struct discover_endpoint a, b;
    put(own, "shop.pay.web-1.p1", 1);
    put(other, "shop.pay.web-1.p1", 2);
    flush();
    ck_assert_int_eq(look("shop/pay", &a), 1);
    ck_assert_int_eq(look("shop/pay@b", &b), 0); /* known, and no lease of b vouches for it */
    set_host(other, "web-1", "b", true);
    flush();
    ck_assert_int_eq(look("shop/pay", &a), 1);
    ck_assert_int_eq(look("shop/pay@b", &b), 1);
    ck_assert_uint_eq(a.port, 1);
    ck_assert_uint_eq(b.port, 2);
    ck_assert_uint_eq(a.tier, DISCOVER_HOST);
    ck_assert_uint_eq(b.tier, DISCOVER_ELSEWHERE);
    ck_assert_uint_ne(a.id, b.id);
    set_host(other, "web-1", "b", false);
    flush();
    ck_assert_int_eq(look("shop/pay", &a), 1);
    ck_assert_int_eq(look("shop/pay@b", &b), 0);
}
END_TEST

/* Whoever there is in the other region, whatever region its lease claims: it is not near. */
START_TEST(test_other_region_is_elsewhere)
{
    struct discover_endpoint e;
    set_host(other, "web-2", "a", true);
    put(other, "shop.pay.web-2.p1", 2);
    flush();
    ck_assert_int_eq(look("shop/pay@b", &e), 1);
    ck_assert_uint_eq(e.tier, DISCOVER_ELSEWHERE);
}
END_TEST

START_TEST(test_large_service_and_removal)
{
    struct discover_endpoint e;
    char text[64];
    set_host(other, "web-2", "b", true);
    for (int i = 0; i < 80; i++) {
        snprintf(text, sizeof text, "shop.pay.web-2.p%d", i);
        put(other, text, (uint16_t)(i + 1));
    }
    put(own, "shop.pay.web-1.p1", 1);
    flush();
    ck_assert_int_eq(look("shop/pay@b", &e), 80);
    ck_assert_int_eq(look("shop/pay", &e), 1);
    catalog_snapshot_begin(other);
    set_host(other, "web-2", "b", false);
    catalog_snapshot_end(other, true);
    flush();
    ck_assert_int_eq(look("shop/pay@b", &e), -ENOENT);
    ck_assert_int_eq(look("shop/pay", &e), 1);
}
END_TEST

static void put_many(struct catalog *c, const char *host, int n, uint16_t port)
{
    char text[64];
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "shop.pay.%s.p%d", host, i);
        put(c, text, port);
    }
}

/* All instances under a key are of that host; the last one's details are where they are said to be. */
static void check_host(const char *key, uint32_t n, const char *host)
{
    struct table_view v;
    struct entry e;
    const uint8_t *bytes;
    size_t size;
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(table_writer_table(catalog_table(own)), key, strlen(key), &v), 0);
    ck_assert_uint_eq(v.n_total, n);
    for (uint32_t i = 0; i < n; i++) {
        ck_assert_int_eq(table_view_details(&v, i, &bytes, &size), 0);
        ck_assert_int_eq(entry_read(bytes, size, &e), 0);
        ck_assert_str_eq(e.host, host);
    }
    table_view_fini(&v);
}

/* How many usable instances under a key have that port. */
static int count_port(const char *key, uint16_t port)
{
    static struct discover_endpoint e[1024];
    size_t n;
    int found = 0;
    ck_assert_int_eq(table_endpoints(table_writer_table(catalog_table(own)), key, strlen(key), e, 1024, &n), 0);
    for (size_t i = 0; i < n; i++)
        found += e[i].port == port;
    return found;
}

/* Another region answers for a service and then the own one again, small and large, and changes meanwhile. */
static void go_and_come_back(int n_own, int n_other)
{
    struct discover_endpoint e;
    anew();
    set_host(other, "web-2", "b", true);
    put_many(own, "web-1", n_own, 1);
    put_many(other, "web-2", n_other, 2);
    flush();
    ck_assert_int_eq(catalog_set_away(own, "shop/pay", true), 0);
    ck_assert_int_eq(look("shop/pay", &e), n_own); /* until somebody writes there */
    ck_assert_int_eq(catalog_set_answering(other, "shop/pay", true), 0);
    ck_assert_int_eq(catalog_set_answering(other, "shop/pay", true), 0);
    check_host("shop/pay", (uint32_t)n_other, "web-2");
    check_host("shop/pay@a", (uint32_t)n_own, "web-1");
    put(own, "shop.pay.web-1.q", 3);
    flush();
    check_host("shop/pay@a", (uint32_t)n_own + 1, "web-1");
    check_host("shop/pay", (uint32_t)n_other, "web-2");
    put(other, "shop.pay.web-2.q", 3); /* what changes there changes under both names */
    put_as(other, "shop.pay.web-2.p0", 2, 4, false);
    flush();
    check_host("shop/pay", (uint32_t)n_other + 1, "web-2");
    check_host("shop/pay@b", (uint32_t)n_other + 1, "web-2");
    ck_assert_int_eq(count_port("shop/pay", 4), 1);
    ck_assert_int_eq(catalog_set_answering(other, "shop/pay", false), 0);
    ck_assert_int_eq(catalog_set_away(own, "shop/pay", false), 0);
    put(other, "shop.pay.web-2.r", 3);
    flush();
    check_host("shop/pay@b", (uint32_t)n_other + 2, "web-2");
    check_host("shop/pay", (uint32_t)n_own + 1, "web-1");
    ck_assert_int_eq(look("shop/pay@a", &e), -ENOENT);
    put(own, "shop.pay.web-1.r", 3);
    flush();
    check_host("shop/pay", (uint32_t)n_own + 2, "web-1");
}

START_TEST(test_another_region_answers)
{
    go_and_come_back(3, 5);
    go_and_come_back(90, 3);
    go_and_come_back(3, 90);
    go_and_come_back(80, 97);
}
END_TEST

/* All of a large service that another region answers for changes at once, again and again: under both names it is one. */
START_TEST(test_all_of_it_changes_in_pieces)
{
    enum { N = 600 };
    char text[64];
    set_host(other, "web-2", "b", true);
    put_many(other, "web-2", N, 2);
    flush();
    ck_assert_int_eq(catalog_set_away(own, "shop/pay", true), 0);
    ck_assert_int_eq(catalog_set_answering(other, "shop/pay", true), 0);
    for (uint16_t round = 3; round < 8; round++) {
        for (int i = 0; i < N; i++) {
            snprintf(text, sizeof text, "shop.pay.web-2.p%d", i);
            put_as(other, text, round, round, false);
            if (i % 7 == 0)
                (void)catalog_flush_some(other, 1);
        }
        flush();
        ck_assert_int_eq(count_port("shop/pay", round), N);
        ck_assert_int_eq(count_port("shop/pay@b", round), N);
    }
    set_host(other, "web-2", "b", false);
    flush();
    ck_assert_int_eq(count_port("shop/pay", 7), 0);
    check_host("shop/pay", N, "web-2");
}
END_TEST

/* What a region does not export is there for who asks for the region, and for nobody else: of few and of many. */
static void keep_to_itself(int n)
{
    struct discover_endpoint e;
    anew();
    set_host(other, "web-2", "b", true);
    put_many(other, "web-2", n, 2);
    put_as(other, "shop.pay.web-2.q", 1, 3, true);
    flush();
    ck_assert_uint_eq(catalog_usable_count(other, "shop/pay"), (size_t)n + 1);
    ck_assert_uint_eq(catalog_exported_count(other, "shop/pay"), (size_t)n);
    ck_assert_int_eq(catalog_set_away(own, "shop/pay", true), 0);
    ck_assert_int_eq(catalog_set_answering(other, "shop/pay", true), 0);
    ck_assert_int_eq(look("shop/pay@b", &e), n + 1);
    ck_assert_int_eq(look("shop/pay", &e), n);
    ck_assert_int_eq(count_port("shop/pay", 3), 0);
    put_as(other, "shop.pay.web-2.q", 2, 3, false); /* it is now, */
    flush();
    ck_assert_int_eq(look("shop/pay", &e), n + 1);
    put_as(other, "shop.pay.web-2.p0", 2, 4, false);
    flush();
    ck_assert_int_eq(count_port("shop/pay", 4), 1);
    ck_assert_int_eq(count_port("shop/pay@b", 4), 1);
    for (int i = 0; i < n; i++) { /* and the others are not */
        char text[64];
        snprintf(text, sizeof text, "shop.pay.web-2.p%d", i);
        put_as(other, text, 3, 5, true);
    }
    flush();
    ck_assert_int_eq(look("shop/pay", &e), 1);
    ck_assert_uint_eq(e.port, 3);
    ck_assert_int_eq(look("shop/pay@b", &e), n + 1);
    ck_assert_uint_eq(catalog_exported_count(other, "shop/pay"), 1);
    put_as(other, "shop.pay.web-2.q", 3, 3, true);
    flush();
    ck_assert_int_eq(look("shop/pay", &e), -ENOENT);
    set_host(other, "web-2", "b", false);
    flush();
    ck_assert_uint_eq(catalog_exported_count(other, "shop/pay"), 0);
}

START_TEST(test_what_is_not_exported)
{
    keep_to_itself(3);
    keep_to_itself(90);
}
END_TEST

/* What the own region never had, and loses all of meanwhile. */
START_TEST(test_nothing_of_it_here)
{
    struct discover_endpoint e;
    set_host(other, "web-2", "b", true);
    put_many(other, "web-2", 2, 2);
    flush();
    ck_assert_int_eq(catalog_set_away(own, "shop/pay", true), 0);
    ck_assert_int_eq(catalog_set_answering(other, "shop/pay", true), 0);
    ck_assert_int_eq(look("shop/pay", &e), 2);
    put_many(own, "web-1", 1, 1);
    flush();
    ck_assert_int_eq(look("shop/pay@a", &e), 1);
    struct instance_key key;
    ck_assert_int_eq(instance_key_parse("shop.pay.web-1.p0", 17, &key), 0);
    catalog_remove(own, &key);
    flush();
    ck_assert_int_eq(look("shop/pay@a", &e), -ENOENT);
    ck_assert_int_eq(look("shop/pay", &e), 2);
    ck_assert_int_eq(catalog_set_away(own, "shop/pay", false), 0);
    ck_assert_int_eq(look("shop/pay", &e), -ENOENT);
}
END_TEST

START_TEST(test_a_file_for_each)
{
    char folder[] = "/tmp/test_regions-XXXXXX", path[64];
    struct discover_endpoint e;
    int64_t wall_ms;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/catalog@b.snap", folder);
    set_host(own, "web-3", "a", true);
    set_host(other, "web-3", "b", true);
    put(own, "shop.pay.web-3.p1", 1);
    put(other, "shop.pay.web-3.p1", 2);
    flush();
    ck_assert_int_eq(catalog_format_write(table_writer_table(catalog_table(own)), "b", path, 777), 0);
    anew();
    ck_assert_int_eq(catalog_format_load(own, path, 5000, &wall_ms), -EBADMSG); /* it is not the own one's */
    ck_assert_int_eq(catalog_format_load(other, path, 5000, &wall_ms), 0);
    flush();
    ck_assert_int_eq(look("shop/pay", &e), -ENOENT);
    ck_assert_int_eq(look("shop/pay@b", &e), 1);
    ck_assert_uint_eq(e.port, 2);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

static void mark_away(const char *region)
{
    const uint64_t own_region[TABLE_REGION_WORDS] = {[TABLE_R_OWN] = 1};
    uint64_t words[TABLE_FAILOVER_WORDS] = {1};
    memcpy(words + TABLE_F_REGION, region, strlen(region));
    ck_assert_int_eq(table_writer_put(catalog_table(own), TABLE_REGION, "%a", 2, 0, 0, own_region, TABLE_REGION_WORDS),
                     1);
    ck_assert_int_eq(
        table_writer_put(catalog_table(own), TABLE_FAILOVER, "=shop/pay", 9, 0, 0, words, TABLE_FAILOVER_WORDS), 1);
}

/* What answers for the own region is not stored as if it were the own one's, and what that has is. */
static void store_while_away(int n_own, int n_other)
{
    char folder[] = "/tmp/test_regions-XXXXXX", path[64];
    int64_t wall_ms;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/catalog.snap", folder);
    anew();
    set_host(own, "web-3", "a", true);
    set_host(other, "web-2", "b", true);
    put_many(own, "web-3", n_own, 1);
    put_many(other, "web-2", n_other, 2);
    flush();
    ck_assert_int_eq(catalog_set_away(own, "shop/pay", true), 0);
    mark_away("b");
    ck_assert_int_eq(catalog_set_answering(other, "shop/pay", true), 0);
    ck_assert_int_eq(catalog_format_write(table_writer_table(catalog_table(own)), "", path, 777), 0);
    anew();
    ck_assert_int_eq(catalog_format_load(own, path, 5000, &wall_ms), 0);
    flush();
    check_host("shop/pay", (uint32_t)n_own, "web-3");
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(test_a_file_while_another_region_answers)
{
    store_while_away(2, 3);
    store_while_away(90, 99);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "regions", test_names_do_not_mix, test_other_region_is_elsewhere,
              test_large_service_and_removal, test_another_region_answers, test_what_is_not_exported,
              test_all_of_it_changes_in_pieces, test_nothing_of_it_here, test_a_file_for_each,
              test_a_file_while_another_region_answers)
