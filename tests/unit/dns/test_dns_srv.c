/* SPDX-License-Identifier: Apache-2.0 */
/* Services: SRV records, their targets, addresses, weights and order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

static const char payment[] = "payment.shop." ZONE;

START_TEST(test_r25_targets_are_not_compressed_owners_are)
{
    static const uint8_t target[] = "\10"
                                    "0a001f90"
                                    "\4addr\4shop\10discover\10internal";
    put("shop.payment.web-1.p1", 8080, NULL);
    flush();
    const struct reply *r = ask(payment, SRV);
    const struct record_seen *srv = first(r, 0, SRV);
    ck_assert_uint_eq(srv->data_bytes, 6 + sizeof target);
    ck_assert_mem_eq(srv->data + 6, target, sizeof target);
    ck_assert_mem_eq(r->bytes + r->question_at_end, "\xc0\x0c", 2);
}
END_TEST

/* Each target resolves by itself, to just the addresses of its instance. */
START_TEST(test_r26_targets_have_addresses)
{
    put("shop.payment.web-1.v4", 1, &(struct extra){.ipv4 = "10.0.0.22"});
    put("shop.payment.web-1.v6", 2, &(struct extra){.ipv6 = "2001:db8::22"});
    put("shop.payment.web-1.both", 3, &(struct extra){.ipv4 = "10.0.0.23", .ipv6 = "2001:db8::23"});
    flush();
    static const struct {
        uint16_t port;
        const char *label, *a, *aaaa;
    } expect[] = {
        {1, "0a000016", "10.0.0.22", NULL},
        {2, "20010db8000000000000000000000022", NULL, "2001:db8::22"},
        {3, "0a00001720010db8000000000000000000000023", "10.0.0.23", "2001:db8::23"},
    };
    for (size_t i = 0; i < 3; i++) {
        const struct reply *r = ask_edns(payment, SRV, 4096);
        ck_assert_uint_eq(count(r, 0, SRV), 3);
        char target[1024] = "", name[200];
        for (size_t k = 0; k < r->n_records; k++)
            if (r->records[k].type == SRV && r->records[k].port == expect[i].port)
                strcpy(target, r->records[k].target);
        snprintf(name, sizeof name, "%s.addr.shop." ZONE, expect[i].label);
        ck_assert_str_eq(target, name);
        r = ask(target, A);
        if (expect[i].a)
            ck_assert_str_eq(first(r, 0, A)->address, expect[i].a);
        else
            check_negative(r, NOERROR);
        r = ask(target, AAAA);
        if (expect[i].aaaa)
            ck_assert_str_eq(first(r, 0, AAAA)->address, expect[i].aaaa);
        else
            check_negative(r, NOERROR);
    }
}
END_TEST

/* They are computed, so they stay when the instance and even its domain are gone. */
START_TEST(test_r26_targets_never_dangle)
{
    ck_assert_str_eq(first(ask("0A0000ff.ADDR.gone." ZONE, A), 0, A)->address, "10.0.0.255");
    static const char *const bad[] = {"0a0000", "0a00000g", "0a00000016", "", "0a-00016", "0a000016a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s%saddr.gone." ZONE, bad[i], *bad[i] ? "." : "x.");
        check_negative(ask(name, A), NXDOMAIN);
    }
    check_negative(ask("addr.gone." ZONE, A), NOERROR);
}
END_TEST

/* As long as no address is known for it. */
START_TEST(test_r26_hostname_is_the_target_itself)
{
    put("shop.payment.web-1.db", 5432, &(struct extra){.hostname = "db.example.com"});
    flush();
    const struct reply *r = ask(payment, SRV);
    ck_assert_str_eq(first(r, 0, SRV)->target, "db.example.com");
    ck_assert_uint_eq(r->counts[2], 0);
    check_negative(ask(payment, A), NOERROR);
}
END_TEST

