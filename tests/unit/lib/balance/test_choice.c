/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a prepared set picks: by weight, near before far, keys, probes, and those tried before. */
#include "libdiscover/balance/draw.h"

#include <string.h>

#include "libdiscover/balance/random.h"
#include "tests/support/unit.h"

#define N     20
#define DRAWS 20000
#define NOW   INT64_C(1000000)

static struct backend backends[N];
static struct backend *all[N];
static struct discover_endpoint endpoints[N];
static uint32_t hits[N];

static void setup(void)
{
    memset(backends, 0, sizeof backends);
    memset(endpoints, 0, sizeof endpoints);
    for (size_t i = 0; i < N; i++) {
        all[i] = &backends[i];
        backends[i].id = endpoints[i].id = i + 1;
        endpoints[i].weight = 1;
        endpoints[i].tier = DISCOVER_REGION;
    }
}

static void leave_out(size_t i, int64_t until_ms)
{
    backends[i].standing = BACKEND_FAILING;
    backends[i].until_ms = until_ms;
}

/* The first n are usable, those behind are down. */
static struct choice make(size_t n, size_t n_down)
{
    struct choice c;
    int64_t due_ms;
    const struct choice_source source = {.endpoints = endpoints,
                                         .n = n,
                                         .backends = all,
                                         .n_backends = N,
                                         .down = endpoints + n,
                                         .n_down = n_down,
                                         .slow_start_ms = 10000};
    ck_assert_int_eq(choice_make(&source, NOW, &c, &due_ms), 0);
    return c;
}

static struct drawer drawer_at(uint64_t i)
{
    uint64_t even = (i + 1) * RANDOM_EVEN_STEP;
    return (struct drawer){even, random_mix(even), 0};
}

static void draw_many(const struct choice *c)
{
    memset(hits, 0, sizeof hits);
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct drawer by = drawer_at(i);
        const struct candidate *it = draw(c, &by);
        ck_assert_ptr_nonnull(it);
        hits[it->endpoint.id - 1]++;
    }
}

START_TEST(equals_share_alike_and_the_slow_one_is_avoided)
{
    for (size_t i = 0; i < 80; i++)
        (void)backend_report(&backends[i % 4], 0, i % 4 == 3 ? 9000 : 1000 + 300 * (uint32_t)(i % 4), DISCOVER_OK, 1000,
                             NOW);
    struct choice c = make(4, 0);
    draw_many(&c);
    ck_assert_uint_eq(hits[3], 0);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_gt(hits[i], DRAWS * 30 / 100);
    choice_fini(&c);
}
END_TEST

START_TEST(weights_are_shares_to_the_call)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < 7; i++)
        sum += endpoints[i].weight = (uint32_t)(1 + i * i * 3);
    struct choice c = make(7, 0);
    draw_many(&c);
    for (size_t i = 0; i < 7; i++) {
        uint32_t fair = DRAWS * endpoints[i].weight / sum;
        ck_assert_uint_ge(hits[i], fair - 5 - fair / 50);
        ck_assert_uint_le(hits[i], fair + 5 + fair / 50);
    }
    choice_fini(&c);
}
END_TEST

START_TEST(who_has_fewer_calls_is_picked)
{
    for (int i = 0; i < 3; i++)
        backend_took(&backends[0], 0);
    struct choice c = make(2, 0);
    draw_many(&c);
    ck_assert_uint_eq(hits[0], 0);
    choice_fini(&c);
    endpoints[0].weight = 300; /* three calls are few for it */
    c = make(2, 0);
    draw_many(&c);
    ck_assert_uint_gt(hits[0], DRAWS * 98 / 100);
    choice_fini(&c);
}
END_TEST

