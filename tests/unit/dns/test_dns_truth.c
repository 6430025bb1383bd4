/* SPDX-License-Identifier: Apache-2.0 */
/* What is said while not everything is known: never "nobody is there" for "I cannot know". */
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

static const char payment[] = "payment.shop." ZONE;

static void with_payment(enum table_sync sync)
{
    put("shop.payment.web-1.p1", 8080, &(struct extra){.tag = "canary"});
    flush();
    set_sync(sync);
}

static void check_servfail(const struct reply *r)
{
    ck_assert_uint_eq(r->rcode, SERVFAIL);
    ck_assert(!r->aa && !r->tc);
    ck_assert_uint_eq(r->n_records, 0);
}

START_TEST(test_r40_unsynced_unknown_names_are_servfail)
{
    static const char *const names[] = {"nosuch.shop." ZONE,
                                        "nosuch." ZONE,
                                        "_nosuch._tcp.shop." ZONE,
                                        "nosuch.host." ZONE,
                                        "blue.tag.payment.shop." ZONE,
                                        "mars.at.payment.shop." ZONE,
                                        "p2.web-2.id.payment.shop." ZONE,
                                        "_tcp.nosuch." ZONE};
    with_payment(TABLE_UNSYNCED);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check_servfail(ask(names[i], SRV));
        ck_assert_int_eq(ask_edns(names[i], A, 1232)->ede, 14);
    }
}
END_TEST

START_TEST(test_r40_unsynced_local_instances_are_served)
{
    with_payment(TABLE_UNSYNCED);
    ck_assert_uint_eq(count(ask(payment, SRV), 0, SRV), 1);
    ck_assert_uint_eq(count(ask("canary.tag.payment.shop." ZONE, A), 0, A), 1);
    check_negative(ask(payment, AAAA), NOERROR); /* else a client that asks for both would fail on the first */
    put("shop.payment.web-1.p1", 8080, &(struct extra){.state = DISCOVER_CRITICAL});
    flush();
    check_servfail(ask(payment, SRV)); /* others may serve it */
}
END_TEST

/* "payment.shop.<zone>" with <zone> as search list: the last of what glibc tries decides. */
START_TEST(test_r40_unsynced_search_list_ends_in_no_denial)
{
    with_payment(TABLE_UNSYNCED);
    check_servfail(ask("nosuch.shop." ZONE "." ZONE, A));
    set_sync(TABLE_LIVE);
    check_negative(ask("nosuch.shop." ZONE "." ZONE, A), NXDOMAIN);
}
END_TEST

START_TEST(test_r40_unsynced_what_needs_no_catalog_is_answered)
{
    with_payment(TABLE_UNSYNCED);
    ck_assert_uint_eq(count(ask(ZONE, SOA), 0, SOA), 1);
    ck_assert_uint_eq(count(ask("0a000001.addr.shop." ZONE, A), 0, A), 1);
    check_negative(ask("host." ZONE, A), NOERROR);
    ck_assert_uint_eq(ask("example.com", A)->rcode, REFUSED);
}
END_TEST

START_TEST(test_r40_without_a_table_nothing_is_denied)
{
    struct dns_tables none;
    struct dns_responder *with_table = responder;
    dns_tables_init(&none);
    ck_assert_int_eq(dns_responder_new(&config, &none, &counters, 1 << 20, &responder), 0);
    check_servfail(ask(payment, SRV));
    check_servfail(ask("shop." ZONE, A));
    ck_assert_uint_eq(count(ask(ZONE, SOA), 0, SOA), 1);
    ck_assert_uint_eq(metric_get(&counters.unsynced), 2);
    dns_responder_free(responder);
    dns_tables_fini(&none);
    responder = with_table;
}
END_TEST

START_TEST(test_stale_answers_are_given_and_marked)
{
    with_payment(TABLE_STALE);
    config.ttl_s = 60;
    const struct reply *r = ask_edns(payment, SRV, 1232);
    ck_assert_uint_eq(r->rcode, NOERROR);
    ck_assert(r->aa);
    ck_assert_int_eq(r->ede, 3);
    ck_assert_uint_eq(first(r, 0, SRV)->ttl, 5); /* ask again soon */
    ck_assert_uint_eq(first(r, 2, A)->ttl, 5);
    ck_assert_uint_eq(ask(payment, SRV)->rcode, NOERROR);
    check_negative(ask("nosuch.shop." ZONE, A), NXDOMAIN);
}
END_TEST

