/* SPDX-License-Identifier: Apache-2.0 */
/* What is believed of a service in DNS, for how long, and when it is asked for again. */
#include "libdiscover/dns/dns_lookup.h"
#include "tests/support/unit.h"

#define NOW (1000 * NS_PER_S)

static struct dns_service s;
static struct dns_srv_target targets[2];

static void begin(void)
{
    dns_service_init(&s, "shop/payment", 1);
    for (int i = 0; i < 2; i++)
        targets[i] = (struct dns_srv_target){.name = {.octets = {1, (uint8_t)('a' + i), 0}, .n = 3},
                                             .addresses.families = DISCOVER_HAS_IPV4,
                                             .port = 1,
                                             .weight = 1};
}

static bool answered(enum dns_outcome outcome, size_t n, uint32_t ttl_s, int64_t now_ns)
{
    const struct dns_answer a = {.outcome = outcome, .targets = targets, .n_targets = n, .ttl_s = ttl_s};
    return dns_service_answered(&s, &a, now_ns);
}

static const struct table *known(void)
{
    struct mapping *mapping = atomic_load(&s.mappings.current);
    return mapping ? &mapping->table : NULL;
}

static int64_t age_at(int64_t now_ns)
{
    return table_age_ns(known(), now_ns);
}

START_TEST(an_answer_holds_for_its_ttl)
{
    begin();
    ck_assert(answered(DNS_FOUND, 2, 10, NOW));
    ck_assert_int_eq(s.due_ns, NOW + 10 * NS_PER_S);
    ck_assert_int_eq(table_sync(known()), TABLE_LIVE);
    ck_assert_int_eq(age_at(s.due_ns + DNS_GRACE_NS), 0);
    ck_assert_int_gt(age_at(s.due_ns + DNS_GRACE_NS + 1), 0);
    dns_service_fini(&s);
}
END_TEST

START_TEST(ttls_have_limits)
{
    begin();
    (void)answered(DNS_FOUND, 1, 0, NOW);
    ck_assert_int_eq(s.due_ns, NOW + NS_PER_S);
    (void)answered(DNS_FOUND, 1, UINT32_MAX, NOW);
    ck_assert_int_eq(s.due_ns, NOW + 3600 * NS_PER_S);
    dns_service_fini(&s);
}
END_TEST

START_TEST(the_same_again_is_no_change)
{
    begin();
    ck_assert(answered(DNS_FOUND, 2, 1, NOW));
    const struct table *t = known();
    ck_assert(!answered(DNS_FOUND, 2, 1, NOW + NS_PER_S));
    ck_assert_ptr_eq(known(), t);
    ck_assert_int_eq(age_at(NOW + 2 * NS_PER_S), 0);
    ck_assert(answered(DNS_FOUND, 1, 1, NOW + 2 * NS_PER_S));
    dns_service_fini(&s);
}
END_TEST

/* With its age from when it was last known to be true, not from when it ran out. */
START_TEST(a_failure_leaves_what_was_found_as_stale)
{
    begin();
    (void)answered(DNS_FOUND, 2, 1, NOW);
    dns_service_failed(&s, NOW + NS_PER_S);
    ck_assert_int_eq(table_sync(known()), TABLE_STALE);
    ck_assert_int_eq(age_at(NOW + NS_PER_S), NS_PER_S);
    ck_assert_int_gt(s.due_ns, NOW + NS_PER_S);
    ck_assert_int_le(s.due_ns, NOW + NS_PER_S + RETRY_LONGEST_NS);
    (void)answered(DNS_FAILED, 0, 1, NOW + 5 * NS_PER_S);
    ck_assert_int_eq(age_at(NOW + 5 * NS_PER_S), 5 * NS_PER_S);
    ck_assert(!answered(DNS_FOUND, 2, 1, NOW + 6 * NS_PER_S));
    ck_assert_int_eq(table_sync(known()), TABLE_LIVE);
    ck_assert_int_eq(age_at(NOW + 6 * NS_PER_S), 0);
    dns_service_fini(&s);
}
END_TEST

START_TEST(a_failure_before_all_answers_is_nothing_known)
{
    begin();
    dns_service_failed(&s, NOW);
    ck_assert_ptr_null(known());
    ck_assert_int_gt(s.due_ns, NOW);
    dns_service_fini(&s);
}
END_TEST

/* "Nobody is there" is not to be said of somebody who cannot be asked about. */
START_TEST(that_nobody_was_there_is_not_kept)
{
    static const enum dns_outcome outcomes[] = {DNS_NONE, DNS_UNKNOWN};
    for (int i = 0; i < 2; i++) {
        begin();
        ck_assert(answered(outcomes[i], 0, 1, NOW));
        ck_assert_int_eq(table_sync(known()), TABLE_LIVE);
        dns_service_failed(&s, NOW + NS_PER_S);
        ck_assert_int_eq(table_sync(known()), TABLE_UNSYNCED);
        ck_assert(answered(outcomes[i], 0, 1, NOW + 2 * NS_PER_S));
        ck_assert_int_eq(table_sync(known()), TABLE_LIVE);
        dns_service_fini(&s);
    }
}
END_TEST

START_TEST(none_after_some_is_believed)
{
    begin();
    (void)answered(DNS_FOUND, 2, 1, NOW);
    ck_assert(answered(DNS_NONE, 0, 1, NOW + NS_PER_S));
    ck_assert_int_eq(table_sync(known()), TABLE_LIVE);
    ck_assert(answered(DNS_UNKNOWN, 0, 1, NOW + NS_PER_S));
    dns_service_fini(&s);
}
END_TEST

START_TEST(what_is_late_is_in_doubt)
{
    begin();
    (void)answered(DNS_FOUND, 2, 1, NOW);
    ck_assert_int_eq(s.late_ns, NOW + NS_PER_S + DNS_GRACE_NS);
    dns_service_late(&s, s.late_ns);
    ck_assert_int_eq(table_sync(known()), TABLE_STALE);
    ck_assert_int_eq(age_at(s.late_ns), NS_PER_S + DNS_GRACE_NS);
    (void)answered(DNS_NONE, 0, 1, NOW);
    dns_service_late(&s, s.late_ns);
    ck_assert_int_eq(table_sync(known()), TABLE_UNSYNCED);
    dns_service_fini(&s);
}
END_TEST

START_TEST(stale_at_the_source_is_stale_here)
{
    begin();
    struct dns_answer a = {.outcome = DNS_FOUND, .targets = targets, .n_targets = 1, .ttl_s = 1, .stale = true};
    (void)dns_service_answered(&s, &a, NOW);
    ck_assert_int_eq(table_sync(known()), TABLE_STALE);
    ck_assert_int_eq(age_at(NOW + NS_PER_S), NS_PER_S);
    a.stale = false;
    (void)dns_service_answered(&s, &a, NOW + 2 * NS_PER_S);
    a.stale = true;
    (void)dns_service_answered(&s, &a, NOW + 9 * NS_PER_S);
    ck_assert_int_eq(age_at(NOW + 9 * NS_PER_S), 7 * NS_PER_S);
    dns_service_fini(&s);
}
END_TEST

UNIT_TESTS("DNS services", an_answer_holds_for_its_ttl, ttls_have_limits, the_same_again_is_no_change,
           a_failure_leaves_what_was_found_as_stale, a_failure_before_all_answers_is_nothing_known,
           that_nobody_was_there_is_not_kept, none_after_some_is_believed, what_is_late_is_in_doubt,
           stale_at_the_source_is_stale_here)
