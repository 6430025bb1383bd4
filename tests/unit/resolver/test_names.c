/* SPDX-License-Identifier: Apache-2.0 */
/* Which host name is asked for when, and what becomes of the answers. Time is passed in. */
#include "daemon/resolver/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libdiscover/core/clock.h"
#include "tests/support/unit.h"

#define S     NS_PER_S
#define START (100 * S)

static struct names *names;
static struct names_counters counters;
static struct addresses now_at; /* as the last change said */
static enum names_news news;
static const struct addresses unknown;

static void make(size_t names_max, size_t queries_max)
{
    const struct names_options options = {.names_max = names_max,
                                          .queries_max = queries_max,
                                          .min_ttl_ns = 5 * S,
                                          .max_ttl_ns = 3600 * S,
                                          .denied_ns = 300 * S};
    memset(&counters, 0, sizeof counters);
    ck_assert_int_eq(names_new(&options, &counters, &names), 0);
}

static void setup(void)
{
    make(10, 10);
}

static void teardown(void)
{
    names_free(names);
}

static void limit(size_t names_max, size_t queries_max)
{
    teardown();
    make(names_max, queries_max);
}

static struct names_question next(int64_t at_ns)
{
    struct names_question q;
    ck_assert(names_next(names, at_ns, &q));
    return q;
}

/* The question for one side; the other one is found missing for good on the way. */
static struct names_question next_of(uint8_t family, int64_t at_ns)
{
    const struct names_answer none = {.outcome = NAMES_DENIED};
    struct names_question q = next(at_ns);
    while (q.family != family) {
        struct addresses a;
        (void)names_answered(names, &q, &none, 0, at_ns, &a, &news);
        q = next(at_ns);
    }
    return q;
}

static bool found(const struct names_question *q, uint32_t ttl_s, const char *last_octets, uint32_t random,
                  int64_t at_ns)
{
    struct names_answer answer = {.outcome = NAMES_FOUND, .ttl_s = ttl_s, .n = strlen(last_octets)};
    for (size_t i = 0; i < answer.n; i++)
        memcpy(answer.address[i], (const uint8_t[]){10, 0, 0, (uint8_t)last_octets[i]}, 4);
    return names_answered(names, q, &answer, random, at_ns, &now_at, &news);
}

static bool not_found(const struct names_question *q, enum names_outcome outcome, int64_t at_ns)
{
    const struct names_answer answer = {.outcome = outcome};
    return names_answered(names, q, &answer, 0, at_ns, &now_at, &news);
}

/* db.example.com at 10.0.0.1, asked again at START + ttl_s. */
static void resolved(uint32_t ttl_s)
{
    ck_assert_int_eq(names_add(names, "db.example.com", &unknown, START, &now_at), 0);
    struct names_question v4 = next(START), v6 = next(START);
    ck_assert_uint_eq(v4.family, DISCOVER_HAS_IPV4);
    ck_assert_uint_eq(v6.family, DISCOVER_HAS_IPV6);
    ck_assert(found(&v4, ttl_s, "\1", 0, START));
    ck_assert(!not_found(&v6, NAMES_DENIED, START));
    ck_assert_int_eq(news, NAMES_NO_NEWS);
}

START_TEST(both_families_are_asked_at_once)
{
    struct names_question q;
    ck_assert_int_eq(names_next_ns(names), INT64_MAX);
    ck_assert_int_eq(names_add(names, "db.example.com", &unknown, START, &now_at), 0);
    ck_assert_int_eq(names_add(names, "db.example.com", &unknown, START, &now_at), -EEXIST);
    ck_assert_int_eq(names_next_ns(names), START);
    uint8_t families = next(START).family | next(START).family;
    ck_assert_uint_eq(families, DISCOVER_HAS_IPV4 | DISCOVER_HAS_IPV6);
    ck_assert(!names_next(names, START, &q)); /* both are under way */
}
END_TEST

START_TEST(a_name_is_asked_again_within_its_ttl)
{
    struct names_question q;
    resolved(60);
    ck_assert_uint_eq(now_at.families, DISCOVER_HAS_IPV4);
    ck_assert_int_eq(now_at.ipv4[3], 1);
    q = next_of(DISCOVER_HAS_IPV4, START + 60 * S);
    ck_assert(!found(&q, 60, "\1", UINT32_MAX, START + 60 * S));
    q = next_of(DISCOVER_HAS_IPV4, START + 114 * S); /* 60 s, a tenth of them drawn off */
    ck_assert(found(&q, 60, "\2", 0, START + 114 * S));
    ck_assert_int_eq(now_at.ipv4[3], 2);
}
END_TEST