/* Once its address is known: the name itself may be an alias, which a target must not be, and not be resolved here. */
START_TEST(test_r26_a_resolved_host_name_is_an_address_like_others)
{
    const struct addresses address = {.families = DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6,
                                      .ipv4 = {10, 7, 0, 1},
                                      .ipv6 = {0x20, 1, 0x0d, 0xb8, [15] = 1}};
    put("shop.db.web-1.d1", 5432, &(struct extra){.hostname = "db.example.com"});
    flush();
    uint32_t before = first(ask(ZONE, SOA), 0, SOA)->serial;
    ck_assert_str_eq(first(ask("db.shop." ZONE, SRV), 0, SRV)->target, "db.example.com");
    ck_assert_int_eq(catalog_set_address(catalog, "db.example.com", &address), 0);
    flush();
    const struct reply *r = ask_edns("db.shop." ZONE, SRV, 4096);
    char target[1024];
    strcpy(target, first(r, 0, SRV)->target);
    ck_assert_str_eq(target, "0a07000120010db8000000000000000000000001.addr.shop." ZONE);
    ck_assert_str_eq(first(r, 2, A)->address, "10.7.0.1");
    ck_assert_str_eq(first(r, 2, AAAA)->address, "2001:db8::1");
    ck_assert_str_eq(first(ask(target, A), 0, A)->address, "10.7.0.1");
    ck_assert_str_eq(first(ask("db.shop." ZONE, AAAA), 0, AAAA)->address, "2001:db8::1");
    ck_assert_uint_eq(first(ask(ZONE, SOA), 0, SOA)->serial, before + 1);
}
END_TEST

START_TEST(test_r27_additional_has_the_addresses)
{
    put_many("shop.payment", 5);
    put("shop.payment.web-1.both", 3, &(struct extra){.ipv4 = "10.0.0.23", .ipv6 = "2001:db8::23"});
    flush();
    const struct reply *r = ask_edns(payment, SRV, 4096);
    ck_assert_uint_eq(count(r, 0, SRV), 6);
    ck_assert_uint_eq(count(r, 2, A), 6);
    ck_assert_uint_eq(count(r, 2, AAAA), 1);
    for (size_t i = 0; i < r->n_records; i++) {
        if (r->records[i].type != SRV)
            continue;
        size_t found = 0;
        for (size_t k = 0; k < r->n_records; k++)
            found += r->records[k].type == A && strcmp(r->records[k].owner, r->records[i].target) == 0;
        ck_assert_uint_eq(found, 1);
    }
}
END_TEST

START_TEST(test_r28_target_is_never_the_root)
{
    put("shop.payment.web-1.p1", 8080, &(struct extra){.state = DISCOVER_MAINTENANCE});
    flush();
    ck_assert_uint_eq(ask(payment, SRV)->counts[0], 0);
}
END_TEST

static void check_weights(const uint32_t weights[static 3], const uint16_t expected[static 3])
{
    for (uint16_t i = 0; i < 3; i++) {
        char key[64];
        snprintf(key, sizeof key, "shop.payment.web-1.p%d", i);
        put(key, (uint16_t)(1 + i), &(struct extra){.weight = weights[i], .priority = (uint16_t)(i * 10)});
    }
    flush();
    const struct reply *r = ask(payment, SRV);
    for (size_t i = 0; i < 3; i++) { /* by priority, so in this order */
        ck_assert_uint_eq(r->records[i].port, 1 + i);
        ck_assert_uint_eq(r->records[i].priority, i * 10);
        ck_assert_uint_eq(r->records[i].weight, expected[i]);
    }
}

/* HAProxy divides by 256, and has no weight below 1. */
START_TEST(test_r29_weights_are_scaled)
{
    check_weights((uint32_t[]){1, 2, 3}, (uint16_t[]){256, 512, 768});
    check_weights((uint32_t[]){1, 100, 255}, (uint16_t[]){256, 25600, 65280});
    check_weights((uint32_t[]){100, 200, 1000}, (uint16_t[]){6553, 13107, 65535});
    check_weights((uint32_t[]){1, 2, 65535}, (uint16_t[]){256, 256, 65535});
}
END_TEST

