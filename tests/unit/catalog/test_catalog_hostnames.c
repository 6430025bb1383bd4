/* SPDX-License-Identifier: Apache-2.0 */
/* Instances with a host name instead of an address: which names are reported, and what becomes of their
 * addresses. */
#include "daemon/catalog/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/entry.h"
#include "tests/support/unit.h"

#define DB "db.example.com"

static struct catalog *c;
static char reported[256]; /* "+name" and "-name" */
static struct addresses reported_address;
static const struct addresses first = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 1}};
static const struct addresses second = {
    .families = DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6, .ipv4 = {10, 0, 0, 2}, .ipv6 = {0x20, 1, 0x0d, 0xb8, [15] = 2}};

static unsigned room; /* for names */

static bool on_hostname(void *arg, const char *hostname, bool held, const struct addresses *address)
{
    (void)arg;
    bool refused = held && room == 0;
    strcat(strcat(strcat(reported, refused ? "!" : held ? "+" : "-"), hostname), " ");
    reported_address = *address;
    room = held ? room - !refused : room + 1;
    return !refused;
}

static void setup(void)
{
    struct catalog_options o = {.host = "web-1",
                                .region = "eu",
                                .zone = "eu-1",
                                .table_words = 1 << 16,
                                .hosts_max = 10,
                                .services_max = 10,
                                .instances_per_host_max = 20,
                                .hostnames_per_host_max = 3};
    ck_assert_int_eq(catalog_new(&o, NULL, NULL, &c), 0);
    catalog_watch_hostnames(c, on_hostname, NULL);
    reported[0] = '\0';
    room = 1000;
}

static int try_put(const char *text, uint64_t counter, const char *hostname)
{
    struct instance_key key;
    struct record r;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    record_init(&r);
    r.epoch = 1;
    r.counter = counter;
    r.port = 5432;
    if (hostname)
        snprintf(r.hostname, sizeof r.hostname, "%s", hostname);
    else
        ck_assert_int_eq(record_add_address(&r, "10.9.9.9"), 0);
    return catalog_put(c, &key, &r);
}

static void put(const char *text, uint64_t counter, const char *hostname)
{
    ck_assert_int_eq(try_put(text, counter, hostname), 0);
}

static void take(const char *text)
{
    struct instance_key key;
    ck_assert_int_eq(instance_key_parse(text, strlen(text), &key), 0);
    catalog_remove(c, &key);
}

/* The first usable endpoint of shop/db. */
static struct discover_endpoint endpoint(void)
{
    struct discover_endpoint e[8];
    size_t n = 0;
    ck_assert_int_eq(table_endpoints(table_writer_table(catalog_table(c)), "shop/db", 7, e, 8, &n), 0);
    ck_assert_uint_ge(n, 1);
    return e[0];
}

static void teardown(void)
{
    catalog_free(c);
}

START_TEST(a_name_is_reported_once_however_many_have_it)
{
    put("shop.db.web-1.a", 1, DB);
    ck_assert_str_eq(reported, "");
    catalog_flush(c);
    ck_assert_str_eq(reported, "+" DB " ");
    put("shop.db.web-1.b", 1, DB);
    put("shop.db.web-1.c", 1, NULL);
    take("shop.db.web-1.a");
    catalog_flush(c);
    ck_assert_str_eq(reported, "+" DB " ");
    take("shop.db.web-1.b");
    catalog_flush(c);
    ck_assert_str_eq(reported, "+" DB " -" DB " ");
}
END_TEST

START_TEST(an_address_is_served_by_all_that_have_the_name)
{
    put("shop.db.web-1.a", 1, DB);
    put("shop.mail.web-1.a", 1, DB);
    catalog_flush(c);
    ck_assert_uint_eq(endpoint().families, 0);
    ck_assert_int_eq(catalog_set_address(c, DB, &second), 0);
    ck_assert_uint_eq(catalog_flush(c), 2);
    ck_assert_uint_eq(endpoint().families, second.families);
    ck_assert_mem_eq(endpoint().ipv4, second.ipv4, 4);
    ck_assert_mem_eq(endpoint().ipv6, second.ipv6, 16);
    put("shop.db.web-1.b", 1, DB); /* one that comes later has it at once */
    put("shop.db.web-1.a", 2, NULL);
    catalog_flush(c);
    ck_assert_uint_eq(catalog_counts(c).usable, 3);
    take("shop.db.web-1.a");
    catalog_flush(c);
    ck_assert_mem_eq(endpoint().ipv4, second.ipv4, 4);
}
END_TEST

/* Written again, with or without a change, an instance keeps what its name resolves to. */
START_TEST(a_put_does_not_lose_the_address)
{
    put("shop.db.web-1.a", 1, DB);
    ck_assert_int_eq(catalog_set_address(c, DB, &first), 0);
    catalog_flush(c);
    uint32_t serial = table_serial(table_writer_table(catalog_table(c)));
    put("shop.db.web-1.a", 2, DB);
    ck_assert_uint_eq(catalog_flush(c), 0);
    ck_assert_uint_eq(table_serial(table_writer_table(catalog_table(c))), serial);
    take("shop.db.web-1.a");
    put("shop.db.web-1.a", 3, DB); /* before anybody looked */
    catalog_flush(c);
    ck_assert_mem_eq(endpoint().ipv4, first.ipv4, 4);
    ck_assert_str_eq(reported, "+" DB " ");
}
END_TEST

START_TEST(the_same_address_again_changes_nothing)
{
    put("shop.db.web-1.a", 1, DB);
    ck_assert_int_eq(catalog_set_address(c, DB, &first), 0);
    catalog_flush(c);
    ck_assert_int_eq(catalog_set_address(c, DB, &first), 0);
    ck_assert_uint_eq(catalog_flush(c), 0);
}
END_TEST