/* Names of a TTL of 0 neither come sooner than the shortest time, nor all at once. */
START_TEST(no_name_is_asked_for_more_often_than_min_ttl)
{
    static const uint32_t dice[] = {0, 1, UINT32_MAX / 2, UINT32_MAX};
    for (size_t i = 0; i < sizeof dice / sizeof *dice; i++) {
        for (uint32_t ttl_s = 0; ttl_s < 7; ttl_s++) {
            struct names_question q;
            ck_assert_int_eq(names_add(names, "db.example.com", &unknown, START, &now_at), 0);
            for (int family = 0; family < 2; family++) {
                q = next(START);
                if (q.family == DISCOVER_HAS_IPV4)
                    (void)found(&q, ttl_s, "\1", dice[i], START);
                else
                    (void)not_found(&q, NAMES_DENIED, START);
            }
            ck_assert(!names_next(names, START + 5 * S - 1, &q));
            ck_assert_int_le(names_next_ns(names), START + 7 * S);
            limit(10, 10);
        }
    }
}
END_TEST

START_TEST(ttls_are_clamped)
{
    struct names_question q;
    resolved(0);
    ck_assert_int_eq(names_next_ns(names), START + 5 * S);
    q = next(START + 5 * S);
    (void)found(&q, INT32_MAX, "\1", 0, START + 5 * S);
    q = next_of(DISCOVER_HAS_IPV4, START + 5 * S + 3600 * S);
    (void)q;
}
END_TEST

START_TEST(of_several_addresses_the_one_in_use_stays)
{
    struct names_question q;
    resolved(60);
    q = next_of(DISCOVER_HAS_IPV4, START + 60 * S);
    ck_assert(!found(&q, 60, "\3\2\1", 0, START + 60 * S));
    q = next_of(DISCOVER_HAS_IPV4, START + 120 * S);
    ck_assert(found(&q, 60, "\3\2", 0, START + 120 * S)); /* gone: the first there is */
    ck_assert_int_eq(now_at.ipv4[3], 3);
    ck_assert_uint_eq(metric_get(&counters.changes), 2);
}
END_TEST

START_TEST(a_failure_keeps_the_address_for_ever)
{
    int64_t at_ns = START + 60 * S;
    resolved(60);
    for (int i = 0; i < 100; i++) {
        struct names_question q = next_of(DISCOVER_HAS_IPV4, at_ns);
        ck_assert(!not_found(&q, NAMES_FAILED, at_ns));
        ck_assert_int_eq(news, i == 0 ? NAMES_CANNOT_ASK : NAMES_NO_NEWS); /* said once */
        ck_assert_uint_eq(metric_get(&counters.failing), 1);
        ck_assert_uint_eq(now_at.families, DISCOVER_HAS_IPV4);
        at_ns += 3600 * S;
    }
    struct names_question q = next_of(DISCOVER_HAS_IPV4, at_ns);
    ck_assert(found(&q, 60, "\2", 0, at_ns));
    ck_assert_int_eq(news, NAMES_RESOLVED);
    ck_assert_uint_eq(metric_get(&counters.failing), 0);
    ck_assert_uint_eq(metric_get(&counters.failures), 100);
}
END_TEST

START_TEST(failures_are_tried_again_with_back_off)
{
    int64_t at_ns = START + 60 * S, waits[10];
    const struct names_answer failure = {.outcome = NAMES_FAILED};
    ck_assert_int_eq(names_add(names, "db.example.com", &unknown, START, &now_at), 0);
    struct names_question v4 = next(at_ns), v6 = next(at_ns);
    (void)v6; /* stays under way */
    for (int i = 0; i < 10; i++) {
        (void)names_answered(names, &v4, &failure, 0, at_ns, &now_at, &news);
        waits[i] = names_next_ns(names) - at_ns;
        at_ns = names_next_ns(names);
        v4 = next(at_ns);
    }
    ck_assert_int_eq(waits[0], 1 * S);
    ck_assert_int_eq(waits[1], 2 * S);
    ck_assert_int_eq(waits[9], 60 * S);
}
END_TEST

