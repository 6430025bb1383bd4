/* SPDX-License-Identifier: Apache-2.0 */
/* Tables made of DNS answers read as the daemon's do. */
#include <errno.h>
#include <stdio.h>

#include "libdiscover/core/entry.h"
#include "libdiscover/dns/dns_table.h"
#include "tests/support/unit.h"

#define SERVICE "shop/payment"

static struct dns_srv_target targets[1000];
static struct table table;
static struct lookup_key key = {.service = SERVICE};

static struct dns_srv_target target(const char *name, uint16_t port, uint16_t priority, uint8_t last)
{
    struct dns_srv_target t = {.addresses.ipv4 = {10, 0, 0, last},
                               .addresses.families = DISCOVER_HAS_IPV4,
                               .port = port,
                               .priority = priority,
                               .weight = 256};
    const struct lookup_key any = {.service = "x/y"};
    struct dns_question q;
    ck_assert_int_eq(dns_question_make(&any, 0, name, &q), 0);
    t.name = q.name;
    return t;
}

static void make(size_t n, enum dns_outcome outcome)
{
    const struct dns_answer answer = {.outcome = outcome, .targets = targets, .n_targets = n};
    ck_assert_int_eq(dns_table_make(&key, &answer, &table), 0);
}

static size_t endpoints(struct discover_endpoint *ret_endpoints, size_t cap)
{
    size_t n;
    ck_assert_int_eq(table_endpoints(&table, SERVICE, strlen(SERVICE), ret_endpoints, cap, &n), 0);
    return n;
}

START_TEST(instances_come_by_priority_each_once)
{
    struct discover_endpoint e[8];
    targets[0] = target("b.org", 2, 7, 2);
    targets[1] = target("a.org", 1, 3, 1);
    targets[2] = targets[0];
    targets[3] = target("b.org", 3, 7, 2);
    make(4, DNS_FOUND);
    ck_assert_uint_eq(endpoints(e, 8), 3);
    ck_assert_uint_eq(e[0].priority, 3);
    ck_assert_uint_eq(e[0].ipv4[3], 1);
    ck_assert_uint_eq(e[0].state, DISCOVER_PASSING);
    ck_assert_uint_eq(e[0].weight, 256);
    ck_assert_uint_eq(e[1].priority, 7);
    ck_assert(e[1].id != e[2].id);
    ck_assert(dns_table_any(&table));
    table_unmap(&table);
}
END_TEST

START_TEST(an_id_stays_while_all_else_changes)
{
    struct discover_endpoint before, after;
    targets[0] = target("a.org", 1, 3, 1);
    make(1, DNS_FOUND);
    ck_assert_uint_eq(endpoints(&before, 1), 1);
    table_unmap(&table);
    targets[0] = target("a.org", 1, 4, 9);
    targets[0].weight = 0;
    make(1, DNS_FOUND);
    ck_assert_uint_eq(endpoints(&after, 1), 1);
    table_unmap(&table);
    ck_assert(before.id == after.id);
    ck_assert_uint_eq(after.weight, 1);
}
END_TEST

static void check_hostname(const char *expected)
{
    struct table_view v;
    struct entry entry;
    const uint8_t *bytes;
    size_t n;
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(&table, SERVICE, strlen(SERVICE), &v), 0);
    ck_assert_uint_eq(v.n_total, 1);
    ck_assert_int_eq(table_view_details(&v, 0, &bytes, &n), 0);
    ck_assert_int_eq(entry_read(bytes, n, &entry), 0);
    ck_assert_str_eq(entry.hostname, expected);
    ck_assert_str_eq(entry.host, "");
    ck_assert_uint_eq(entry.n_tags, 0);
    table_view_fini(&v);
    table_unmap(&table);
}

START_TEST(a_target_is_a_host_name_unless_made_of_addresses)
{
    targets[0] = target("db.org", 1, 0, 1);
    make(1, DNS_FOUND);
    check_hostname("y.x.db.org");
    targets[0].computed = true;
    make(1, DNS_FOUND);
    check_hostname("");
    targets[0] = target("db.org", 1, 0, 0);
    targets[0].addresses.families = 0;
    targets[1] = targets[0];
    targets[1].name.octets[1] = ' '; /* no host has such a name, and nobody can call it */
    make(2, DNS_FOUND);
    check_hostname("y.x.db.org");
}
END_TEST