/* As long as the other, so that the record could take the old one's place. */
START_TEST(another_name_is_another_address)
{
    put("shop.db.web-1.a", 1, DB);
    ck_assert_int_eq(catalog_set_address(c, DB, &first), 0);
    catalog_flush(c);
    put("shop.db.web-1.a", 2, "eb.example.com");
    catalog_flush(c);
    ck_assert_uint_eq(endpoint().families, 0);
    ck_assert_str_eq(reported, "+" DB " +eb.example.com -" DB " ");
}
END_TEST

START_TEST(who_watches_later_is_told_of_all)
{
    catalog_watch_hostnames(c, NULL, NULL);
    put("shop.db.web-1.a", 1, DB);
    ck_assert_int_eq(catalog_set_address(c, DB, &first), 0);
    catalog_flush(c);
    ck_assert_str_eq(reported, "");
    catalog_watch_hostnames(c, on_hostname, NULL);
    ck_assert_str_eq(reported, "+" DB " ");
    ck_assert_mem_eq(reported_address.ipv4, first.ipv4, 4);
}
END_TEST

START_TEST(a_name_that_nobody_has_is_forgotten)
{
    ck_assert_int_eq(catalog_set_address(c, DB, &first), 0);
    catalog_flush(c);
    ck_assert_str_eq(reported, "");
    put("shop.db.web-1.a", 1, DB);
    catalog_flush(c);
    ck_assert_uint_eq(endpoint().families, 0);
}
END_TEST

/* For which there was no room: told of again when there is, once for each that goes, unless nobody has it any more. */
START_TEST(a_name_that_was_refused_is_told_of_again)
{
    room = 2;
    put("shop.db.web-1.a", 1, "a.example.com");
    catalog_flush(c);
    put("shop.db.web-1.b", 1, "b.example.com");
    catalog_flush(c);
    put("shop.db.web-1.c", 1, "c.example.com");
    catalog_flush(c);
    put("shop.db.web-2.d", 1, "d.example.com");
    catalog_flush(c);
    ck_assert_str_eq(reported, "+a.example.com +b.example.com !c.example.com !d.example.com ");
    reported[0] = '\0';
    take("shop.db.web-2.d");
    catalog_flush(c);
    put("shop.db.web-1.c", 2, "c.example.com"); /* as it is: nothing new */
    catalog_flush(c);
    ck_assert_str_eq(reported, "");
    take("shop.db.web-1.a");
    catalog_flush(c);
    ck_assert_str_eq(reported, "-a.example.com +c.example.com ");
    ck_assert_int_eq(catalog_set_address(c, "c.example.com", &first), 0);
    take("shop.db.web-1.b");
    catalog_flush(c);
    ck_assert_uint_eq(endpoint().families, DISCOVER_HAS_IPV4);
    catalog_watch_hostnames(c, NULL, NULL);
    catalog_watch_hostnames(c, on_hostname, NULL);
    ck_assert_str_eq(reported, "-a.example.com +c.example.com -b.example.com +c.example.com ");
}
END_TEST

/* A host has a share of the names: those it has more than once count once, and what was known of it stays. */
START_TEST(a_host_has_a_share_of_the_names)
{
    put("shop.db.web-2.a", 1, "a.example.com");
    put("shop.db.web-2.a2", 1, "a.example.com");
    put("shop.db.web-2.b", 1, "b.example.com");
    put("shop.db.web-2.c", 1, "c.example.com");
    ck_assert_int_eq(try_put("shop.db.web-2.d", 1, "d.example.com"), -EMLINK);
    ck_assert_ptr_nonnull(strstr(catalog_limit_text(-EMLINK), "limits.hostnames_per_host"));
    ck_assert_uint_eq(catalog_counts(c).refused_limit, 1);
    put("shop.db.web-2.e", 1, "a.example.com"); /* no more names than before */
    put("shop.db.web-2.f", 1, NULL);
    put("shop.db.web-3.d", 1, "d.example.com"); /* another host's share */
    ck_assert_int_eq(try_put("shop.db.web-2.f", 2, "d.example.com"), -EMLINK);
    put("shop.db.web-2.b", 2, "longer-than-b.example.com"); /* one instead of another */
    ck_assert_uint_eq(catalog_counts(c).instances, 7);
    take("shop.db.web-2.c");
    put("shop.db.web-2.d", 1, "d.example.com");
    catalog_flush(c);
    ck_assert_ptr_nonnull(strstr(reported, "+d.example.com"));
}
END_TEST

/* What is registered here is asked about before it is, and told why not. */
START_TEST(this_host_asks_before)
{
    put("shop.db.web-1.a", 1, "a.example.com");
    put("shop.db.web-1.b", 1, "b.example.com");
    ck_assert(catalog_hostname_fits(c, "c.example.com"));
    put("shop.db.web-1.c", 1, "c.example.com");
    ck_assert(!catalog_hostname_fits(c, "d.example.com"));
    ck_assert(catalog_hostname_fits(c, "c.example.com"));
    ck_assert(catalog_hostname_fits(c, ""));
    put("shop.db.web-1.d", 1, "d.example.com"); /* the configuration may */
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "hostnames", a_name_is_reported_once_however_many_have_it,
              an_address_is_served_by_all_that_have_the_name, a_put_does_not_lose_the_address,
              the_same_address_again_changes_nothing, another_name_is_another_address, who_watches_later_is_told_of_all,
              a_name_that_nobody_has_is_forgotten, a_name_that_was_refused_is_told_of_again,
              a_host_has_a_share_of_the_names, this_host_asks_before)
