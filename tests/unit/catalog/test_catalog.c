/* SPDX-License-Identifier: Apache-2.0 */
/* What is served, seen through the table as any reader sees it. */
#include "daemon/catalog/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/digest.h"
#include "libdiscover/core/entry.h"
#include "tests/support/unit.h"

static struct catalog *c;

static void setup(void)
{
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .zone = "eu-1",
                                .table_words = 1 << 16,
                                .hosts_max = 10,
                                .services_max = 10,
                                .instances_per_host_max = 5};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
}

static void teardown(void)
{
    catalog_free(c);
}

static void remake(const struct catalog_options *o)
{
    teardown();
    ck_assert_int_eq(catalog_new(o, NULL, NULL, &c), 0);
}

static struct instance_key key_of(const char *text)
{
    struct instance_key key;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    return key;
}

static int put(const char *text, uint64_t epoch, uint64_t counter, enum discover_state state, uint16_t port)
{
    struct instance_key key = key_of(text);
    struct record r;
    record_init(&r);
    r.epoch = epoch;
    r.counter = counter;
    r.state = (uint8_t)state;
    r.port = port;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.1"), 0);
    return catalog_put(c, &key, &r);
}

static void set_host(const char *host, const char *zone, uint64_t min_epoch, bool alive)
{
    struct lease l = {.epoch = 9, .min_epoch = min_epoch, .ttl_ms = 1000, .region = "eu"};
    snprintf(l.zone, sizeof l.zone, "%s", zone);
    ck_assert_int_eq(catalog_set_host(c, host, &l, alive, 1000), 0);
}

/* Usable instances of a service, or a negative errno. */
static int usable(const char *service, struct discover_endpoint *ret_e)
{
    size_t n;
    struct discover_endpoint e[8];
    int err = table_endpoints(table_writer_table(catalog_table(c)), service, strlen(service), ret_e ? ret_e : e, 8, &n);
    return err < 0 ? err : (int)n;
}

START_TEST(test_lease_decides)
{
    ck_assert_int_eq(put("shop.pay.web-2.p1", 5, 1, DISCOVER_PASSING, 80), 0);
    ck_assert_int_eq(usable("shop/pay", NULL), -ENOENT); /* not before the flush */
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 0); /* known, its host is not */
    set_host("web-2", "eu-1", 5, true);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 1);
    set_host("web-2", "eu-1", 6, true); /* the host no longer vouches for that life */
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 0);
    ck_assert_int_eq(put("shop.pay.web-2.p1", 6, 1, DISCOVER_PASSING, 80), 0);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 1);
    set_host("web-2", "eu-1", 6, false);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 0);
}
END_TEST

START_TEST(test_own_host_needs_no_lease)
{
    ck_assert_int_eq(put("shop.pay.web-1.p1", 5, 1, DISCOVER_PASSING, 80), 0);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 1);
}
END_TEST