/* That nothing usable is known, or no such name, is marked as well, and not to be remembered for longer. */
START_TEST(test_stale_absence_is_marked)
{
    with_payment(TABLE_STALE);
    config.ttl_s = 60;
    put("shop.payment.web-1.p1", 8080, &(struct extra){.state = DISCOVER_CRITICAL});
    flush();
    const struct reply *r = ask_edns(payment, SRV, 1232);
    check_negative(r, NOERROR);
    ck_assert_int_eq(r->ede, 3);
    ck_assert_uint_le(first(r, 1, SOA)->ttl, 5);
    r = ask_edns("nosuch.shop." ZONE, SRV, 1232);
    check_negative(r, NXDOMAIN);
    ck_assert_int_eq(r->ede, 19);
    ck_assert_uint_le(first(r, 1, SOA)->ttl, 5);
    ck_assert_int_eq(ask_edns(ZONE, SOA, 1232)->ede, -1); /* what depends on no catalog is not stale */
}
END_TEST

/* After a start without network: what an earlier life left on disk is told, as stale; nothing is denied. */
START_TEST(test_stored_catalog_answers_and_denies_nothing)
{
    with_payment(TABLE_UNSYNCED);
    table_writer_set_sync(catalog_table(catalog), TABLE_UNSYNCED, now_ns - NS_PER_S);
    const struct reply *r = ask_edns(payment, SRV, 1232);
    ck_assert_uint_eq(r->rcode, NOERROR);
    ck_assert_uint_eq(count(r, 0, SRV), 1);
    ck_assert_int_eq(r->ede, 3);
    check_servfail(ask("nosuch.shop." ZONE, SRV));
    set_sync(TABLE_LIVE);
    check_negative(ask("nosuch.shop." ZONE, SRV), NXDOMAIN);
}
END_TEST

/* The prepared answer of one mode is not given in another. */
START_TEST(test_modes_do_not_mix)
{
    with_payment(TABLE_LIVE);
    for (int i = 0; i < 3; i++) {
        set_sync(TABLE_STALE);
        ck_assert_int_eq(ask_edns(payment, SRV, 1232)->ede, 3);
        set_sync(TABLE_LIVE);
        ck_assert_int_eq(ask_edns(payment, SRV, 1232)->ede, -1);
        check_negative(ask(payment, TXT), NOERROR);
        set_sync(TABLE_DEGRADED);
        ck_assert_int_eq(ask_edns(payment, SRV, 1232)->ede, -1);
        set_sync(TABLE_UNSYNCED);
        ck_assert_int_eq(ask_edns("nosuch.shop." ZONE, SRV, 1232)->ede, 14);
    }
}
END_TEST

/* The daemon's main thread gave no sign of life: what it left is stale. */
START_TEST(test_silence_is_stale)
{
    with_payment(TABLE_LIVE);
    now_ns += TABLE_DEAD_NS;
    ck_assert_int_eq(ask_edns(payment, SRV, 1232)->ede, -1);
    now_ns += 1;
    ck_assert_int_eq(ask_edns(payment, SRV, 1232)->ede, 3);
    table_writer_alive(catalog_table(catalog), now_ns);
    ck_assert_int_eq(ask_edns(payment, SRV, 1232)->ede, -1);
}
END_TEST

/* The table outgrows its segment: slots have new numbers, prepared answers of the old ones are not given. */
START_TEST(test_answers_follow_the_table_into_a_new_segment)
{
    with_payment(TABLE_LIVE);
    ck_assert_uint_eq(first(ask(payment, SRV), 0, SRV)->port, 8080);
    uint64_t moves = table_writer_stats(catalog_table(catalog)).moves;
    put_many("shop.other", 3000);
    ck_assert_uint_gt(table_writer_stats(catalog_table(catalog)).moves, moves);
    put("shop.payment.web-1.p1", 8081, NULL);
    flush();
    ck_assert_uint_eq(first(ask(payment, SRV), 0, SRV)->port, 8081);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns truth", test_r40_unsynced_unknown_names_are_servfail,
              test_r40_unsynced_local_instances_are_served, test_r40_unsynced_search_list_ends_in_no_denial,
              test_r40_unsynced_what_needs_no_catalog_is_answered, test_r40_without_a_table_nothing_is_denied,
              test_stale_answers_are_given_and_marked, test_stale_absence_is_marked,
              test_stored_catalog_answers_and_denies_nothing, test_modes_do_not_mix, test_silence_is_stale,
              test_answers_follow_the_table_into_a_new_segment)