START_TEST(a_denial_counts_when_it_lasts)
{
    int64_t first_ns = START + 60 * S, at_ns = first_ns;
    resolved(60);
    for (bool dropped = false; !dropped;) {
        struct names_question q = next_of(DISCOVER_HAS_IPV4, at_ns);
        dropped = not_found(&q, NAMES_DENIED, at_ns);
        ck_assert_int_eq(news, at_ns == first_ns ? NAMES_NOT_FOUND : NAMES_NO_NEWS);
        ck_assert_int_eq(dropped, at_ns - first_ns >= 300 * S);
        at_ns += 30 * S;
    }
    ck_assert_uint_eq(now_at.families, 0);
    ck_assert_uint_eq(metric_get(&counters.dropped), 1);
}
END_TEST

START_TEST(a_denial_that_is_taken_back_starts_anew)
{
    struct names_question q;
    resolved(60);
    q = next_of(DISCOVER_HAS_IPV4, START + 60 * S);
    ck_assert(!not_found(&q, NAMES_DENIED, START + 60 * S));
    q = next_of(DISCOVER_HAS_IPV4, START + 90 * S);
    ck_assert(!found(&q, 600, "\1", 0, START + 90 * S));
    q = next_of(DISCOVER_HAS_IPV4, START + 690 * S);
    ck_assert(!not_found(&q, NAMES_DENIED, START + 690 * S));
    ck_assert_uint_eq(now_at.families, DISCOVER_HAS_IPV4);
}
END_TEST

START_TEST(what_it_resolved_to_once_stays_until_there_is_better)
{
    const struct addresses last = {.families = DISCOVER_HAS_IPV4, .ipv4 = {10, 0, 0, 7}};
    ck_assert_int_eq(names_add(names, "db.example.com", &last, START, &now_at), 0);
    struct names_question q = next(START);
    ck_assert(!not_found(&q, NAMES_FAILED, START));
    ck_assert_int_eq(now_at.ipv4[3], 7);
    q = next_of(DISCOVER_HAS_IPV4, START + 1 * S);
    ck_assert(!found(&q, 60, "\1\7", 0, START + 1 * S));
}
END_TEST

START_TEST(questions_under_way_are_limited)
{
    struct names_question q[3], none;
    limit(10, 3);
    ck_assert_int_eq(names_add(names, "a.example.com", &unknown, START, &now_at), 0);
    ck_assert_int_eq(names_add(names, "b.example.com", &unknown, START, &now_at), 0);
    for (int i = 0; i < 3; i++)
        q[i] = next(START);
    ck_assert(!names_next(names, START, &none));
    ck_assert_int_eq(names_next_ns(names), INT64_MAX);
    (void)not_found(&q[0], NAMES_FAILED, START);
    (void)next(START);
}
END_TEST

START_TEST(names_that_are_gone_fail_no_more)
{
    ck_assert_int_eq(names_add(names, "a.example.com", &unknown, START, &now_at), 0);
    struct names_question q = next(START);
    (void)not_found(&q, NAMES_FAILED, START);
    ck_assert_uint_eq(metric_get(&counters.failing), 1);
    names_remove(names, "a.example.com", START);
    ck_assert_uint_eq(metric_get(&counters.failing), 0);
}
END_TEST

START_TEST(names_are_limited)
{
    limit(1, 10);
    ck_assert_int_eq(names_add(names, "a.example.com", &unknown, START, &now_at), 0);
    ck_assert_int_eq(names_add(names, "b.example.com", &unknown, START, &now_at), -E2BIG);
    ck_assert_uint_eq(metric_get(&counters.refused), 1);
    names_remove(names, "a.example.com", START);
    ck_assert_int_eq(names_add(names, "b.example.com", &unknown, START, &now_at), 0);
    ck_assert_uint_eq(metric_get(&counters.names), 1);
}
END_TEST

