/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared answers and their ring: what is kept is found, as it was; what is overwritten is not. */
#include "daemon/dns/dns_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dns/dns_draft.h"
#include "tests/support/unit.h"
#include "tests/unit/dns/fixture.h"

#define RING (1 << 20)

static struct dns_cache cache;
static struct dns_draft draft;
static struct dns_random dice = {42};

static struct dns_cache_key key_for(struct dns_query *q, unsigned number)
{
    uint8_t packet[512];
    char name[64];
    snprintf(name, sizeof name, "s%u.shop." ZONE, number);
    size_t n = build(name, SRV, packet);
    ck_assert_int_eq(dns_query_parse(packet, n, q), 0);
    return dns_cache_key(q, 0);
}

/* Records of so many octets, each filled with its number. */
static struct dns_prepared *prepare(unsigned records, unsigned bytes, uint8_t mark)
{
    dns_draft_begin(&draft);
    dns_draft_expect(&draft, records);
    for (unsigned i = 0; i < records; i++) {
        uint8_t record[512];
        memset(record, mark, sizeof record);
        record[0] = (uint8_t)i;
        dns_put(&draft.out, record, bytes);
        ck_assert(dns_draft_answer(&draft, 1));
    }
    dns_draft_end_answers(&draft, 60000, 0, &dice);
    return &draft.prepared;
}

static void keep(unsigned number, unsigned records, unsigned bytes, uint8_t mark)
{
    struct dns_query q;
    struct dns_cache_key key = key_for(&q, number);
    dns_cache_put(&cache, &key, prepare(records, bytes, mark));
}

static struct dns_prepared *find(unsigned number)
{
    struct dns_query q;
    struct dns_cache_key key = key_for(&q, number);
    return dns_cache_find(&cache, &key);
}

START_TEST(test_kept_answers_are_found_until_cleared)
{
    ck_assert_int_eq(dns_cache_init(&cache, RING), 0);
    ck_assert_ptr_null(find(1));
    keep(1, 3, 50, 7);
    struct dns_prepared *p = find(1);
    ck_assert_uint_eq(p->answers, 3);
    ck_assert_uint_eq(p->record_bytes, 150);
    ck_assert_uint_eq(dns_body(p)[49], 7);
    ck_assert_ptr_null(find(2));
    dns_cache_clear(&cache);
    ck_assert_ptr_null(find(1));
    keep(1, 3, 50, 8);
    ck_assert_uint_eq(dns_body(find(1))[49], 8);
    dns_cache_fini(&cache);
}
END_TEST

START_TEST(test_a_remade_answer_takes_its_old_place)
{
    ck_assert_int_eq(dns_cache_init(&cache, RING), 0);
    keep(1, 10, 50, 1);
    struct dns_prepared *place = find(1);
    uint64_t head = cache.head;
    for (uint8_t i = 0; i < 100; i++)
        keep(1, 1u + i % 10, 50, i);
    ck_assert_ptr_eq(find(1), place);
    ck_assert_uint_eq(cache.head, head);
    keep(1, 20, 50, 9); /* does not fit there */
    ck_assert_ptr_ne(find(1), place);
    ck_assert_uint_eq(find(1)->answers, 20);
    dns_cache_fini(&cache);
}
END_TEST

/* Services whose instances come and go all day long: the memory they need is found in the first hour. */
START_TEST(test_answers_that_grow_and_shrink_settle)
{
    enum { SERVICES = 100, LARGEST = 20, RECORD = 60 };
    ck_assert_int_eq(dns_cache_init(&cache, RING * 4), 0);
    uint64_t start = cache.head;
    for (unsigned i = 0; i < 200 * SERVICES; i++)
        keep(i % SERVICES, 1 + dns_random_below(&dice, 1 + dns_random_below(&dice, LARGEST)), RECORD, 1);
    uint64_t settled = cache.head;
    for (unsigned i = 0; i < 200 * SERVICES; i++)
        keep(i % SERVICES, 1 + dns_random_below(&dice, 1 + dns_random_below(&dice, LARGEST)), RECORD, 1);
    ck_assert_uint_le(cache.head - settled, (settled - start) / 10);
    ck_assert_uint_lt(settled - start, SERVICES * LARGEST * RECORD * 4);
    dns_cache_fini(&cache);
}
END_TEST