START_TEST(test_r30_underscore_names_are_by_protocol)
{
    put("shop.payment.web-1.t", 1, NULL);
    put("shop.payment.web-1.u", 2, &(struct extra){.protocol = DISCOVER_UDP});
    flush();
    const struct reply *r = ask("_payment._tcp.shop." ZONE, SRV);
    ck_assert_uint_eq(count(r, 0, SRV), 1);
    ck_assert_uint_eq(first(r, 0, SRV)->port, 1);
    r = ask("_PAYMENT._UDP.shop." ZONE, SRV);
    ck_assert_uint_eq(count(r, 0, SRV), 1);
    ck_assert_uint_eq(first(r, 0, SRV)->port, 2);
    ck_assert_uint_eq(count(ask(payment, SRV), 0, SRV), 2);
    ck_assert_uint_eq(count(ask("_payment._tcp.shop." ZONE, A), 0, A), 1);
    put("shop.web.web-1.t", 3, NULL);
    flush();
    check_negative(ask("_web._udp.shop." ZONE, SRV), NOERROR); /* the name is there, for the other protocol */
}
END_TEST

/* How often each of n ports comes first. */
static void count_first(size_t asks, unsigned n, size_t *ret_counts)
{
    memset(ret_counts, 0, n * sizeof *ret_counts);
    for (size_t i = 0; i < asks; i++) {
        const struct reply *r = ask_edns(payment, SRV, 4096);
        ck_assert_uint_eq(count(r, 0, SRV), n);
        ret_counts[r->records[0].port - 1000]++;
    }
}

/* The order is drawn from a fixed seed, so what is counted here is the same in every run. */
START_TEST(test_r31_complete_answers_rotate)
{
    size_t counts[8];
    put_many("shop.payment", 8);
    count_first(8000, 8, counts);
    for (size_t i = 0; i < 8; i++) /* 1000 each, with a standard deviation of 30 */
        ck_assert(counts[i] > 800 && counts[i] < 1200);
}
END_TEST

START_TEST(test_r31_order_follows_weights)
{
    size_t first_of[3] = {0}, second_of[3] = {0};
    put("shop.payment.web-1.a", 1000, &(struct extra){.weight = 1});
    put("shop.payment.web-1.b", 1001, &(struct extra){.weight = 2});
    put("shop.payment.web-1.c", 1002, &(struct extra){.weight = 7});
    flush();
    for (int i = 0; i < 20000; i++) {
        const struct reply *r = ask(payment, i % 2 ? SRV : A);
        size_t at = r->records[0].type == A ? r->records[0].data[3] - 232u : r->records[0].port - 1000u;
        size_t next = r->records[1].type == A ? r->records[1].data[3] - 232u : r->records[1].port - 1000u;
        first_of[at]++;
        second_of[next]++;
    }
    /* Drawn without putting back: c first 0.7; c second 0.1 * 7/9 + 0.2 * 7/8 = 0.253. */
    ck_assert_double_eq_tol((double)first_of[0] / 20000, 0.1, 0.02);
    ck_assert_double_eq_tol((double)first_of[1] / 20000, 0.2, 0.02);
    ck_assert_double_eq_tol((double)first_of[2] / 20000, 0.7, 0.02);
    ck_assert_double_eq_tol((double)second_of[2] / 20000, 0.253, 0.03);
}
END_TEST

/* Priority before nearness before weight: the light one of the better group is always first. */
START_TEST(test_r31_groups_stay_in_order)
{
    put_host("web-2", "192.0.2.2", NULL, "us-1", "us");
    put("shop.payment.web-1.near", 1000, &(struct extra){.weight = 1});
    put("shop.payment.web-1.near2", 1001, &(struct extra){.weight = 1});
    put("shop.payment.web-2.far", 1002, &(struct extra){.weight = 60000});
    put("shop.payment.web-1.backup", 1003, &(struct extra){.weight = 60000, .priority = 1});
    flush();
    size_t swapped = 0;
    for (int i = 0; i < 200; i++) {
        const struct reply *r = ask(payment, SRV);
        ck_assert_uint_eq(r->records[2].port, 1002);
        ck_assert_uint_eq(r->records[3].port, 1003);
        swapped += r->records[0].port == 1001;
    }
    ck_assert(swapped > 50 && swapped < 150);
}
END_TEST