/* Removed while it was asked for: the answer is for nobody. */
START_TEST(an_answer_for_a_removed_name_only_ends_its_question)
{
    struct names_question v4, v6, q;
    limit(10, 2);
    ck_assert_int_eq(names_add(names, "a.example.com", &unknown, START, &now_at), 0);
    v4 = next(START);
    v6 = next(START);
    names_remove(names, "a.example.com", START);
    ck_assert_uint_eq(metric_get(&counters.names), 0);
    ck_assert_int_eq(names_add(names, "b.example.com", &unknown, START, &now_at), 0);
    ck_assert(!names_next(names, START, &q)); /* the old questions count, too */
    ck_assert(!found(&v4, 60, "\1", 0, START));
    ck_assert(!not_found(&v6, NAMES_DENIED, START));
    for (int family = 0; family < 2; family++) {
        q = next(START);
        ck_assert_str_eq(q.name, "b.example.com");
        (void)not_found(&q, NAMES_DENIED, START);
    }
    ck_assert(!names_next(names, START + 5 * S, &q)); /* and is forgotten */
    ck_assert_int_eq(names_add(names, "a.example.com", &unknown, START + 5 * S, &now_at), 0);
}
END_TEST

/* Who takes a name away and gives it back has it asked for no more often, and it keeps its address. */
START_TEST(a_name_that_comes_and_goes_is_asked_for_as_one_that_stays)
{
    struct names_question q;
    struct addresses back = {0};
    resolved(0);
    uint64_t asked = metric_get(&counters.queries);
    for (int i = 0; i < 10; i++) {
        names_remove(names, "db.example.com", START + i * S / 4);
        ck_assert_uint_eq(metric_get(&counters.names), 0);
        ck_assert(!names_next(names, START + i * S / 4, &q));
        ck_assert_int_eq(names_add(names, "db.example.com", &unknown, START + i * S / 4, &back), 1);
        ck_assert_int_eq(back.ipv4[3], 1);
        ck_assert(!names_next(names, START + i * S / 4, &q));
    }
    ck_assert_uint_eq(metric_get(&counters.queries), asked);
    ck_assert_uint_eq(metric_get(&counters.names), 1);
    (void)next(START + 5 * S);
}
END_TEST

/* Back while it is asked for: the answer is its answer. */
START_TEST(a_name_that_comes_back_gets_the_answer_that_is_under_way)
{
    struct names_question v4, v6, q;
    ck_assert_int_eq(names_add(names, "db.example.com", &unknown, START, &now_at), 0);
    v4 = next(START);
    v6 = next(START);
    if (v4.family != DISCOVER_HAS_IPV4) {
        q = v4;
        v4 = v6;
        v6 = q;
    }
    names_remove(names, "db.example.com", START);
    ck_assert_int_eq(names_add(names, "db.example.com", &unknown, START, &now_at), 1);
    ck_assert(!names_next(names, START + 60 * S, &q));
    ck_assert(found(&v4, 60, "\1", 0, START));
    ck_assert(!not_found(&v6, NAMES_DENIED, START));
    ck_assert_int_eq(names_next_ns(names), START + 30 * S);
}
END_TEST

/* Those that wait to come back are no more than may be held, and take nobody's place. */
START_TEST(names_that_come_and_go_are_limited)
{
    struct names_question q;
    char name[32];
    limit(3, 1000);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "n%d.example.com", i);
        ck_assert_int_eq(names_add(names, name, &unknown, START + i, &now_at), 0);
        while (names_next(names, START + i, &q))
            ck_assert_str_eq(q.name, name);
        names_remove(names, name, START + i);
    }
    ck_assert_int_eq(names_add(names, "n99.example.com", &unknown, START + 200, &now_at), 0);
    ck_assert_int_eq(names_add(names, "n2.example.com", &unknown, START + 200, &now_at), 1);
}
END_TEST

UNIT_TESTS_IN(setup, teardown, "names", both_families_are_asked_at_once, a_name_is_asked_again_within_its_ttl,
              no_name_is_asked_for_more_often_than_min_ttl, ttls_are_clamped, of_several_addresses_the_one_in_use_stays,
              a_failure_keeps_the_address_for_ever, failures_are_tried_again_with_back_off,
              a_denial_counts_when_it_lasts, a_denial_that_is_taken_back_starts_anew,
              what_it_resolved_to_once_stays_until_there_is_better, questions_under_way_are_limited,
              names_that_are_gone_fail_no_more, names_are_limited, an_answer_for_a_removed_name_only_ends_its_question,
              a_name_that_comes_and_goes_is_asked_for_as_one_that_stays,
              a_name_that_comes_back_gets_the_answer_that_is_under_way, names_that_come_and_go_are_limited)
