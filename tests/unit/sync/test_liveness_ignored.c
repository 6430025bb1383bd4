/* SPDX-License-Identifier: Apache-2.0 */
/* Leases with an older epoch than the one that is known under their host's name: when they are believed after all. */
#include <errno.h>

#include "daemon/sync/liveness.h"
#include "libdiscover/core/clock.h"
#include "tests/support/options.h"
#include "tests/support/unit.h"

#define TTL (10 * NS_PER_S)

static struct {
    struct liveness *l;
    int64_t now_ns;
    unsigned changes;
    enum host_status status;
    uint64_t counter; /* in the lease that was reported last */
} t;

static void on_changed(void *arg, const char *host, const struct lease *lease, enum host_status status)
{
    (void)arg, (void)host;
    t.changes++;
    t.status = status;
    t.counter = lease->counter;
}

static void on_guard(void *arg, size_t held, int64_t until_ns, const char *why)
{
    (void)arg, (void)held, (void)until_ns, (void)why;
}

static void setup(void)
{
    const struct liveness_events events = {on_changed, on_guard};
    t.changes = 0;
    t.now_ns = 1000 * NS_PER_S;
    const struct liveness_options options = liveness_complete((struct liveness_options){0});
    ck_assert_int_eq(liveness_new(&options, &events, NULL, &t.l), 0);
    liveness_set_healthy(t.l, true, t.now_ns - 2 * TTL);
}

static void done(void)
{
    liveness_free(t.l);
}

static void pass(int64_t ns)
{
    int64_t until_ns = t.now_ns + ns, next_ns;
    while ((next_ns = liveness_tick(t.l, t.now_ns)) <= until_ns)
        t.now_ns = next_ns;
    t.now_ns = until_ns;
}

static int apply(const struct lease *lease)
{
    return liveness_apply(t.l, "h1", lease, 0, t.now_ns);
}

static int life(uint64_t life, uint64_t epoch, uint64_t counter)
{
    return apply(&(struct lease){.life = life, .epoch = epoch, .counter = counter, .ttl_ms = TTL / NS_PER_MS});
}

static int good_bye(uint64_t life, uint64_t epoch, uint64_t counter)
{
    return apply(
        &(struct lease){.life = life, .epoch = epoch, .counter = counter, .ttl_ms = TTL / NS_PER_MS, .leaving = 1});
}

/* One stray lease, of an epoch that no daemon goes above: whoever goes on renewing is believed after a TTL. */
START_TEST(one_that_goes_on_renewing_is_believed)
{
    ck_assert_int_eq(life(7, 10, 1), 0);
    struct lease stray = {.life = 8, .epoch = 99, .counter = 1, .ttl_ms = 3600000};
    ck_assert_int_eq(apply(&stray), 0);
    uint64_t counter = 1;
    for (int i = 0; i < 4; i++) {
        pass(TTL / 4);
        ck_assert_int_eq(life(7, 10, ++counter), -ESTALE);
        ck_assert_int_eq(life(7, 10, counter), -ESTALE); /* the same one again, out of a snapshot */
    }
    pass(TTL / 4);
    ck_assert_int_eq(life(7, 10, ++counter), 0);
    ck_assert_int_eq(t.status, HOST_ALIVE);
    ck_assert_uint_eq(t.counter, counter);
    pass(TTL / 2);
    ck_assert_int_eq(life(7, 10, ++counter), 0);
}
END_TEST

/* State and clock of a host were lost, and what it had in the buckets is gone: only its readers remember. */
START_TEST(a_host_that_lost_everything_is_not_ignored_for_long)
{
    ck_assert_int_eq(life(7, 1000, 50), 0);
    ck_assert_int_eq(good_bye(7, 1000, 51), 0);
    uint64_t counter = 0;
    int64_t since_ns = t.now_ns;
    while (life(8, 3, ++counter) == -ESTALE)
        pass(TTL / 3);
    ck_assert_int_le(t.now_ns - since_ns, 2 * TTL);
    ck_assert_int_eq(t.status, HOST_ALIVE);
}
END_TEST