START_TEST(calls_spill_over_when_the_near_ones_are_ill)
{
    for (size_t i = 0; i < 4; i++)
        endpoints[i].tier = DISCOVER_ZONE;
    struct choice c = make(8, 0);
    draw_many(&c);
    ck_assert_uint_eq(hits[4] + hits[5] + hits[6] + hits[7], 0);
    choice_fini(&c);
    leave_out(0, NOW + 1000);
    leave_out(1, NOW + 1000);
    c = make(8, 0); /* half of the near ones: they take 70 % */
    draw_many(&c);
    uint32_t far = hits[4] + hits[5] + hits[6] + hits[7];
    ck_assert_uint_eq(hits[0] + hits[1], 0);
    ck_assert_uint_gt(far, DRAWS * 28 / 100);
    ck_assert_uint_lt(far, DRAWS * 32 / 100);
    choice_fini(&c);
}
END_TEST

START_TEST(those_that_are_down_count_in_the_whole)
{
    for (size_t i = 1; i < 9; i++)
        endpoints[i].tier = DISCOVER_ELSEWHERE;
    struct choice c = make(9, 7); /* one of eight near ones is usable */
    draw_many(&c);
    ck_assert_uint_gt(hits[0], DRAWS * 17 / 100);
    ck_assert_uint_lt(hits[0], DRAWS * 18 / 100);
    choice_fini(&c);
    for (size_t i = 9; i < 16; i++)
        endpoints[i].tier = i < 12 ? DISCOVER_REGION : DISCOVER_ELSEWHERE;
    for (size_t i = 2; i < 9; i++)
        leave_out(i, NOW + 1000);
    c = make(9, 7); /* 0.35 and 0.12: together too little, so both take more */
    draw_many(&c);
    ck_assert_uint_gt(hits[0], DRAWS * 74 / 100);
    ck_assert_uint_lt(hits[0], DRAWS * 76 / 100);
    choice_fini(&c);
}
END_TEST

START_TEST(priority_comes_before_nearness)
{
    endpoints[0].tier = DISCOVER_ELSEWHERE;
    endpoints[1].priority = 1;
    endpoints[1].tier = DISCOVER_HOST;
    struct choice c = make(2, 0);
    draw_many(&c);
    ck_assert_uint_eq(hits[0], DRAWS);
    choice_fini(&c);
}
END_TEST

START_TEST(if_nobody_serves_all_are_called)
{
    for (size_t i = 0; i < 4; i++)
        leave_out(i, NOW + 1000);
    struct choice c = make(4, 0);
    draw_many(&c);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_gt(hits[i], DRAWS / 5);
    choice_fini(&c);
}
END_TEST

START_TEST(a_probe_is_one_call_and_no_retry)
{
    leave_out(0, NOW);
    struct choice c = make(8, 0);
    struct drawer by = drawer_at(0);
    const uint64_t tried[] = {2};
    ck_assert_uint_ne(draw_again(&c, &by, tried, 1)->endpoint.id, 1);
    ck_assert_uint_eq(draw(&c, &by)->endpoint.id, 1);
    draw_many(&c);
    ck_assert_uint_eq(hits[0], 0);
    choice_fini(&c);
}
END_TEST

START_TEST(what_was_tried_is_left_out_and_what_fails_comes_last)
{
    for (size_t i = 2; i < 5; i++)
        endpoints[i].tier = DISCOVER_ELSEWHERE;
    leave_out(3, NOW + 1000);
    (void)backend_report(&backends[2], 0, 10, DISCOVER_FAILED, 1000, NOW);
    struct choice c = make(5, 0);
    const uint64_t tried[] = {1, 2, 5, 3, 4};
    for (uint64_t i = 0; i < 100; i++) {
        struct drawer by = drawer_at(i);
        ck_assert_uint_eq(draw_again(&c, &by, tried, 1)->endpoint.id, 2);
        ck_assert_uint_eq(draw_again(&c, &by, tried, 2)->endpoint.id, 5);
        ck_assert_uint_eq(draw_again(&c, &by, tried, 3)->endpoint.id, 3);
        ck_assert_uint_eq(draw_again(&c, &by, tried, 4)->endpoint.id, 4);
        ck_assert_ptr_null(draw_again(&c, &by, tried, 5));
    }
    choice_fini(&c);
}
END_TEST

