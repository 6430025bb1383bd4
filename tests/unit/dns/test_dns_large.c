/* SPDX-License-Identifier: Apache-2.0 */
/* A service that lies in pages answers to every name as any other does, and no question can push out what others ask. */
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

enum { MANY = 600 };

#define NAME "payment.shop." ZONE

static const char *text(const char *format, unsigned i)
{
    static char name[200];
    int n = snprintf(name, sizeof name, "%s", format);
    char *at = strchr(name, '#');
    ck_assert_int_lt(n, 150);
    if (at) {
        char rest[200];
        strcpy(rest, at + 1);
        sprintf(at, "%u%s", i, rest);
    }
    return name;
}

/* i on host web-<i / 100>: every third fails, every 50th has a tag of its own, the last hundred are udp. */
static void fill(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        char key[100], tag[16];
        snprintf(key, sizeof key, "shop.payment.web-%u.p%u", i / 100, i);
        snprintf(tag, sizeof tag, "t%u", i % 50);
        put(key, (uint16_t)(1000 + i),
            &(struct extra){.tag = tag,
                            .state = i % 3 ? DISCOVER_PASSING : DISCOVER_CRITICAL,
                            .protocol = i >= 500 ? DISCOVER_UDP : DISCOVER_TCP});
    }
    put("shop.payment.web-9.down", 1, &(struct extra){.tag = "down", .state = DISCOVER_CRITICAL});
    put_host("web-9", "192.0.2.9", NULL, "far", "us");
    flush();
}

static unsigned usable_below(unsigned from, unsigned to, unsigned step)
{
    unsigned n = 0;
    for (unsigned i = from; i < to; i += step)
        n += i % 3 != 0;
    return n;
}

START_TEST(test_conditions)
{
    fill();
    for (unsigned tag = 0; tag < 50; tag++)
        ck_assert_uint_eq(count(ask_tcp(text("t#.tag." NAME, tag), SRV), 0, SRV), usable_below(tag, MANY, 50));
    ck_assert_uint_eq(count(ask_tcp("eu-1.at." NAME, SRV), 0, SRV), usable_below(0, MANY, 1));
    ck_assert_uint_eq(count(ask_tcp("eu.at." NAME, SRV), 0, SRV), usable_below(0, MANY, 1));
    ck_assert_uint_eq(count(ask_tcp("_payment._udp.shop." ZONE, SRV), 0, SRV), usable_below(500, MANY, 1));
    ck_assert_uint_eq(count(ask_tcp("_payment._tcp.shop." ZONE, SRV), 0, SRV), usable_below(0, 500, 1));
    ck_assert_uint_eq(count(ask_tcp(NAME, SRV), 0, SRV), usable_below(0, MANY, 1));
    ck_assert_uint_eq(count(ask_tcp(NAME, A), 0, A), usable_below(0, MANY, 1));
}
END_TEST

/* There, but nothing usable: NODATA. Not there: NXDOMAIN. */
START_TEST(test_nothing_usable_and_nothing_at_all)
{
    fill();
    check_negative(ask("down.tag." NAME, SRV), NOERROR);
    check_negative(ask("far.at." NAME, SRV), NOERROR);
    check_negative(ask("us.at." NAME, A), NOERROR);
    check_negative(ask("web-9.id." NAME, SRV), NOERROR);
    check_negative(ask("down.web-9.id." NAME, SRV), NOERROR);
    check_negative(ask("tag." NAME, SRV), NOERROR);
    check_negative(ask(NAME, AAAA), NOERROR);
    check_negative(ask(NAME, 999), NOERROR);
    check_negative(ask("up.tag." NAME, SRV), NXDOMAIN);
    check_negative(ask("mars.at." NAME, SRV), NXDOMAIN);
    check_negative(ask("web-8.id." NAME, SRV), NXDOMAIN);
    check_negative(ask("p1.web-3.id." NAME, SRV), NXDOMAIN); /* it is on web-0 */
    check_negative(ask("-.web-3.id." NAME, SRV), NXDOMAIN);
    check_negative(ask("p1@web-3._payment._tcp.shop." ZONE, SRV), NXDOMAIN);
    check_negative(ask("p501@web-5._payment._tcp.shop." ZONE, SRV), NXDOMAIN); /* it is udp */
    check_negative(ask("0123456789abcdef._payment._tcp.shop." ZONE, SRV), NXDOMAIN);
}
END_TEST