START_TEST(two_that_both_renew_do_not_flap)
{
    ck_assert_int_eq(life(7, 10, 1), 0);
    for (uint64_t counter = 2; counter < 30; counter++) {
        pass(TTL / 6);
        ck_assert_int_eq(life(8, 9, counter), -ESTALE);
        pass(TTL / 6);
        ck_assert_int_eq(life(7, 10, counter), 0);
    }
}
END_TEST

/* Puts that were held up come in a burst, or one now and then: neither is a life. */
START_TEST(late_puts_of_a_dead_life_do_not_bring_it_back)
{
    ck_assert_int_eq(life(8, 10, 1), 0);
    for (uint64_t counter = 1; counter < 9; counter++)
        ck_assert_int_eq(life(7, 9, counter), -ESTALE);
    ck_assert_int_eq(good_bye(8, 10, 2), 0);
    pass(2 * TTL);
    ck_assert_int_eq(life(7, 9, 3), -ESTALE); /* older than the last one that was ignored */
    ck_assert_int_eq(t.status, HOST_LEFT);
}
END_TEST

START_TEST(a_question_gives_a_host_that_comes_back_a_ttl)
{
    struct lease l = {.life = 7, .epoch = 5, .counter = 9, .ttl_ms = TTL / NS_PER_MS};
    ck_assert_int_eq(apply(&l), 0);
    unsigned changes = t.changes;
    l.asked_by = 99;
    pass(TTL / 2);
    ck_assert_int_eq(apply(&l), -EALREADY);
    ck_assert_uint_eq(t.changes, changes);
    pass(TTL - 1);
    ck_assert_int_eq(t.status, HOST_ALIVE);
    pass(1);
    ck_assert_int_eq(t.status, HOST_EXPIRED);
    ck_assert_int_eq(apply(&l), -EALREADY); /* but brings none back that is gone */
    ck_assert_int_eq(t.status, HOST_EXPIRED);
}
END_TEST

/* Whoever does not know the host must not take it for alive: the lease has run out that this is a copy of. */
START_TEST(a_question_about_one_that_ran_out_is_no_sign_of_life)
{
    struct lease l = {.life = 7, .epoch = 5, .counter = 9, .ttl_ms = TTL / NS_PER_MS, .asked_by = 99, .ran_out = 1};
    ck_assert_int_eq(apply(&l), 0);
    ck_assert_int_eq(t.status, HOST_EXPIRED);
    l.counter++; /* nor does a copy of a later one that was missed here */
    ck_assert_int_eq(apply(&l), 0);
    ck_assert_int_eq(t.status, HOST_EXPIRED);
    l.asked_by = l.ran_out = 0;
    l.counter++;
    ck_assert_int_eq(apply(&l), 0);
    ck_assert_int_eq(t.status, HOST_ALIVE);
}
END_TEST

/* A copy took the name while the original was away, and died: that one is back, and cannot know of the copy's epoch. */
START_TEST(when_the_believed_one_dies_the_other_goes_on)
{
    ck_assert_int_eq(life(8, 10, 1), 0);
    uint64_t counter = 50;
    for (int i = 0; i < 4; i++) {
        pass(TTL / 4 - 1);
        ck_assert_int_eq(life(7, 9, ++counter), -ESTALE);
    }
    pass(TTL / 4);
    ck_assert_int_eq(t.status, HOST_ALIVE);
    ck_assert_uint_eq(t.counter, counter);
    ck_assert_int_eq(life(7, 9, ++counter), 0);
    pass(TTL);
    ck_assert_int_eq(t.status, HOST_EXPIRED);
}
END_TEST

UNIT_TESTS_IN(setup, done, "leases/ignored", one_that_goes_on_renewing_is_believed,
              a_host_that_lost_everything_is_not_ignored_for_long, two_that_both_renew_do_not_flap,
              late_puts_of_a_dead_life_do_not_bring_it_back, a_question_gives_a_host_that_comes_back_a_ttl,
              a_question_about_one_that_ran_out_is_no_sign_of_life, when_the_believed_one_dies_the_other_goes_on)
