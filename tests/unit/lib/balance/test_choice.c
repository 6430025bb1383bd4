/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a prepared set picks: near before far, spill-over, panic, keys, and those tried before. */
#include "libdiscover/balance/choice.h"

#include <string.h>

#include "tests/support/unit.h"

#define N     20
#define DRAWS 20000
#define NOW   INT64_C(1000000)

static struct peer peers[N];
static struct peer *all[N];
static struct discover_endpoint endpoints[N];
static uint32_t hits[N];

static void setup(void)
{
    memset(peers, 0, sizeof peers);
    memset(endpoints, 0, sizeof endpoints);
    for (size_t i = 0; i < N; i++) {
        all[i] = &peers[i];
        peers[i].id = endpoints[i].id = i + 1;
        endpoints[i].weight = 1;
        endpoints[i].tier = DISCOVER_REGION;
    }
}

static void eject(size_t i)
{
    peers[i].ejected = true;
    peers[i].until_ms = NOW + 1000;
}

static struct choice make(size_t n, size_t n_critical)
{
    struct choice c;
    int64_t due_ms;
    ck_assert_int_eq(choice_make(endpoints, n, all, N, n_critical, 1, NOW, &c, &due_ms), 0);
    return c;
}

static uint64_t random_at(uint64_t i)
{
    uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ x >> 29;
}

static void draw_many(const struct choice *c)
{
    memset(hits, 0, sizeof hits);
    for (uint64_t i = 0; i < DRAWS; i++) {
        const struct candidate *it = choice_pick(c, random_at(i), NULL, 0, 0, NOW);
        ck_assert_ptr_nonnull(it);
        hits[it->endpoint.id - 1]++;
    }
}

START_TEST(equals_share_alike_and_the_slow_one_is_avoided)
{
    setup();
    for (size_t i = 0; i < 4; i++)
        (void)peer_report(&peers[i], 0, i == 3 ? 9000 : 1000, DISCOVER_OK, NOW);
    struct choice c = make(4, 0);
    draw_many(&c);
    ck_assert_uint_eq(hits[3], 0);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_gt(hits[i], DRAWS / 5);
    ck_assert_float_eq(c.median_us, 1000);
    choice_fini(&c);
}
END_TEST

START_TEST(calls_spill_over_when_the_near_ones_are_ill)
{
    setup();
    for (size_t i = 0; i < 4; i++)
        endpoints[i].tier = DISCOVER_ZONE;
    struct choice c = make(8, 0);
    draw_many(&c);
    ck_assert_uint_eq(hits[4] + hits[5] + hits[6] + hits[7], 0);
    choice_fini(&c);
    eject(0);
    eject(1);
    c = make(8, 0); /* half of the near ones: they take 70 % */
    draw_many(&c);
    uint32_t far = hits[4] + hits[5] + hits[6] + hits[7];
    ck_assert_uint_eq(hits[0] + hits[1], 0);
    ck_assert_uint_gt(far, DRAWS * 27 / 100);
    ck_assert_uint_lt(far, DRAWS * 33 / 100);
    choice_fini(&c);
}
END_TEST

START_TEST(priority_comes_before_nearness)
{
    setup();
    endpoints[0].tier = DISCOVER_ELSEWHERE;
    endpoints[1].priority = 1;
    endpoints[1].tier = DISCOVER_HOST;
    struct choice c = make(2, 0);
    draw_many(&c);
    ck_assert_uint_eq(hits[0], DRAWS);
    choice_fini(&c);
}
END_TEST

START_TEST(in_a_panic_ejections_do_not_count)
{
    setup();
    eject(0);
    struct choice c = make(4, 3); /* 3 of 7 are healthy */
    ck_assert(c.panic);
    draw_many(&c);
    ck_assert_uint_gt(hits[0], 0);
    choice_fini(&c);
    c = make(1, 0);
    ck_assert_ptr_nonnull(choice_pick(&c, 1, NULL, 0, 0, NOW));
    choice_fini(&c);
}
END_TEST

START_TEST(a_probe_is_one_call)
{
    setup();
    eject(0);
    peers[0].until_ms = NOW;
    struct choice c = make(8, 0);
    ck_assert_uint_eq(choice_pick(&c, 1, NULL, 0, 0, NOW)->endpoint.id, 1);
    draw_many(&c);
    ck_assert_uint_eq(hits[0], 0);
    choice_fini(&c);
}
END_TEST

START_TEST(what_was_tried_is_left_out)
{
    setup();
    for (size_t i = 2; i < 4; i++)
        endpoints[i].tier = DISCOVER_ELSEWHERE;
    struct choice c = make(4, 0);
    const uint64_t tried[] = {1, 2, 3, 4};
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert_uint_eq(choice_pick(&c, random_at(i), tried, 1, 0, NOW)->endpoint.id, 2);
        ck_assert_uint_gt(choice_pick(&c, random_at(i), tried, 2, 0, NOW)->endpoint.id, 2);
    }
    ck_assert_uint_eq(choice_pick(&c, 7, tried, 3, 0, NOW)->endpoint.id, 4);
    ck_assert_ptr_null(choice_pick(&c, 7, tried, 4, 0, NOW));
    ck_assert_ptr_null(choice_pick_key(&c, 7, tried, 4));
    choice_fini(&c);
}
END_TEST

/* An instance that goes moves only its own keys; weights are shares. */
START_TEST(keys_stay_where_they_are)
{
    setup();
    endpoints[0].weight = 3;
    struct choice before = make(5, 0), after = make(4, 0);
    memset(hits, 0, sizeof hits);
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t was = choice_pick_key(&before, random_at(i), NULL, 0)->endpoint.id;
        uint64_t is = choice_pick_key(&after, random_at(i), NULL, 0)->endpoint.id;
        ck_assert(was == is || was == 5);
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

START_TEST(peers_are_found_by_id)
{
    setup();
    struct choice c = make(3, 0);
    for (size_t i = 0; i < N; i++)
        ck_assert_ptr_eq(choice_peer(&c, i + 1), &peers[i]);
    ck_assert_ptr_null(choice_peer(&c, 99));
    choice_fini(&c);
}
END_TEST

UNIT_TESTS("choice", equals_share_alike_and_the_slow_one_is_avoided, calls_spill_over_when_the_near_ones_are_ill,
           priority_comes_before_nearness, in_a_panic_ejections_do_not_count, a_probe_is_one_call,
           what_was_tried_is_left_out, keys_stay_where_they_are, peers_are_found_by_id)