START_TEST(test_states)
{
    const struct {
        enum discover_state state;
        int served;
    } rows[] = {{DISCOVER_PASSING, 1},
                {DISCOVER_WARNING, 1},
                {DISCOVER_CRITICAL, 0},
                {DISCOVER_MAINTENANCE, 0},
                {DISCOVER_DRAINING, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(put("shop.pay.web-1.p1", 5, i + 1, rows[i].state, 80), 0);
        catalog_flush(c);
        ck_assert_int_eq(usable("shop/pay", NULL), rows[i].served);
    }
}
END_TEST

START_TEST(test_older_is_refused)
{
    struct discover_endpoint e[8];
    ck_assert_int_eq(put("shop.pay.web-1.p1", 5, 7, DISCOVER_PASSING, 80), 0);
    ck_assert_int_eq(put("shop.pay.web-1.p1", 5, 7, DISCOVER_PASSING, 81), 1);
    ck_assert_int_eq(put("shop.pay.web-1.p1", 5, 6, DISCOVER_PASSING, 82), -ESTALE);
    ck_assert_int_eq(put("shop.pay.web-1.p1", 4, 99, DISCOVER_PASSING, 83), -ESTALE);
    ck_assert_int_eq(put("shop.pay.web-1.p1", 6, 1, DISCOVER_PASSING, 84), 0);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", e), 1);
    ck_assert_uint_eq(e[0].port, 84);
    ck_assert_uint_eq(catalog_counts(c).ignored_old, 2);
}
END_TEST

START_TEST(test_sweep_takes_only_what_was_not_seen)
{
    set_host("web-2", "", 0, true);
    put("shop.pay.web-1.own", 5, 1, DISCOVER_PASSING, 80);
    put("shop.pay.web-2.a", 5, 1, DISCOVER_PASSING, 80);
    put("shop.pay.web-2.b", 5, 1, DISCOVER_PASSING, 80);
    catalog_snapshot_begin(c);
    put("shop.pay.web-2.b", 5, 1, DISCOVER_PASSING, 80);
    catalog_snapshot_begin(c); /* the first one broke off */
    put("shop.pay.web-2.a", 5, 1, DISCOVER_PASSING, 80);
    catalog_snapshot_end(c, true);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 2); /* own and a */
}
END_TEST

START_TEST(test_order_and_details)
{
    struct discover_endpoint e[8];
    struct table_view v;
    set_host("far", "eu-9", 0, true);
    set_host("near", "eu-1", 0, true);
    put("shop.pay.far.a", 1, 1, DISCOVER_PASSING, 1);
    put("shop.pay.near.a", 1, 1, DISCOVER_PASSING, 2);
    put("shop.pay.near.b", 1, 1, DISCOVER_CRITICAL, 3);
    put("shop.pay.web-1.a", 1, 1, DISCOVER_PASSING, 4);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", e), 3);
    ck_assert_uint_eq(e[0].port, 4);
    ck_assert_uint_eq(e[0].tier, DISCOVER_HOST);
    ck_assert_uint_eq(e[1].port, 2);
    ck_assert_uint_eq(e[1].tier, DISCOVER_ZONE);
    ck_assert_uint_eq(e[2].tier, DISCOVER_REGION);
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(table_writer_table(catalog_table(c)), "shop/pay", 8, &v), 0);
    ck_assert_uint_eq(v.n_total, 4);
    for (uint32_t i = 0; i < v.n_total; i++) {
        const uint8_t *bytes;
        size_t n;
        struct entry entry;
        ck_assert_int_eq(table_view_details(&v, i, &bytes, &n), 0);
        ck_assert_int_eq(entry_read(bytes, n, &entry), 0);
        uint16_t port = table_view_endpoint(&v, i)->port;
        const char *hosts[] = {"", "far", "near", "near", "web-1"};
        ck_assert_str_eq(entry.host, hosts[port]);
        ck_assert_str_eq(entry.instance, port == 3 ? "b" : "a");
    }
    table_view_fini(&v);
}
END_TEST

START_TEST(test_domain_block_lists_services)
{
    struct table_view v;
    const char *name;
    size_t n, cursor = 0, names = 0;
    put("shop.pay.web-1.a", 1, 1, DISCOVER_PASSING, 1);
    put("shop.cart.web-1.a", 1, 1, DISCOVER_PASSING, 1);
    put("stock.item.web-1.a", 1, 1, DISCOVER_PASSING, 1);
    catalog_flush(c);
    table_view_init(&v);
    const struct table *t = table_writer_table(catalog_table(c));
    ck_assert_int_eq(table_view_find(t, "shop/", 5, &v), 0);
    for (; table_view_name(&v, &cursor, &name, &n) == 1; names++)
        ck_assert(strncmp(name, "pay", n) == 0 || strncmp(name, "cart", n) == 0);
    ck_assert_uint_eq(names, 2);
    struct instance_key key = key_of("stock.item.web-1.a");
    catalog_remove(c, &key);
    catalog_flush(c);
    ck_assert_int_eq(table_view_find(t, "stock/", 6, &v), -ENOENT);
    ck_assert_int_eq(usable("stock/item", NULL), -ENOENT);
    table_view_fini(&v);
}
END_TEST