/* Few have an IPv6 address: they are found, and of what has none it is known that it is there. */
START_TEST(test_a_family_that_few_have)
{
    fill();
    put("shop.payment.web-2.six", 6, &(struct extra){.ipv6 = "2001:db8::6", .tag = "six"});
    flush();
    ck_assert_uint_eq(count(ask(NAME, AAAA), 0, AAAA), 1);
    ck_assert_uint_eq(count(ask_tcp(NAME, AAAA), 0, AAAA), 1);
    ck_assert_uint_eq(count(ask("six.tag." NAME, AAAA), 0, AAAA), 1);
    check_negative(ask("six.tag." NAME, A), NOERROR);
    check_negative(ask("t1.tag." NAME, AAAA), NOERROR);
    check_negative(ask("down.tag." NAME, AAAA), NOERROR);
    check_negative(ask("p1.web-0.id." NAME, AAAA), NOERROR);
    check_negative(ask("web-0.id." NAME, AAAA), NOERROR);
    check_negative(ask("t1.tag." NAME, PTR), NOERROR);
    check_negative(ask("up.tag." NAME, AAAA), NXDOMAIN);
    check_negative(ask("_services._dns-sd._udp.shop." ZONE, A), NOERROR);
    set_sync(TABLE_UNSYNCED); /* what is there is told, and what is not known is no absence */
    check_negative(ask("t1.tag." NAME, AAAA), NOERROR);
    ck_assert_uint_eq(ask("up.tag." NAME, AAAA)->rcode, SERVFAIL);
}
END_TEST

START_TEST(test_each_instance_by_name)
{
    fill();
    for (unsigned i = 1; i < MANY; i += 7) {
        char name[200];
        snprintf(name, sizeof name, "p%u.web-%u.id." NAME, i, i / 100);
        if (i % 3 == 0) {
            check_negative(ask(name, SRV), NOERROR);
            continue;
        }
        ck_assert_uint_eq(first(ask(name, SRV), 0, SRV)->port, 1000 + i);
        snprintf(name, sizeof name, "p%u@web-%u._payment._%s.shop." ZONE, i, i / 100, i >= 500 ? "udp" : "tcp");
        ck_assert_uint_eq(first(ask(name, SRV), 0, SRV)->port, 1000 + i);
    }
}
END_TEST

/* Where instance and host are too long for a label, the label is the id: the browser finds it as it was told. */
START_TEST(test_an_instance_whose_label_is_its_id)
{
    fill();
    put("shop.payment.a-host-with-a-name-that-is-rather-long-for-a-host.an-instance-with-a-long-name-too", 77,
        &(struct extra){.priority = 0});
    flush();
    const struct reply *r = ask_tcp("_payment._tcp.shop." ZONE, PTR);
    char name[1024] = "";
    for (size_t i = 0; i < r->n_records; i++)
        if (r->records[i].type == PTR && !strchr(r->records[i].target, '@'))
            strcpy(name, r->records[i].target);
    ck_assert_uint_eq(first(ask(name, SRV), 0, SRV)->port, 77);
}
END_TEST

/* As many as fit, the same ones however large the reply may be; complete where that fits. */
START_TEST(test_truncated)
{
    fill();
    for (unsigned payload = 512; payload < 16384; payload += 1111) {
        const struct reply *r = ask_edns(NAME, SRV, (uint16_t)payload);
        ck_assert(r->tc);
        ck_assert_uint_ge(count(r, 0, SRV), payload / 70);
    }
    ck_assert(!ask_tcp(NAME, SRV)->tc);
}
END_TEST

/* A thousand instances with three addresses among them: all three are in a small reply. */
START_TEST(test_few_addresses_of_many)
{
    for (unsigned i = 0; i < MANY; i++) {
        char key[100];
        snprintf(key, sizeof key, "shop.payment.web-1.p%u", i);
        put(key, (uint16_t)(1000 + i),
            &(struct extra){.ipv4 = i == 17    ? "10.1.1.1"
                                    : i == 333 ? "10.1.1.2"
                                               : "10.1.1.3"});
    }
    put("shop.payment.web-1.v6", 1, &(struct extra){.ipv6 = "2001:db8::1", .priority = 9});
    flush();
    const struct reply *r = ask_edns(NAME, A, 1232);
    ck_assert_uint_eq(count(r, 0, A), 3);
    ck_assert(!r->tc);
    ck_assert_uint_eq(count(ask(NAME, A), 0, A), 3);
    ck_assert_uint_eq(count(ask_edns(NAME, AAAA, 1232), 0, AAAA), 1);
}
END_TEST

/* The largest weight of all instances is what all weights are scaled by, also where few of them are looked at. */
START_TEST(test_weights_are_scaled_as_of_the_whole)
{
    fill();
    put("shop.payment.web-9.heavy", 2, &(struct extra){.weight = 65535, .state = DISCOVER_CRITICAL, .tag = "heavy"});
    put("shop.payment.web-0.half", 3, &(struct extra){.weight = 32768, .tag = "half"});
    flush();
    ck_assert_uint_eq(first(ask("half.tag." NAME, SRV), 0, SRV)->weight, 32768);
}
END_TEST

/* A change of one instance is in the next answer. */
START_TEST(test_changes_are_seen)
{
    fill();
    ck_assert_uint_eq(first(ask("p1.web-0.id." NAME, SRV), 0, SRV)->port, 1001);
    put("shop.payment.web-0.p1", 4711, &(struct extra){.tag = "new"});
    flush();
    ck_assert_uint_eq(first(ask("p1.web-0.id." NAME, SRV), 0, SRV)->port, 4711);
    ck_assert_uint_eq(first(ask("new.tag." NAME, SRV), 0, SRV)->port, 4711);
    drop("shop.payment.web-0.p1");
    flush();
    check_negative(ask("p1.web-0.id." NAME, SRV), NXDOMAIN);
    check_negative(ask("new.tag." NAME, SRV), NXDOMAIN);
}
END_TEST

