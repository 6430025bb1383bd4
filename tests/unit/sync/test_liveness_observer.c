/* SPDX-License-Identifier: Apache-2.0 */
/* Who publishes that a host is lost: all who have heard the same choose the same one, and none who died with it. */
#include <stdio.h>
#include <string.h>

#include "daemon/sync/liveness.h"
#include "libdiscover/core/clock.h"
#include "tests/support/options.h"
#include "tests/support/unit.h"

#define TTL   (10 * NS_PER_S)
#define HOSTS 8
#define START (1000 * NS_PER_S)

static void on_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    (void)arg, (void)host, (void)lease, (void)status;
}

static void on_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg, (void)held, (void)until_ns, (void)why;
}

/* What host number own has heard at START: all others, each so long ago; age TTL: not at all. publishers: a bit each. */
static struct liveness *view(int own, const int64_t ages[HOSTS], unsigned publishers)
{
    const struct liveness_events events = {on_changed, on_guard};
    struct liveness_options options = liveness_complete((struct liveness_options){.guard_percent = 100});
    struct liveness *l;
    ck_assert_int_eq(liveness_new(&options, &events, NULL, &l), 0);
    liveness_set_healthy(l, true, START - 2 * TTL);
    for (int i = 0; i < HOSTS; i++) {
        char name[16];
        struct lease lease = {
            .epoch = 1, .counter = 1, .ttl_ms = TTL / NS_PER_MS, .publishes_events = (uint8_t)(publishers >> i & 1)};
        snprintf(name, sizeof name, "h%d", i);
        if (i != own)
            ck_assert_int_eq(liveness_apply(l, name, &lease, ages[i], START), 0);
    }
    return l;
}

static void chosen(int own, const int64_t ages[HOSTS], unsigned publishers, const char *of, char ret_name[16])
{
    char name[16];
    struct liveness *l = view(own, ages, publishers);
    snprintf(name, sizeof name, "h%d", own);
    struct liveness_choice choice = {0};
    ck_assert(liveness_choose(l, name, of, START, START, &choice));
    snprintf(ret_name, 16, "%.15s", choice.best);
    ck_assert_int_eq(liveness_is_chosen(l, name, of, START, START), strcmp(ret_name, name) == 0);
    liveness_free(l);
}

START_TEST(all_choose_the_same)
{
    static const int64_t ages[HOSTS] = {0, NS_PER_S, 2 * NS_PER_S, 3 * NS_PER_S};
    char first[16], other[16];
    unsigned hosts_chosen = 0;
    for (int lost = 0; lost < 64; lost++) {
        char of[16];
        snprintf(of, sizeof of, "x%d", lost);
        chosen(0, ages, ~0U, of, first);
        for (int own = 1; own < HOSTS; own++) {
            chosen(own, ages, ~0U, of, other);
            ck_assert_str_eq(first, other);
        }
        hosts_chosen |= 1U << (first[1] - '0');
    }
    ck_assert_uint_eq(hosts_chosen, (1U << HOSTS) - 1); /* not always the same */
}
END_TEST

START_TEST(not_the_lost_one_nor_who_died_with_it_nor_who_does_not_tell)
{
    /* h1 is lost, h2 was not heard for two beats, h3 publishes nothing. */
    static const int64_t ages[HOSTS] = {0, 9 * NS_PER_S, 7 * NS_PER_S};
    char name[16];
    for (int own = 4; own < HOSTS; own++)
        for (int k = 0; k < 32; k++) {
            char of[16];
            snprintf(of, sizeof of, k == 0 ? "h1" : "h1%d", k);
            chosen(own, ages, ~0U & ~(1U << 3), of, name);
            ck_assert_msg(strcmp(name, "h1") != 0 && strcmp(name, "h2") != 0 && strcmp(name, "h3") != 0, "%s", name);
        }
}
END_TEST

START_TEST(who_is_alone_tells_it)
{
    static const int64_t ages[HOSTS] = {0};
    char name[16];
    chosen(5, ages, 0, "h1", name);
    ck_assert_str_eq(name, "h5");
}
END_TEST

/* Of many it is the same, in pieces; if the one it would go on with goes, it begins anew. */
START_TEST(many_are_looked_at_in_pieces)
{
    enum { MANY = 1000, PIECE = 200 };
    static const int64_t ages[HOSTS] = {0};
    struct liveness *l = view(0, ages, ~0U);
    struct lease lease = {.epoch = 1, .counter = 1, .ttl_ms = TTL / NS_PER_MS, .publishes_events = 1};
    struct liveness_choice choice = {0}, again = {0};
    char name[16];
    unsigned pieces = 1;
    for (int i = HOSTS; i < MANY; i++) {
        snprintf(name, sizeof name, "h%d", i);
        ck_assert_int_eq(liveness_apply(l, name, &lease, 0, START), 0);
    }
    for (; !liveness_choose(l, "h0", "x", START, START, &choice); pieces++)
        ck_assert_uint_lt(pieces, MANY);
    ck_assert_uint_ge(pieces, MANY / PIECE);
    ck_assert(!liveness_choose(l, "h0", "x", START, START, &again));
    snprintf(again.next, sizeof again.next, "gone");
    while (!liveness_choose(l, "h0", "x", START, START, &again))
        ;
    ck_assert_str_eq(again.best, choice.best);
    liveness_free(l);
}
END_TEST

UNIT_TESTS("sync/liveness_observer", many_are_looked_at_in_pieces, all_choose_the_same,
           not_the_lost_one_nor_who_died_with_it_nor_who_does_not_tell, who_is_alone_tells_it)