static size_t names_of(const char *key)
{
    struct table_view v;
    const char *name;
    size_t n, cursor = 0, names = 0;
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(table_writer_table(catalog_table(c)), key, strlen(key), &v), 0);
    while (table_view_name(&v, &cursor, &name, &n) == 1)
        names++;
    table_view_fini(&v);
    return names;
}

/* However many there are, a change writes no more names than an answer of 64 KiB can have. */
START_TEST(test_domain_block_is_bounded)
{
    enum { MANY = 6000, FEW = 1000, MOST = 65536 / 16 + 1 };
    char key[64];
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "shop.s%d.web-1.a", i);
        put(key, 1, 1, DISCOVER_PASSING, 1);
    }
    catalog_flush(c);
    ck_assert_uint_le(names_of("shop/"), MOST);
    ck_assert_uint_ge(names_of("shop/"), MANY / 2);
    for (int i = FEW; i < MANY; i++) {
        snprintf(key, sizeof key, "shop.s%d.web-1.a", i);
        const struct instance_key gone = key_of(key);
        catalog_remove(c, &gone);
    }
    catalog_flush(c);
    ck_assert_uint_eq(names_of("shop/"), FEW);
}
END_TEST

START_TEST(test_serial_moves_only_with_answers)
{
    const struct table *t = table_writer_table(catalog_table(c));
    set_host("web-2", "", 0, true);
    put("shop.pay.web-2.a", 1, 1, DISCOVER_PASSING, 1);
    catalog_flush(c);
    uint32_t serial = table_serial(t);
    put("shop.pay.web-2.a", 1, 2, DISCOVER_PASSING, 1); /* written again, the same */
    set_host("web-2", "", 0, true);                     /* a renewal */
    ck_assert_uint_eq(catalog_flush(c), 0);
    ck_assert_uint_eq(table_serial(t), serial);
    put("shop.pay.web-2.a", 1, 3, DISCOVER_PASSING, 2);
    ck_assert_uint_gt(catalog_flush(c), 0);
    ck_assert_uint_ne(table_serial(t), serial);
}
END_TEST

START_TEST(test_limits)
{
    char text[64];
    ck_assert_int_eq(put("shop.own.web-1.a", 1, 1, DISCOVER_PASSING, 1), 0);
    for (int i = 0; i < 6; i++) {
        snprintf(text, sizeof text, "shop.pay.web-2.p%d", i);
        ck_assert_int_eq(put(text, 1, 1, DISCOVER_PASSING, 1), i < 5 ? 0 : -EDQUOT);
    }
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "shop.s%d.web-%d.a", i, 3 + i / 5);
        ck_assert_int_eq(put(text, 1, 1, DISCOVER_PASSING, 1), i < 8 ? 0 : -E2BIG);
    }
    for (int i = 0; i < 9; i++) {
        snprintf(text, sizeof text, "shop.pay.h%d.a", i);
        ck_assert_int_eq(put(text, 1, 1, DISCOVER_PASSING, 1), i < 6 ? 0 : -EUSERS);
    }
    ck_assert_uint_eq(catalog_counts(c).refused_limit, 6);
    /* This host is limited where it registers, which is told; here it never is. */
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "shop.own%d.web-1.a", i);
        ck_assert_int_eq(put(text, 1, 1, DISCOVER_PASSING, 1), 0);
    }
    catalog_flush(c);
}
END_TEST