/* Who asks for types that nobody has, of names that are there, pushes out nobody's answers. */
START_TEST(test_invented_types_are_not_kept)
{
    put_many("shop.cart", 3);
    (void)ask("cart.shop." ZONE, SRV);
    for (unsigned type = 1000; type < 30000; type++)
        (void)ask("cart.shop." ZONE, (uint16_t)type);
    ck_assert_uint_eq(metric_get(&counters.prepared_hits), 0);
    (void)ask("cart.shop." ZONE, SRV);
    ck_assert_uint_eq(metric_get(&counters.prepared_hits), 1);
}
END_TEST

static bool has_owner(const struct reply *r, int section, uint16_t type, const char *name)
{
    for (size_t i = 0; i < r->n_records; i++)
        if (r->records[i].section == section && r->records[i].type == type && strcmp(r->records[i].owner, name) == 0)
            return true;
    return false;
}

/* Whatever the order of the answers is: each target has its own addresses. */
static void check_targets_have_addresses(const struct reply *r, unsigned n)
{
    ck_assert_uint_eq(count(r, 0, SRV), n);
    ck_assert(!r->tc);
    for (size_t i = 0; i < r->n_records; i++) {
        if (r->records[i].type != SRV)
            continue;
        ck_assert(has_owner(r, 2, A, r->records[i].target));
        ck_assert(has_owner(r, 2, AAAA, r->records[i].target));
    }
    for (size_t i = 0; i < r->n_records; i++) {
        const struct record_seen *a = &r->records[i];
        char digits[9];
        if (a->section != 2 || a->type != A)
            continue;
        for (unsigned k = 0; k < 4; k++)
            snprintf(digits + 2 * k, 3, "%02x", a->data[k]);
        ck_assert_mem_eq(a->owner, digits, 8); /* the name tells the address */
    }
}

static void put_dual(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char key[64], ipv4[32], ipv6[32];
        snprintf(key, sizeof key, "shop.dual.web-%u.p", i);
        snprintf(ipv4, sizeof ipv4, "10.0.%u.%u", i / 200, 1 + i % 200);
        snprintf(ipv6, sizeof ipv6, "2001:db8::%x", i + 1);
        put(key, (uint16_t)(1000 + i), &(struct extra){.ipv4 = ipv4, .ipv6 = ipv6, .weight = 1 + i % 7});
    }
    flush();
}

/* RFC 1035 4.1.4: the owners of the addresses are pointers to the targets, which RFC 2782 wants in full. */
START_TEST(test_targets_own_their_addresses_by_pointers)
{
    put_dual(0, 60);
    put("shop.dual.web-1.same", 999, &(struct extra){.ipv4 = "10.0.0.2", .ipv6 = "2001:db8::2"}); /* as web-1's p */
    put("shop.dual.web-1.v4", 998, &(struct extra){.ipv4 = "10.0.0.2"});
    flush();
    for (unsigned i = 0; i < 50; i++) {
        const struct reply *r = ask_tcp("dual.shop." ZONE, SRV);
        ck_assert_uint_eq(count(r, 0, SRV), 62);
        ck_assert_uint_eq(count(r, 2, A), 61);
        ck_assert_uint_eq(count(r, 2, AAAA), 60);
        for (size_t k = 0; k < r->n_records; k++)
            if (r->records[k].type == SRV)
                ck_assert(has_owner(r, 2, A, r->records[k].target));
    }
    drop("shop.dual.web-1.same");
    drop("shop.dual.web-1.v4");
    flush();
    enum { SRV_BYTES = 88, A_BYTES = 16, AAAA_BYTES = 28, HEAD_BYTES = 12 + 29 + 4, OPT_BYTES = 11 };
    const struct reply *r = ask_edns("dual.shop." ZONE, SRV, 16384);
    check_targets_have_addresses(r, 60);
    ck_assert_uint_eq(r->n, HEAD_BYTES + 60 * (SRV_BYTES + A_BYTES + AAAA_BYTES) + OPT_BYTES);
}
END_TEST

/* A pointer reaches 16,383 octets. */
START_TEST(test_targets_that_no_pointer_reaches)
{
    for (unsigned i = 0; i < 250; i += 10) {
        put_dual(i, i + 10);
        for (unsigned k = 0; k < 5; k++)
            check_targets_have_addresses(ask_tcp("dual.shop." ZONE, SRV), i + 10);
    }
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns large", test_conditions, test_nothing_usable_and_nothing_at_all,
              test_a_family_that_few_have, test_each_instance_by_name, test_an_instance_whose_label_is_its_id,
              test_truncated, test_few_addresses_of_many, test_weights_are_scaled_as_of_the_whole,
              test_changes_are_seen, test_invented_types_are_not_kept, test_targets_own_their_addresses_by_pointers,
              test_targets_that_no_pointer_reaches)