static uint64_t owner(const struct choice *c, uint64_t i)
{
    return draw_owner(c, random_mix((i + 1) * RANDOM_EVEN_STEP))->endpoint.id;
}

/* An instance that goes moves only its own keys; weights are shares. */
START_TEST(keys_stay_where_they_are)
{
    endpoints[0].weight = 3;
    struct choice before = make(5, 0), after = make(4, 0);
    memset(hits, 0, sizeof hits);
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t was = owner(&before, i);
        ck_assert(was == owner(&after, i) || was == 5);
        hits[was - 1]++;
    }
    ck_assert_uint_gt(hits[0], DRAWS * 40 / 100);
    ck_assert_uint_lt(hits[0], DRAWS * 46 / 100);
    ck_assert_uint_gt(hits[4], DRAWS * 12 / 100);
    ck_assert_uint_lt(hits[4], DRAWS * 17 / 100);
    choice_fini(&before);
    choice_fini(&after);
}
END_TEST

START_TEST(keys_of_one_that_is_left_out_go_elsewhere_but_for_its_probe)
{
    struct choice before = make(8, 0);
    leave_out(0, NOW);
    struct choice during = make(8, 0);
    uint64_t probes = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t was = owner(&before, i), is = owner(&during, i);
        ck_assert(was == is || was == 1);
        probes += is == 1;
    }
    ck_assert_uint_eq(probes, 1);
    choice_fini(&before);
    choice_fini(&during);
}
END_TEST

/* What a client of the daemon knows, and one over DNS: other ids, no tiers, weights that were scaled. */
START_TEST(keys_have_the_same_owner_over_dns)
{
    for (uint32_t i = 0; i < N; i++) {
        endpoints[i].families = DISCOVER_HAS_IPV4;
        endpoints[i].ipv4[3] = (uint8_t)(i / 2);
        endpoints[i].port = (uint16_t)(8000 + i % 2);
        endpoints[i].weight = 1 + i * 40; /* more than 255 */
        endpoints[i].tier = i < 4 ? DISCOVER_HOST : DISCOVER_REGION;
    }
    int64_t due_ms;
    struct choice by_daemon, by_dns;
    struct choice_source source = {
        .endpoints = endpoints, .n = N, .backends = all, .n_backends = N, .largest_weight = endpoints[N - 1].weight};
    ck_assert_int_eq(choice_make(&source, NOW, &by_daemon, &due_ms), 0);
    for (uint32_t i = 0; i < N; i++) {
        endpoints[i].weight = by_daemon.owners[i].weight;
        endpoints[i].id = backends[i].id = 1000 - i;
        endpoints[i].tier = DISCOVER_ELSEWHERE;
    }
    source.largest_weight = 0;
    ck_assert_int_eq(choice_make(&source, NOW, &by_dns, &due_ms), 0);
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t key = random_mix(i);
        ck_assert_ptr_eq(draw_owner(&by_daemon, key)->backend, draw_owner(&by_dns, key)->backend);
    }
    choice_fini(&by_daemon);
    choice_fini(&by_dns);
}
END_TEST

START_TEST(backends_are_found_by_id)
{
    struct choice c = make(3, 0);
    for (size_t i = 0; i < N; i++)
        ck_assert_ptr_eq(choice_backend(&c, i + 1), &backends[i]);
    ck_assert_ptr_null(choice_backend(&c, 99));
    choice_fini(&c);
}
END_TEST

UNIT_TESTS_IN(setup, NULL, "choice", equals_share_alike_and_the_slow_one_is_avoided, weights_are_shares_to_the_call,
              who_has_fewer_calls_is_picked, calls_spill_over_when_the_near_ones_are_ill,
              those_that_are_down_count_in_the_whole, priority_comes_before_nearness, if_nobody_serves_all_are_called,
              a_probe_is_one_call_and_no_retry, what_was_tried_is_left_out_and_what_fails_comes_last,
              keys_stay_where_they_are, keys_of_one_that_is_left_out_go_elsewhere_but_for_its_probe,
              keys_have_the_same_owner_over_dns, backends_are_found_by_id)