START_TEST(test_limits_on_all_and_on_a_service)
{
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .zone = "",
                                .hosts_max = 10,
                                .services_max = 10,
                                .instances_per_host_max = 100,
                                .instances_max = 8,
                                .instances_per_service_max = 3};
    char text[64];
    remake(&o);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "shop.pay.web-%d.a", 2 + i);
        ck_assert_int_eq(put(text, 1, 1, DISCOVER_PASSING, 1), i < 3 ? 0 : -ENOBUFS);
    }
    ck_assert_int_eq(put("shop.pay.web-2.a", 1, 2, DISCOVER_PASSING, 2), 0); /* a change of one is none more */
    ck_assert_int_eq(put("shop.pay.web-1.a", 1, 1, DISCOVER_PASSING, 1), 0); /* nor are our own bound */
    for (int i = 0; i < 6; i++) {
        snprintf(text, sizeof text, "shop.s%d.web-2.a", i);
        ck_assert_int_eq(put(text, 1, 1, DISCOVER_PASSING, 1), i < 4 ? 0 : -ENFILE);
    }
    ck_assert_ptr_nonnull(strstr(catalog_limit_text(-ENFILE), "limits.instances"));
    ck_assert_ptr_nonnull(strstr(catalog_limit_text(-ENOBUFS), "limits.instances_per_service"));
    struct instance_key key = key_of("shop.s0.web-2.a");
    catalog_remove(c, &key);
    ck_assert_int_eq(put("shop.s5.web-2.a", 1, 1, DISCOVER_PASSING, 1), 0);
    ck_assert_uint_eq(catalog_counts(c).refused_limit, 4);
}
END_TEST

START_TEST(test_limit_on_a_domain)
{
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .zone = "",
                                .hosts_max = 10,
                                .services_max = 10,
                                .instances_per_host_max = 100,
                                .services_per_domain_max = 3};
    char text[64];
    remake(&o);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "shop.s%d.web-2.a", i);
        ck_assert_int_eq(put(text, 1, 1, DISCOVER_PASSING, 1), i < 3 ? 0 : -EXFULL);
    }
    ck_assert_int_eq(put("shop.s1.web-3.a", 1, 1, DISCOVER_PASSING, 1), 0); /* one more of a service that is known */
    ck_assert_int_eq(put("shop.s9.web-1.a", 1, 1, DISCOVER_PASSING, 1), 0); /* our own */
    ck_assert_int_eq(put("bank.s1.web-2.a", 1, 1, DISCOVER_PASSING, 1), 0); /* of another domain */
    ck_assert_ptr_nonnull(strstr(catalog_limit_text(-EXFULL), "limits.services_per_domain"));
    struct instance_key key = key_of("shop.s0.web-2.a");
    catalog_remove(c, &key);
    catalog_flush(c);
    ck_assert_int_eq(put("shop.s4.web-2.a", 1, 1, DISCOVER_PASSING, 1), -EXFULL); /* ours counts, too */
    key = key_of("shop.s9.web-1.a");
    catalog_remove(c, &key);
    catalog_flush(c);
    ck_assert_int_eq(put("shop.s4.web-2.a", 1, 1, DISCOVER_PASSING, 1), 0);
}
END_TEST

/* Neither with services nor with instances of one service does a host keep others out; a change is none more. */
START_TEST(test_limits_and_a_host_with_many)
{
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .zone = "",
                                .hosts_max = 300,
                                .services_max = 1000,
                                .instances_per_host_max = 1000,
                                .services_per_domain_max = 200,
                                .instances_per_service_max = 200};
    char text[64];
    int taken[3] = {0};
    remake(&o);
    for (int i = 0; i < 3 * 200; i++) {
        snprintf(text, sizeof text, "shop.s%d.web-%d.a", i, 2 + i / 200);
        taken[i / 200] += put(text, 1, 1, DISCOVER_PASSING, 1) == 0;
    }
    ck_assert_int_eq(taken[0], 100); /* half of it, then as much less */
    ck_assert_int_eq(taken[1], 64);
    ck_assert_int_lt(taken[2], 64);
    ck_assert_int_eq(put("shop.pay.web-9.a", 1, 1, DISCOVER_PASSING, 1), -EXFULL); /* three of them */
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "bank.pay.web-2.a%d", i);
        taken[0] += put(text, 1, 1, DISCOVER_PASSING, 1) == 0;
    }
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "bank.pay.web-%d.a", 9 + i);
        ck_assert_int_eq(put(text, 1, 1, DISCOVER_PASSING, 1), 0);
    }
    struct instance_key key = key_of("bank.pay.web-2.a1");
    struct record r;
    record_init(&r);
    r.epoch = 1;
    r.counter = 2;
    r.port = 80;
    ck_assert_int_eq(record_add_tag(&r, "longer"), 0);
    ck_assert_int_eq(catalog_put(c, &key, &r), 0);
}
END_TEST