/* Within each group by weight, also in groups that never come first. */
START_TEST(test_r31_each_group_is_drawn_by_weight)
{
    size_t heavy[3] = {0};
    static const struct {
        const char *host;
        uint16_t priority;
    } groups[3] = {{"web-1", 0}, {"web-2", 0}, {"web-1", 7}};
    put_host("web-2", "192.0.2.2", NULL, "us-1", "us");
    for (uint16_t g = 0; g < 3; g++)
        for (uint16_t i = 0; i < 2; i++) {
            char key[64];
            snprintf(key, sizeof key, "shop.payment.%s.p%d%d", groups[g].host, g, i);
            put(key, (uint16_t)(1000 + 2 * g + i),
                &(struct extra){.weight = i ? 4 : 1, .priority = groups[g].priority});
        }
    flush();
    for (int i = 0; i < 5000; i++) {
        const struct reply *r = ask(payment, SRV);
        ck_assert_uint_eq(count(r, 0, SRV), 6);
        for (size_t g = 0; g < 3; g++) {
            ck_assert_uint_eq((r->records[2 * g].port - 1000u) / 2, g);
            heavy[g] += (r->records[2 * g].port - 1000u) % 2;
        }
    }
    for (size_t g = 0; g < 3; g++)
        ck_assert_double_eq_tol((double)heavy[g] / 5000, 0.8, 0.02);
}
END_TEST

/* Two instances behind one address and port make one record, which is drawn with the weight of both. */
START_TEST(test_weights_of_one_address_add_up)
{
    size_t mine = 0;
    put("shop.payment.web-1.a", 1000, &(struct extra){.ipv4 = "10.1.1.1", .weight = 1});
    put("shop.payment.web-1.b", 1001, &(struct extra){.ipv4 = "10.1.1.1", .weight = 2});
    put("shop.payment.web-1.c", 1002, &(struct extra){.ipv4 = "10.1.1.2", .weight = 1});
    flush();
    for (int i = 0; i < 4000; i++)
        mine += strcmp(ask(payment, A)->records[0].address, "10.1.1.1") == 0;
    ck_assert_double_eq_tol((double)mine / 4000, 0.75, 0.05);
}
END_TEST

START_TEST(test_a_change_is_in_the_next_answer)
{
    put_many("shop.payment", 3);
    for (uint16_t i = 0; i < 50; i++) {
        put("shop.payment.web-1.p1", (uint16_t)(2000 + i), NULL);
        flush();
        const struct reply *r = ask(payment, SRV);
        size_t found = 0;
        for (size_t k = 0; k < r->n_records; k++)
            found += r->records[k].type == SRV && r->records[k].port == 2000 + i;
        ck_assert_uint_eq(found, 1);
    }
    ck_assert_uint_gt(metric_get(&counters.prepared_misses), 49);
    (void)ask(payment, SRV);
    ck_assert_uint_eq(metric_get(&counters.prepared_hits), 1);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns srv", test_r25_targets_are_not_compressed_owners_are,
              test_r26_targets_have_addresses, test_r26_targets_never_dangle, test_r26_hostname_is_the_target_itself,
              test_r26_a_resolved_host_name_is_an_address_like_others, test_r27_additional_has_the_addresses,
              test_r28_target_is_never_the_root, test_r29_weights_are_scaled, test_r30_underscore_names_are_by_protocol,
              test_r31_complete_answers_rotate, test_r31_order_follows_weights, test_r31_groups_stay_in_order,
              test_r31_each_group_is_drawn_by_weight, test_weights_of_one_address_add_up,
              test_a_change_is_in_the_next_answer)