/* The memory that was used before is used again. */
START_TEST(test_a_cleared_cache_begins_at_its_beginning)
{
    ck_assert_int_eq(dns_cache_init(&cache, RING), 0);
    keep(1, 3, 50, 7);
    struct dns_prepared *place = find(1);
    for (uint8_t i = 0; i < 100; i++) {
        dns_cache_clear(&cache);
        ck_assert_ptr_null(find(1));
        keep(1, 3, 50, i);
        ck_assert_ptr_eq(find(1), place);
        ck_assert_uint_eq(dns_body(find(1))[49], i);
    }
    dns_cache_fini(&cache);
}
END_TEST

/* Far more than fits: whatever is found is what was kept, and the newest always is. */
START_TEST(test_the_oldest_are_overwritten)
{
    size_t found = 0;
    ck_assert_int_eq(dns_cache_init(&cache, RING), 0);
    for (unsigned i = 0; i < 5000; i++) {
        keep(i, 1 + i % 20, 50 + i % 100, (uint8_t)i);
        ck_assert_ptr_nonnull(find(i));
    }
    for (unsigned i = 0; i < 5000; i++) {
        struct dns_prepared *p = find(i);
        if (!p)
            continue;
        found++;
        ck_assert_uint_eq(p->answers, 1 + i % 20);
        ck_assert_uint_eq(p->record_bytes, (1 + i % 20) * (50 + i % 100));
        ck_assert_uint_eq(dns_body(p)[1], (uint8_t)i);
        ck_assert_uint_eq(dns_body(p)[p->record_bytes - 1], (uint8_t)i);
    }
    ck_assert(found > 200 && found < 2500);
    dns_cache_fini(&cache);
}
END_TEST

START_TEST(test_too_large_answers_are_not_kept)
{
    ck_assert_int_eq(dns_cache_init(&cache, RING), 0);
    keep(1, 250, 200, 1);
    ck_assert_ptr_null(find(1));
    dns_cache_fini(&cache);
}
END_TEST

/* Moving records about loses and doubles none, whatever their sizes and groups. */
START_TEST(test_turning_keeps_all_records)
{
    dns_draft_begin(&draft);
    dns_draft_expect(&draft, 60);
    for (uint8_t i = 0; i < 60; i++) {
        uint8_t record[64];
        memset(record, i, sizeof record);
        dns_put(&draft.out, record, 1u + i);
        ck_assert(dns_draft_answer(&draft, 1u + i % 5));
        if (i % 20 == 19)
            dns_draft_next_group(&draft);
    }
    dns_draft_end_answers(&draft, 60000, 0, &dice);
    struct dns_prepared *p = &draft.prepared;
    ck_assert_uint_eq(p->n_groups, 3);
    for (int turn = 0; turn < 1000; turn++) {
        bool seen[60] = {false};
        const uint8_t *at = dns_body(p);
        dns_prepared_turn(p, &dice);
        for (unsigned i = 0; i < 60; i++) {
            ck_assert_uint_eq(*at / 20, i / 20); /* in its group */
            ck_assert(!seen[*at]);
            seen[*at] = true;
            ck_assert_uint_eq(dns_records(p)[i].bytes, 1u + *at);
            ck_assert_uint_eq(dns_records(p)[i].weight, 1u + *at % 5);
            at += 1 + *at;
        }
        ck_assert_ptr_eq(at, dns_body(p) + p->record_bytes);
    }
}
END_TEST

/* Names that are not in the table are not kept: inventing them pushes nobody out. */
START_TEST(test_invented_names_are_not_kept)
{
    put_many("shop.payment", 3);
    (void)ask("payment.shop." ZONE, SRV);
    for (unsigned i = 0; i < 2000; i++) {
        char name[64];
        snprintf(name, sizeof name, "x%u.shop." ZONE, i);
        (void)ask(name, SRV);
        snprintf(name, sizeof name, "%08x.addr.shop." ZONE, i);
        (void)ask(name, A);
        snprintf(name, sizeof name, "t%u.tag.payment.shop." ZONE, i);
        (void)ask(name, A);
    }
    ck_assert_uint_eq(metric_get(&counters.prepared_hits), 0);
    (void)ask("payment.shop." ZONE, SRV);
    ck_assert_uint_eq(metric_get(&counters.prepared_hits), 1);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "dns cache", test_kept_answers_are_found_until_cleared,
              test_a_remade_answer_takes_its_old_place, test_answers_that_grow_and_shrink_settle,
              test_a_cleared_cache_begins_at_its_beginning, test_the_oldest_are_overwritten,
              test_too_large_answers_are_not_kept, test_turning_keeps_all_records, test_invented_names_are_not_kept)