START_TEST(test_gone_hosts_are_forgotten)
{
    set_host("web-2", "", 0, true);
    put("shop.pay.web-2.a", 1, 1, DISCOVER_PASSING, 1);
    catalog_forget_gone(c, INT64_MAX);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 1);
    set_host("web-2", "", 0, false);
    catalog_forget_gone(c, 1000);
    catalog_flush(c);
    ck_assert_uint_eq(catalog_counts(c).instances, 1);
    catalog_forget_gone(c, 1001);
    catalog_flush(c);
    ck_assert_uint_eq(catalog_counts(c).instances, 0);
    ck_assert_uint_eq(catalog_counts(c).hosts, 0);
    ck_assert_int_eq(usable("shop/pay", NULL), -ENOENT);
}
END_TEST

/* A local change is seen at once although the flush of the rest may wait; removed to the last, too. */
START_TEST(test_one_service_is_written_ahead)
{
    struct instance_key pay = key_of("shop.pay.web-1.a");
    put("shop.pay.web-1.a", 1, 1, DISCOVER_PASSING, 1);
    put("shop.cart.web-1.a", 1, 1, DISCOVER_PASSING, 1);
    catalog_flush_service(c, &pay);
    ck_assert_int_eq(usable("shop/pay", NULL), 1);
    ck_assert_int_eq(usable("shop/cart", NULL), -ENOENT);
    catalog_remove(c, &pay);
    catalog_flush_service(c, &pay);
    ck_assert_int_eq(usable("shop/pay", NULL), -ENOENT);
    catalog_flush(c);
    catalog_flush_service(c, &pay);
    ck_assert_int_eq(usable("shop/cart", NULL), 1);
}
END_TEST

/* A host's digest that differs twice, unchanged, means records are missing; a moving one means they are on their way. */
START_TEST(test_digest)
{
    put("shop.pay.web-2.a", 1, 1, DISCOVER_PASSING, 1);
    put("shop.pay.web-2.b", 1, 2, DISCOVER_PASSING, 1);
    put("shop.pay.web-2.a", 1, 3, DISCOVER_PASSING, 1);
    struct instance_key a = key_of("shop.pay.web-2.a"), b = key_of("shop.pay.web-2.b");
    struct lease l = {.records = 2, .digest = record_digest(&a, 1, 3) ^ record_digest(&b, 1, 2)};
    ck_assert(catalog_agrees(c, "web-2", &l));
    ck_assert(catalog_agrees(c, "web-2", &l));
    l.digest ^= 1;
    ck_assert(catalog_agrees(c, "web-2", &l));
    l.digest ^= 2;
    ck_assert(catalog_agrees(c, "web-2", &l));
    ck_assert(!catalog_agrees(c, "web-2", &l));
    catalog_remove(c, &a);
    l = (struct lease){.records = 1, .digest = record_digest(&b, 1, 2)};
    ck_assert(catalog_agrees(c, "web-2", &l));
}
END_TEST