START_TEST(instances_have_what_they_were_asked_for_by)
{
    struct table_view v;
    struct entry entry;
    const uint8_t *bytes;
    size_t n;
    ck_assert_int_eq(lookup_key_parse(SERVICE " #a #b @eu-1 %udp", &key), 0);
    targets[0] = target("db.org", 1, 0, 1);
    make(1, DNS_FOUND);
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(&table, SERVICE, strlen(SERVICE), &v), 0);
    ck_assert_int_eq(table_view_endpoint(&v, 0)->protocol, DISCOVER_UDP);
    ck_assert_int_eq(table_view_details(&v, 0, &bytes, &n), 0);
    ck_assert_int_eq(entry_read(bytes, n, &entry), 0);
    ck_assert_uint_eq(entry.n_tags, 2);
    ck_assert_str_eq(entry.tags[1], "b");
    ck_assert_str_eq(entry.zone, "eu-1");
    table_view_fini(&v);
    table_unmap(&table);
}
END_TEST

START_TEST(a_thousand)
{
    static struct discover_endpoint e[1000];
    struct table_view v;
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "host-%d.org", i);
        targets[i] = target(name, (uint16_t)(i + 1), 0, i % 2);
        targets[i].computed = i % 2;
    }
    make(1000, DNS_FOUND);
    ck_assert_uint_eq(endpoints(e, 1000), 1000);
    table_view_init(&v);
    ck_assert_int_eq(table_view_find(&table, SERVICE, strlen(SERVICE), &v), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        struct entry entry;
        const uint8_t *bytes;
        size_t n;
        ck_assert_int_eq(table_view_details(&v, i, &bytes, &n), 0);
        ck_assert_int_eq(entry_read(bytes, n, &entry), 0);
        ck_assert_int_eq(*entry.hostname == '\0', e[i].ipv4[3]);
    }
    table_view_fini(&v);
    table_unmap(&table);
}
END_TEST

START_TEST(none_and_unknown_differ)
{
    size_t n;
    make(0, DNS_NONE);
    ck_assert_uint_eq(endpoints(NULL, 0), 0);
    ck_assert(!dns_table_any(&table));
    ck_assert_int_eq(table_endpoints(&table, "shop/other", 10, NULL, 0, &n), -ENOENT);
    table_unmap(&table);
    make(0, DNS_UNKNOWN);
    ck_assert_int_eq(table_endpoints(&table, SERVICE, strlen(SERVICE), NULL, 0, &n), -ENOENT);
    ck_assert(!dns_table_any(&table));
    table_unmap(&table);
}
END_TEST

START_TEST(same_means_the_same_answer)
{
    targets[0] = target("a.org", 1, 0, 1);
    make(1, DNS_FOUND);
    struct table first = table;
    make(1, DNS_FOUND);
    ck_assert(dns_table_same(&first, &table));
    table_unmap(&table);
    targets[0].weight++;
    make(1, DNS_FOUND);
    ck_assert(!dns_table_same(&first, &table));
    table_unmap(&table);
    make(0, DNS_UNKNOWN);
    ck_assert(!dns_table_same(&first, &table));
    table_unmap(&table);
    table_unmap(&first);
}
END_TEST

/* Nobody has to come by for an answer to become stale. */
START_TEST(it_ages_by_itself)
{
    targets[0] = target("a.org", 1, 0, 1);
    make(1, DNS_FOUND);
    dns_table_vouch(&table, TABLE_LIVE, 1000);
    ck_assert_int_eq(table_age_ns(&table, 500), 0);
    ck_assert_int_eq(table_age_ns(&table, 1000), 0);
    ck_assert_int_eq(table_age_ns(&table, 1100), 100);
    table_unmap(&table);
}
END_TEST

UNIT_TESTS("DNS tables", instances_come_by_priority_each_once, an_id_stays_while_all_else_changes,
           a_target_is_a_host_name_unless_made_of_addresses, instances_have_what_they_were_asked_for_by, a_thousand,
           none_and_unknown_differ, same_means_the_same_answer, it_ages_by_itself)