/* One host with a record that is refused here must not make everybody read all again at each of its beats. */
START_TEST(test_digest_that_stays_wrong_is_looked_at_ever_more_rarely)
{
    unsigned doubts = 0;
    put("shop.pay.web-2.a", 1, 2, DISCOVER_PASSING, 1);
    struct lease l = {.records = 2, .digest = 4711};
    for (int beat = 1; beat <= 1000; beat++)
        doubts += !catalog_agrees(c, "web-2", &l);
    ck_assert_uint_eq(doubts, 9); /* 2, 4, ... 512 */
    l.digest++;
    ck_assert(catalog_agrees(c, "web-2", &l));
    ck_assert(!catalog_agrees(c, "web-2", &l)); /* another difference: may be another reason */
    ck_assert(catalog_agrees(c, "beyond-the-limit", &l));
    ck_assert(catalog_agrees(c, "beyond-the-limit", &l));
}
END_TEST

/* A foreign record needs no host, and is its own lease. */
START_TEST(test_foreign_record_lives_by_its_ttl)
{
    struct instance_key key = key_of("shop.pay.anywhere.f1");
    struct record r;
    record_init(&r);
    r.epoch = 1;
    r.counter = 7;
    r.port = 80;
    ck_assert_int_eq(record_add_address(&r, "10.0.0.9"), 0);
    ck_assert_int_eq(catalog_put_foreign(c, &key, &r, (struct foreign_life){100, 30, false}, 1000), 0);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), 1);
    ck_assert_int_eq(catalog_expire(c, 1069, 1069), 1070);
    r.counter = 8; /* put again: the same, but its time begins anew */
    ck_assert_int_eq(catalog_put_foreign(c, &key, &r, (struct foreign_life){100, 0, false}, 1069), 0);
    ck_assert_uint_eq(catalog_flush(c), 0);
    ck_assert_int_eq(catalog_expire(c, 1168, 1168), 1169);
    catalog_freeze(c, true);
    catalog_extend(c, 1168);
    ck_assert_int_eq(catalog_expire(c, 1169, 1169), 1268);
    ck_assert_int_eq(catalog_expire(c, 1268, 1268), INT64_MAX);
    catalog_flush(c);
    ck_assert_int_eq(usable("shop/pay", NULL), -ENOENT);
}
END_TEST

/* What came and went takes nothing any more; what is put anew takes what it took. */
START_TEST(test_what_it_takes_is_counted)
{
    struct instance_key key = key_of("shop.pay.web-2.p1");
    size_t before = catalog_counts(c).bytes;
    ck_assert_int_eq(put("shop.pay.web-2.p1", 5, 1, DISCOVER_PASSING, 80), 0);
    size_t one = catalog_counts(c).bytes;
    ck_assert_uint_gt(one, before + 200);
    ck_assert_int_eq(put("shop.pay.web-2.p1", 5, 2, DISCOVER_PASSING, 81), 0);
    ck_assert_uint_eq(catalog_counts(c).bytes, one);
    ck_assert_int_eq(put("shop.pay.web-2.p2", 5, 3, DISCOVER_PASSING, 80), 0);
    ck_assert_uint_gt(catalog_counts(c).bytes, one);
    catalog_remove(c, &key);
    key = key_of("shop.pay.web-2.p2");
    catalog_remove(c, &key);
    catalog_flush(c);
    catalog_forget_gone(c, INT64_MAX);
    ck_assert_uint_eq(catalog_counts(c).bytes, before);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "catalog", test_what_it_takes_is_counted, test_one_service_is_written_ahead,
              test_foreign_record_lives_by_its_ttl, test_lease_decides, test_own_host_needs_no_lease, test_states,
              test_older_is_refused, test_sweep_takes_only_what_was_not_seen, test_order_and_details,
              test_domain_block_lists_services, test_domain_block_is_bounded, test_serial_moves_only_with_answers,
              test_limits, test_limits_on_all_and_on_a_service, test_limit_on_a_domain,
              test_limits_and_a_host_with_many, test_gone_hosts_are_forgotten, test_digest,
              test_digest_that_stays_wrong_is_looked_at_ever_more_rarely)
